/** Replaces Attention, MultiHeadAttention and their forms for decoders, of com.microsoft, by products, mask and softmax. */

import { type Node, int, intsAttribute, numberAttribute } from "../graph.ts";
import { type Heads, append, attend, joinHeads, perHead, swapHeads } from "./attend.ts";
import { maskBias } from "./contrib-mask.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

const plain = "export the model without ONNX Runtime's optimisations, or explain the file from before them";

/** Where a node has its inputs; -1 is nowhere. */
interface Inputs {
  readonly bias: number;
  readonly mask: number;
  readonly added: number;
  readonly pastLength: number;
  readonly beams: number;
}

/** Refuses what reads other numbers than those of the inputs. */
function refuseBeams(node: Node, to: Conversion, { beams }: Inputs): void {
  if (node.inputs[beams])
    throw to.refuse(node, "it picks the cache of several beams at once (cache_indirection)", plain);
}

/** The past itself, where it lies in a buffer that has room for what is to come. */
function pastOf(node: Node, to: Conversion, write: NodeWriter, given: string, inputs: Inputs): string {
  const length = node.inputs[inputs.pastLength] ?? "";
  const isShared = numberAttribute(node, "past_present_share_buffer", 0) !== 0;
  if (given === "" || (!isShared && length === "")) return given;
  if (length === "") throw to.refuse(node, "it shares its cache, and does not say how full that is", plain);
  if (node.outputs.slice(1, 3).some((output) => to.isUsed(output)))
    throw to.refuse(node, "it writes into a cache that has room for more, and the cache is used", plain);
  const [zero, axis] = [[0], [2]].map((list) => write.integers("part", list));
  const end = write.op("Reshape", [length, write.integers("form", [1])]);
  return write.op("Slice", [given, zero ?? "", write.op("Cast", [end], { to: int(7) }), axis ?? ""]);
}

/** Writes the outputs from heads that include those of the past. */
function finish(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  heads: Heads,
  { mask, added }: Inputs,
): ReturnType<typeof attend> {
  const extra = node.inputs[added] ?? "";
  const found = attend(node, to, write, heads, {
    scale: numberAttribute(node, "scale", 0),
    cap: 0,
    biases: [extra === "" ? undefined : { value: extra }, maskBias(node, to, write, { ...heads, mask })],
  });
  joinHeads(write, found.rows, node.outputs[0]);
  return found;
}

const attentionInputs: Inputs = { bias: 2, mask: 3, added: 5, pastLength: 6, beams: 8 };

/** Attention and DecoderMaskedSelfAttention: x W + b is queries, keys and values in a row. */
export const attentionOfInput: Converter = (node, to) => {
  const [x = "", weights = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const product = write.op("MatMul", [x, weights]);
  return attentionOfProduct(node, to, write, bias === "" ? product : write.op("Add", [product, bias]));
};

/** The rest of an Attention, behind the product. */
export function attentionOfProduct(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  all: string,
): readonly Node[] {
  refuseBeams(node, to, attentionInputs);
  if (numberAttribute(node, "do_rotary", 0) !== 0)
    throw to.refuse(node, "it rotates by angles that are not in the file (do_rotary)", plain);
  const past = node.inputs[4] ?? "";
  const sizes = intsAttribute(node, "qkv_hidden_sizes");
  const parts =
    sizes && sizes.length > 0
      ? write.ops("Split", [all, write.integers("sizes", sizes)], { axis: int(-1) }, 3)
      : write.ops("Split", [all], { axis: int(-1) }, 3);
  const heads = numberAttribute(node, "num_heads", 1);
  const [queries = "", newKeys = "", newValues = ""] = parts.map((part) => perHead(write, part, heads));
  const pastAt = (index: number): string =>
    past === "" ? "" : write.op("Gather", [past, write.integers("which", [index], [])], { axis: int(0) });
  const [keys = "", values = ""] = [newKeys, newValues].map((now, i) =>
    append(write, pastOf(node, to, write, pastAt(i), attentionInputs), now),
  );
  if (node.outputs[1]) {
    const first = write.integers("first", [0]);
    const [k, v] = [keys, values].map((each) => write.op("Unsqueeze", [each, first]));
    write.op("Concat", [k ?? "", v ?? ""], { axis: int(0) }, node.outputs[1]);
  }
  finish(node, to, write, { queries, keys, values }, attentionInputs);
  return write.nodes;
}

/**
 * A tensor of queries, keys or values: [N, positions, heads · size] in a row, [N, positions, heads, size] when it was packed
 * with others, or [N, heads, positions, size] as a cache has it, whose keys and values have their bias already.
 */
interface Part {
  readonly value: string;
  readonly form: "row" | "packed" | "cache";
}

const row = (value: string): Part => ({ value, form: "row" });

/** Queries, keys and values out of the first three inputs. */
function partsOf(node: Node, to: Conversion, write: NodeWriter): readonly Part[] {
  const [query = "", key = "", value = ""] = node.inputs;
  const rank = to.shape(node, 0).length;
  const unpack = (all: string, count: 2 | 3): Part[] =>
    write.ops("Split", [all], { axis: int(3) }, count).map((part) => ({
      value: write.op("Squeeze", [part, write.integers("axis", [3])]),
      form: "packed",
    }));
  if (rank === 5) return unpack(query, 3);
  if (key === "") return write.ops("Split", [query], { axis: int(-1) }, 3).map(row);
  const keyRank = to.shape(node, 1).length;
  if (keyRank === 5) return [row(query), ...unpack(key, 2)];
  const form = keyRank === 4 ? "cache" : "row";
  return [row(query), { value: key, form }, { value, form }];
}

/** Queries, keys and values of now, with their bias, as [N, heads, positions, size]. */
function headsOf(node: Node, to: Conversion, write: NodeWriter, bias: string): Heads {
  const heads = numberAttribute(node, "num_heads", 1);
  const parts = partsOf(node, to, write);
  const biases = bias === "" ? [] : splitBias(node, to, write, bias, parts[0]);
  const [queries = "", keys = "", values = ""] = parts.map(({ value, form }, i) => {
    const own = biases[i];
    switch (form) {
      case "row":
        return perHead(write, own ? write.op("Add", [value, own]) : value, heads);
      case "packed": {
        const form = write.integers("form", [heads, -1]);
        return swapHeads(write, own ? write.op("Add", [value, write.op("Reshape", [own, form])]) : value);
      }
      case "cache":
        return value;
    }
  });
  return { queries, keys, values };
}

/** The biases of queries, keys and values, which lie in one vector. Those of queries and keys have equal sizes. */
function splitBias(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  bias: string,
  first?: Part,
): readonly string[] {
  const all = to.info(bias)?.shape[0];
  const sizes = to.info(first?.value)?.shape.slice(2) ?? [];
  const width = sizes.reduce<number>((product, each) => product * Number(each), 1);
  if (typeof all !== "number" || !Number.isInteger(width))
    throw to.refuse(node, "it has a bias, and the sizes of its heads are unknown", plain);
  return write.ops(
    "Split",
    [bias, write.integers("sizes", [width, width, all - 2 * width])],
    { axis: int(0) },
    3,
  );
}

/** MultiHeadAttention or DecoderMaskedMultiHeadAttention, which have the same inputs in different places. */
const attentionOfParts =
  (inputs: Inputs & { readonly past: number }): Converter =>
  (node, to) => {
    refuseBeams(node, to, inputs);
    const write = new NodeWriter(node, to);
    const now = headsOf(node, to, write, node.inputs[inputs.bias] ?? "");
    const [keys = "", values = ""] = [now.keys, now.values].map((each, i) =>
      append(write, pastOf(node, to, write, node.inputs[inputs.past + i] ?? "", inputs), each),
    );
    write.asOutput(keys, 1);
    write.asOutput(values, 2);
    const { biased } = finish(node, to, write, { queries: now.queries, keys, values }, inputs);
    write.asOutput(biased, 3);
    return write.nodes;
  };

/** MultiHeadAttention. */
export const multiHeadAttention = attentionOfParts({
  bias: 3,
  mask: 4,
  added: 5,
  past: 6,
  pastLength: 8,
  beams: 9,
});

/** DecoderMaskedMultiHeadAttention: one more position at a time. */
export const decoderAttention = attentionOfParts({
  bias: 10,
  mask: 3,
  added: 4,
  past: 5,
  pastLength: 7,
  beams: 9,
});
