/** A node as rows and operators see it, and the words in which they speak of it. */

import { ModelFileError } from "../errors.ts";
import type { Dim, Node, Shape, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { product } from "../onnx/operators/sizes.ts";

/** One node of the model, at the moment relevance reaches it. */
export interface Site {
  /** Adds the nodes of the pull-back to the graph. */
  readonly b: GraphBuilder;
  /** Its operator and attributes. */
  readonly node: Node;
  /** In the node's order; `undefined` for an optional input that is absent. */
  readonly inputs: readonly (Value | undefined)[];
  /** As the inputs. */
  readonly outputs: readonly (Value | undefined)[];
  /** True for a value that depends on an input of the model. */
  readonly isComputed: (value: Value) => boolean;
  /** True for a value that is known not to be negative. */
  readonly isNonNegative: (value: Value) => boolean;
  /** True for a value that opens and closes others: it comes from a sigmoid or its kind. */
  readonly isGate: (value: Value) => boolean;
  /** An input that must be there. @throws ModelFileError naming the node if it is absent */
  input(index: number): Value;
  /** An output that must be there. @throws ModelFileError naming the node if it is absent */
  output(index: number): Value;
}

/** What a {@link Site} is made of. */
export type SiteParts = Omit<Site, "input" | "output">;

/** A node with what is known of it, as rows ask for it. */
export const siteOf = (parts: SiteParts): Site => ({
  ...parts,
  input(index) {
    return this.inputs[index] ?? absent(this.node, "input", index);
  },
  output(index) {
    return this.outputs[index] ?? absent(this.node, "output", index);
  },
});

function absent(node: Node, what: "input" | "output", index: number): never {
  throw new ModelFileError({
    what: "cannot explain the model",
    where: `${node.opType} "${node.name}"`,
    why: `it has no ${what} ${index}, which its operator cannot do without`,
    fix: "check the model with onnx.checker.check_model",
  });
}

/** The node's first input: x of y = f(x). */
export const x = (site: Site): Value => site.input(0);
/** The node's first output: y of y = f(x). */
export const y = (site: Site): Value => site.output(0);

/**
 * Jᵀs: the vector-Jacobian product for the input of that index. s has the shape of the output, the result that of the input, or one
 * that broadcasts to it.
 */
export type PullBack = (site: Site, s: Value, input: number) => Value;

/** z = W x + b with constant W and b, and the transpose of W. */
export interface LinearOperator {
  /** The input that relevance goes to. */
  readonly x: Value;
  /** W: constant, in whatever shape the operator takes it. */
  readonly weights: Value;
  /** b: constant; undefined where the node has none. */
  readonly bias: Value | undefined;
  /** The shape that a bias has, or would have; undefined if the operator takes none. */
  readonly biasShape: Shape | undefined;
  /** How many inputs an output is made of, if that is known. */
  readonly fanIn?: number | undefined;
  /** A bias in a shape that broadcasts over z, if it does not as it is. */
  readonly placeBias?: (bias: Value) => Value;
  /** Wx + b for weights and bias of the same shapes as the operator's own. */
  forward(x: Value, weights: Value, bias: Value | undefined): Value;
  /** Wᵀs */
  pullBack(s: Value, weights: Value): Value;
}

/**
 * An axis of a tensor, or a factor of one: the axis has outer · length · inner elements, and one step along the place is
 * `inner` elements. Heads and samples that an attention layer merges into one axis are such factors.
 */
export interface AxisPlace {
  /** Its index. */
  readonly axis: number;
  /** Elements of the axis beyond the place, slower than it. */
  readonly outer: Dim;
  /** Elements of the place itself. */
  readonly length: Dim;
  /** Elements of the axis within one step of the place. */
  readonly inner: Dim;
}

/** Where an axis of an input stands in the outputs; undefined where elements along it are mixed, picked or dropped. */
export type KeepsAxis = (site: Site, place: AxisPlace, input: number) => AxisPlace | undefined;

/**
 * The place in an axis of the output, if that has its size. Two names of open sizes may stand for the same: inputs of one
 * model often call their batch by names of their own.
 */
export function placeAt(site: Site, place: AxisPlace, axis: number): AxisPlace | undefined {
  const { outer, length, inner } = place;
  const size = y(site).shape[axis];
  if (size === product([outer, length, inner])) return { ...place, axis };
  const isOpen = typeof size === "string" && typeof length === "string" && outer === 1 && inner === 1;
  return isOpen ? { ...place, axis, length: size } : undefined;
}

/** Broadcasting: axes are aligned at the last one. An axis of size 1 that is repeated is not kept. */
export const aligned: KeepsAxis = (site, place, input) => {
  const rank = site.input(input).shape.length;
  return placeAt(site, place, place.axis + y(site).shape.length - rank);
};
