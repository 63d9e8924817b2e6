/**
 * Computes the small constant expressions that exporters leave in graphs: flags, pads, scales, transposed weights.
 * Operators that move elements copy bytes, so they hold for all element types; arithmetic rounds as float32 does.
 */

import {
  type DataType,
  type Node,
  type Tensor,
  intsAttribute,
  numberAttribute,
  tensorAttribute,
} from "../onnx/graph.ts";
import { elementSize, numbersOf, sizeOf } from "../onnx/tensor.ts";
import { tensorFrom } from "./constants.ts";

/** What an operator makes of constant inputs: the output's type and shape are known from shape inference. */
type Evaluate = (
  node: Node,
  inputs: readonly Tensor[],
  dims: readonly number[],
  dataType: DataType,
) => Tensor | undefined;

function stridesOf(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const dim of dims.toReversed()) {
    strides.unshift(stride);
    stride *= dim;
  }
  return strides;
}

/** The flat index of each output element's source: start + Σ index·stride. */
function sourceIndices(dims: readonly number[], strides: readonly number[], start: number = 0): Float64Array {
  const indices = new Float64Array(sizeOf(dims));
  const index = dims.map(() => 0);
  let source = start;
  for (let flat = 0; flat < indices.length; flat++) {
    indices[flat] = source;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (dims[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return indices;
}

function picked({ dataType, bytes }: Tensor, dims: readonly number[], indices: ArrayLike<number>): Tensor {
  const size = elementSize[dataType];
  const out = new Uint8Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] ?? 0) * size;
    for (let byte = 0; byte < size; byte++) out[i * size + byte] = bytes[from + byte] ?? 0;
  }
  return { dataType, dims, bytes: out };
}

/** Strides with which a tensor is read when it is broadcast to `dims`. */
function broadcastStrides(from: readonly number[], dims: readonly number[]): number[] {
  const strides = stridesOf(from);
  const offset = dims.length - from.length;
  return dims.map((_, axis) =>
    axis < offset || from[axis - offset] === 1 ? 0 : (strides[axis - offset] ?? 0),
  );
}

function broadcastNumbers(tensor: Tensor, dims: readonly number[]): ArrayLike<number> {
  const numbers = numbersOf(tensor);
  if (tensor.dims.join() === dims.join()) return numbers;
  const indices = sourceIndices(dims, broadcastStrides(tensor.dims, dims));
  return Float64Array.from(indices, (index) => numbers[index] ?? 0);
}

const reshaped: Evaluate = (_node, [x], dims) => x && { ...x, dims };

const castTo: Evaluate = (_node, [x], dims, dataType) => {
  if (!x) return undefined;
  const numbers = numbersOf(x);
  const toInteger = !dataType.includes("float") && dataType !== "bool";
  return tensorFrom(dataType, toInteger ? Float64Array.from(numbers, Math.trunc) : numbers, dims);
};

const transposed: Evaluate = (node, [x], dims) => {
  if (!x) return undefined;
  const order = intsAttribute(node, "perm") ?? x.dims.map((_, i) => x.dims.length - 1 - i);
  const strides = stridesOf(x.dims);
  return picked(
    x,
    dims,
    sourceIndices(
      dims,
      order.map((axis) => strides[axis] ?? 0),
    ),
  );
};

const expanded: Evaluate = (_node, [x], dims) =>
  x && picked(x, dims, sourceIndices(dims, broadcastStrides(x.dims, dims)));

const sliced: Evaluate = (_node, [x, starts, ends, axes, steps], dims) => {
  if (!x || !starts || !ends) return undefined;
  const strides = stridesOf(x.dims);
  let start = 0;
  const along = [...strides];
  for (const [i, begin] of Array.from(numbersOf(starts)).entries()) {
    const given = axes ? (numbersOf(axes)[i] ?? 0) : i;
    const axis = given < 0 ? given + x.dims.length : given;
    const size = x.dims[axis] ?? 1;
    const step = steps ? (numbersOf(steps)[i] ?? 1) : 1;
    const wrapped = begin < 0 ? begin + size : begin;
    const first = Math.min(Math.max(wrapped, 0), step > 0 ? size : size - 1);
    start += first * (strides[axis] ?? 0);
    along[axis] = (strides[axis] ?? 0) * step;
  }
  return picked(x, dims, sourceIndices(dims, along, start));
};

const gathered: Evaluate = (node, [x, indices], dims) => {
  if (!x || !indices) return undefined;
  const given = numberAttribute(node, "axis", 0);
  const axis = given < 0 ? given + x.dims.length : given;
  const size = x.dims[axis] ?? 1;
  const inner = sizeOf(x.dims.slice(axis + 1));
  const outer = sizeOf(x.dims.slice(0, axis));
  const positions = Array.from(numbersOf(indices), (i) => (i < 0 ? i + size : i));
  const sources: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (const position of positions) {
      for (let i = 0; i < inner; i++) sources.push((o * size + position) * inner + i);
    }
  }
  return picked(x, dims, sources);
};

const concatenated: Evaluate = (node, inputs, dims, dataType) => {
  const given = numberAttribute(node, "axis", 0);
  const axis = given < 0 ? given + dims.length : given;
  const outer = sizeOf(dims.slice(0, axis));
  const bytes = new Uint8Array(sizeOf(dims) * elementSize[dataType]);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of inputs) {
      const run = part.bytes.byteLength / outer;
      bytes.set(part.bytes.subarray(o * run, (o + 1) * run), at);
      at += run;
    }
  }
  return { dataType, dims, bytes };
};

const filled: Evaluate = (node, _inputs, dims) => {
  const value = tensorAttribute(node, "value") ?? tensorFrom("float32", [0], [1]);
  return value && picked(value, dims, new Uint8Array(sizeOf(dims)));
};

const counted: Evaluate = (_node, inputs, dims, dataType) => {
  const [start = 0, , delta = 1] = inputs.map((input) => numbersOf(input)[0]);
  return tensorFrom(
    dataType,
    Array.from({ length: sizeOf(dims) }, (_, i) => start + i * delta),
    dims,
  );
};

const chosen: Evaluate = (_node, [condition, yes, no], dims, dataType) => {
  if (!condition || !yes || !no) return undefined;
  const a = broadcastNumbers(yes, dims);
  const b = broadcastNumbers(no, dims);
  return tensorFrom(
    dataType,
    Array.from(broadcastNumbers(condition, dims), (test, i) => (test ? a[i] : b[i]) ?? 0),
    dims,
  );
};

const unary =
  (apply: (value: number) => number): Evaluate =>
  (_node, [x], dims, dataType) =>
    x && tensorFrom(dataType, Array.from(numbersOf(x), apply), dims);

const binary =
  (apply: (a: number, b: number) => number): Evaluate =>
  (_node, [x, y], dims, dataType) => {
    if (!x || !y) return undefined;
    const b = broadcastNumbers(y, dims);
    return tensorFrom(
      dataType,
      Array.from(broadcastNumbers(x, dims), (value, i) => apply(value, b[i] ?? 0)),
      dims,
    );
  };

const evaluators: Readonly<Record<string, Evaluate>> = {
  Identity: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Flatten: reshaped,
  Cast: castTo,
  Transpose: transposed,
  Expand: expanded,
  Slice: sliced,
  Gather: gathered,
  Concat: concatenated,
  ConstantOfShape: filled,
  Range: counted,
  Where: chosen,
  Neg: unary((x) => -x),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Exp: unary(Math.exp),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Pow: binary((a, b) => a ** b),
  Min: binary(Math.min),
  Max: binary(Math.max),
  Equal: binary((a, b) => Number(a === b)),
};

/** The output of a node with one output and constant inputs, or undefined if the operator or type is not for here. */
export function evaluate(
  node: Node,
  inputs: readonly Tensor[],
  dims: readonly number[],
  dataType: DataType,
): Tensor | undefined {
  if (inputs.some((input) => input.dataType === "string")) return undefined;
  const isVariadic = ["Min", "Max"].includes(node.opType) && inputs.length !== 2;
  return isVariadic ? undefined : evaluators[node.opType]?.(node, inputs, dims, dataType);
}
