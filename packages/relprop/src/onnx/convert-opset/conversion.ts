/** What converters of single nodes work with: the values known so far, new names and constants, refusals. */

import { ModelFileError } from "../../errors.ts";
import {
  type Attribute,
  type Attributes,
  type DataType,
  type Dim,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type TensorInfo,
} from "../graph.ts";
import { inferNode } from "../infer-shapes.ts";
import { constantIntegers, float32Tensor, int64Tensor, numbersOf } from "../tensor.ts";

/** Gives the nodes of the target opset that compute what a node of another opset computes. */
export type Converter = (node: Node, to: Conversion) => readonly Node[];

export class Conversion {
  /** The model's opset. */
  readonly version: number;
  readonly initializers: Map<string, Tensor>;
  readonly #target: number;
  readonly #known = new Map<string, TensorInfo>();
  readonly #taken = new Set<string>();
  readonly #used = new Set<string>();

  constructor(model: Model, version: number, target: number, captured: ReadonlySet<string>) {
    const { graph } = model;
    this.version = version;
    this.#target = target;
    this.initializers = new Map(graph.initializers);
    for (const input of graph.inputs) this.#known.set(input.name, input);
    this.#takeNames(graph);
    for (const name of captured) this.#used.add(name);
    for (const output of graph.outputs) this.#used.add(output.name);
    for (const node of graph.nodes) for (const name of node.inputs) this.#used.add(name);
  }

  #takeNames(graph: Graph): void {
    const take = (node: Node): void => {
      for (const name of [node.name, ...node.outputs]) this.#taken.add(name);
      for (const part of node.body ?? []) take(part);
    };
    for (const name of graph.initializers.keys()) this.#taken.add(name);
    for (const input of graph.inputs) this.#taken.add(input.name);
    for (const node of graph.nodes) take(node);
  }

  /** Whether anybody needs the value. */
  isUsed(name: string): boolean {
    return name !== "" && this.#used.has(name);
  }

  /** What is known of a value at this point. */
  info(name: string | undefined): TensorInfo | undefined {
    if (name === undefined || name === "") return undefined;
    const constant = this.initializers.get(name);
    return constant ? { dataType: constant.dataType, shape: constant.dims, constant } : this.#known.get(name);
  }

  /** Learns what a converted node gives. */
  learn(node: Node): void {
    const inputs = node.inputs.map((name) => this.info(name));
    if (node.inputs.some((name, i) => name !== "" && !inputs[i])) return;
    try {
      for (const [i, info] of inferNode(node, inputs).entries()) {
        const name = node.outputs[i];
        if (name) this.#known.set(name, info);
      }
    } catch (error) {
      // What cannot be inferred stays unknown; whoever needs it to convert says so.
      if (!(error instanceof ModelFileError)) throw error;
    }
  }

  /** A name that nothing has yet. */
  name(base: string): string {
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }

  /** Adds a constant of integers, a vector unless `dims` says otherwise. Gives its name. */
  integers(node: Node, what: string, values: readonly number[], dims?: readonly number[]): string {
    return this.constant(node, what, int64Tensor(values, dims));
  }

  /** Adds a constant of a float type: `dataType` is float32 where nothing else is known. */
  number(node: Node, what: string, value: number, dataType: DataType = "float32"): string {
    if (dataType === "float32") return this.constant(node, what, float32Tensor([value], []));
    if (dataType === "float64") {
      const bytes = new Uint8Array(Float64Array.of(value).buffer);
      return this.constant(node, what, { dataType, dims: [], bytes });
    }
    throw this.refuse(node, `its numbers are ${dataType}`, "convert the model to float32");
  }

  constant(node: Node, what: string, tensor: Tensor): string {
    const name = this.name(`${node.name}_${what}`);
    this.initializers.set(name, tensor);
    return name;
  }

  /** The integers of an input that must be constant; undefined if it is absent. */
  constantIntegers(node: Node, index: number, what: string): readonly number[] | undefined {
    const name = node.inputs[index];
    if (name === undefined || name === "") return undefined;
    const info = this.info(name);
    const integers = info && constantIntegers(info);
    if (!integers) throw this.refuse(node, `its ${what} are computed at run time`);
    return integers;
  }

  /** The numbers of an input, if it is constant. */
  constantNumbers(name: string | undefined): readonly number[] | undefined {
    const constant = this.info(name)?.constant;
    return constant && Array.from(numbersOf(constant));
  }

  /** Sizes of an input whose rank must be known. */
  shape(node: Node, index: number): readonly Dim[] {
    const shape = this.info(node.inputs[index])?.shape;
    if (shape) return shape;
    throw this.refuse(node, `the rank of its input "${node.inputs[index] ?? ""}" is not known`);
  }

  /** The error of a node that has no equal in the target opset. */
  refuse(
    node: Node,
    why: string,
    fix: string = `export the model with opset ${this.#target}`,
  ): ModelFileError {
    return new ModelFileError({
      what: `cannot convert the model from opset ${this.version} to ${this.#target}`,
      where: `${node.opType} "${node.name}"`,
      why,
      fix,
    });
  }
}

/** The attributes without some of them. */
export function without(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** The attributes with one more or another. */
export function withAttribute(attributes: Attributes, name: string, value: Attribute): Attributes {
  return { ...attributes, [name]: value };
}

/** A new node of ai.onnx that gives one value, under the value's name. */
export function operator(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
): Node {
  return { name: output, opType, domain: "", inputs, outputs: [output], attributes };
}
