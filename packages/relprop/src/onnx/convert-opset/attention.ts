/** Replaces Attention (23, 24, 25) by its products, mask and softmax. */

import { type DataType, type Node, int, numberAttribute } from "../graph.ts";
import { dataTypeCodes, dataTypeOf } from "../data-types.ts";
import { append, attend, joinHeads, perHead } from "./attend.ts";
import { attentionBias } from "./attention-mask.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** The scores that the fourth output holds, by `qk_matmul_output_mode`. */
const [rawScores, cappedScores, biasedScores, weights] = [0, 1, 2, 3];

/** Q, K or V as [N, heads, positions, size]. */
function headsOf(node: Node, to: Conversion, write: NodeWriter, index: number, attribute: string): string {
  const [name, rank] = [node.inputs[index] ?? "", to.shape(node, index).length];
  if (rank === 4) return name;
  const heads = numberAttribute(node, attribute, 0);
  if (heads === 0) throw to.refuse(node, `it does not say how many heads it has (${attribute})`);
  return perHead(write, name, heads);
}

/** The softmax along the last axis, in the node's `softmax_precision`. */
function softmax(node: Node, to: Conversion, write: NodeWriter, scores: string, dataType: DataType): string {
  const code = numberAttribute(node, "softmax_precision", dataTypeCodes[dataType]);
  const precision = dataTypeOf(code);
  if (!precision) throw to.refuse(node, `its softmax_precision is ${code}`);
  if (precision === dataType) return write.op("Softmax", [scores], { axis: int(-1) });
  const fine = write.op("Cast", [scores], { to: int(code) });
  const soft = write.op("Softmax", [fine], { axis: int(-1) });
  return write.op("Cast", [soft], { to: int(dataTypeCodes[dataType]) });
}

/** softmax(cap · tanh(scale · Q Kᵀ / cap) + bias) V, per head. */
export const attention: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const dataType = to.info(node.inputs[0])?.dataType;
  if (!dataType) throw to.refuse(node, `the type of its input "${node.inputs[0]}" is unknown`);
  const queries = headsOf(node, to, write, 0, "q_num_heads");
  const newKeys = headsOf(node, to, write, 1, "kv_num_heads");
  const newValues = headsOf(node, to, write, 2, "kv_num_heads");
  const [pastKeys = "", pastValues = ""] = node.inputs.slice(4, 6);
  const [keys, values] = [append(write, pastKeys, newKeys), append(write, pastValues, newValues)];
  write.asOutput(keys, 1);
  write.asOutput(values, 2);

  const isPerHead = to.shape(node, 0).length === 4;
  const found = attend(
    node,
    to,
    write,
    { queries, keys, values },
    {
      scale: numberAttribute(node, "scale", 0),
      cap: numberAttribute(node, "softcap", 0),
      biases: [attentionBias(node, to, write, { queries, keys, pastKeys, dataType })],
      softmax: (scores) => softmax(node, to, write, scores, dataType),
    },
    isPerHead ? node.outputs[0] : undefined,
  );
  const mode = numberAttribute(node, "qk_matmul_output_mode", rawScores);
  const shown = new Map([
    [rawScores, found.raw],
    [cappedScores, found.capped],
    [biasedScores, found.biased],
    [weights, found.weights],
  ]).get(mode);
  if (shown === undefined) throw to.refuse(node, `its qk_matmul_output_mode is ${mode}`);
  write.asOutput(shown, 3);
  if (!isPerHead) joinHeads(write, found.rows, node.outputs[0]);
  return write.nodes;
};
