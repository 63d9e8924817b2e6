/** The same network in other files: with half-precision numbers, and quantized in QDQ form. */

import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  type Graph,
  type Model,
  type Node,
  type Tensor,
  float32Tensor,
  floatTensor,
  int,
  numbersOf,
} from "../../src/onnx/index.ts";
import { smallIntegers } from "../../src/onnx/tensor.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { type Array32, runModel } from "../support/run.ts";

export const modelOf = (graph: Graph): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph,
});

const nodeOf = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Node["attributes"] = {},
): Node => ({ name: output, opType, domain: "", inputs, outputs: [output], attributes });

const to = (code: number): Node["attributes"] => ({ to: int(code) });

/** With all floating-point constants in another type, and a Cast behind the inputs and before the outputs. */
export function inHalf(
  { inputs, outputs, initializers, nodes, name }: Graph,
  type: "float16" | "bfloat16",
): Graph {
  const inside = (value: string): string =>
    [...inputs, ...outputs].some((each) => each.name === value) ? `${value}_half` : value;
  const half = (tensor: Tensor): Tensor =>
    tensor.dataType === "float32" ? floatTensor(type, numbersOf(tensor), tensor.dims) : tensor;
  return {
    name,
    inputs,
    outputs,
    initializers: new Map([...initializers].map(([key, tensor]) => [key, half(tensor)])),
    nodes: [
      ...inputs.map((value) => nodeOf("Cast", [value.name], inside(value.name), to(dataTypeCodes[type]))),
      ...nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(inside),
        outputs: node.outputs.map(inside),
      })),
      ...outputs.map((value) => nodeOf("Cast", [inside(value.name)], value.name, to(dataTypeCodes.float32))),
    ],
  };
}

/** The scale and zero point with which uint8 reaches from the smallest number (or 0) to the largest. */
function calibrated(numbers: ArrayLike<number>): { scale: Tensor; zero: Tensor } {
  const low = Math.min(0, ...Array.from(numbers));
  const high = Math.max(0, ...Array.from(numbers));
  const scale = Math.fround((high - low || 1) / 255);
  return {
    scale: float32Tensor([scale], []),
    zero: smallIntegers("uint8", [Math.round(-low / scale)], []) as Tensor,
  };
}

/** Constants as int8: a scalar by a scale of its own, weights in steps of 1/64. */
function quantizedConstant(tensor: Tensor): { q: Tensor; scale: Tensor } {
  const numbers = Array.from(numbersOf(tensor));
  const scale = numbers.length === 1 ? Math.fround(Math.abs(numbers[0] || 1) / 127) : 1 / 64;
  const q = smallIntegers(
    "int8",
    numbers.map((number) => Math.round(number / scale)),
    tensor.dims,
  ) as Tensor;
  return { q, scale: float32Tensor([scale], []) };
}

/** What a tool quantizes together with the operator behind it, or not at all. */
const keeps = new Set(["BatchNormalization"]);

/**
 * Quantized as tools do it: constants are int8, and behind each operator its output is rounded to uint8.
 * @param x what the ranges are taken from
 * @param pairs whether all users of a value share its QuantizeLinear and DequantizeLinear, or have a pair each
 */
export async function inQdq(graph: Graph, x: Array32, pairs: "shared" | "dedicated"): Promise<Graph> {
  const known = inferGraph(graph);
  const output = graph.outputs[0]?.name;
  const made = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== output);
  const all = [...graph.outputs, ...made.flatMap((name) => known.get(name) ?? [])];
  const ran: Record<string, Array32> = {
    x,
    ...(await runModel(modelOf({ ...graph, outputs: all }), { x })),
  };
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const folded = new Set(
    graph.nodes.filter(({ opType }) => keeps.has(opType)).flatMap(({ inputs }) => inputs),
  );
  for (const [name, tensor] of graph.initializers) {
    if (tensor.dataType !== "float32" || folded.has(name)) {
      initializers.set(name, tensor);
      continue;
    }
    const { q, scale } = quantizedConstant(tensor);
    initializers.set(`${name}_q`, q).set(`${name}_scale`, scale);
    nodes.push(nodeOf("DequantizeLinear", [`${name}_q`, `${name}_scale`], name));
  }
  const rounded = new Set<string>();
  const roundedFor = (node: Node, name: string): string => {
    if (folded.has(name) || graph.initializers.has(name) || !ran[name]) return name;
    const { scale, zero } = calibrated(ran[name].data);
    const own = pairs === "shared" ? name : `${name} for ${node.name}`;
    const result = `${own}_dq`;
    if (rounded.has(result)) return result;
    rounded.add(result);
    initializers.set(`${own}_scale`, scale).set(`${own}_zero`, zero);
    const parameters = [`${own}_scale`, `${own}_zero`];
    nodes.push(nodeOf("QuantizeLinear", [name, ...parameters], `${own}_q`));
    nodes.push(nodeOf("DequantizeLinear", [`${own}_q`, ...parameters], result));
    return result;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => roundedFor(node, name));
    nodes.push({ ...node, inputs });
  }
  return { ...graph, initializers, nodes };
}
