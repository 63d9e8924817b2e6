/** Normalisations of com.microsoft, and what ONNX Runtime's optimiser fuses into them. */

import { type Node, float, int, ints, numberAttribute } from "../graph.ts";
import { dataTypeCodes } from "../data-types.ts";
import { onnxNode } from "../operator-node.ts";
import { writeSwish } from "./activations.ts";
import { positionsUpTo, count } from "./attention-mask.ts";
import type { Converter } from "./conversion.ts";
import { groupNormalizationNode, rmsNormalizationNode, rmsNormalizationOverBody } from "./norms.ts";
import { NodeWriter } from "./node-writer.ts";

/** The sum that a node with a skip connection normalises. */
function skipSum(node: Node, write: NodeWriter, bias: string): string {
  const [x = "", skip = ""] = node.inputs;
  const sum = write.op("Add", [x, skip]);
  const all = bias === "" ? sum : write.op("Add", [sum, bias]);
  write.asOutput(all, 3);
  return all;
}

const skipLayerNormalization: Converter = (node, to) => {
  const [, , gamma = "", beta = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const x = skipSum(node, write, bias);
  const attributes = { axis: int(-1), epsilon: float(numberAttribute(node, "epsilon", 1e-12)) };
  const outputs = node.outputs.slice(0, 3);
  const inputs = beta === "" ? ([x, gamma] as const) : ([x, gamma, beta] as const);
  return [...write.nodes, onnxNode("LayerNormalization", inputs, outputs, attributes, node.name)];
};

const skipRmsNormalization: Converter = (node, to) => {
  const [, , scale = "", bias = ""] = node.inputs;
  const [y = "", mean = "", inverse = ""] = node.outputs;
  if (to.isUsed(mean) || to.isUsed(inverse)) throw to.refuse(node, "its statistics are used");
  const write = new NodeWriter(node, to);
  const x = skipSum(node, write, bias);
  const epsilon = numberAttribute(node, "epsilon", 1e-12);
  return [...write.nodes, rmsNormalizationNode(node, to, { x, scale, y, axis: -1, epsilon })];
};

/** The sum of the vectors of words, positions and segments, normalised; and how many tokens the mask shows. */
export const embedLayerNormalization: Converter = (node, to) => {
  const [ids = "", segments = "", words = "", places = "", kinds = "", gamma = "", beta = ""] = node.inputs;
  const [mask = "", positions = ""] = node.inputs.slice(7);
  const write = new NodeWriter(node, to);
  const lookup = (table: string, indices: string): string =>
    write.op("Gather", [table, indices], { axis: int(0) });
  const position = positions === "" ? positionsUpTo(write, count(write, ids, 1)) : positions;
  // In the order of BERT itself.
  const word = lookup(words, ids);
  const typed = kinds === "" ? word : write.op("Add", [word, lookup(kinds, segments)]);
  const sum = write.op("Add", [typed, lookup(places, position)]);
  write.asOutput(sum, 2);
  if (to.isUsed(node.outputs[1] ?? "")) writeTokenCount(node, write, mask === "" ? undefined : mask, ids);
  const attributes = { axis: int(-1), epsilon: float(numberAttribute(node, "epsilon", 1e-12)) };
  const [y = ""] = node.outputs;
  return [...write.nodes, onnxNode("LayerNormalization", [sum, gamma, beta], [y], attributes, node.name)];
};

/** The second output: the ones in each row of a mask, or 0 without one. */
function writeTokenCount(node: Node, write: NodeWriter, mask: string | undefined, ids: string): void {
  const long = write.op("Cast", [mask ?? ids], { to: int(dataTypeCodes.int64) });
  const isOne = write.op("Equal", [long, write.integers("one", [mask === undefined ? -1 : 1], [])]);
  const ones = write.op("Cast", [isOne], { to: int(dataTypeCodes.int32) });
  const axes = write.integers("axis", [1]);
  write.op("ReduceSum", [ones, axes], { keepdims: int(0) }, node.outputs[1]);
}

/** GroupNorm and SkipGroupNorm, whose channels are the last axis unless they say otherwise, with SiLU behind them. */
const groupNorm: Converter = (node, to) => {
  const [given = "", gamma = "", beta = "", skip = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const [rank, type] = [to.shape(node, 0).length, to.info(given)?.dataType ?? "float32"];
  const isLast = numberAttribute(node, "channels_last", 1) !== 0;
  const channel = isLast ? rank - 1 : 1;
  /** A tensor [N, channels] or [channels] beside the image. */
  const beside = (name: string): string => {
    const own = to.info(name)?.shape.length ?? rank;
    if (own === rank || (own === 1 && isLast)) return name;
    const sizeAt = (axis: number): number => (axis === channel ? -1 : axis === 0 && own === 2 ? 0 : 1);
    return write.op("Reshape", [
      name,
      write.integers(
        "form",
        Array.from({ length: rank }, (_, i) => sizeAt(i)),
      ),
    ]);
  };
  const parts = [skip, bias].filter((name) => name !== "");
  const x = parts.reduce((sum, part) => write.op("Add", [sum, beside(part)]), given);
  if (skip !== "") write.asOutput(x, 1);
  const places = Array.from({ length: rank - 2 }, (_, i) => i);
  const first = isLast
    ? write.op("Transpose", [x], { perm: ints([0, rank - 1, ...places.map((i) => i + 1)]) })
    : x;
  const ofType = (name: string): string =>
    to.info(name)?.dataType === type ? name : write.op("Cast", [name], { to: int(dataTypeCodes[type]) });
  const y = to.name(`${node.name}_normal`);
  write.add(
    groupNormalizationNode({ ...node, name: y }, to, {
      x: first,
      scale: ofType(gamma),
      bias: ofType(beta),
      y,
      groups: numberAttribute(node, "groups", 1),
      epsilon: numberAttribute(node, "epsilon", 1e-5),
    }),
  );
  const isActivated = numberAttribute(node, "activation", 0) !== 0;
  const [output] = node.outputs;
  const back = isLast
    ? write.op(
        "Transpose",
        [y],
        { perm: ints([0, ...places.map((i) => i + 2), 1]) },
        isActivated ? undefined : output,
      )
    : y;
  if (isActivated) writeSwish(write, back, 1, output);
  else if (!isLast) write.asOutput(back, 0);
  return write.nodes;
};

/** Converters by operator. */
export const contribNorms: Readonly<Record<string, Converter>> = {
  EmbedLayerNormalization: embedLayerNormalization,
  GroupNorm: groupNorm,
  SimplifiedLayerNormalization: rmsNormalizationOverBody,
  SkipGroupNorm: groupNorm,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipRmsNormalization,
};
