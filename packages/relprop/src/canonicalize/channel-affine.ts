/**
 * y = scale·x + shift with one number per channel, or one for all: what a BatchNormalization is at inference, and
 * Mul, Div, Add, Sub with a constant.
 */

import { type Graph, type Node, type Value, numberAttribute } from "../onnx/graph.ts";
import { sameShape, weightsOf } from "./constants.ts";
import { isOnnx } from "./rewrite.ts";

export interface ChannelAffine {
  readonly x: string;
  readonly y: string;
  /** Length C or 1, float64. */
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The number for a channel where one number may stand for all. */
export const forChannel = (numbers: ArrayLike<number>, channel: number): number =>
  numbers[numbers.length === 1 ? 0 : channel] ?? 0;

/** a = γ / √(σ² + ε), c = β − μ·a; undefined if it trains or its parameters are no float32 constants. */
export function batchNormAffine(node: Node, graph: Graph): ChannelAffine | undefined {
  if (!isOnnx(node, "BatchNormalization") || numberAttribute(node, "training_mode", 0) === 1)
    return undefined;
  if (node.outputs.slice(1).some((output) => output !== "")) return undefined;
  const [x = "", ...parameters] = node.inputs;
  const [gamma, beta, mean, variance] = parameters.map((name) => weightsOf(graph, name));
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  const scale = Float64Array.from(gamma, (value, i) => value / Math.sqrt((variance[i] ?? 0) + epsilon));
  const shift = Float64Array.from(beta, (value, i) => value - (mean[i] ?? 0) * (scale[i] ?? 0));
  return { x, y: node.outputs[0] ?? "", scale, shift };
}

/** A constant's numbers along one axis of a value, if it varies along no other. */
function alongAxis(graph: Graph, name: string, value: Value, axis: number): Float32Array | undefined {
  const dims = graph.initializers.get(name)?.dims;
  const numbers = weightsOf(graph, name);
  if (!dims || !numbers || dims.length > value.shape.length) return undefined;
  const own = axis - (value.shape.length - dims.length);
  return dims.every((dim, i) => dim === 1 || i === own) ? numbers : undefined;
}

const one = Float64Array.of(1);
const zero = Float64Array.of(0);

/** The node as an affine map along `axis` of its input, or undefined. */
export function channelAffineOf(
  node: Node,
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  axis: number,
): ChannelAffine | undefined {
  if (isOnnx(node, "BatchNormalization")) return axis === 1 ? batchNormAffine(node, graph) : undefined;
  if (!isOnnx(node, "Mul", "Div", "Add", "Sub")) return undefined;
  const [a = "", b = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const constantFirst = graph.initializers.has(a);
  const x = constantFirst ? b : a;
  const info = values.get(x);
  if (graph.initializers.has(x) || !info || !sameShape(info, values.get(y))) return undefined;
  const constant = alongAxis(graph, constantFirst ? a : b, info, axis);
  if (!constant) return undefined;
  const numbers = Float64Array.from(constant);
  switch (node.opType) {
    case "Mul":
      return { x, y, scale: numbers, shift: zero };
    case "Div":
      return constantFirst ? undefined : { x, y, scale: numbers.map((value) => 1 / value), shift: zero };
    case "Add":
      return { x, y, scale: one, shift: numbers };
    default:
      return constantFirst
        ? { x, y, scale: Float64Array.of(-1), shift: numbers }
        : { x, y, scale: one, shift: numbers.map((value) => -value) };
  }
}
