/** A node as rows and operators see it, with their shared types. */

import { lacks, malformed } from "../onnx/check-nodes.ts";
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
  /** True for a gate: a value that comes from a sigmoid or a similar function. */
  readonly isGate: (value: Value) => boolean;
  /** A required input. @throws ModelFileError naming the node if it is absent */
  input(index: number): Value;
  /** A required output. @throws ModelFileError naming the node if it is absent */
  output(index: number): Value;
}

/** The facts about a {@link Site}. */
export type SiteParts = Omit<Site, "input" | "output">;

/** Makes the site of a node. */
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
  throw malformed(node, lacks(what, index));
}

/** The node's first input and first output. Most operators have no others. */
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
  /** The shape of a bias; undefined if the operator has none. */
  readonly biasShape: Shape | undefined;
  /** The fan-in of an output, if known. */
  readonly fanIn?: number | undefined;
  /** Reshapes a bias to broadcast over z, if necessary. */
  readonly placeBias?: (bias: Value) => Value;
  /** Wx + b for weights and bias in the operator's shapes. */
  forward(x: Value, weights: Value, bias: Value | undefined): Value;
  /** Wᵀs */
  pullBack(s: Value, weights: Value): Value;
}

/**
 * An axis of a tensor, or a factor of one. The axis has outer · length · inner elements, and a step along the place is
 * `inner` elements. Heads and samples that attention merges into one axis are such factors.
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

/** The place of an input axis in an output; undefined if elements along it are mixed, picked or dropped. */
export type KeepsAxis = (
  site: Site,
  place: AxisPlace,
  input: number,
  output: number,
) => AxisPlace | undefined;

/**
 * The place at an axis of an output, if the sizes agree. Two symbolic sizes always do, since inputs often have different
 * names for the batch.
 */
export function placeAt(site: Site, place: AxisPlace, axis: number, output = 0): AxisPlace | undefined {
  const { outer, length, inner } = place;
  const size = site.output(output).shape[axis];
  if (size === product([outer, length, inner])) return { ...place, axis };
  const isOpen = typeof size === "string" && typeof length === "string" && outer === 1 && inner === 1;
  return isOpen ? { ...place, axis, length: size } : undefined;
}

/** Axes under broadcasting, aligned at the last one. A repeated axis of size 1 is not kept. */
export const aligned: KeepsAxis = (site, place, input) => {
  const rank = site.input(input).shape.length;
  return placeAt(site, place, place.axis + y(site).shape.length - rank);
};
