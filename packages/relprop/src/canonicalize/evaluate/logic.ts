/** Comparisons, logic and choice. Truth is 0 or 1, as in tensors of bool. */

import { type Tensor, numberAttribute } from "../../onnx/graph.ts";
import { numbersOf, sizeOf, elementSize } from "../../onnx/tensor.ts";
import {
  type Evaluate,
  type Evaluators,
  bigIntegersOf,
  bigTensor,
  computed,
  isBig,
  stretched,
} from "./evaluator.ts";

type Ordered = number | bigint;

/** The elements as JavaScript compares them exactly. */
const ordered = (tensor: Tensor): ArrayLike<Ordered> =>
  isBig(tensor.dataType) ? bigIntegersOf(tensor) : numbersOf(tensor);

const comparison =
  (test: (a: Ordered, b: Ordered) => boolean): Evaluate =>
  ({ inputs: [a, b], dims }) => {
    if (!a || !b) return undefined;
    const [left, right] = [ordered(stretched(a, dims)), ordered(stretched(b, dims))];
    const out = Uint8Array.from({ length: sizeOf(dims) }, (_, i) =>
      Number(test(left[i] ?? 0, right[i] ?? 0)),
    );
    return { dataType: "bool", dims, bytes: out };
  };

const test =
  (apply: (value: number) => boolean): Evaluate =>
  ({ inputs: [x], dims }) =>
    x && { dataType: "bool", dims, bytes: Uint8Array.from(numbersOf(x), (value) => Number(apply(value))) };

/** +∞ and −∞ count or not, as the attributes say. */
const isInfinite: Evaluate = (call) => {
  const positive = numberAttribute(call.node, "detect_positive", 1) === 1;
  const negative = numberAttribute(call.node, "detect_negative", 1) === 1;
  return test((x) => (x === Infinity && positive) || (x === -Infinity && negative))(call);
};

/** Copies bytes, so that it holds for all element types. */
const where: Evaluate = ({ inputs: [condition, yes, no], dims, dataType }) => {
  if (!condition || !yes || !no) return undefined;
  const chosen = numbersOf(stretched(condition, dims));
  const [a, b] = [stretched(yes, dims).bytes, stretched(no, dims).bytes];
  const size = elementSize[dataType];
  const bytes = new Uint8Array(chosen.length * size);
  for (let i = 0; i < chosen.length; i++) {
    const [from, end] = [i * size, (i + 1) * size];
    bytes.set((chosen[i] ? a : b).subarray(from, end), from);
  }
  return { dataType, dims, bytes };
};

type OnBigs = (a: bigint, b: bigint) => bigint;

/** Bits are the same for all integer types, so they are computed as `bigint`. */
const bitwise =
  (apply: OnBigs): Evaluate =>
  ({ inputs: [a, b], dims, dataType }) => {
    if (!a || !b) return undefined;
    const right = Array.from(ordered(stretched(b, dims)), BigInt);
    const out = Array.from(ordered(stretched(a, dims)), (value, i) => apply(BigInt(value), right[i] ?? 0n));
    return isBig(dataType) ? bigTensor(dataType, out, dims) : computed(dataType, out.map(Number), dims);
  };

const bitwiseNot: Evaluate = ({ inputs: [x], dims, dataType }) => {
  const out = x && Array.from(ordered(x), (value) => ~BigInt(value));
  return (
    out && (isBig(dataType) ? bigTensor(dataType, out, dims) : computed(dataType, out.map(Number), dims))
  );
};

const shift: Evaluate = (call) => {
  const direction = call.node.attributes["direction"];
  if (direction?.type !== "string") return undefined;
  return bitwise(direction.value === "LEFT" ? (a, b) => a << b : (a, b) => a >> b)(call);
};

/** opType -> evaluator. */
export const logic: Evaluators = {
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  And: comparison((a, b) => Boolean(a) && Boolean(b)),
  Or: comparison((a, b) => Boolean(a) || Boolean(b)),
  Xor: comparison((a, b) => Boolean(a) !== Boolean(b)),
  Not: test((x) => x === 0),
  IsNaN: test(Number.isNaN),
  IsInf: isInfinite,
  Where: where,
  BitwiseAnd: bitwise((a, b) => a & b),
  BitwiseOr: bitwise((a, b) => a | b),
  BitwiseXor: bitwise((a, b) => a ^ b),
  BitwiseNot: bitwiseNot,
  BitShift: shift,
};
