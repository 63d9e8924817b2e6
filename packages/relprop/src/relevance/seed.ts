/** Where relevance starts (rules.md §6), and how it is summed up in the end. */

import { OptionError } from "../errors.ts";
import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { indicator } from "./ops/calculus.ts";
import type { Settings } from "./settings.ts";

/**
 * The relevance of the explained output, in its shape. Adds the input `target` to the graph where the settings ask
 * for one: softmax needs none, logit is output ⊙ target, one is the target itself.
 * @param axis the axis of the classes
 */
export function seedRelevance(b: GraphBuilder, output: Value, settings: Settings, axis: number): Value {
  const classes = int(axis);
  const hasClasses = output.shape.length > 1 || typeof output.shape[0] === "number";
  const ranksClasses = settings.seed === "softmax" || settings.target === "top1";
  if (ranksClasses && !hasClasses) {
    throw new OptionError({
      what: `cannot start relevance from ${settings.seed === "softmax" ? "the softmax" : "the highest class"}`,
      why: `the explained output "${output.name}" has the shape [${output.shape.join(", ")}], which has no classes`,
      fix: 'explain it with --seed one or --seed logit and target "input"',
    });
  }
  if (settings.seed === "softmax") return b.op("Softmax", [output], { axis: classes });
  const target =
    settings.target === "top1" ? highest(b, output, classes) : b.input("target", "float32", output.shape);
  return settings.seed === "logit" ? b.op("Mul", [output, target]) : target;
}

/** One-hot over the classes at the highest output of each sample, the first if several are. */
function highest(b: GraphBuilder, output: Value, axis: ReturnType<typeof int>): Value {
  const best = b.op("ArgMax", [output], { axis, keepdims: int(1) });
  const length = output.shape[axis.value as number];
  const count =
    typeof length === "number"
      ? b.integers(Array.from({ length }, (_, i) => i))
      : b.op("Range", [
          b.integer(0),
          b.op("Squeeze", [b.op("Shape", [output], { start: axis, end: int((axis.value as number) + 1) })]),
          b.integer(1),
        ]);
  const shape = output.shape.map((_, i) => (i === axis.value ? -1 : 1));
  const positions = b.op("Reshape", [count, b.integers(shape)]);
  return indicator(b, b.op("Equal", [best, positions]));
}

/** Classes come second, where there is a batch; a vocabulary comes last: [N, T, words]. */
export function classAxis({ shape }: Pick<Value, "shape">, isTokens: boolean): number {
  return isTokens ? shape.length - 1 : shape.length > 1 ? 1 : 0;
}

const isFew = (dim: unknown): boolean => typeof dim === "number" && dim <= 4;

/** Channels come second, unless the model says otherwise: [N, H, W, 3]. */
export function channelAxis(input: Pick<Value, "shape">): number {
  const [, second, , last] = input.shape;
  return input.shape.length === 4 && isFew(last) && !isFew(second) ? 3 : 1;
}

/** Relevance [N, C, H, W] -> [N, H, W], where the axis is 1. */
export function sumOver(b: GraphBuilder, relevance: Value, axis: number): Value {
  return b.op("ReduceSum", [relevance, b.integers([axis])], { keepdims: int(0) });
}
