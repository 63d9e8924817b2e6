/** Looks up the nodes that patterns consist of. */

import { wrapped } from "../onnx/axis.ts";
import {
  type Graph,
  type Node,
  type Shape,
  type Uses,
  type Value,
  intsAttribute,
  numberAttribute,
} from "../onnx/graph.ts";
import { integersOf, scalarOf } from "./constants.ts";
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
  /** The reduction, and what gives it its axes back. */
  readonly nodes: readonly Node[];
}

/** Whether a Max is with −∞, which changes nothing. */
const isMaxOfAll = ({ graph }: PatternContext, node: Node): boolean =>
  node.inputs.length === 2 && node.inputs.some((name) => scalarOf(graph, name) === -Infinity);

/** A value before operators that only give reduced axes back, and these: Reshape, Unsqueeze, and the Max with −∞ that JAX writes. */
function beforeRestoring(context: PatternContext, name: string): { inner: string; nodes: readonly Node[] } {
  const nodes: Node[] = [];
  let inner = name;
  for (;;) {
    const node = producerOf(context, inner, "Reshape", "Unsqueeze", "Max");
    const [x = "", other = ""] = node?.inputs ?? [];
    if (!node || (node.opType === "Max" && !isMaxOfAll(context, node))) return { inner, nodes };
    nodes.push(node);
    inner = node.opType === "Max" && scalarOf(context.graph, x) === -Infinity ? other : x;
  }
}

/** Whether a shape is another with 1 at these axes. */
const isKept = (shape: Shape | undefined, whole: Shape, axes: readonly number[]): boolean =>
  shape?.length === whole.length &&
  shape.every((dim, axis) => dim === (axes.includes(axis) ? 1 : whole[axis]));

/** The reduction of this type that computes a value, if its axes are known and kept. */
export function reductionOf(
  context: TypedPatternContext,
  name: string | undefined,
  opType: string,
): Reduction | undefined {
  const own = producerOf(context, name, opType);
  const { inner, nodes } = own ? { inner: name, nodes: [] } : beforeRestoring(context, name ?? "");
  const node = own ?? producerOf(context, inner, opType);
  const [x = "", input] = node?.inputs ?? [];
  const whole = context.values.get(x)?.shape;
  if (!node || !whole) return undefined;
  const axes = intsAttribute(node, "axes") ?? integersOf(context.graph, input);
  const sorted = axes?.map((axis) => wrapped(axis, whole.length)).toSorted((a, b) => a - b);
  if (!sorted) return undefined;
  const keeps = numberAttribute(node, "keepdims", 1) === 1;
  const isRestored = keeps
    ? nodes.length === 0
    : isKept(context.values.get(name ?? "")?.shape, whole, sorted);
  return isRestored ? { x, axes: sorted, nodes: [node, ...nodes] } : undefined;
}
