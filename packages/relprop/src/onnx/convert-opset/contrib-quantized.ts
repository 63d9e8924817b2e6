/** Layers of com.microsoft that ONNX Runtime's quantiser makes of fused ones: the same, behind DequantizeLinear or a product of whole numbers. */

import type { Node } from "../graph.ts";
import { attentionOfProduct } from "./contrib-attention.ts";
import { embedLayerNormalization } from "./contrib-norms.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** The tables, the scale and the offset are whole numbers, inputs 2 to 6; their steps are inputs 8 to 12, their zeros 13 to 17. */
const qEmbedLayerNormalization: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const inputs = node.inputs.slice(0, 8).map((name, i) => {
    if (name === "" || i < 2 || i > 6) return name;
    const [scale = "", zero = ""] = [node.inputs[i + 6], node.inputs[i + 11]];
    return write.op("DequantizeLinear", zero === "" ? [name, scale] : [name, scale, zero]);
  });
  const plain: Node = { ...node, opType: "EmbedLayerNormalization", inputs };
  return [...write.nodes, ...embedLayerNormalization(plain, to)];
};

/** The product x W + b of queries, keys and values is one of whole numbers; attention itself computes with real ones. */
const qAttention: Converter = (node, to) => {
  const [x = "", weights = "", bias = "", scale = "", weightScale = "", mask = ""] = node.inputs;
  const [zero = "", weightZero = "", past = ""] = node.inputs.slice(6);
  const name = to.name(`${node.name}_product`);
  const product: Node = {
    ...node,
    name,
    opType: "MatMulIntegerToFloat",
    inputs: [x, weights, scale, weightScale, zero, weightZero, bias],
    outputs: [name],
    attributes: {},
  };
  to.learn(product);
  const plain: Node = { ...node, opType: "Attention", inputs: [name, "", "", mask, past] };
  return [product, ...attentionOfProduct(plain, to, new NodeWriter(plain, to), name)];
};

/** Converters by operator. */
export const contribQuantized: Readonly<Record<string, Converter>> = {
  QAttention: qAttention,
  QEmbedLayerNormalization: qEmbedLayerNormalization,
};
