/** Operators of com.microsoft that add biases, among them those of positions. */

import { int, numberAttribute } from "../graph.ts";
import { int64Tensor } from "../tensor.ts";
import { dataTypeCodes } from "../data-types.ts";
import { perHead } from "./attend.ts";
import { positionsUpTo } from "./attention-mask.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** x + bias + skip. */
const biasAdd: Converter = (node, to) => {
  const [x = "", bias = "", skip = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  write.op("Add", [write.op("Add", [x, bias]), skip], {}, node.outputs[0]);
  return write.nodes;
};

/** x + bias + skip, of which nothing is dropped at inference. */
const biasDropout: Converter = (node, to) => {
  const [x = "", bias = "", skip = "", , training = ""] = node.inputs;
  const numbers = to.constantNumbers(training);
  if (training !== "" && numbers?.[0] !== 0)
    throw to.refuse(node, "it is in training mode", "export the model in inference mode (model.eval())");
  const write = new NodeWriter(node, to);
  const sum = write.op("Add", [x, bias]);
  const all = skip === "" ? sum : write.op("Add", [sum, skip]);
  const outputs = node.outputs.filter((name) => name !== "");
  return [...write.nodes, { ...node, opType: "Dropout", domain: "", inputs: [all], outputs, attributes: {} }];
};

/** softmax(x + bias) over all axes from one on. */
const biasSoftmax: Converter = (node, to) => {
  const [x = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const sum = write.op("Add", [x, bias]);
  const rank = to.shape(node, 0).length;
  const given = numberAttribute(node, "axis", 1);
  const axis = given < 0 ? given + rank : given;
  if (axis === rank - 1) write.op("Softmax", [sum], { axis: int(-1) }, node.outputs[0]);
  else {
    const soft = write.op("Softmax", [write.op("Flatten", [sum], { axis: int(axis) })], { axis: int(-1) });
    write.op("Reshape", [soft, write.op("Shape", [x])], {}, node.outputs[0]);
  }
  return write.nodes;
};

/**
 * The biases of relative positions that WavLM gates: with u, r = σ(sums of (q + b) W + c in two halves), it is
 * (u (r a − 1) + 2) ⊙ position.
 */
const gatedRelativePositionBias: Converter = (node, to) => {
  const [query = "", queryBias = "", position = "", weights = "", bias = "", eco = "", offsets = ""] =
    node.inputs;
  if (offsets !== "")
    throw to.refuse(node, "its texts are packed without their padding", "export the model without packing");
  const write = new NodeWriter(node, to);
  const q = perHead(write, write.op("Add", [query, queryBias]), numberAttribute(node, "num_heads", 1));
  const gates = write.op("Add", [write.op("MatMul", [q, weights]), bias]);
  const halves = write.op("Reshape", [gates, write.integers("halves", [0, 0, 0, 2, -1])]);
  const sums = write.op("ReduceSum", [halves, write.integers("axis", [-1])], { keepdims: int(0) });
  const [u = "", r = ""] = write.ops("Split", [write.op("Sigmoid", [sums])], { axis: int(-1) }, 2);
  const scaled = write.op("Sub", [write.op("Mul", [r, eco]), 1]);
  const gate = write.op("Add", [write.op("Mul", [u, scaled]), 2]);
  write.op("Mul", [gate, position], {}, node.outputs[0]);
  return write.nodes;
};

/** The bucket of T5 for each distance of a key from a query, from −max to max: beyond, it stays the same. */
function bucketsOf(count: number, max: number, isBidirectional: boolean): number[] {
  const all = isBidirectional ? count / 2 : count;
  const exact = Math.floor(all / 2);
  // In float32, as the runtime computes it: at powers of two, rounding decides.
  const f = Math.fround;
  const perBucket = f(Math.log(f(max / exact)));
  return Array.from({ length: 2 * max + 1 }, (_, i) => {
    const ahead = i - max;
    const distance = isBidirectional ? Math.abs(ahead) : Math.max(0, -ahead);
    const share = f(f(Math.log(f(distance / exact))) / perBucket);
    const far = Math.min(all - 1, exact + Math.trunc(f(share * (all - exact))));
    return (isBidirectional && ahead > 0 ? all : 0) + (distance < exact ? distance : far);
  });
}

/** The bias of each head by the distance of key and query (T5). The table's numbers lie head by head. */
const relativePositionBias: Converter = (node, to) => {
  const [table = "", queries = "", keys = ""] = node.inputs;
  const [buckets, heads] = to.shape(node, 0);
  const max = numberAttribute(node, "max_distance", 128);
  if (typeof buckets !== "number" || typeof heads !== "number")
    throw to.refuse(node, "the size of its table is unknown");
  const write = new NodeWriter(node, to);
  const upTo = (length: string): string => {
    const long = write.op("Cast", [length], { to: int(dataTypeCodes.int64) });
    return positionsUpTo(write, write.op("Reshape", [long, write.integers("scalar", [])]));
  };
  const query = write.op("Unsqueeze", [upTo(queries), write.integers("axis", [1])]);
  const ahead = write.op("Sub", [upTo(keys), query]);
  const limit = (number: number): string => write.integers("most", [number], []);
  const near = write.op("Max", [write.op("Min", [ahead, limit(max)]), limit(-max)]);
  const places = bucketsOf(buckets, max, numberAttribute(node, "is_bidirectional", 0) !== 0);
  const known = to.constant(node, "buckets", int64Tensor(places));
  const bucket = write.op("Gather", [known, write.op("Add", [near, limit(max)])], { axis: int(0) });
  const perHead = write.op("Reshape", [table, write.integers("form", [1, heads, buckets])]);
  write.op("Gather", [perHead, bucket], { axis: int(2) }, node.outputs[0]);
  return write.nodes;
};

/** Converters by operator. */
export const contribBiases: Readonly<Record<string, Converter>> = {
  BiasAdd: biasAdd,
  BiasDropout: biasDropout,
  BiasSoftmax: biasSoftmax,
  GatedRelativePositionBias: gatedRelativePositionBias,
  RelativePositionBias: relativePositionBias,
};
