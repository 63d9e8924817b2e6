/**
 * The few kinds of row that the op table is made of. A row says how an operator's output depends on its inputs, in
 * words that rules and the reverse walk understand; it names no rule, and no rule names an operator.
 *
 * `pullBack(site, s, input)` is the vector-Jacobian product everywhere: s has the output's shape, the result the
 * shape of that input (or one that broadcasts to it).
 */

import type { Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";

/** One node of the model, at the moment relevance reaches it. */
export interface Site {
  readonly b: GraphBuilder;
  readonly node: Node;
  /** In the node's order; `undefined` for an optional input that is absent. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** True for a value that depends on an input of the model. */
  readonly isComputed: (value: Value) => boolean;
  readonly isNonNegative: (value: Value) => boolean;
  /** True for a value that opens and closes others: it comes from a sigmoid or its kind. */
  readonly isGate: (value: Value) => boolean;
}

/** The node's first input and first output: all there is to most operators. */
export const x = (site: Site): Value => site.inputs[0] as Value;
export const y = (site: Site): Value => site.outputs[0] as Value;

export type PullBack = (site: Site, s: Value, input: number) => Value;

/** z = W x + b with constant W and b, and the transpose of W. */
export interface LinearOperator {
  readonly x: Value;
  readonly weights: Value;
  readonly bias: Value | undefined;
  /** The shape that a bias has, or would have; undefined if the operator takes none. */
  readonly biasShape: readonly number[] | undefined;
  /** A bias in a shape that broadcasts over z, if it does not as it is. */
  readonly placeBias?: (bias: Value) => Value;
  /** Wx + b for weights and bias of the same shapes as the operator's own. */
  forward(x: Value, weights: Value, bias: Value | undefined): Value;
  /** Wᵀs */
  pullBack(s: Value, weights: Value): Value;
}

/** What composites tell layers apart by. */
export type Family =
  | "convolution"
  | "dense"
  | "affine"
  | "sum"
  | "average"
  | "maximum"
  | "activation"
  | "routing"
  | "gate";

interface Common {
  readonly family: Family;
  /** Whether the relevance filter acts on what arrives here (the seed filters at its layers, not at activations). */
  readonly filtered: boolean;
  /** Why relevance cannot cross this very node, or undefined if it can. */
  readonly refuses: (site: Site) => string | undefined;
  /** For an activation: whether it is the identity or a constant everywhere, as ReLU is. z⁺ was made for such networks. */
  readonly rectifier: boolean;
  /** For an activation: whether it goes from 0, closed, to 1, open, so that what it is multiplied with is gated by it. */
  readonly gates: boolean;
  /** Whether no output can be negative. */
  readonly nonNegative: (site: Site) => boolean;
  /** Whether every input is a part of the output (Add, Concat), none a size or an axis: a constant among them takes its share. */
  readonly joins: boolean;
  /** Whether some elements of the output come from no element of an input (Pad): relevance that stands there goes no further. */
  readonly border: boolean;
}

/** Weights and an input: rules modify both. */
export interface LinearRow extends Common {
  readonly kind: "linear";
  readonly operator: (site: Site) => LinearOperator;
  /** The operator whose strides are averages (rules.md §5), where it has strides. */
  readonly averaged?: (site: Site) => LinearOperator;
  /** Index of the input that relevance goes to. */
  readonly input: (site: Site) => number;
}

/** No weights: relevance goes back by the operator's Jacobian, by a share of its output, or unchanged. */
export interface PlainRow extends Common {
  readonly kind: "plain";
  readonly pullBack: PullBack;
  /** The operator that stands in for this one when strides are averages: its output and its transpose. */
  readonly averaged?: (site: Site) => { readonly y: Value; readonly pullBack: (s: Value) => Value };
}

/** Several outputs: takes the relevance of all (zeros where none arrived). */
export interface SplittingRow extends Common {
  readonly kind: "splitting";
  readonly pullBackAll: (site: Site, s: readonly Value[], input: number) => Value;
}

export type Row = LinearRow | PlainRow | SplittingRow;

type Options = Partial<
  Pick<Common, "refuses" | "nonNegative" | "filtered" | "rectifier" | "gates" | "joins" | "border">
>;

const never = (): undefined => undefined;
const no = (): boolean => false;
/** The output cannot be negative if no input can. */
export const ifInputsAre = (site: Site): boolean =>
  site.inputs.every((input) => !input || site.isNonNegative(input));
export const always = (): boolean => true;

const common = (
  family: Family,
  options: Options,
  nonNegative: Common["nonNegative"],
  filtered = false,
): Common => ({
  family,
  filtered: options.filtered ?? filtered,
  refuses: options.refuses ?? never,
  rectifier: options.rectifier ?? false,
  gates: options.gates ?? false,
  nonNegative: options.nonNegative ?? nonNegative,
  joins: options.joins ?? family === "sum",
  border: options.border ?? false,
});

/** z = Wx + b with constant weights: Conv, Gemm. */
export function linear(
  family: "convolution" | "dense" | "affine",
  row: Pick<LinearRow, "operator" | "averaged"> & Partial<Pick<LinearRow, "input">>,
  options: Options = {},
): LinearRow {
  return { kind: "linear", input: () => 0, ...row, ...common(family, options, no, family !== "affine") };
}

/** y = f(x), element by element; `slope` gives s ⊙ f′(x). */
export function activation(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, ...common("activation", options, no) };
}

/** y = ±a ± b …: each input owns a share of the sum. */
export function sum(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, ...common("sum", options, no) };
}

/** y = weighted average or sum of x: shared in proportion to the parts. */
export function average(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, ...common("average", options, ifInputsAre, true) };
}

/** y = the largest of x: the winner takes all. */
export function maximum(row: Pick<PlainRow, "pullBack" | "averaged">, options: Options = {}): PlainRow {
  return { kind: "plain", ...row, ...common("maximum", options, ifInputsAre, true) };
}

/** Elements move, nothing is computed: relevance moves back. */
export function routing(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, ...common("routing", options, ifInputsAre) };
}

/** As {@link routing}, for an operator with several outputs. */
export function splitting(pullBackAll: SplittingRow["pullBackAll"], options: Options = {}): SplittingRow {
  return { kind: "splitting", pullBackAll, ...common("routing", options, ifInputsAre) };
}

/** y = signal ⊙ gate, both computed. */
export function gate(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, ...common("gate", options, ifInputsAre) };
}
