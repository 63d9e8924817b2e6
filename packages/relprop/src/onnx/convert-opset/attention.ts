/** Replaces Attention (23, 24, 25) by its products, mask and softmax. */

import { type DataType, type Node, int, ints, numberAttribute } from "../graph.ts";
import { dataTypeCodes, dataTypeOf } from "../data-types.ts";
import { attentionBias } from "./attention-mask.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** The scores that the fourth output holds, by `qk_matmul_output_mode`. */
const [rawScores, cappedScores, biasedScores, weights] = [0, 1, 2, 3];

/** Q, K or V as [N, heads, positions, size]. */
function perHead(node: Node, to: Conversion, write: NodeWriter, index: number, attribute: string): string {
  const [name, rank] = [node.inputs[index] ?? "", to.shape(node, index).length];
  if (rank === 4) return name;
  const heads = numberAttribute(node, attribute, 0);
  if (heads === 0) throw to.refuse(node, `it does not say how many heads it has (${attribute})`);
  const split = write.op("Reshape", [name, write.integers("heads", [0, 0, heads, -1])]);
  return write.op("Transpose", [split], { perm: ints([0, 2, 1, 3]) });
}

/** Repeats heads of keys or values that several heads of queries share. */
function spread(node: Node, to: Conversion, write: NodeWriter, queries: string, few: string): string {
  const [many, some] = [write.info(queries)?.shape[1], write.info(few)?.shape[1]];
  if (many === some) return few;
  if (typeof many !== "number" || typeof some !== "number" || many % some !== 0) {
    throw to.refuse(node, `its ${many} heads of queries cannot share ${some} heads of keys`);
  }
  const owners = Array.from({ length: many }, (_, head) => Math.floor((head * some) / many));
  return write.op("Gather", [few, write.integers("owners", owners)], { axis: int(1) });
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

/**
 * softmax(cap · tanh(scale · Q Kᵀ / cap) + bias) V, per head. The scale multiplies Q; the specification multiplies Q and K
 * by √scale, which differs in rounding only.
 */
export const attention: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const dataType = to.info(node.inputs[0])?.dataType;
  if (!dataType) throw to.refuse(node, `the type of its input "${node.inputs[0]}" is unknown`);
  const rank = to.shape(node, 0).length;
  const q = perHead(node, to, write, 0, "q_num_heads");
  const newKeys = perHead(node, to, write, 1, "kv_num_heads");
  const newValues = perHead(node, to, write, 2, "kv_num_heads");
  const [pastKeys = "", pastValues = ""] = node.inputs.slice(4, 6);
  const append = (past: string, now: string): string =>
    past === "" ? now : write.op("Concat", [past, now], { axis: int(2) });
  const [keys, values] = [append(pastKeys, newKeys), append(pastValues, newValues)];
  write.asOutput(keys, 1);
  write.asOutput(values, 2);

  const size = write.info(q)?.shape[3];
  if (typeof size !== "number" && node.attributes["scale"] === undefined) {
    throw to.refuse(node, "neither its scale nor the size of its heads is known");
  }
  const scale = numberAttribute(node, "scale", 1 / Math.sqrt(Number(size)));
  const scaled = scale === 1 ? q : write.op("Mul", [q, scale]);
  const turned = write.op("Transpose", [spread(node, to, write, q, keys)], { perm: ints([0, 1, 3, 2]) });
  const raw = write.op("MatMul", [scaled, turned]);
  const cap = numberAttribute(node, "softcap", 0);
  const capped = cap === 0 ? raw : write.op("Mul", [write.op("Tanh", [write.op("Div", [raw, cap])]), cap]);

  const bias = attentionBias(node, to, write, { queries: q, keys, pastKeys, dataType });
  const biased = bias ? write.op("Add", [capped, bias.value]) : capped;
  const safe = bias?.safe === undefined ? biased : write.op("Add", [capped, bias.safe]);
  const soft = softmax(node, to, write, safe, dataType);
  const attended = bias?.seesNone === undefined ? soft : write.op("Where", [bias.seesNone, 0, soft]);

  const mode = numberAttribute(node, "qk_matmul_output_mode", rawScores);
  const shown = new Map([
    [rawScores, raw],
    [cappedScores, capped],
    [biasedScores, biased],
    [weights, attended],
  ]).get(mode);
  if (shown === undefined) throw to.refuse(node, `its qk_matmul_output_mode is ${mode}`);
  write.asOutput(shown, 3);

  const own = spread(node, to, write, q, values);
  if (rank === 4) write.op("MatMul", [attended, own], {}, node.outputs[0]);
  else {
    const rows = write.op("Transpose", [write.op("MatMul", [attended, own])], { perm: ints([0, 2, 1, 3]) });
    write.op("Reshape", [rows, write.integers("joined", [0, 0, -1])], {}, node.outputs[0]);
  }
  return write.nodes;
};
