/**
 * Reads a graph that computes with whole numbers as the network of real numbers that it stands for: dynamically quantized
 * layers, the operators that ONNX Runtime's static quantisation writes, and packed weights. The model's own nodes stay, and
 * compute what they did; see real-values.ts, integer-products.ts and stored-products.ts.
 */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { quantizedFormOf } from "../onnx/quantized-forms.ts";
import {
  endsIntegerProduct,
  isIntegerProduct,
  realFusedProduct,
  realProduct,
  refuseUnscaled,
} from "./integer-products.ts";
import { RealValues } from "./real-values.ts";
import { type Refuse, type Rewrite, edited, isOnnx } from "./rewrite.ts";
import { realPackedLookup, realPackedProduct } from "./stored-products.ts";

/** Operators of com.microsoft that take or give real numbers, and what reads them. */
const readers: Readonly<Record<string, (node: Node, real: RealValues) => void>> = {
  DynamicQuantizeMatMul: realFusedProduct,
  GatherBlockQuantized: realPackedLookup,
  MatMulBnb4: realPackedProduct,
  MatMulIntegerToFloat: realFusedProduct,
  MatMulNBits: realPackedProduct,
};

/** A DequantizeLinear whose whole numbers another node than a QuantizeLinear makes. */
function dequantize(node: Node, real: RealValues): void {
  const [q = "", scale = "", zero = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const maker = real.uses.producer.get(q);
  if (!maker || isOnnx(maker, "QuantizeLinear")) return;
  const steps = { scale, zero, axis: 1 };
  const users = real.uses.consumers.get(q) ?? [];
  const isMoved = quantizedFormOf(maker) === undefined && maker.outputs.length === 1;
  const moved =
    isMoved && users.length === 1 && !real.uses.isOutput(q) && !real.replace.has(maker)
      ? real.movedInputs(maker, steps)
      : undefined;
  if (moved) {
    // Whoever looks up or moves whole numbers alone needs no rounding behind it.
    real.replace.set(maker, [real.whole(maker)]);
    real.replace.set(node, [{ ...maker, inputs: moved.inputs, outputs: [y], body: [node] }]);
    return;
  }
  const found = real.of(q, steps);
  if (found) real.replace.set(node, [onnxNode("Identity", [found.x], [y], {}, node.name)]);
}

export const readQuantized: Rewrite = {
  name: "read-quantized",
  about:
    "beside operators on whole numbers come those on the real numbers that they stand for, with FakeQuantize where they round; the model's outputs stay those of its own operators",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const real = new RealValues(graph, values, refuse);
    for (const node of graph.nodes) {
      const read =
        node.domain === "com.microsoft" && Object.hasOwn(readers, node.opType)
          ? readers[node.opType]
          : undefined;
      const form = quantizedFormOf(node);
      if (read) read(node, real);
      else if (form && !(node.inputs[form.result] ?? "")) realOutput(node, real);
      else if (node.opType === "DequantizeLinear") dequantize(node, real);
      else if (endsIntegerProduct(node, real)) realProduct(node, real);
      else if (isIntegerProduct(node)) refuseUnscaled(node, real);
    }
    const { replace, initializers } = real;
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};

/** An operator on whole numbers that gives real ones. */
function realOutput(node: Node, real: RealValues): void {
  const form = quantizedFormOf(node);
  const view = form && real.realNode(node, form);
  if (view) real.replace.set(node, [{ ...view, outputs: node.outputs, body: [node] }]);
}
