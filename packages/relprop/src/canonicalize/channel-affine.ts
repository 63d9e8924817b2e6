/**
 * Reads nodes as y = scale·x + shift with one number per channel, or one for all: BatchNormalization at inference, and
 * Mul, Div, Add and Sub with a constant.
 */

import { type Graph, type Node, type Value, numberAttribute } from "../onnx/graph.ts";
import { sameShape, weightsOf } from "./constants.ts";
import { isOnnx } from "./rewrite.ts";

/** The affine map y = scale·x + shift, channel by channel. */
export interface ChannelAffine {
  /** Name of the input. */
  readonly x: string;
  /** Name of the output. */
  readonly y: string;
  /** Length C or 1, as is `shift`. */
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The number of a channel; a list of length 1 holds one number for all channels. */
export const forChannel = (numbers: ArrayLike<number>, channel: number): number =>
  numbers[numbers.length === 1 ? 0 : channel] ?? 0;

/** scale = γ / √(σ² + ε), shift = β − μ·scale; undefined if it trains or its parameters are not float32 constants. */
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

/** The numbers of a constant along one axis of a value; undefined if the constant varies along another axis. */
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
