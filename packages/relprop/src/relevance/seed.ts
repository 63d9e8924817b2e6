/** The seed relevance (docs/rules.md §6), and sums over the resulting relevance. */

import { OptionError } from "../errors.ts";
import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { indicator } from "./ops/calculus.ts";
import { fixedTarget } from "./fixed-target.ts";
import { regionsOf } from "./target-text.ts";
import { expandLike, filled, lowest } from "./ops/shapes.ts";
import type { Settings } from "./settings.ts";

/**
 * The relevance of the explained output, in its shape: its softmax, output ⊙ target (logit), the target (one), or the target
 * against other classes (contrastive). Adds the input `target` to the graph if the settings need it.
 * @param axes the axes of samples and classes; undefined if there are none
 * @param ranked the tensor that ranks classes: the explained output, or probabilities if these have another order
 */
export function seedRelevance(
  b: GraphBuilder,
  output: Value,
  settings: Settings,
  axes: { readonly batchAxis: number | undefined; readonly classAxis: number | undefined },
  ranked: Value,
): Value {
  const { classAxis: axis } = axes;
  if (typeof settings.target === "object" && settings.seed !== "softmax") {
    const target = fixedTarget(b, output, regionsOf(settings.target, output.shape, axes));
    if (settings.seed === "logit") return b.op("Mul", [output, target]);
    return startingWith(b, output, expandLike(b, target, output), settings, axis);
  }
  if (axis === undefined || output.shape[axis] === 1) return oneNumber(b, output, settings);
  if (settings.seed === "softmax")
    return ranked === output ? b.op("Softmax", [output], { axis: int(axis) }) : ranked;
  const target =
    settings.target === "top1"
      ? highest(b, ranked ?? output, axis)
      : b.input("target", "float32", output.shape);
  return startingWith(b, output, target, settings, axis);
}

/** The relevance of the output for a target in its shape. */
function startingWith(
  b: GraphBuilder,
  output: Value,
  target: Value,
  { seed }: Settings,
  axis: number | undefined,
): Value {
  if (seed === "logit") return b.op("Mul", [output, target]);
  return seed === "contrastive" && axis !== undefined ? againstOthers(b, output, target, axis) : target;
}

/**
 * t − Σt · softmax(z over the classes with t = 0): a class with +1, all others with −p_j / (1 − p). This is the start of SGLRP (Iwana et
 * al. 2019), p (onehot − p), divided by p (1 − p), so that it neither vanishes nor depends on how sure the network is.
 */
function againstOthers(b: GraphBuilder, output: Value, target: Value, axis: number): Value {
  const isOther = b.op("Equal", [target, b.scalar(0)]);
  const others = b.op("Softmax", [b.op("Where", [isOther, output, b.scalar(lowest)])], { axis: int(axis) });
  const whole = b.op("ReduceSum", [target, b.integers([axis])], { keepdims: int(1) });
  // Where all classes are in the target, nothing is left to compare with.
  const against = b.op("Mul", [others, indicator(b, isOther)]);
  return b.op("Sub", [target, b.op("Mul", [whole, against])]);
}

/** Where there is one number for each sample or place, it is the highest, and a softmax over it says nothing. */
function oneNumber(b: GraphBuilder, output: Value, settings: Settings): Value {
  if (settings.seed === "softmax") {
    throw new OptionError({
      what: "cannot start relevance from the softmax",
      where: `output "${output.name}", [${output.shape.join(", ")}]`,
      why: "it has one number for each sample, and the softmax of one number is always 1",
      fix: "use the seed logit",
    });
  }
  if (settings.target === "input") {
    const target = b.input("target", "float32", output.shape);
    return settings.seed === "logit" ? b.op("Mul", [output, target]) : target;
  }
  return settings.seed === "logit" ? output : filled(b, 1, output.shape, output);
}

/** One-hot over the classes at the highest output of each sample, or the first of several. */
function highest(b: GraphBuilder, output: Value, axis: number): Value {
  return oneHot(b, b.op("ArgMax", [output], { axis: int(axis), keepdims: int(1) }), output, axis);
}

/**
 * One-hot over the classes.
 * @param index of a class for each sample, in the output's shape with 1 along the classes
 */
export function oneHot(b: GraphBuilder, index: Value, output: Value, axis: number): Value {
  const length = output.shape[axis];
  const count =
    typeof length === "number"
      ? b.integers(Array.from({ length }, (_, i) => i))
      : b.op("Range", [
          b.integer(0),
          b.op("Squeeze", [b.op("Shape", [output], { start: int(axis), end: int(axis + 1) })]),
          b.integer(1),
        ]);
  const shape = output.shape.map((_, i) => (i === axis ? -1 : 1));
  const positions = b.op("Reshape", [count, b.integers(shape)]);
  return indicator(b, b.op("Equal", [index, positions]));
}

const isFew = (dim: unknown): boolean => typeof dim === "number" && dim <= 4;

/** The channel axis: the second, unless the shape is like [N, H, W, 3]. */
export function channelAxis(input: Pick<Value, "shape">): number {
  const [, second, , last] = input.shape;
  return input.shape.length === 4 && isFew(last) && !isFew(second) ? 3 : 1;
}

/** Sums relevance over an axis: [N, C, H, W] -> [N, H, W] for axis 1. */
export function sumOver(b: GraphBuilder, relevance: Value, axis: number): Value {
  return b.op("ReduceSum", [relevance, b.integers([axis])], { keepdims: int(0) });
}

/** The length of vectors of relevance along an axis, √ΣR²: never negative. */
export function lengthOver(b: GraphBuilder, relevance: Value, axis: number): Value {
  const squares = b.op("Mul", [relevance, relevance]);
  return b.op("Sqrt", [sumOver(b, squares, axis)]);
}
