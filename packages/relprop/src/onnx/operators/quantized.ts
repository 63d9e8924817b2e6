/** Operators on quantized tensors: shapes as those of the operators that they stand for, types as their zero points say. */

import { type DataType, type Dim, type Node, type TensorInfo, int, numberAttribute } from "../graph.ts";
import { packedOf } from "../packed-integers.ts";
import { quantizedFormOf, quantizedOperators } from "../quantized-forms.ts";
import { axisOf, input, withDim } from "./inferring.ts";
import type { Inputs, ShapeRule } from "./operator.ts";

/** The shape rules of the operators on real numbers. */
type RuleOf = (opType: string) => ShapeRule | undefined;

/** What an operator of ai.onnx gives of these inputs, as another type. */
function as(ruleOf: RuleOf, node: Node, inputs: Inputs, dataType: DataType): TensorInfo[] | undefined {
  return ruleOf(node.opType)?.(node, inputs)?.map(({ shape }) => ({ dataType, shape }));
}

const asForm =
  (ruleOf: RuleOf): ShapeRule =>
  (node, inputs) => {
    const form = quantizedFormOf(node);
    if (!form) return undefined;
    const taken = form.inputs(node).map((each) => inputs[typeof each === "number" ? each : each.values]);
    const [first] = form.inputs(node);
    const own = typeof first === "object" ? taken[0]?.dataType : taken[1]?.dataType;
    const isReal = node.inputs[form.result] === undefined || node.inputs[form.result] === "";
    const type = isReal ? "float32" : (inputs[form.result + 1]?.dataType ?? own ?? "uint8");
    const real = { ...node, domain: "", opType: form.operator, attributes: form.attributes(node) };
    return as(ruleOf, real, taken, type);
  };

/** A product of whole numbers, or of real numbers by stored ones. */
const product =
  (ruleOf: RuleOf, opType: string, typeOf: (inputs: Inputs) => DataType | undefined): ShapeRule =>
  (node, inputs) =>
    as(ruleOf, { ...node, domain: "", opType }, inputs.slice(0, 2), typeOf(inputs) ?? "float32");

const dynamic: ShapeRule = (node, inputs) => [
  { dataType: "uint8", shape: input(node, inputs, 0).shape },
  { dataType: "float32", shape: [] },
  { dataType: "uint8", shape: [] },
];

/** [.., K] -> [.., N], or back if the weights are not transposed. */
const byPacked: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const isTurned = numberAttribute(node, "transB", 1) === 1;
  return [
    { dataType, shape: withDim(shape, shape.length - 1, numberAttribute(node, isTurned ? "N" : "K", 0)) },
  ];
};

/** Gather of a table whose numbers may be packed along the last axis. */
const gatherBlocks =
  (ruleOf: RuleOf): ShapeRule =>
  (node, inputs) => {
    const data = input(node, inputs, 0);
    const last = data.shape.at(-1);
    const isPacked = data.dataType === "uint8" && !(data.constant && packedOf(data.constant));
    const perByte = isPacked ? 8 / numberAttribute(node, "bits", 4) : 1;
    const size: Dim | undefined = typeof last === "number" ? last * perByte : last;
    const table: TensorInfo = {
      dataType: input(node, inputs, 2).dataType,
      shape: size === undefined ? data.shape : withDim(data.shape, data.shape.length - 1, size),
    };
    const axis = int(axisOf(node, numberAttribute(node, "gather_axis", 0), data.shape.length));
    const gather = { ...node, domain: "", opType: "Gather", attributes: { axis } };
    return ruleOf("Gather")?.(gather, [table, inputs[1]]);
  };

/** The operators of ai.onnx and of com.microsoft, by "domain/OpType". */
export const quantizedRules = (ruleOf: RuleOf): ReadonlyMap<string, ShapeRule> =>
  new Map([
    ...quantizedOperators.map((key) => [key, asForm(ruleOf)] as const),
    ["ai.onnx/DynamicQuantizeLinear", dynamic],
    ["ai.onnx/ConvInteger", product(ruleOf, "Conv", () => "int32")],
    ["ai.onnx/MatMulInteger", product(ruleOf, "MatMul", () => "int32")],
    ["com.microsoft/MatMulIntegerToFloat", product(ruleOf, "MatMul", (inputs) => inputs[2]?.dataType)],
    ["com.microsoft/DynamicQuantizeMatMul", product(ruleOf, "MatMul", (inputs) => inputs[0]?.dataType)],
    ["com.microsoft/MatMulNBits", byPacked],
    ["com.microsoft/MatMulBnb4", byPacked],
    ["com.microsoft/GatherBlockQuantized", gatherBlocks(ruleOf)],
    ["com.microsoft/QuantizeLinear", asOnnx(ruleOf, "QuantizeLinear")],
    ["com.microsoft/DequantizeLinear", asOnnx(ruleOf, "DequantizeLinear")],
  ]);

const asOnnx =
  (ruleOf: RuleOf, opType: string): ShapeRule =>
  (node, inputs) =>
    ruleOf(opType)?.({ ...node, domain: "" }, inputs);
