/**
 * Replaces operators of com.microsoft, which ONNX Runtime's tools make of operators of ai.onnx, by the latter. Others
 * of that domain stay, and assigning rules refuses them by name.
 *
 * Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */

import {
  type Attribute,
  type Node,
  float,
  int,
  ints,
  numberAttribute,
  string,
  stringAttribute,
} from "../graph.ts";
import { writeGelu, writeSwish } from "./activations.ts";
import { type Conversion, type Converter, without } from "./conversion.ts";
import { attentionOfInput, decoderAttention, multiHeadAttention } from "./contrib-attention.ts";
import { contribBiases } from "./contrib-biases.ts";
import { contribNorms } from "./contrib-norms.ts";
import { contribQuantized } from "./contrib-quantized.ts";
import { groupQueryAttention } from "./group-query.ts";
import { NodeWriter } from "./node-writer.ts";
import { lstmOverIntegers } from "./recurrent.ts";
import { contribRotaryEmbedding } from "./rotary.ts";

/** A Gelu node of a value, with its body. */
function gelu(node: Node, to: Conversion, x: string, approximate: "none" | "tanh"): Node {
  const write = new NodeWriter(node, to);
  writeGelu(write, x, approximate, node.outputs[0]);
  const attributes = { approximate: string(approximate) };
  return { ...node, opType: "Gelu", domain: "", inputs: [x], attributes, body: write.nodes };
}

/** Gelu, BiasGelu and FastGelu: GELU of the input plus a bias, if there is one. */
const geluOfSum =
  (approximate: "none" | "tanh"): Converter =>
  (node, to) => {
    const write = new NodeWriter(node, to);
    const [x = "", bias = ""] = node.inputs;
    const sum = bias === "" ? x : write.op("Add", [x, bias]);
    return [...write.nodes, gelu(node, to, sum, approximate)];
  };

/** QuickGelu: x σ(αx). */
const quickGelu: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  writeSwish(write, node.inputs[0] ?? "", numberAttribute(node, "alpha", 1.702), node.outputs[0]);
  return write.nodes;
};

type WriteActivation = (
  write: NodeWriter,
  x: string,
  y: string | undefined,
  given: readonly number[],
) => void;

/** Activations that are fused into convolutions and products, with their parameters in order. */
const fusable: Readonly<Record<string, WriteActivation>> = {
  Relu: (write, x, y) => write.op("Relu", [x], {}, y),
  Tanh: (write, x, y) => write.op("Tanh", [x], {}, y),
  Sigmoid: (write, x, y) => write.op("Sigmoid", [x], {}, y),
  LeakyRelu: (write, x, y, [alpha = 0]) => write.op("LeakyRelu", [x], { alpha: float(alpha) }, y),
  HardSigmoid: (write, x, y, [alpha = 0, beta = 0]) =>
    write.op("HardSigmoid", [x], { alpha: float(alpha), beta: float(beta) }, y),
  Clip: (write, x, y, [min = 0, max = 0]) => write.op("Clip", [x, min, max], {}, y),
};

/** Writes the activation at the end of a fused node. */
function activate(node: Node, to: Conversion, write: NodeWriter, x: string, given: readonly number[]): void {
  const opType = stringAttribute(node, "activation", "");
  const writeActivation = Object.hasOwn(fusable, opType) ? fusable[opType] : undefined;
  if (!writeActivation) throw to.refuse(node, `its fused activation "${opType}" is unknown`, unfused);
  writeActivation(write, x, node.outputs[0], given);
}

const unfused = "export the model without ONNX Runtime's optimisations";

function floatsOf(attribute: Attribute | undefined): readonly number[] {
  return attribute?.type === "floats" ? attribute.value : [];
}

/** act(Conv(x, W, b) + z). */
const fusedConv: Converter = (node, to) => {
  const [x = "", weights = "", bias = "", added = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const attributes = without(node.attributes, "activation", "activation_params");
  const conv = write.like({ opType: "Conv", attributes }, bias === "" ? [x, weights] : [x, weights, bias]);
  const sum = added === "" ? conv : write.op("Add", [conv, added]);
  activate(node, to, write, sum, floatsOf(node.attributes["activation_params"]));
  return write.nodes;
};

/** act(αAB + βC). */
const fusedGemm: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const parameters = ["activation_alpha", "activation_beta", "activation_gamma"];
  const attributes = without(node.attributes, "activation", ...parameters);
  const gemm = write.like({ opType: "Gemm", attributes }, node.inputs);
  activate(
    node,
    to,
    write,
    gemm,
    parameters.map((name) => numberAttribute(node, name, 0)),
  );
  return write.nodes;
};

/** αAB, with A and B transposed if the attributes say so; `transBatch` moves the first axis behind the batch's others. */
const fusedMatMul: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const turned = (index: number, letter: "A" | "B"): string => {
    const name = node.inputs[index] ?? "";
    const [isTurned, isMoved] = [`trans${letter}`, `transBatch${letter}`].map(
      (attribute) => numberAttribute(node, attribute, 0) !== 0,
    );
    if (!isTurned && !isMoved) return name;
    const rank = to.shape(node, index).length;
    if (rank < 2) return name;
    const axes = Array.from({ length: rank }, (_, i) => i);
    const moved = isMoved ? [...axes.slice(1, -1), 0, rank - 1] : axes;
    const last = moved.slice(-2);
    return write.op("Transpose", [name], {
      perm: ints([...moved.slice(0, -2), ...(isTurned ? last.toReversed() : last)]),
    });
  };
  const parts = [turned(0, "A"), turned(1, "B")] as const;
  const alpha = numberAttribute(node, "alpha", 1);
  if (alpha === 1) write.op("MatMul", parts, {}, node.outputs[0]);
  else write.op("Mul", [write.op("MatMul", parts), alpha], {}, node.outputs[0]);
  return write.nodes;
};

/** tanh-Gelu(A B + bias). */
const gemmFastGelu: Converter = (node, to) => {
  const [a = "", b = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const product = write.op("MatMul", [a, b]);
  const sum = bias === "" ? product : write.op("Add", [product, bias]);
  return [...write.nodes, gelu(node, to, sum, "tanh")];
};

/** a · Gelu(b), with (a, b) = x + bias. */
const biasSplitGelu: Converter = (node, to) => {
  const [x = "", bias = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const sum = write.op("Add", [x, bias]);
  const [a, b] = write.ops("Split", [sum], { axis: int(-1) }, 2);
  const inner = to.name(`${node.name}_Gelu`);
  const activated = gelu({ ...node, name: inner, outputs: [inner] }, to, b, "none");
  const product = new NodeWriter(node, to);
  product.op("Mul", [a, inner], {}, node.outputs[0]);
  return [...write.nodes, activated, ...product.nodes];
};

/** A convolution of [N, height, width, channels], with what is fused into it. */
const nhwcConv: Converter = (node, to) => {
  const [x = "", weights = "", bias = "", added = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const rank = to.shape(node, 0).length;
  const places = Array.from({ length: rank - 2 }, (_, i) => i);
  const first = write.op("Transpose", [x], { perm: ints([0, rank - 1, ...places.map((i) => i + 1)]) });
  const attributes = without(node.attributes, "activation", "activation_params");
  const inputs = bias === "" ? [first, weights] : [first, weights, bias];
  const conv = write.like({ opType: "Conv", attributes }, inputs);
  const perm = ints([0, ...places.map((i) => i + 2), 1]);
  const isPlain = stringAttribute(node, "activation", "") === "";
  const output = isPlain ? node.outputs[0] : undefined;
  const last = write.op("Transpose", [conv], { perm }, added === "" ? output : undefined);
  const sum = added === "" ? last : write.op("Add", [last, added], {}, output);
  if (!isPlain) activate(node, to, write, sum, floatsOf(node.attributes["activation_params"]));
  return write.nodes;
};

/** A transposed convolution whose pads are an input. */
const convTransposeOfPads: Converter = (node, to) => {
  const [x = "", weights = "", , bias = ""] = node.inputs;
  const pads = to.constantIntegers(node, 2, "pads");
  const attributes = { ...node.attributes, ...(pads && { pads: ints(pads) }) };
  const inputs = bias === "" ? [x, weights] : [x, weights, bias];
  return [{ ...node, opType: "ConvTranspose", domain: "", inputs, attributes }];
};

/** Converters of operators of com.microsoft, for all opsets. */
export const contribForms: Readonly<Record<string, Converter>> = {
  ...contribBiases,
  ...contribNorms,
  ...contribQuantized,
  Attention: attentionOfInput,
  BiasGelu: geluOfSum("none"),
  BiasSplitGelu: biasSplitGelu,
  ConvTransposeWithDynamicPads: convTransposeOfPads,
  DecoderMaskedMultiHeadAttention: decoderAttention,
  DecoderMaskedSelfAttention: attentionOfInput,
  DynamicQuantizeLSTM: lstmOverIntegers,
  FastGelu: geluOfSum("tanh"),
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  Gelu: geluOfSum("none"),
  GemmFastGelu: gemmFastGelu,
  GroupQueryAttention: groupQueryAttention,
  MultiHeadAttention: multiHeadAttention,
  NhwcConv: nhwcConv,
  NhwcFusedConv: nhwcConv,
  QuickGelu: quickGelu,
  RotaryEmbedding: contribRotaryEmbedding,
  TransposeMatMul: fusedMatMul,
};
