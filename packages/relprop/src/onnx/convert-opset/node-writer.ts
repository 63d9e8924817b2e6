/** Writes the nodes of opset 17 that replace one node. */

import type { Attributes, DataType, Node, TensorInfo } from "../graph.ts";
import type { Conversion } from "./conversion.ts";

/** A value by name, or a number of the element type of the node's first input. */
export type Operand = string | number;

/** The nodes that replace one node; each call of {@link op} adds an operator. */
export class NodeWriter {
  /** The nodes written so far, in topological order. */
  readonly nodes: Node[] = [];
  readonly #node: Node;
  readonly #to: Conversion;
  readonly #dataType: DataType | undefined;

  constructor(node: Node, to: Conversion) {
    this.#node = node;
    this.#to = to;
    this.#dataType = to.info(node.inputs[0])?.dataType;
  }

  /** Adds an operator with one output and returns its name, by default a new one. "" is an absent input. */
  op(opType: string, operands: readonly Operand[], attributes: Attributes = {}, output?: string): string {
    const name = this.#to.name(`${this.#node.name}_${opType}`);
    return this.#write(name, opType, operands, attributes, [output ?? name])[0] ?? "";
  }

  /** Adds an operator with `count` outputs and returns their names. */
  ops(
    opType: string,
    operands: readonly Operand[],
    attributes: Attributes,
    count: number,
  ): readonly string[] {
    const name = this.#to.name(`${this.#node.name}_${opType}`);
    const outputs = Array.from({ length: count }, (_, i) => this.#to.name(`${name}_${i}`));
    return this.#write(name, opType, operands, attributes, outputs);
  }

  /** Adds a constant of integers, by default a vector, and returns its name. */
  integers(what: string, values: readonly number[], dims?: readonly number[]): string {
    return this.#to.integers(this.#node, what, values, dims);
  }

  /** What is known of a value, including those just written. */
  info(name: string | undefined): TensorInfo | undefined {
    return this.#to.info(name);
  }

  /** Makes a value one of the node's outputs, if the node has that output. */
  asOutput(value: string, output: number): void {
    const name = this.#node.outputs[output];
    if (name) this.op("Identity", [value], {}, name);
  }

  #write(
    name: string,
    opType: string,
    operands: readonly Operand[],
    attributes: Attributes,
    outputs: readonly string[],
  ): readonly string[] {
    const inputs = operands.map((operand) =>
      typeof operand === "number" ? this.#to.number(this.#node, "number", operand, this.#dataType) : operand,
    );
    const node: Node = { name, opType, domain: "", inputs, outputs, attributes };
    this.nodes.push(node);
    this.#to.learn(node);
    return outputs;
  }
}
