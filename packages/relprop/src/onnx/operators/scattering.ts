/** Operators that write elements to given places: Scatter, OneHot, Trilu. */

import { wrapped } from "../axis.ts";
import { type Dim, type Tensor, numberAttribute, stringAttribute } from "../graph.ts";
import { elementSize, numbersOf, sizeOf } from "../tensor.ts";
import { computed, exactNumbers, integersIn, picked } from "./evaluating.ts";
import { placesAlong, tupleStarts } from "./gathering.ts";
import { axisOf, elementsOf, freshDim, input, like } from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";

type Merge = (before: number, update: number) => number;

const merges: Readonly<Record<string, Merge>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

/** x with elements replaced by, or merged with, the updates at flat indices; the last of several wins. */
function scattered(
  x: Tensor,
  places: ArrayLike<number>,
  updates: Tensor,
  reduction: string,
): Tensor | undefined {
  if (reduction === "none") {
    const size = elementSize[x.dataType];
    const bytes = new Uint8Array(x.bytes);
    for (let i = 0; i < places.length; i++) {
      bytes.set(updates.bytes.subarray(i * size, (i + 1) * size), (places[i] ?? 0) * size);
    }
    return { ...x, bytes };
  }
  const merge = merges[reduction];
  const [numbers, more] = [exactNumbers(x), exactNumbers(updates)];
  if (!merge || !numbers || !more) return undefined;
  const out = Float64Array.from(numbers);
  for (let i = 0; i < places.length; i++) {
    const at = places[i] ?? 0;
    out[at] = merge(out[at] ?? 0, more[i] ?? 0);
    if (x.dataType === "float32") out[at] = Math.fround(out[at]);
  }
  return computed(x.dataType, out, x.dims);
}

const scatteredElements: Evaluate = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates) return undefined;
  const flat = placesAlong(x, indices, wrapped(numberAttribute(node, "axis", 0), x.dims.length));
  return flat && scattered(x, flat, updates, stringAttribute(node, "reduction", "none"));
};

const scatteredTuples: Evaluate = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates) return undefined;
  const run = sizeOf(x.dims.slice(indices.dims.at(-1) ?? 0));
  const places = tupleStarts(x, indices, 0)?.flatMap((start) =>
    Array.from({ length: run }, (_, i) => start + i),
  );
  return places && scattered(x, places, updates, stringAttribute(node, "reduction", "none"));
};

const oneHotShape: ShapeRule = (node, inputs) => {
  const { shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", -1), shape.length + 1);
  const depth = elementsOf(input(node, inputs, 1))?.[0];
  const out: Dim[] = shape.toSpliced(axis, 0, depth ?? freshDim(node, axis));
  return [{ dataType: input(node, inputs, 2).dataType, shape: out }];
};

const oneHot: Evaluate = ({ node, inputs: [indices, depth, values], dims }) => {
  const size = integersIn(depth)?.[0];
  if (!indices || size === undefined || !values) return undefined;
  const axis = wrapped(numberAttribute(node, "axis", -1), dims.length);
  const inner = sizeOf(dims.slice(axis + 1));
  const numbers = numbersOf(indices);
  const hot = Float64Array.from({ length: sizeOf(dims) }, (_, flat) => {
    const [position, outer] = [Math.floor(flat / inner) % size, Math.floor(flat / inner / size)];
    return Number(wrapped(numbers[outer * inner + (flat % inner)] ?? 0, size) === position);
  });
  return picked(values, dims, hot);
};

/** The triangle of the last two axes that `k` and `upper` leave; the rest is zero. */
const triangle: Evaluate = ({ node, inputs: [x, k] }) => {
  if (!x) return undefined;
  const upper = numberAttribute(node, "upper", 1) === 1;
  const shift = integersIn(k)?.[0] ?? 0;
  const [rows = 1, columns = 1] = x.dims.slice(-2);
  const size = elementSize[x.dataType];
  const bytes = new Uint8Array(x.bytes);
  for (let flat = 0; flat < sizeOf(x.dims); flat++) {
    const [row, column] = [Math.floor(flat / columns) % rows, flat % columns];
    const kept = upper ? column - row >= shift : column - row <= shift;
    if (!kept) bytes.fill(0, flat * size, (flat + 1) * size);
  }
  return { ...x, bytes };
};

export const scattering: Operators = {
  Scatter: { shape: like },
  ScatterElements: { shape: like, evaluate: scatteredElements },
  ScatterND: { shape: like, evaluate: scatteredTuples },
  OneHot: { shape: oneHotShape, evaluate: oneHot },
  Trilu: { shape: like, evaluate: triangle },
};
