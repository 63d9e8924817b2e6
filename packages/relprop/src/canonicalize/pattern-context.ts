/** Looks up the nodes that patterns consist of. */

import { wrapped } from "../onnx/axis.ts";
import {
  type Graph,
  type Node,
  type Uses,
  type Value,
  intsAttribute,
  numberAttribute,
} from "../onnx/graph.ts";
import { integersOf } from "./constants.ts";
import { isOnnx } from "./rewrite.ts";

/** The graph in which patterns are looked for. */
export interface PatternContext {
  readonly graph: Graph;
  readonly uses: Uses;
}

/** The same with what shape inference knows of the graph's values. */
export interface TypedPatternContext extends PatternContext {
  readonly values: ReadonlyMap<string, Value>;
}

/** The node that computes a value, if it has one of these types. */
export function producerOf(
  { uses }: PatternContext,
  name: string | undefined,
  ...opTypes: readonly string[]
): Node | undefined {
  const node = uses.producer.get(name ?? "");
  return node && isOnnx(node, ...opTypes) ? node : undefined;
}

/** A reduction of x that keeps the reduced axes, which count from 0 in ascending order. */
export interface Reduction {
  readonly x: string;
  readonly axes: readonly number[];
  readonly node: Node;
}

/** The reduction of this type that computes a value, if its axes are known and kept. */
export function reductionOf(
  context: TypedPatternContext,
  name: string | undefined,
  opType: string,
): Reduction | undefined {
  const node = producerOf(context, name, opType);
  const [x = "", input] = node?.inputs ?? [];
  const rank = context.values.get(x)?.shape.length;
  if (!node || rank === undefined || numberAttribute(node, "keepdims", 1) !== 1) return undefined;
  const axes = intsAttribute(node, "axes") ?? integersOf(context.graph, input);
  const sorted = axes?.map((axis) => wrapped(axis, rank)).toSorted((a, b) => a - b);
  return sorted && { x, axes: sorted, node };
}
