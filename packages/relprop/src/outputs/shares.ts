/**
 * Logits of shares: probabilities divided by their sum, as classifiers do that ask one question for each class. Along that
 * axis they rank as before, and a softmax's are what they were:
 *
 *     y_k = p_k / Σ_j p_j   ->   explained: z_k
 */

import { usesOf } from "../onnx/captures.ts";
import type { Node, Tensor, Uses } from "../onnx/graph.ts";
import { float32Tensor, numbersOf, sizeOf } from "../onnx/tensor.ts";
import type { Analysis } from "../relevance/analysis.ts";
import { computedBy } from "./computed.ts";
import type { FindLogits, Logits } from "./logits.ts";

/** The most nodes of a sum: it is computed, guarded against 0, and spread over the axis. */
const maxSteps = 6;

/** The logits of a quotient; undefined if it is not a share of probabilities. */
export function logitsOfShare(analysis: Analysis, node: Node, findLogits: FindLogits): Logits | undefined {
  const [numerator = ""] = node.inputs;
  const logits = findLogits(numerator);
  if (!logits?.isWhole || logits.scale.kind !== "probability") return undefined;
  const axis = sharedAxis(analysis, node, numerator);
  if (axis === undefined || axis < 0) return undefined;
  const { order, scale } = logits;
  if (typeof order === "object" && order.along === axis && scale.by === "softmax") return logits;
  const isAlong = order === "all" || order?.along === axis;
  return {
    ...logits,
    order: isAlong ? { along: axis } : undefined,
    scale: { kind: "probability", by: "softmax" },
    number: undefined,
    isComplementary: false,
    negated: undefined,
  };
}

/** The axis along which a quotient of a value sums to 1, found by computing it. */
function sharedAxis(analysis: Analysis, node: Node, value: string): number | undefined {
  const { shape } = analysis.b.value(value);
  // One sample says as much as a batch.
  const dims = shape.map((dim, axis) => (axis === 0 && typeof dim === "string" ? 1 : dim));
  if (!dims.every((dim) => typeof dim === "number")) return undefined;
  const numbers = Array.from({ length: sizeOf(dims) }, (_, i) => (1 + (i % 7)) / 8);
  const { producer } = usesOf(analysis.graph);
  const known = (name: string): Tensor | undefined =>
    name === value ? float32Tensor(numbers, dims) : analysis.value(name)?.constant;
  const quotient = computed(node, known, producer, maxSteps);
  if (!quotient || sizeOf(quotient.dims) !== numbers.length) return undefined;
  const shares = Array.from(numbersOf(quotient));
  return dims.findIndex((size, axis) => {
    const stride = sizeOf(dims.slice(axis + 1));
    const sumAround = (i: number): number => {
      const first = i - (Math.floor(i / stride) % size) * stride;
      return Array.from({ length: size }, (_, k) => numbers[first + k * stride] ?? 0).reduce(
        (a, n) => a + n,
        0,
      );
    };
    return size > 1 && shares.every((share, i) => Math.abs(share * sumAround(i) - (numbers[i] ?? 0)) < 1e-5);
  });
}

/**
 * The first output of a node, from values that are known; undefined if it depends on others.
 * @param producer the nodes that make the others, by the name of the value
 */
const computed = (
  node: Node,
  known: (name: string) => Tensor | undefined,
  producer: Uses["producer"],
  steps: number,
): Tensor | undefined =>
  computedBy(node, (name) => {
    const before = steps === 0 ? undefined : producer.get(name);
    return known(name) ?? (before && computed(before, known, producer, steps - 1));
  });
