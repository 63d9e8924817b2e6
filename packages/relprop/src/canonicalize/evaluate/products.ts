/** Matrix products of constants: position tables through a small network, rotations, masks made by Einsum. */

import { type Tensor, numberAttribute, stringAttribute } from "../../onnx/graph.ts";
import { numbersOf, sizeOf } from "../../onnx/tensor.ts";
import {
  type Evaluate,
  type Evaluators,
  broadcastStrides,
  computed,
  exactNumbers,
  sourceIndices,
  stretched,
  stridesOf,
} from "./evaluator.ts";

/** About half a second; larger products are left to the runtime. */
const maxProducts = 50_000_000;

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

/** opType -> evaluator. */
export const products: Evaluators = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
