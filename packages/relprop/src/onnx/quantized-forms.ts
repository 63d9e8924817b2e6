/**
 * Operators on quantized tensors, as the operators on real numbers that they stand for: QLinearConv is Conv of what its
 * inputs stand for, rounded to the steps of its output.
 *
 * Sources: https://onnx.ai/onnx/operators/onnx__QLinearConv.html and
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */

import { wrapped } from "./axis.ts";
import { type Attributes, type Node, int, numberAttribute, operatorKey } from "./graph.ts";

/** Indices of a tensor's three inputs: whole numbers, their scale and their zero point. */
export interface QuantizedInput {
  readonly values: number;
  readonly scale: number;
  readonly zero: number;
}

/** What an operator on quantized tensors does to the real numbers that they stand for. */
export interface QuantizedForm {
  /** The operator of ai.onnx on real numbers. */
  readonly operator: string;
  /** Its inputs, in order: a quantized one, or an input that is taken as it is. */
  readonly inputs: (node: Node) => readonly (QuantizedInput | number)[];
  /** Index of the scale of the output, which the zero point follows; the output is real if that input is absent. */
  readonly result: number;
  /** Index of a bias of whole numbers, whose scale is the product of those of the first two inputs. */
  readonly bias?: number;
  /** Whether the second input has weights, and the axis along which they may have several scales. */
  readonly weightAxis?: (node: Node) => number;
  /** The attributes of the operator on real numbers. */
  readonly attributes: (node: Node) => Attributes;
  /** Why it stands for no such operator, given the rank of its first input; undefined if it does. */
  readonly refuses: (node: Node, rank: number) => string | undefined;
}

const triple = (values: number): QuantizedInput => ({ values, scale: values + 1, zero: values + 2 });

const without = (node: Node, ...names: readonly string[]): Attributes =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)));

const channelsLast = (node: Node): string | undefined =>
  numberAttribute(node, "channels_last", 0) === 1
    ? "its channels are the last axis: export the model without ONNX Runtime's optimisations"
    : undefined;

/** A form with inputs that are quantized, from the first on; the scale of the output comes next. */
function form(
  operator: string,
  count: number,
  more: Partial<Omit<QuantizedForm, "operator">> = {},
): QuantizedForm {
  const inputs = Array.from({ length: count }, (_, i) => triple(3 * i));
  return {
    operator,
    inputs: () => inputs,
    result: 3 * count,
    attributes: (node) => without(node, "channels_last"),
    refuses: channelsLast,
    ...more,
  };
}

/** Before opset 13, Softmax flattened all axes from `axis` on into one. */
const softmaxRefuses = (node: Node, rank: number): string | undefined =>
  numberAttribute(node, "opset", 13) < 13 && wrapped(numberAttribute(node, "axis", -1), rank) !== rank - 1
    ? "it normalises several axes together, as Softmax did before opset 13"
    : undefined;

const convolution = form("Conv", 2, { bias: 8, weightAxis: () => 0 });

const forms: Readonly<Record<string, QuantizedForm>> = {
  "ai.onnx/QLinearConv": convolution,
  "com.microsoft/QLinearConv": convolution,
  "ai.onnx/QLinearMatMul": form("MatMul", 2, { weightAxis: () => -1 }),
  "com.microsoft/QGemm": form("Gemm", 2, {
    result: 7,
    bias: 6,
    weightAxis: (node) => (numberAttribute(node, "transB", 0) === 1 ? 0 : 1),
  }),
  "com.microsoft/QLinearAdd": form("Add", 2),
  "com.microsoft/QLinearMul": form("Mul", 2),
  "com.microsoft/QLinearSigmoid": form("Sigmoid", 1),
  "com.microsoft/QLinearLeakyRelu": form("LeakyRelu", 1),
  "com.microsoft/QLinearSoftmax": form("Softmax", 1, {
    attributes: (node) => ({ axis: int(numberAttribute(node, "axis", -1)) }),
    refuses: softmaxRefuses,
  }),
  "com.microsoft/QLinearAveragePool": form("AveragePool", 1),
  "com.microsoft/QLinearGlobalAveragePool": form("GlobalAveragePool", 1),
  "com.microsoft/QLinearReduceMean": form("ReduceMean", 1),
  "com.microsoft/QLinearConcat": form("Concat", 0, {
    inputs: ({ inputs }) => Array.from({ length: (inputs.length - 2) / 3 }, (_, i) => triple(2 + 3 * i)),
    result: 0,
  }),
  "com.microsoft/QLinearWhere": form("Where", 0, {
    inputs: () => [0, triple(1), triple(4)],
    result: 7,
  }),
};

/** What a node on quantized tensors stands for; undefined for all other nodes. */
export const quantizedFormOf = (node: Pick<Node, "domain" | "opType">): QuantizedForm | undefined => {
  const key = operatorKey({ ...node, domain: node.domain === "ai.onnx" ? "" : node.domain });
  return Object.hasOwn(forms, key) ? forms[key] : undefined;
};

/** The operators that have such a form, by "domain/OpType". */
export const quantizedOperators: readonly string[] = Object.keys(forms);

/** The operators of com.microsoft that are read as operators on real numbers: those with a form, and products of their own kind. */
export const isReadAsReal = (node: Pick<Node, "domain" | "opType">): boolean =>
  quantizedFormOf(node) !== undefined ||
  "DequantizeLinear DynamicQuantizeMatMul GatherBlockQuantized MatMulBnb4 MatMulIntegerToFloat MatMulNBits QuantizeLinear"
    .split(" ")
    .includes(node.opType);
