/**
 * Reads a quantized model in QDQ form as the float model it stands for: a dequantized constant becomes a float constant,
 * and QuantizeLinear followed by DequantizeLinear becomes one `FakeQuantize` node (domain "relprop"), which rounds to
 * multiples of its scale within the range of the integer type. The forward pass stays the same.
 */

import { wrapped } from "../onnx/axis.ts";
import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value, numberAttribute } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { ownerOf } from "../onnx/owners.ts";
import { dequantized, quantized, quantizedRange } from "../onnx/quantization.ts";
import { float32Tensor, numbersOf, sameTensor, sizeOf } from "../onnx/tensor.ts";
import { type Refuse, type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

type Constants = ReadonlyMap<string, Tensor>;

/** Scale and zero point of a QuantizeLinear or DequantizeLinear, if they are constants. */
function parametersOf(known: Constants, node: Node): { scale: Tensor; zero: Tensor | undefined } | undefined {
  const [, scaleName = "", zeroName = ""] = node.inputs;
  const [scale, zero] = [known.get(scaleName), known.get(zeroName)];
  return scale && (zeroName === "" || zero) ? { scale, zero } : undefined;
}

/** The output of a QuantizeLinear or DequantizeLinear, if it is constant. */
function constantOf(known: Constants, node: Node): Tensor | undefined {
  const x = known.get(node.inputs[0] ?? "");
  const parameters = parametersOf(known, node);
  if (!x || !parameters) return undefined;
  const compute = node.opType === "QuantizeLinear" ? quantized : dequantized;
  return compute(node, x, parameters.scale, parameters.zero);
}

/** Why relevance cannot cross a QuantizeLinear and a DequantizeLinear together; undefined if it can. */
function mismatch(known: Constants, quantize: Node, dequantize: Node): string | undefined {
  const [a, b] = [parametersOf(known, quantize), parametersOf(known, dequantize)];
  if (!a || !b) return "its scale or zero point is computed at run time";
  if (
    !sameTensor(a.scale, b.scale) ||
    (a.zero !== b.zero && (!a.zero || !b.zero || !sameTensor(a.zero, b.zero)))
  ) {
    return `its scale or zero point is not that of ${quantize.opType} "${quantize.name}"`;
  }
  if (!quantizedRange(a.zero?.dataType ?? "uint8")) return `it has the type ${a.zero?.dataType}`;
  return undefined;
}

/**
 * The nodes that round to whole numbers of 16 bits, which QuantizeLinear of opset 17 cannot: they compute in float32, which
 * holds such numbers exactly. Undefined for fewer bits.
 */
function wideRounding(
  node: Node,
  parameters: ReturnType<typeof parametersOf>,
  values: ReadonlyMap<string, Value>,
  initializers: Map<string, Tensor>,
  name: (base: string) => string,
): ((x: string, y: string) => Node[]) | undefined {
  const { scale, zero } = parameters ?? {};
  const [low, high] = quantizedRange(zero?.dataType ?? "uint8") ?? [0, 0];
  if (!scale || !zero || high - low < 2 ** 16 - 1) return undefined;
  const rank = values.get(node.inputs[0] ?? "")?.shape.length ?? 0;
  const axis = wrapped(numberAttribute(node, "axis", 1), rank);
  const add = (word: string, numbers: ArrayLike<number>, dims: readonly number[]): string => {
    const key = name(`${node.name}_${word}`);
    initializers.set(key, float32Tensor(Float32Array.from(numbers), dims));
    return key;
  };
  const count = sizeOf(scale.dims);
  const dims = count === 1 ? [] : Array.from({ length: rank }, (_, i) => (i === axis ? count : 1));
  const [step, offset] = [add("scale", numbersOf(scale), dims), add("offset", numbersOf(zero), dims)];
  const [least, most] = [add("least", [low], []), add("most", [high], [])];
  const steps = (word: string): string => name(`${node.name}_${word}`);
  const [divided, rounded, shifted, clipped, back] = ["divided", "rounded", "shifted", "clipped", "back"].map(
    steps,
  ) as [string, string, string, string, string];
  return (x, y) => [
    onnxNode("Div", [x, step], [divided]),
    onnxNode("Round", [divided], [rounded]),
    onnxNode("Add", [rounded, offset], [shifted]),
    onnxNode("Clip", [shifted, least, most], [clipped]),
    onnxNode("Sub", [clipped, offset], [back]),
    onnxNode("Mul", [back, step], [y]),
  ];
}

export const recognizeFakeQuantize: Rewrite = {
  name: "recognize-fake-quantize",
  about:
    "dequantized constants become float constants, and QuantizeLinear with DequantizeLinear becomes FakeQuantize",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const { producer, consumers, isOutput } = usesOf(graph);
    const initializers = new Map(graph.initializers);
    const replace = new Map<Node, readonly Node[]>();
    const name = namer(graph);
    for (const node of graph.nodes) {
      if (!isOnnx(node, "QuantizeLinear", "DequantizeLinear")) continue;
      const [y = ""] = node.outputs;
      const constant = isOutput(y) ? undefined : constantOf(initializers, node);
      if (constant) {
        initializers.set(y, constant);
        replace.set(node, []);
        continue;
      }
      const maker = producer.get(node.inputs[0] ?? "");
      if (!isOnnx(node, "DequantizeLinear") || !maker || !isOnnx(maker, "QuantizeLinear")) continue;
      const why = mismatch(initializers, maker, node);
      if (why !== undefined) {
        refuse(node, why);
        continue;
      }
      const q = maker.outputs[0] ?? "";
      const isShared = (consumers.get(q)?.length ?? 0) > 1 || isOutput(q);
      const own = isShared ? name(q) : q;
      const first = isShared
        ? { ...maker, name: name(maker.name), outputs: [own], owner: ownerOf(maker) }
        : maker;
      const wide = wideRounding(node, parametersOf(initializers, node), values, initializers, name);
      const body = wide?.(maker.inputs[0] ?? "", node.outputs[0] ?? "") ?? [
        first,
        { ...node, inputs: node.inputs.with(0, own) },
      ];
      const { inputs, attributes } = maker;
      const fake = { name: node.name, opType: "FakeQuantize", domain: "relprop", inputs, attributes };
      replace.set(node, [{ ...fake, outputs: node.outputs, body }]);
      if (!isShared) replace.set(maker, []);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
