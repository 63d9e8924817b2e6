/** Comparisons, logic, bits and choice. Truth is 0 or 1, as in tensors of bool. */

import { type Dim, type Tensor, type TensorInfo, numberAttribute } from "../graph.ts";
import { bigIntegersOf, elementSize, numbersOf, sizeOf } from "../tensor.ts";
import { type Combine, broadcast, onNumbers, through } from "./elementwise.ts";
import { bigTensor, computed, isBig, stretched } from "./evaluating.ts";
import { broadcastShapes, elementsOf, input, like, withElements } from "./inferring.ts";
import type { Evaluate, Operator, Operators, ShapeRule } from "./operator.ts";

type Ordered = number | bigint;

/** The elements as JavaScript compares them exactly. */
const ordered = (tensor: Tensor): ArrayLike<Ordered> =>
  isBig(tensor.dataType) ? bigIntegersOf(tensor) : numbersOf(tensor);

/** A comparison, by what it says of two numbers, and of sizes of which one is a symbol. */
const comparison = (
  test: (a: Ordered, b: Ordered) => boolean,
  ofSizes: Combine = onNumbers((a, b) => Number(test(a, b))),
): Operator => ({
  shape: broadcast(ofSizes, "bool"),
  evaluate: ({ inputs: [a, b], dims }) => {
    if (!a || !b) return undefined;
    const [left, right] = [ordered(stretched(a, dims)), ordered(stretched(b, dims))];
    const out = Uint8Array.from({ length: sizeOf(dims) }, (_, i) =>
      Number(test(left[i] ?? 0, right[i] ?? 0)),
    );
    return { dataType: "bool", dims, bytes: out };
  },
});

/** A symbol is a size: it never equals a negative number. */
const sameSize: Combine = (a, b) => {
  if (a === b) return 1;
  const numbers = [a, b].filter((x) => typeof x === "number");
  return numbers.length === 2 || numbers.some((x) => x < 0) ? 0 : undefined;
};

const test =
  (apply: (value: number) => boolean): Evaluate =>
  ({ inputs: [x], dims }) =>
    x && { dataType: "bool", dims, bytes: Uint8Array.from(numbersOf(x), (value) => Number(apply(value))) };

const toBool: ShapeRule = (node, inputs) => [{ dataType: "bool", shape: input(node, inputs, 0).shape }];

/** +∞ and −∞ count or not, as the attributes say. */
const isInfinite: Evaluate = (call) => {
  const positive = numberAttribute(call.node, "detect_positive", 1) === 1;
  const negative = numberAttribute(call.node, "detect_negative", 1) === 1;
  return test((x) => (x === Infinity && positive) || (x === -Infinity && negative))(call);
};

/** Element i of a vector that may be one broadcast element. */
const at = (list: readonly Dim[] | undefined, i: number): Dim | undefined =>
  list?.[list.length === 1 ? 0 : i];

const whereShape: ShapeRule = (node, inputs) => {
  const [condition, yes, no] = [0, 1, 2].map((i) => input(node, inputs, i)) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ];
  const shape = broadcastShapes(node, [condition.shape, yes.shape, no.shape]);
  const lists = [condition, yes, no].map(elementsOf);
  const length = Math.max(...lists.map((list) => list?.length ?? 0));
  const elements = lists.every((list) => list)
    ? Array.from({ length }, (_, i) => {
        const chosen = at(lists[0], i);
        return typeof chosen === "number" ? at(lists[chosen ? 1 : 2], i) : undefined;
      })
    : undefined;
  return [withElements(yes.dataType, shape, elements)];
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

export const logic: Operators = {
  Equal: comparison((a, b) => a === b, sameSize),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  And: comparison((a, b) => Boolean(a) && Boolean(b)),
  Or: comparison((a, b) => Boolean(a) || Boolean(b)),
  Xor: comparison((a, b) => Boolean(a) !== Boolean(b)),
  Not: { shape: through((x) => Number(x === 0)), evaluate: test((x) => x === 0) },
  IsNaN: { shape: toBool, evaluate: test(Number.isNaN) },
  IsInf: { shape: toBool, evaluate: isInfinite },
  Where: { shape: whereShape, evaluate: where },
  BitwiseAnd: { shape: broadcast(), evaluate: bitwise((a, b) => a & b) },
  BitwiseOr: { shape: broadcast(), evaluate: bitwise((a, b) => a | b) },
  BitwiseXor: { shape: broadcast(), evaluate: bitwise((a, b) => a ^ b) },
  BitwiseNot: { shape: like, evaluate: bitwiseNot },
  BitShift: { shape: like, evaluate: shift },
};
