/** A common view of the weights of Conv, ConvTranspose, Gemm and Linear: the channels that each number belongs to. */

import {
  type Graph,
  type Node,
  type Tensor,
  type Value,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../onnx/graph.ts";
import { float32Data, float32Tensor, sizeOf } from "../onnx/tensor.ts";
import { type ChannelAffine, forChannel } from "./channel-affine.ts";
import { weightsOf } from "./constants.ts";
import { isLinear, linearNode } from "./matmul-add-to-linear.ts";
import { isOnnx, writtenInputs } from "./rewrite.ts";

/** A linear node whose weights are constants. */
export interface LinearWeights {
  readonly node: Node;
  readonly dims: readonly number[];
  /** Reads the weight: a view where the file's bytes are aligned, else a copy. */
  readonly weight: () => Float32Array;
  /** Length `outputs` or 1; undefined if the node has no bias. */
  readonly bias: Float32Array | undefined;
  /** Number of output channels. */
  readonly outputs: number;
  /** The output channel that a number of the weight, by its flat index, belongs to; `inputOf` the input channel. */
  readonly outputOf: (flat: number) => number;
  readonly inputOf: (flat: number) => number;
  /** The axis that holds the channels, of the input and of the output. */
  readonly channelAxis: number;
  /** Whether a shift of the input shifts all positions of the output alike, which padding prevents. */
  readonly takesShift: boolean;
  /** Whether its body computes with other weights, such as whole numbers: they stay when these change. */
  readonly isKernel: boolean;
}

type Channels = Pick<LinearWeights, "outputs" | "outputOf" | "inputOf">;

const isConv = (node: Node): boolean => isOnnx(node, "Conv", "ConvTranspose");
const isLinearOperator = (node: Node): boolean => isConv(node) || isOnnx(node, "Gemm") || isLinear(node);

/** For W [K, C/G, …] of Conv, or [C, K/G, …] of ConvTranspose, whose two axes swap roles. */
function convChannels(node: Node, dims: readonly number[]): Channels {
  const [first = 1, second = 1] = dims;
  const inner = sizeOf(dims.slice(2));
  const group = numberAttribute(node, "group", 1);
  const firstOf = (flat: number): number => Math.floor(flat / (second * inner));
  const secondOf = (flat: number): number => {
    const inGroup = Math.floor(flat / inner) % second;
    return Math.floor(firstOf(flat) / (first / group)) * second + inGroup;
  };
  return node.opType === "Conv"
    ? { outputs: first, outputOf: firstOf, inputOf: secondOf }
    : { outputs: second * group, outputOf: secondOf, inputOf: firstOf };
}

/** For W [C, K], or [K, C] with transB. */
function matrixChannels(node: Node, [rows = 1, columns = 1]: readonly number[]): Channels {
  const rowOf = (flat: number): number => Math.floor(flat / columns);
  const columnOf = (flat: number): number => flat % columns;
  return numberAttribute(node, "transB", 0) === 1
    ? { outputs: rows, outputOf: rowOf, inputOf: columnOf }
    : { outputs: columns, outputOf: columnOf, inputOf: rowOf };
}

function hasPadding(node: Node): boolean {
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  return autoPad.startsWith("SAME") || (intsAttribute(node, "pads") ?? []).some((pad) => pad !== 0);
}

/** The weights of a node, or why they cannot be changed. */
export function linearWeightsOf(
  node: Node,
  graph: Graph,
  values: ReadonlyMap<string, Value>,
): LinearWeights | { readonly why: string } {
  if (!isLinearOperator(node)) return { why: `${node.opType} "${node.name}" is not linear` };
  const [x = "", weightName = "", biasName = ""] = node.inputs;
  const tensor = graph.initializers.get(weightName);
  const rank = values.get(x)?.shape.length;
  if (tensor?.dataType !== "float32")
    return { why: `the weight of "${node.name}" is not a float32 constant of the file` };
  const { dims } = tensor;
  if (rank === undefined) return { why: `the shape of "${x}" is unknown` };
  if (["alpha", "beta"].some((name) => numberAttribute(node, name, 1) !== 1)) {
    return { why: `"${node.name}" scales its product` };
  }
  // `withWeights` builds a new body of these operators only.
  const isKernel = node.body !== undefined && !writtenInputs(node).includes(weightName);
  if (isLinear(node) && !isKernel && node.body?.some((part) => !isOnnx(part, "MatMul", "Add"))) {
    return { why: `"${node.name}" rounds between its product and its bias` };
  }
  const channels = isConv(node) ? convChannels(node, dims) : matrixChannels(node, dims);
  const bias = biasName === "" ? undefined : weightsOf(graph, biasName);
  const biasDims = graph.initializers.get(biasName)?.dims ?? [];
  const perChannel =
    bias && (bias.length === 1 || (bias.length === channels.outputs && biasDims.at(-1) === bias.length));
  if (biasName !== "" && !perChannel)
    return { why: `the bias of "${node.name}" is not one constant per channel` };
  return {
    node,
    dims,
    weight: () => float32Data(tensor),
    bias,
    ...channels,
    channelAxis: isConv(node) ? 1 : rank - 1,
    isKernel,
    takesShift: !isConv(node) || (node.opType === "Conv" && !hasPadding(node)),
  };
}

/** New weights of a node, and its new input and output. */
export interface Replacement {
  readonly x: string;
  readonly y: string;
  /** Undefined if the weight stays the same; likewise `bias`. */
  readonly weight: Float32Array | undefined;
  readonly bias: Float32Array | undefined;
}

/**
 * The node with new weights under new names; several nodes may share the old ones.
 * @param folded the node behind it that its new weights stand for
 */
export function withWeights(
  { node, dims, outputs, isKernel }: LinearWeights,
  { x, y, weight, bias }: Replacement,
  name: (base: string) => string,
  folded?: Node,
): { readonly node: Node; readonly initializers: ReadonlyMap<string, Tensor> } {
  const initializers = new Map<string, Tensor>();
  const [, oldWeight = "", oldBias = ""] = node.inputs;
  let weightName = oldWeight;
  let biasName = oldBias;
  if (weight) {
    weightName = name(`${oldWeight}_folded`);
    initializers.set(weightName, float32Tensor(weight, dims));
  }
  if (bias) {
    biasName = name(oldBias === "" ? `${node.name}_bias` : `${oldBias}_folded`);
    initializers.set(biasName, float32Tensor(bias, [outputs]));
  }
  if (isKernel && node.body) {
    const body = [...node.body, ...(folded ? [folded] : [])];
    const inputs = biasName === "" && !isLinear(node) ? [x, weightName] : [x, weightName, biasName];
    return { node: { ...node, inputs, outputs: [y], body }, initializers };
  }
  if (isLinear(node)) {
    const product = name(`${node.name}_product`);
    return { node: linearNode(node.name, [x, weightName, biasName], y, product), initializers };
  }
  const inputs = biasName === "" ? [x, weightName] : [x, weightName, biasName];
  return { node: { ...node, inputs, outputs: [y] }, initializers };
}

const isOnes = (numbers: Float64Array): boolean => numbers.every((value) => value === 1);
/** Whether all numbers are 0. */
export const isZeros = (numbers: Float64Array): boolean => numbers.every((value) => value === 0);

/** Folds an affine map behind the layer: scale·(Wx + b) + shift, so W' = scale·W and b' = scale·b + shift. */
export function foldedBehind(linear: LinearWeights, { y, scale, shift }: ChannelAffine): Replacement {
  const { weight, bias, outputs, outputOf, node } = linear;
  const scaled = isOnes(scale)
    ? undefined
    : weight().map((value, i) => value * forChannel(scale, outputOf(i)));
  const shifted = Float32Array.from({ length: outputs }, (_, k) => {
    const before = bias ? forChannel(bias, k) : 0;
    return before * forChannel(scale, k) + forChannel(shift, k);
  });
  const needsBias = bias !== undefined || !isZeros(shift);
  return { x: node.inputs[0] ?? "", y, weight: scaled, bias: needsBias ? shifted : undefined };
}

/** Folds an affine map before the layer: W·(scale·x + shift) + b, so W' = W·scale and b' = b + Σ W·shift. */
export function foldedBefore(linear: LinearWeights, { x, scale, shift }: ChannelAffine): Replacement {
  const { weight, bias, outputs, outputOf, inputOf, node } = linear;
  const scaled = isOnes(scale)
    ? undefined
    : weight().map((value, i) => value * forChannel(scale, inputOf(i)));
  const sums = Float64Array.from({ length: outputs }, (_, k) => (bias ? forChannel(bias, k) : 0));
  if (!isZeros(shift)) {
    for (const [i, value] of weight().entries()) {
      const k = outputOf(i);
      sums[k] = (sums[k] ?? 0) + value * forChannel(shift, inputOf(i));
    }
  }
  const shifted = isZeros(shift) ? undefined : Float32Array.from(sums);
  return { x, y: node.outputs[0] ?? "", weight: scaled, bias: shifted };
}
