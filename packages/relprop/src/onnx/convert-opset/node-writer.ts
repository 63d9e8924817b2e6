/** Writes the nodes of opset 17 that replace one node. */

import { dataTypeCodes } from "../data-types.ts";
import { type DataType, type Node, type TensorInfo, int } from "../graph.ts";
import {
  type AttributesOf,
  type AttributesThen,
  type InputsOf,
  type ListOf,
  type OneOutput,
  type OperatorName,
  type OutputCountOf,
  namesOf,
  onnxNode,
} from "../operator-node.ts";
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
  op<K extends OneOutput>(
    opType: K,
    operands: InputsOf<K, Operand>,
    ...[attributes = {}, output]: AttributesThen<K, [output?: string]>
  ): string {
    const name = this.#to.name(`${this.#node.name}_${opType}`);
    this.#write(onnxNode<K>(opType, this.#names(operands), [output ?? name], attributes, name));
    return output ?? name;
  }

  /** Adds an operator with `count` outputs and returns their names. */
  ops<K extends OperatorName, Count extends number>(
    opType: K,
    operands: InputsOf<K, Operand>,
    attributes: AttributesOf<K>,
    count: Count & OutputCountOf<K>,
  ): ListOf<string, Count> {
    const name = this.#to.name(`${this.#node.name}_${opType}`);
    const outputs = Array.from({ length: count }, (_, i) => this.#to.name(`${name}_${i}`));
    this.#write(onnxNode<K>(opType, this.#names(operands), outputs, attributes, name));
    return outputs as readonly string[] as ListOf<string, Count>;
  }

  /** Adds an operator with one output that has another's attributes, and returns its name: {@link GraphBuilder.like}. */
  like({ opType, attributes }: Pick<Node, "opType" | "attributes">, operands: readonly Operand[]): string {
    type Inputs = InputsOf<OneOutput, Operand>;
    return this.op(opType as OneOutput, operands as Inputs, attributes as AttributesOf<OneOutput>);
  }

  /** Adds a constant of integers, by default a vector, and returns its name. */
  integers(what: string, values: readonly number[], dims?: readonly number[]): string {
    return this.#to.integers(this.#node, what, values, dims);
  }

  /** A value as float32, to which the operators of ai.onnx.ml convert; no node is added if it is that. */
  float32(name: string = ""): string {
    return this.info(name)?.dataType === "float32"
      ? name
      : this.op("Cast", [name], { to: int(dataTypeCodes.float32) });
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

  /** Adds a node that was made elsewhere. */
  add(node: Node): void {
    this.#write(node);
  }

  #names<K extends OperatorName>(operands: InputsOf<K, Operand>): InputsOf<K, string> {
    return namesOf(operands, (operand: Operand) =>
      typeof operand === "number" ? this.#to.number(this.#node, "number", operand, this.#dataType) : operand,
    );
  }

  #write(node: Node): void {
    this.nodes.push(node);
    this.#to.learn(node);
  }
}
