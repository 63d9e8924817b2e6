/** Matrix products. Of constants: position tables through a small network, rotations, masks made by Einsum. */

import { type Dim, type Node, type Shape, type Tensor, numberAttribute, stringAttribute } from "../graph.ts";
import { numbersOf, sizeOf } from "../tensor.ts";
import {
  broadcastStrides,
  computed,
  exactNumbers,
  sourceIndices,
  stretched,
  stridesOf,
} from "./evaluating.ts";
import { broadcastShapes, contradiction, input, sameDim, showShape } from "./inferring.ts";
import type { Evaluate, Operators, ShapeRule } from "./operator.ts";

const gemmShape: ShapeRule = (node, inputs) => {
  const a = input(node, inputs, 0);
  const b = input(node, inputs, 1);
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    throw contradiction(
      node,
      `it multiplies ${showShape(a.shape)} by ${showShape(b.shape)}, which are not both matrices`,
    );
  }
  const [rows = 1, inner = 1] = numberAttribute(node, "transA", 0) ? a.shape.toReversed() : a.shape;
  const [weightInner = 1, columns = 1] = numberAttribute(node, "transB", 0) ? b.shape.toReversed() : b.shape;
  sameDim(
    node,
    inner,
    weightInner,
    () => `${showShape(a.shape)} and ${showShape(b.shape)} do not multiply: ${inner} is not ${weightInner}`,
  );
  return [{ dataType: a.dataType, shape: [rows, columns] }];
};

/** About half a second; larger products are left to the runtime. */
const maxProducts = 50_000_000;

/** Y = α A B + β C, A and B transposed if asked for. */
const gemm: Evaluate = ({ node, inputs: [a, b, c], dims, dataType }) => {
  const [left, right] = [a && exactNumbers(a), b && exactNumbers(b)];
  if (!a || !b || !left || !right) return undefined;
  const [rows = 1, columns = 1] = dims;
  const [aTurned, bTurned] = ["transA", "transB"].map((name) => numberAttribute(node, name, 0) === 1);
  const inner = a.dims[aTurned ? 0 : 1] ?? 1;
  if (rows * columns * inner > maxProducts) return undefined;
  const [alpha, beta] = ["alpha", "beta"].map((name) => numberAttribute(node, name, 1)) as [number, number];
  const added = c && numbersOf(stretched(c, dims));
  const out = Float64Array.from({ length: rows * columns }, (_, flat) => {
    const [row, column] = [Math.floor(flat / columns), flat % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const [i, j] = [
        aTurned ? k * rows + row : row * inner + k,
        bTurned ? column * inner + k : k * columns + column,
      ];
      sum += (left[i] ?? 0) * (right[j] ?? 0);
    }
    return alpha * sum + beta * (added?.[flat] ?? 0);
  });
  return computed(dataType, out, dims);
};

function multiplied(node: Node, a: Shape, b: Shape): Dim[] {
  if (a.length === 0 || b.length === 0) throw contradiction(node, "it multiplies a scalar");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [rows = 1, inner = 1] = left.slice(-2);
  const [rightInner = 1, columns = 1] = right.slice(-2);
  sameDim(
    node,
    inner,
    rightInner,
    () => `${showShape(a)} and ${showShape(b)} do not multiply: ${inner} is not ${rightInner}`,
  );
  const batch = broadcastShapes(node, [left.slice(0, -2), right.slice(0, -2)]);
  return [...batch, ...(a.length === 1 ? [] : [rows]), ...(b.length === 1 ? [] : [columns])];
}

/** Also `Linear`: its bias does not change the shape. */
const matMulShape: ShapeRule = (node, inputs) => {
  const a = input(node, inputs, 0);
  return [{ dataType: a.dataType, shape: multiplied(node, a.shape, input(node, inputs, 1).shape) }];
};

const matMul: Evaluate = ({ inputs: [a, b], dims, dataType }) => {
  const [left, right] = [a && exactNumbers(a), b && exactNumbers(b)];
  if (!a || !b || !left || !right) return undefined;
  const aDims = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const bDims = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const [rows = 1, inner = 1] = aDims.slice(-2);
  const columns = bDims.at(-1) ?? 1;
  if (sizeOf(dims) * inner > maxProducts) return undefined;
  const batch = dims.slice(0, dims.length - (a.dims.length > 1 ? 1 : 0) - (b.dims.length > 1 ? 1 : 0));
  const starts = (from: readonly number[], size: number): Float64Array =>
    sourceIndices(batch, broadcastStrides(from.slice(0, -2), batch)).map((index) => index * size);
  const [aStarts, bStarts] = [starts(aDims, rows * inner), starts(bDims, inner * columns)];
  const out = new Float64Array(sizeOf(dims));
  let at = 0;
  for (let n = 0; n < aStarts.length; n++) {
    const [aStart, bStart] = [aStarts[n] ?? 0, bStarts[n] ?? 0];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += (left[aStart + row * inner + k] ?? 0) * (right[bStart + k * columns + column] ?? 0);
        }
        out[at++] = sum;
      }
    }
  }
  return computed(dataType, out, dims);
};

/** Subscripts of one operand as a list, "..." spelled out as `.0 .1 …` counted from the right. */
function subscripts(node: Node, term: string, shape: Shape | undefined, dots: number): string[] {
  const letters = term.replaceAll(" ", "");
  const [before = "", after] = letters.split("...");
  if (after === undefined) return [...before];
  const count = shape ? shape.length - before.length - after.length : dots;
  if (count < 0)
    throw contradiction(node, `"${term}" has more subscripts than ${showShape(shape ?? [])} has axes`);
  return [...before, ...Array.from({ length: count }, (_, i) => `.${count - i}`), ...after];
}

const einsumShape: ShapeRule = (node, inputs) => {
  const equation = stringAttribute(node, "equation", "");
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const sizes = new Map<string, Dim[]>();
  const counts = new Map<string, number>();
  let dots = 0;
  for (const [i, term] of left.split(",").entries()) {
    const { shape } = input(node, inputs, i);
    const letters = subscripts(node, term, shape, 0);
    if (letters.length !== shape.length) {
      throw contradiction(node, `"${term}" in "${equation}" does not fit an operand of ${showShape(shape)}`);
    }
    dots = Math.max(dots, letters.filter((letter) => letter.startsWith(".")).length);
    for (const [axis, letter] of letters.entries()) {
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
      sizes.set(letter, [...(sizes.get(letter) ?? []), shape[axis] ?? 1]);
    }
  }
  const implicit = (): string[] => [
    ...Array.from({ length: dots }, (_, i) => `.${dots - i}`),
    ...[...counts.keys()].filter((letter) => counts.get(letter) === 1 && !letter.startsWith(".")).toSorted(),
  ];
  const output = right === undefined ? implicit() : subscripts(node, right, undefined, dots);
  const shape = output.map(
    (letter) =>
      broadcastShapes(
        node,
        (sizes.get(letter) ?? [1]).map((dim) => [dim]),
      )[0] ?? 1,
  );
  return [{ dataType: input(node, inputs, 0).dataType, shape }];
};

/** Equations of letters alone; "..." is left to the runtime. */
const einsum: Evaluate = ({ node, inputs, dims, dataType }) => {
  const [left = "", given] = stringAttribute(node, "equation", "").replaceAll(" ", "").split("->");
  const terms = left.split(",").map((term) => Array.from(term));
  const counts = new Map<string, number>();
  for (const letter of terms.flat()) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const once = [...counts.keys()].filter((letter) => counts.get(letter) === 1).toSorted();
  const output = given === undefined ? once : [...given];
  const summed = [...counts.keys()].filter((letter) => !output.includes(letter));
  const operands = inputs.filter((input): input is Tensor => input !== undefined);
  if (counts.has(".") || operands.length !== terms.length) return undefined;

  const letters = [...output, ...summed];
  const sizes = letters.map((letter) => {
    const found = terms.flatMap((term, i) =>
      term.flatMap((l, axis) => (l === letter ? [operands[i]?.dims[axis] ?? 1] : [])),
    );
    return Math.max(...found, ...(found.includes(0) ? [0] : []));
  });
  if (sizeOf(sizes) > maxProducts) return undefined;
  const factors = operands.map((operand, i) => {
    const strides = stridesOf(operand.dims);
    const along = letters.map((letter) =>
      (terms[i] ?? []).reduce(
        (sum, l, axis) => (l === letter && operand.dims[axis] !== 1 ? sum + (strides[axis] ?? 0) : sum),
        0,
      ),
    );
    return { numbers: exactNumbers(operand), indices: sourceIndices(sizes, along) };
  });
  const out = new Float64Array(sizeOf(dims));
  const run = sizeOf(sizes.slice(output.length));
  for (let flat = 0; flat < out.length * run; flat++) {
    let product = 1;
    for (const { numbers, indices } of factors) {
      if (!numbers) return undefined;
      product *= numbers[indices[flat] ?? 0] ?? 0;
    }
    const at = Math.floor(flat / run);
    out[at] = (out[at] ?? 0) + product;
  }
  return computed(dataType, out, dims);
};

export const products: Operators = {
  Gemm: { shape: gemmShape, evaluate: gemm },
  MatMul: { shape: matMulShape, evaluate: matMul },
  Linear: { shape: matMulShape },
  Product: { shape: matMulShape },
  Einsum: { shape: einsumShape, evaluate: einsum },
  Contraction: { shape: einsumShape },
};
