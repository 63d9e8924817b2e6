/** Gemm, MatMul with one constant side, and the affine map x ⊙ a + c, as linear operators. */

import { int, ints, numberAttribute, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { x, type LinearOperator, type Site } from "../site.ts";
import { sumTo } from "./shapes.ts";
import { sure } from "../../sure.ts";

/** How many inputs an output is made of, if the model says it. */
function fanInOf({ shape }: Value, axis: number): number | undefined {
  const size = shape[axis];
  return typeof size === "number" ? size : undefined;
}

/** Gemm: z [N, K] = x [N, C] · W + b, W [C, K], or [K, C] with transB. */
export function gemm(site: Site): LinearOperator {
  const { b, node, inputs } = site;
  const weights = site.input(1);
  const transB = numberAttribute(node, "transB", 0);
  return {
    x: x(site),
    weights,
    bias: inputs[2],
    biasShape: [sure(weights.shape[transB === 1 ? 0 : 1])],
    fanIn: fanInOf(weights, transB),
    forward: (v, W, bias) => b.op("Gemm", bias ? [v, W, bias] : [v, W], { transB: int(transB) }),
    pullBack: (s, W) => b.op("Gemm", [s, W], { transB: int(1 - transB) }),
  };
}

/** Refuses a Gemm whose scaling or transposed input canonicalization could not remove. */
export function refusesGemm(site: Site): string | undefined {
  const { node } = site;
  if (numberAttribute(node, "transA", 0) !== 0)
    return "its input is transposed (transA = 1): export the model with Transpose before the Gemm";
  if (numberAttribute(node, "alpha", 1) !== 1)
    return "alpha is not 1 and its weights are computed: multiply the weights by alpha";
  if (site.inputs[2] && numberAttribute(node, "beta", 1) !== 1)
    return "beta is not 1 and its bias is computed: multiply the bias by beta";
  return refusesComputedWeights(site, 1);
}

export function refusesComputedWeights(site: Site, index: number): string | undefined {
  const weights = site.inputs[index];
  if (weights && site.isComputed(weights)) {
    return "its weights depend on the model's input, and it could not be written as a product";
  }
  return undefined;
}

/** MatMul and its Add, recognised as one: z [.., K] = x [.., C] · W [C, K] + b. */
export function dense(site: Site): LinearOperator {
  const { b, inputs } = site;
  const weights = site.input(1);
  const flat = x(site).shape.length === 2;
  return {
    x: x(site),
    weights,
    bias: inputs[2],
    biasShape: undefined,
    fanIn: fanInOf(weights, 0),
    forward(v, W, bias) {
      const product = b.op("MatMul", [v, W]);
      return bias ? b.op("Add", [product, bias]) : product;
    },
    // Gemm reads W backwards in place; only inputs of more axes need a transposed copy.
    pullBack: (s, W) =>
      flat ? b.op("Gemm", [s, W], { transB: int(1) }) : b.op("MatMul", [s, transposed(b, W)]),
  };
}

/** Which side of a MatMul is computed. */
export const computedSide = (site: Site): number => (site.isComputed(x(site)) ? 0 : 1);

/** MatMul with a constant on either side, of any number of axes. */
export function matmul(site: Site): LinearOperator {
  const { b } = site;
  const side = computedSide(site);
  const input = site.input(side);
  const order = (v: Value, W: Value): [Value, Value] => (side === 0 ? [v, W] : [W, v]);
  return {
    x: input,
    weights: site.input(1 - side),
    bias: undefined,
    biasShape: undefined,
    forward: (v, W) => b.op("MatMul", order(v, W)),
    pullBack: (s, W) => sumTo(b, b.op("MatMul", order(s, transposed(b, W))), input),
  };
}

/** The last two axes exchanged. */
export function transposed(b: GraphBuilder, W: Value): Value {
  const rank = W.shape.length;
  const perm = W.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return b.op("Transpose", [W], { perm: ints(perm) });
}

/** Rising where every factor is positive, falling where every one is negative. */
export function affineTrend({ inputs }: Site): 1 | -1 | undefined {
  const constant = inputs[1]?.constant;
  if (!constant) return undefined;
  const factors = numbersOf(constant);
  const isEach = (test: (factor: number) => boolean): boolean => Array.prototype.every.call(factors, test);
  return isEach((factor) => factor > 0) ? 1 : isEach((factor) => factor < 0) ? -1 : undefined;
}

/** z = x ⊙ a + c with constant a and c that broadcast over x, as of a batch norm that could not be folded. */
export function affine(site: Site): LinearOperator {
  const { b, inputs } = site;
  return {
    x: x(site),
    weights: site.input(1),
    bias: inputs[2],
    biasShape: undefined,
    forward(v, a, c) {
      const scaled = b.op("Mul", [v, a]);
      return c ? b.op("Add", [scaled, c]) : scaled;
    },
    pullBack: (s, a) => sumTo(b, b.op("Mul", [s, a]), x(site)),
  };
}
