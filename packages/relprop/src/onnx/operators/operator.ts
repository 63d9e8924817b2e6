/** What is known of an operator: the shape rule that infers its outputs, and the evaluator that computes them from constants. */

import type { DataType, Node, Subgraph, Tensor, TensorInfo } from "../graph.ts";

/** What is known of a node's inputs; undefined where an optional input is absent. */
export type Inputs = readonly (TensorInfo | undefined)[];

/**
 * Gives what is known of the outputs of a graph inside of a node.
 * @param inputs what is known of its inputs
 * @param outputs what is known of its outputs already
 */
export type InferInner = (graph: Subgraph, inputs: Inputs, outputs: Inputs) => Inputs;

/** Gives what is known of a node's outputs, or undefined where not even the rank can be known. */
export type ShapeRule = (node: Node, inputs: Inputs, inferInner?: InferInner) => TensorInfo[] | undefined;

/** A node whose inputs are constants; `undefined` marks an optional input that is absent. */
export interface Call {
  readonly node: Node;
  readonly inputs: readonly (Tensor | undefined)[];
  /** Of the first output, as shape inference has it: all that most operators need. */
  readonly dims: readonly number[];
  readonly dataType: DataType;
  /** What shape inference knows of all outputs. */
  readonly outputs: readonly TensorInfo[];
}

/** Gives what the node gives, or undefined where its types or attributes are not for here. */
export type Evaluate = (call: Call) => Tensor | readonly Tensor[] | undefined;

/** One operator. */
export interface Operator {
  readonly shape: ShapeRule;
  /** Absent where constants are left to the runtime, or where the shape rule knows all elements. */
  readonly evaluate?: Evaluate;
  /** Whether sizes of its output are a matter of its inputs' elements, so that the shape rule cannot know them. */
  readonly measures?: boolean;
  /** Whether its output is a matter of its inputs' sizes alone. */
  readonly ofSizes?: boolean;
}

/** opType -> operator. */
export type Operators = Readonly<Record<string, Operator>>;
