/** Normalisations that opset 17 has no operator for. They stay nodes, with a body of operators of opset 17. */

import { type Node, float, int, ints, numberAttribute } from "../graph.ts";
import { floatTensor, isFloat } from "../tensor.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** Scale and bias of GroupNormalization per channel, from those per group that it had before 21. */
function perChannel(node: Node, to: Conversion, write: NodeWriter, groups: number): readonly string[] {
  const channels = to.shape(node, 0)[1];
  if (typeof channels !== "number") throw to.refuse(node, "the number of its channels is unknown");
  const size = channels / groups;
  const groupOf = Array.from({ length: channels }, (_, channel) => Math.floor(channel / size));
  const indices = write.integers("group", groupOf);
  return node.inputs.slice(1).map((parameter) => write.op("Gather", [parameter, indices], { axis: int(0) }));
}

/** Inputs, output and attributes of a group normalisation. */
export interface GroupNormalization {
  readonly x: string;
  /** For each channel. */
  readonly scale: string;
  readonly bias: string;
  readonly y: string;
  readonly groups: number;
  readonly epsilon: number;
}

/** A GroupNormalization node of [N, channels, …], with its body, in place of `node`. */
export function groupNormalizationNode(node: Node, to: Conversion, parts: GroupNormalization): Node {
  const { x, scale, bias, y, groups } = parts;
  const [rank, dataType = "float32"] = [to.info(x)?.shape.length ?? 0, to.info(x)?.dataType];
  if (!isFloat(dataType)) throw to.refuse(node, `its input is ${dataType}`);
  const filled = (what: string, value: number): string =>
    to.constant(node, what, floatTensor(dataType, new Float32Array(groups).fill(value), [groups]));
  const write = new NodeWriter(node, to);
  const grouped = write.op("Reshape", [x, write.integers("groups", [0, groups, -1])]);
  const epsilon = float(parts.epsilon);
  const normal = write.op("InstanceNormalization", [grouped, filled("ones", 1), filled("zeros", 0)], {
    epsilon,
  });
  const image = write.op("Reshape", [normal, write.op("Shape", [x])]);
  const form = write.integers("form", [1, -1, ...Array.from({ length: rank - 2 }, () => 1)]);
  const scaled = write.op("Mul", [image, write.op("Reshape", [scale, form])]);
  write.op("Add", [scaled, write.op("Reshape", [bias, form])], {}, y);
  const attributes = { epsilon, num_groups: int(groups) };
  const [opType, domain] = ["GroupNormalization", ""];
  return { ...node, opType, domain, inputs: [x, scale, bias], outputs: [y], attributes, body: write.nodes };
}

/**
 * GroupNormalization (18, 21): InstanceNormalization of [N, groups, …], then scale and bias per channel. `stash_type` needs
 * no conversion, since runtimes compute the statistics of float16 in float32.
 */
export const groupNormalizationOverBody: Converter = (node, to) => {
  const groups = numberAttribute(node, "num_groups", 1);
  const [x = ""] = node.inputs;
  to.shape(node, 0);
  const before = new NodeWriter(node, to);
  const [scale = "", bias = ""] =
    to.version < 21 ? perChannel(node, to, before, groups) : node.inputs.slice(1);
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  const [y = ""] = node.outputs;
  return [...before.nodes, groupNormalizationNode(node, to, { x, scale, bias, y, groups, epsilon })];
};

/** Inputs, output and attributes of an RMS normalisation. */
export interface RmsNormalization {
  readonly x: string;
  readonly scale: string;
  readonly y: string;
  /** The first normalised axis, counted from the end: -1 is the last one alone. */
  readonly axis: number;
  readonly epsilon: number;
}

/** An RMSNormalization node, x / √(mean(x²) + ε) · scale, with its body, in place of `node`. */
export function rmsNormalizationNode(node: Node, to: Conversion, parts: RmsNormalization): Node {
  const { x, scale, y, axis, epsilon } = parts;
  const axes = Array.from({ length: -axis }, (_, i) => axis + i);
  const write = new NodeWriter(node, to);
  const mean = write.op("ReduceMean", [write.op("Mul", [x, x])], { axes: ints(axes), keepdims: int(1) });
  const root = write.op("Sqrt", [write.op("Add", [mean, epsilon])]);
  write.op("Mul", [write.op("Div", [x, root]), scale], {}, y);
  const attributes = { axis: int(axis), epsilon: float(epsilon) };
  return {
    name: node.name,
    opType: "RMSNormalization",
    domain: "",
    inputs: [x, scale],
    outputs: [y],
    attributes,
    body: write.nodes,
  };
}

/** RMSNormalization (23), and SimplifiedLayerNormalization, ONNX Runtime's older name of it. */
export const rmsNormalizationOverBody: Converter = (node, to) => {
  const [x = "", scale = ""] = node.inputs;
  const [y = "", inverse = ""] = node.outputs;
  if (to.isUsed(inverse)) throw to.refuse(node, "its second output, which is for training, is used");
  const axis = numberAttribute(node, "axis", -1);
  const fromEnd = axis < 0 ? axis : axis - to.shape(node, 0).length;
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  return [rmsNormalizationNode(node, to, { x, scale, y, axis: fromEnd, epsilon })];
};
