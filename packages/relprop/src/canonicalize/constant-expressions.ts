/**
 * Computes constant expressions of a graph on demand. An expression is constant if it starts from initializers and from
 * sizes that shape inference knows, so no input of the graph changes it.
 */

import { readBy } from "../onnx/captures.ts";
import { evaluate } from "../onnx/evaluate.ts";
import { fixedDims, type Graph, type Node, type Tensor, type TensorInfo } from "../onnx/graph.ts";
import { tryInfer } from "../onnx/infer-shapes.ts";
import { constantInfo } from "../onnx/operators/inferring.ts";
import { sizeOf, tensorFrom } from "../onnx/tensor.ts";

/** The runtime computes nodes that read or make more elements, such as weights that the graph standardises. */
export const maxElements = 2 ** 18;

/** The content of a value, if shape inference knows it. */
function inferred(info: TensorInfo | undefined): Tensor | undefined {
  if (info?.constant) return info.constant;
  const dims = info && fixedDims(info.shape);
  return info && dims && info.elements?.every((element) => typeof element === "number")
    ? tensorFrom(info.dataType, info.elements, dims)
    : undefined;
}

/** The constant expressions of one graph. */
export class ConstantExpressions {
  readonly #tensors = new Map<string, Tensor | undefined>();
  readonly #infos: Map<string, TensorInfo>;
  readonly #producer = new Map<string, Node>();

  /** @param values what shape inference knows of the graph */
  constructor(graph: Pick<Graph, "initializers" | "nodes">, values: ReadonlyMap<string, TensorInfo>) {
    this.#infos = new Map(values);
    for (const [name, tensor] of graph.initializers) this.#tensors.set(name, tensor);
    for (const node of graph.nodes) this.#register(node);
  }

  #register(node: Node): void {
    for (const output of node.outputs) if (output !== "") this.#producer.set(output, node);
  }

  /** Adds nodes, in topological order, and constants. */
  add(nodes: readonly Node[], initializers: ReadonlyMap<string, Tensor>): void {
    for (const [name, tensor] of initializers) {
      this.#tensors.set(name, tensor);
      this.#infos.set(name, constantInfo(tensor));
    }
    for (const node of nodes) {
      this.#register(node);
      const inputs = node.inputs.map((name) => this.#infos.get(name));
      if (node.inputs.some((name, i) => name !== "" && !inputs[i])) continue;
      for (const [i, info] of (tryInfer(node, inputs) ?? []).entries()) {
        const name = node.outputs[i];
        if (name) this.#infos.set(name, info);
      }
    }
  }

  /** What is known of a value. */
  info(name: string): TensorInfo | undefined {
    return this.#infos.get(name);
  }

  /** The content of a value; undefined if it is not a constant expression, or one that the runtime computes. */
  tensor(wanted: string): Tensor | undefined {
    // Unrolled loops make chains of thousands of nodes: recursion would exceed the call stack.
    const stack = [wanted];
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      if (this.#tensors.has(name)) {
        stack.pop();
        continue;
      }
      const known = inferred(this.#infos.get(name));
      const node = this.#producer.get(name);
      if (known || !node) {
        this.#tensors.set(name, known);
        continue;
      }
      const missing = readBy(node).filter((input) => input !== "" && !this.#tensors.has(input));
      if (missing.length > 0) stack.push(...missing);
      else this.#compute(node);
    }
    return this.#tensors.get(wanted);
  }

  #compute(node: Node): void {
    const inputs = readBy(node).filter((name) => name !== "");
    const tensors = inputs.map((name) => this.#tensors.get(name));
    const isSmall =
      tensors.reduce((sum, tensor) => sum + (tensor ? sizeOf(tensor.dims) : 0), 0) <= maxElements;
    const outputs = isSmall && tensors.every((tensor) => tensor) ? this.#run(node) : undefined;
    for (const [i, name] of node.outputs.entries()) if (name !== "") this.#tensors.set(name, outputs?.[i]);
  }

  #run(node: Node): readonly (Tensor | undefined)[] | undefined {
    if (!node.body) {
      return evaluate(
        node,
        node.inputs.map((name) => this.#tensors.get(name)),
      );
    }
    for (const part of node.body) {
      const outputs = this.#run(part);
      if (!outputs) return undefined;
      for (const [i, name] of part.outputs.entries()) if (name !== "") this.#tensors.set(name, outputs[i]);
    }
    return node.outputs.map((name) => this.#tensors.get(name));
  }
}
