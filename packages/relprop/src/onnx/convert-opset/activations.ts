/** Activations that opset 17 has no operator for. They stay nodes, with a body of operators of opset 17. */

import { type Node, numberAttribute, stringAttribute } from "../graph.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** Writes Gelu(x) = ½x (1 + erf(x / √2)), or ½x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export function writeGelu(write: NodeWriter, x: string, approximate: string, output?: string): string {
  let curve: string;
  if (approximate === "tanh") {
    const cube = write.op("Mul", [write.op("Mul", [x, x]), x]);
    const inner = write.op("Add", [x, write.op("Mul", [cube, 0.044715])]);
    curve = write.op("Tanh", [write.op("Mul", [inner, Math.sqrt(2 / Math.PI)])]);
  } else {
    curve = write.op("Erf", [write.op("Div", [x, Math.SQRT2])]);
  }
  const half = write.op("Mul", [x, 0.5]);
  return write.op("Mul", [half, write.op("Add", [curve, 1])], {}, output);
}

/** Writes Swish(x) = x σ(αx). */
export function writeSwish(write: NodeWriter, x: string, alpha: number, output?: string): string {
  const inner = alpha === 1 ? x : write.op("Mul", [x, alpha]);
  return write.op("Mul", [x, write.op("Sigmoid", [inner])], {}, output);
}

/** Gelu (20). */
export const geluOverBody: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const approximate = stringAttribute(node, "approximate", "none");
  writeGelu(write, node.inputs[0] ?? "", approximate, node.outputs[0]);
  return [{ ...node, body: write.nodes }];
};

/** Mish (18): x tanh(log(1 + eˣ)). */
export const mishOverBody: Converter = (node, to) => {
  const [x = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const curve = write.op("Tanh", [write.op("Softplus", [x])]);
  write.op("Mul", [x, curve], {}, node.outputs[0]);
  return [{ ...node, domain: "relprop", body: write.nodes }];
};

/** Swish (24): x σ(αx), which is `Silu` with a body if α is 1, else a product. */
export const swishOverBody: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const alpha = numberAttribute(node, "alpha", 1);
  writeSwish(write, node.inputs[0] ?? "", alpha, node.outputs[0]);
  return alpha === 1 ? [siluOver(node, write)] : write.nodes;
};

/** SwiGLU (28): swish(a)·b. */
export const swiGlu: Converter = (node, to) => {
  const [a = "", b = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const swish = writeSwish(write, a, numberAttribute(node, "alpha", 1));
  write.op("Mul", [swish, b], {}, node.outputs[0]);
  return write.nodes;
};

function siluOver(node: Node, write: NodeWriter): Node {
  return { ...node, opType: "Silu", domain: "relprop", attributes: {}, body: write.nodes };
}
