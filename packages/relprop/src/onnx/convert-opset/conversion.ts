/** The state of a conversion, which converters of single nodes read and add to. */

import { ModelFileError } from "../../errors.ts";
import { readBy } from "../captures.ts";
import {
  type Attribute,
  type Attributes,
  type DataType,
  type Dim,
  type Graph,
  type Node,
  type OperatorShapes,
  type Subgraph,
  type Tensor,
  type TensorInfo,
  subgraphsOf,
} from "../graph.ts";
import { inferNode } from "../infer-shapes.ts";
import { constantIntegers, floatTensor, int64Tensor, isFloat, numbersOf } from "../tensor.ts";

/** Returns the nodes of the target opset that replace a node; throws ModelFileError if there are none. */
export type Converter = (node: Node, to: Conversion) => readonly Node[];

/** The conversion of one graph: the values known so far, new names, new constants. */
export class Conversion {
  /** The opset of the model. */
  readonly version: number;
  readonly target: number;
  /** The constants of the graph, to which converters add. */
  readonly initializers: Map<string, Tensor>;
  readonly #outer: Conversion | undefined;
  readonly #known = new Map<string, TensorInfo>();
  readonly #hints: Graph["hints"];
  readonly #own = new Set<string>();
  readonly #taken: Set<string>;
  readonly #used = new Set<string>();
  readonly #shapes: OperatorShapes | undefined;

  /** @param outer the conversion of the graph around a subgraph, whose values the subgraph can read */
  constructor(graph: Graph | Subgraph, version: number, target: number, outer?: Conversion) {
    this.version = version;
    this.target = target;
    this.#outer = outer;
    this.#shapes = outer ? outer.#shapes : "shapes" in graph ? graph.shapes : undefined;
    this.#taken = outer ? outer.#taken : new Set();
    this.initializers = new Map(graph.initializers);
    this.#hints = "hints" in graph ? graph.hints : undefined;
    for (const input of graph.inputs) if ("dataType" in input) this.#known.set(input.name, input);
    this.#takeNames(graph);
    for (const output of graph.outputs) this.#used.add(output.name);
    for (const node of graph.nodes) for (const name of readBy(node)) this.#used.add(name);
  }

  #takeNames(graph: Graph | Subgraph): void {
    const take = (node: Node): void => {
      this.#taken.add(node.name);
      for (const name of node.outputs) this.#own.add(name);
      for (const part of node.body ?? []) take(part);
      for (const inner of subgraphsOf(node)) for (const part of inner.nodes) take(part);
    };
    for (const name of graph.initializers.keys()) this.#own.add(name);
    for (const input of graph.inputs) this.#own.add(input.name);
    for (const node of graph.nodes) take(node);
    for (const name of this.#own) this.#taken.add(name);
  }

  /** Whether a node, a subgraph or an output of the graph reads the value. */
  isUsed(name: string): boolean {
    return name !== "" && this.#used.has(name);
  }

  /** What is known of a value so far. */
  info(name: string | undefined): TensorInfo | undefined {
    if (name === undefined || name === "") return undefined;
    const constant = this.initializers.get(name);
    if (constant) return { dataType: constant.dataType, shape: constant.dims, constant };
    const own = this.#known.get(name) ?? this.#hints?.get(name);
    return own ?? (this.#own.has(name) ? undefined : this.#outer?.info(name));
  }

  /** Infers the outputs of a converted node. */
  learn(node: Node): void {
    const inputs = node.inputs.map((name) => this.info(name));
    if (node.inputs.some((name, i) => name !== "" && !inputs[i])) return;
    try {
      for (const [i, info] of inferNode(node, inputs, this.#shapes).entries()) {
        const name = node.outputs[i];
        if (name) this.#known.set(name, info);
      }
    } catch (error) {
      // Outputs that cannot be inferred stay unknown; converters that need them refuse their node.
      if (!(error instanceof ModelFileError)) throw error;
    }
  }

  /** An unused name. */
  name(base: string): string {
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }

  /** Adds a constant of integers, by default a vector. Returns its name. */
  integers(node: Node, what: string, values: readonly number[], dims?: readonly number[]): string {
    return this.constant(node, what, int64Tensor(values, dims));
  }

  /**
   * Adds a scalar constant and returns its name.
   * @throws ModelFileError if `dataType` is not a float type
   */
  number(node: Node, what: string, value: number, dataType: DataType = "float32"): string {
    if (isFloat(dataType)) return this.constant(node, what, floatTensor(dataType, [value], []));
    throw this.refuse(node, `its numbers are ${dataType}`, "convert the model to float32");
  }

  /** Adds a constant and returns its name. */
  constant(node: Node, what: string, tensor: Tensor): string {
    const name = this.name(`${node.name}_${what}`);
    this.initializers.set(name, tensor);
    return name;
  }

  /**
   * The integers of a constant input; undefined if it is absent.
   * @throws ModelFileError if it is not constant
   */
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

  /**
   * The sizes of an input.
   * @throws ModelFileError if its rank is unknown
   */
  shape(node: Node, index: number): readonly Dim[] {
    const shape = this.info(node.inputs[index])?.shape;
    if (shape) return shape;
    throw this.refuse(node, `the rank of its input "${node.inputs[index] ?? ""}" is unknown`);
  }

  /** The error of a node that the target opset cannot express. */
  refuse(
    node: Node,
    why: string,
    fix: string = `export the model with opset ${this.target}`,
  ): ModelFileError {
    return new ModelFileError({
      what: `cannot convert the model from opset ${this.version} to ${this.target}`,
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

/** The attributes with one added or replaced. */
export function withAttribute(attributes: Attributes, name: string, value: Attribute): Attributes {
  return { ...attributes, [name]: value };
}
