/** Replaces com.microsoft's GroupQueryAttention, which decoders of language models are exported with. */

import { type Node, int, numberAttribute, stringAttribute } from "../graph.ts";
import { floatTensor, isFloat } from "../tensor.ts";
import { append, attend, joinHeads, splitHeads, swapHeads } from "./attend.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { KeyLayout } from "./key-layout.ts";
import { rmsNormalizationNode } from "./norms.ts";
import { NodeWriter } from "./node-writer.ts";
import { rotated, rowsAt } from "./rotary.ts";

/** Places of the inputs. */
const at = { pastKeys: 3, pastValues: 4, lengths: 5, total: 6, cosines: 7, sines: 8, positions: 9 } as const;
const [bias, sink, keyScale, valueScale, queryNorm, keyNorm, queryLengths] = [10, 11, 12, 13, 14, 15, 16];

/** Queries, keys and values as [N, positions, heads, size]: three inputs, or one that holds them in a row. */
function partsOf(node: Node, write: NodeWriter): string[] {
  const [query = "", key = "", value = ""] = node.inputs;
  const many = numberAttribute(node, "num_heads", 1);
  const few = numberAttribute(node, "kv_num_heads", 1);
  const heads = [many, few, few];
  if (key !== "") return [query, key, value].map((part, i) => splitHeads(write, part, heads[i] ?? 1));
  const all = splitHeads(write, query, many + 2 * few);
  return [...write.ops("Split", [all, write.integers("sizes", heads)], { axis: int(2) }, 3)];
}

/** RMS normalisation of each head, if the node has its weights. */
function normalized(node: Node, to: Conversion, write: NodeWriter, x: string, index: number): string {
  const scale = node.inputs[index] ?? "";
  if (scale === "") return x;
  const shared = numberAttribute(node, "qk_norm_epsilon", 1e-6);
  const epsilon = numberAttribute(node, index === queryNorm ? "q_norm_epsilon" : "k_norm_epsilon", shared);
  const y = to.name(`${node.name}_normal`);
  write.add(rmsNormalizationNode({ ...node, name: y }, to, { x, scale, y, axis: -1, epsilon }));
  return y;
}

/** The score that goes to no key: that of `head_sink`, or 0 with `smooth_softmax`. */
function sinkOf(node: Node, to: Conversion, write: NodeWriter): string | undefined {
  const given = node.inputs[sink] ?? "";
  if (given !== "") return write.op("Reshape", [given, write.integers("form", [1, -1, 1, 1])]);
  if (numberAttribute(node, "smooth_softmax", 0) <= 0) return undefined;
  const dataType = to.info(node.inputs[0])?.dataType ?? "float32";
  return to.constant(node, "sink", floatTensor(isFloat(dataType) ? dataType : "float32", [0], [1, 1, 1, 1]));
}

/** Refuses what the parts below do not express. */
function check(node: Node, to: Conversion): void {
  const refuse = (why: string, fix: string): Error => to.refuse(node, why, fix);
  const isQuantized = ["k_quant_type", "v_quant_type"].some(
    (name) => stringAttribute(node, name, "NONE") !== "NONE",
  );
  if (isQuantized || node.inputs[keyScale] || node.inputs[valueScale])
    throw refuse("its cache holds quantized numbers", "export the model with a cache of float numbers");
  if (node.inputs[queryLengths])
    throw refuse("its texts are padded in pieces (query_seqlens)", "export the model without that input");
  if (to.isUsed(node.outputs[3] ?? ""))
    throw refuse("its fourth output, the scores, is used", "export the model without qk_output");
}

/**
 * GroupQueryAttention: causal attention where several heads of queries share one of keys and values. Each sample may have
 * its own number of keys from before (`seqlens_k` + 1 in all), which lie in a cache with room for more.
 */
export const groupQueryAttention: Converter = (node, to) => {
  check(node, to);
  const write = new NodeWriter(node, to);
  const pasts = [node.inputs[at.pastKeys] ?? "", node.inputs[at.pastValues] ?? ""];
  const [query = "", key = "", value = ""] = partsOf(node, write);
  const layout = new KeyLayout(node, write, { queries: query, past: pasts[0] ?? "", inputs: at });
  const cos = node.inputs[at.cosines] ?? "";
  const turn = (x: string): string => {
    if (numberAttribute(node, "do_rotary", 0) === 0) return swapHeads(write, x);
    const half = to.info(cos)?.shape[1];
    const positions = layout.angles;
    const made = rotated(node, to, write, x, {
      cosines: rowsAt(write, cos, positions),
      sines: rowsAt(write, node.inputs[at.sines] ?? "", positions),
      turned: typeof half === "number" ? 2 * half : undefined,
      isInterleaved: numberAttribute(node, "rotary_interleaved", 0) !== 0,
    });
    return swapHeads(write, made);
  };
  const queries = turn(normalized(node, to, write, query, queryNorm));
  const now = [turn(normalized(node, to, write, key, keyNorm)), swapHeads(write, value)];
  const [keys = "", values = ""] = now.map((each, i) => append(write, pasts[i] ?? "", each));
  for (const [i, each] of [keys, values].entries())
    if (node.outputs[i + 1]) layout.writeCache(each, node.outputs[i + 1] ?? "");
  const added = node.inputs[bias] ?? "";
  const found = attend(
    node,
    to,
    write,
    { queries, keys, values },
    {
      scale: numberAttribute(node, "scale", 0),
      cap: numberAttribute(node, "softcap", 0),
      biases: [
        added === "" ? undefined : { value: layout.columns(added) },
        { value: write.op("Where", [layout.seen, 0, -Infinity]) },
      ],
      sink: sinkOf(node, to, write),
    },
  );
  joinHeads(write, found.rows, node.outputs[0]);
  return write.nodes;
};
