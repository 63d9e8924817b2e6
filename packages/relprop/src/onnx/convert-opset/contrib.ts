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
import { onnxNode } from "../operator-node.ts";
import { writeGelu, writeSwish } from "./activations.ts";
import { type Conversion, type Converter, without } from "./conversion.ts";
import { rmsNormalizationNode, rmsNormalizationOverBody } from "./norms.ts";
import { NodeWriter } from "./node-writer.ts";
import { lstmOverIntegers } from "./recurrent.ts";

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

/** αAB, with A and B transposed if the attributes say so. */
const fusedMatMul: Converter = (node, to) => {
  for (const name of ["transBatchA", "transBatchB"]) {
    if (numberAttribute(node, name, 0) !== 0)
      throw to.refuse(node, `it transposes its batch (${name})`, unfused);
  }
  const write = new NodeWriter(node, to);
  const turned = (index: number, attribute: string): string => {
    const name = node.inputs[index] ?? "";
    if (numberAttribute(node, attribute, 0) === 0) return name;
    const rank = to.shape(node, index).length;
    if (rank < 2) return name;
    const perm = Array.from({ length: rank }, (_, i) => i);
    return write.op("Transpose", [name], { perm: ints([...perm.slice(0, -2), rank - 1, rank - 2]) });
  };
  const parts = [turned(0, "transA"), turned(1, "transB")] as const;
  const alpha = numberAttribute(node, "alpha", 1);
  if (alpha === 1) write.op("MatMul", parts, {}, node.outputs[0]);
  else write.op("Mul", [write.op("MatMul", parts), alpha], {}, node.outputs[0]);
  return write.nodes;
};

/** x + bias + skip. */
const biasAdd: Converter = (node, to) => {
  const [x = "", bias = "", skip = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  write.op("Add", [write.op("Add", [x, bias]), skip], {}, node.outputs[0]);
  return write.nodes;
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

/** Converters of operators of com.microsoft, for all opsets. */
export const contribForms: Readonly<Record<string, Converter>> = {
  BiasAdd: biasAdd,
  BiasGelu: geluOfSum("none"),
  BiasSplitGelu: biasSplitGelu,
  DynamicQuantizeLSTM: lstmOverIntegers,
  FastGelu: geluOfSum("tanh"),
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  Gelu: geluOfSum("none"),
  QuickGelu: quickGelu,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipRmsNormalization,
  SimplifiedLayerNormalization: rmsNormalizationOverBody,
  TransposeMatMul: fusedMatMul,
};
