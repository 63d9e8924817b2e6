/**
 * The k-th largest of n numbers by bisection, for GPUs. There ONNX Runtime's TopK sorts all numbers in log²n passes over
 * memory. Bisection takes 34 passes of comparisons and sums for any n. The result is exact to the last bit.
 */

import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { indicator } from "./ops/calculus.ts";

/** Float32: the smallest normal number, the powers of two that double exponents, and the bits of the mantissa. */
const smallest = 2 ** -126;
const exponentSteps = [128, 64, 32, 16, 8, 4, 2, 1];
const mantissaBits = 23;

/**
 * v [N, n] with its k largest numbers in each row, zeros elsewhere. Numbers equal to the k-th all stay, so there can be
 * more than k. Counts are sums of float32: above 2²⁴ numbers a row they are rounded.
 * @param k a float32 scalar, at least 1 and less than n
 */
export function keepAboveThreshold(b: GraphBuilder, v: Value, k: Value, n: Value): Value {
  const isAtLeast = (a: Value, bound: Value): Value => indicator(b, b.op("GreaterOrEqual", [a, bound]));
  const count = (marks: Value): Value => b.op("ReduceSum", [marks, b.integers([1])], { keepdims: int(1) });
  const zero = b.scalar(0);

  // If fewer than k are ≥ 0, the threshold is negative: the n − k smallest are found and dropped.
  const isNegative = indicator(b, b.op("Less", [count(isAtLeast(v, zero)), k]));
  const sign = b.op("Sub", [b.scalar(1), b.op("Mul", [isNegative, b.scalar(2)])]);
  const sized = b.op("Mul", [v, sign]);
  const dropped = b.op("Sub", [n, k]);
  const wanted = b.op("Add", [
    b.op("Mul", [isNegative, dropped]),
    b.op("Mul", [b.op("Sub", [b.scalar(1), isNegative]), k]),
  ]);
  // Zeros do not matter.
  const positive = count(indicator(b, b.op("Greater", [sized, zero])));
  const sought = b.op("Min", [wanted, positive]);

  // The largest m > 0 such that `sought` numbers are at least m: first its exponent, then its mantissa, bit by bit.
  const enough = (bound: Value): Value =>
    indicator(b, b.op("GreaterOrEqual", [count(isAtLeast(sized, bound)), sought]));
  let bound: Value = b.scalar(smallest);
  for (const step of exponentSteps) {
    // 2¹²⁸ is not a float32, so the largest step is two steps.
    const half = b.op("Mul", [bound, b.scalar(2 ** (step / 2))]);
    const higher =
      step === 1 ? b.op("Mul", [bound, b.scalar(2)]) : b.op("Mul", [half, b.scalar(2 ** (step / 2))]);
    bound = b.op("Where", [b.op("Greater", [enough(higher), zero]), higher, bound]);
  }
  const power = bound;
  for (let bit = 1; bit <= mantissaBits; bit++) {
    const step = b.op("Mul", [power, b.scalar(2 ** -bit)]);
    bound = b.op("Add", [bound, b.op("Mul", [step, enough(b.op("Add", [bound, step]))])]);
  }

  const isAbove = isAtLeast(sized, bound);
  // If the smallest were found, the others stay.
  const stays = b.op("Add", [b.op("Mul", [isAbove, sign]), isNegative]);
  return b.op("Mul", [v, stays]);
}
