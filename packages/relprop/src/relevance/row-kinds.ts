/**
 * The kinds of row of the op table. A row describes how an operator's output depends on its inputs, for rules and for the
 * reverse walk. Rows name no rules, and rules name no operators.
 *
 * `pullBack(site, s, input)` is always the vector-Jacobian product: s has the shape of the output, and the result that of
 * the input (or one that broadcasts to it).
 */

import type { Node, Value } from "../onnx/graph.ts";
import { asParts, type Ranged } from "./ops/ranges.ts";
import { refusesCells, throughCells, type CellKind } from "./ops/recurrent/recurrent.ts";
import type { DenseStrides } from "./stride-modes.ts";
import { aligned, type KeepsAxis, type LinearOperator, type PullBack, type Site } from "./site.ts";

/**
 * The response functions (inverse links) that a model may end in. They map logits or other real numbers to the output, and
 * are positive where these are negative. Relevance starts before them (docs/rules.md §6). tanh is none: it keeps the sign.
 */
export type Response = "softmax" | "log-softmax" | "sigmoid" | "hard-sigmoid" | "softplus" | "exp";

/** Families of operators, by which composites choose rules. */
export type Family =
  | "convolution"
  | "dense"
  | "affine"
  | "sum"
  | "average"
  | "maximum"
  | "activation"
  | "routing"
  | "gate"
  | "quotient"
  | "product"
  | "softmax"
  | "normalization"
  | "recurrent";

interface Common {
  /** Which rule of a composite it gets. */
  readonly family: Family;
  /** Whether the relevance filter applies to the output: at layers, not at activations. */
  readonly filtered: boolean;
  /** Why relevance cannot cross a particular node; undefined if it can. */
  readonly refuses: (site: Site) => string | undefined;
  /** For an activation: whether it is piecewise the identity or constant, like ReLU. z⁺ is made for networks of these. */
  readonly rectifier: boolean;
  /** For an activation: whether it is exactly max(x, 0), which some rules require. */
  readonly relu: boolean;
  /** For an activation: whether y = 0 wherever x ≤ 0. */
  readonly closesBelowZero: (site: Site) => boolean;
  /** For an activation: whether it goes from 0 (closed) to 1 (open), and so gates its other factor. */
  readonly gates: boolean;
  /** Whether it computes 1/v, or a constant over it: as a factor it divides the other. */
  readonly inverts: (site: Site) => boolean;
  /** The range of the output given the ranges of the inputs, to recognise gates. Undefined: unknown. */
  readonly range: Ranged | undefined;
  /** Whether no output can be negative. */
  readonly nonNegative: (site: Site) => boolean;
  /** Whether every input is a part of the output (Add, Concat), so that constants take a share. */
  readonly joins: boolean;
  /** Whether some elements of the output come from no input (Pad): their relevance ends here. */
  readonly border: boolean;
  /** Indices of the inputs that are parts of the output. Others (sizes, indices, conditions) get no relevance. Undefined: all. */
  readonly parts: readonly number[] | undefined;
  /** Indices of the outputs that consist of inputs. Others (indices, masks) have no relevance. Undefined: all. */
  readonly gives: readonly number[] | undefined;
  /** Whether the output is the input at another size (Resize). */
  readonly resizes: boolean;
  /** For windows that slide: places of the input between two of the output, along each axis. Undefined: no windows. */
  readonly steps: (node: Node) => readonly number[] | undefined;
  /** Where an axis of an input stands in the output: what keeps samples apart, and tokens. */
  readonly keepsAxis: KeepsAxis;
  /** The response function that the operator is, if a model may end in it. */
  readonly response: Response | undefined;
  /**
   * For an elementwise function: 1 if it never falls as its computed input rises, −1 if it never rises; undefined if neither
   * is known.
   */
  readonly trend: (site: Site) => 1 | -1 | undefined;
}

/** An operator with weights. Rules modify its input and weights. */
export interface LinearRow extends Common {
  /** Tells rows apart. */
  readonly kind: "linear";
  /** Its input, weights and bias, its forward pass and its transpose. */
  readonly operator: (site: Site) => LinearOperator;
  /** The operator with averaged or interpolated strides (docs/rules.md §5); undefined if it has no strides. */
  readonly averaged?: (site: Site, strides: DenseStrides) => LinearOperator | undefined;
  /** Index of the input that gets relevance. */
  readonly input: (site: Site) => number;
}

/** The output and transpose of an operator that replaces another. */
export interface StandIn {
  /** What the model would have put out with it. */
  readonly y: Value;
  /** Its transpose, for s in the shape of `y`. */
  readonly pullBack: (s: Value) => Value;
}

/** An operator without weights: relevance follows its Jacobian, shares of its output, or passes unchanged. */
export interface PlainRow extends Common {
  /** Tells rows apart. */
  readonly kind: "plain";
  /** Jᵀs for one input. */
  readonly pullBack: PullBack;
  /** `pullBack` with statistics of the input held constant, for LRP. Gradients never use it. */
  readonly frozen?: PullBack;
  /** The part of the output that comes from no input, in a shape that broadcasts over it; undefined if there is none. */
  readonly bias?: (site: Site) => Value | undefined;
  /**
   * Jᵀ(R / y) without the division, if y > 0 may be too small to divide by (the transpose of ∂ log y / ∂x), or if y is the
   * logarithm of a value with parts.
   */
  readonly pullBackLog?: PullBack;
  /** The value that shares are proportional to, if not the input itself: elements at −∞ get none. */
  readonly active?: (site: Site) => Value;
  /** As `active`, if no relevance arrives at elements without a share: the input with a finite number for −∞. */
  readonly finite?: (site: Site) => Value;
  /** Repeats the picks on another tensor, for an operator that picks by values of its input. */
  readonly again?: (site: Site, v: Value) => Value;
  /** Index of the input that is always the gate (a denominator). */
  readonly gateInput?: number;
  /**
   * Indices of inputs that are parameters of the function (PReLU's slope, an exponent). LRP holds them constant, gradients
   * do not. Undefined: none.
   */
  readonly parameters?: (site: Site) => readonly number[];
  /** Whether each element of the output is made of one element of each input, broadcasting aside. */
  readonly elementwise: boolean;
  /** Replaces the operator if strides are averaged or interpolated. */
  readonly averaged?: (site: Site, strides: DenseStrides) => StandIn;
}

/** An operator with several outputs: it needs the relevance of all of them (zeros if none arrived). */
export interface SplittingRow extends Common {
  /** Tells rows apart. */
  readonly kind: "splitting";
  /** Jᵀs for one input, of an s for each output. */
  readonly pullBackAll: (site: Site, s: readonly Value[], input: number) => Value;
}

/** A layer whose steps read the state after the step before. */
export interface RecurrentRow extends Common {
  /** Tells rows apart. */
  readonly kind: "recurrent";
  /** One step, and what weights and activations it has. */
  readonly cells: CellKind;
}

/** How relevance crosses an operator. Make one with {@link linear}, {@link activation} and the other constructors. */
export type Row = LinearRow | PlainRow | SplittingRow | RecurrentRow;

/**
 * Indices of the inputs that can get relevance, including constants.
 * @param isGradient whether parameters are included
 */
export function partsOf(row: Row | undefined, site: Site, isGradient: boolean): number[] {
  const held = !isGradient && row?.kind === "plain" ? row.parameters?.(site) : undefined;
  return site.inputs.flatMap((value, index) => {
    const isPart = row?.parts?.includes(index) ?? true;
    return value && isPart && !held?.includes(index) ? [index] : [];
  });
}

/** An operator whose kind depends on its attributes, with a row for each form. */
export interface Forms {
  /** Tells it from a {@link Row}. */
  readonly kind: "forms";
  /** The name of the form that a node has. */
  readonly formOf: (node: Pick<Node, "attributes">) => string;
  /** By the names that `formOf` gives; a form without a row is refused. */
  readonly rows: Readonly<Record<string, Row>>;
}

/** What is known of an operator besides its kind; what is left out costs a larger graph at most, never other relevance. */
export type RowOptions = Partial<
  Pick<
    Common,
    | "refuses"
    | "nonNegative"
    | "filtered"
    | "rectifier"
    | "relu"
    | "closesBelowZero"
    | "gates"
    | "inverts"
    | "range"
    | "joins"
    | "border"
    | "parts"
    | "gives"
    | "resizes"
    | "steps"
    | "keepsAxis"
    | "response"
    | "trend"
  >
>;

const never = (): undefined => undefined;
const no = (): boolean => false;
/** The output cannot be negative if none of its parts can. */
export const ifPartsAre =
  (parts: readonly number[]) =>
  (site: Site): boolean =>
    parts.every((index) => {
      const input = site.inputs[index];
      return !input || site.isNonNegative(input);
    });
/** The output cannot be negative if no input can. */
export const ifInputsAre = (site: Site): boolean =>
  site.inputs.every((input) => !input || site.isNonNegative(input));
/** For any node: a fact that its attributes and inputs do not change. */
export const always = (): boolean => true;
/** The trend of a function that never falls. */
export const rising = (): 1 => 1;
/** The trend of a function that never rises. */
export const falling = (): -1 => -1;

/** @param usual of this kind of row, where it is not what most kinds have */
const common = (family: Family, options: RowOptions, usual: RowOptions = {}): Common => ({
  family,
  filtered: false,
  refuses: never,
  rectifier: false,
  relu: false,
  closesBelowZero: no,
  gates: false,
  inverts: no,
  range: undefined,
  nonNegative: no,
  joins: false,
  border: false,
  parts: undefined,
  gives: undefined,
  resizes: false,
  steps: never,
  keepsAxis: never,
  response: undefined,
  trend: never,
  ...usual,
  ...options,
});

/**
 * z = Wx + b with constant weights: Conv, Gemm.
 *
 * @example
 *     // z = x ⊙ a, a constant in the shape of x's last axis
 *     linear("affine", {
 *       operator: (site) => ({
 *         x: x(site), weights: site.input(1), bias: undefined, biasShape: undefined,
 *         forward: (v, a) => site.b.op("Mul", [v, a]),
 *         pullBack: (s, a) => site.b.op("Mul", [s, a]),
 *       }),
 *     })
 */
export function linear(
  family: "convolution" | "dense" | "affine",
  row: Pick<LinearRow, "operator" | "averaged"> & Partial<Pick<LinearRow, "input">>,
  options: RowOptions = {},
): LinearRow {
  return {
    kind: "linear",
    input: () => 0,
    ...row,
    ...common(family, options, { filtered: family !== "affine" }),
  };
}

/**
 * y = f(x), element by element; `slope` gives s ⊙ f′(x).
 *
 * @example
 *     // y = x·σ(x)
 *     activation(slope((c, x, y) => c.add(y, c.mul(c.sigmoid(x), c.sub(1, y)))))
 */
export function activation(
  pullBack: PullBack,
  { parameters, ...options }: RowOptions & Pick<PlainRow, "parameters"> = {},
): PlainRow {
  const row = { kind: "plain", pullBack, elementwise: true, ...(parameters && { parameters }) } as const;
  return { ...row, ...common("activation", options, { keepsAxis: aligned }) };
}

/** y = ±a ± b …: each input owns a share of the sum. */
export function sum(
  pullBack: PullBack,
  { elementwise = true, ...options }: RowOptions & Partial<Pick<PlainRow, "elementwise">> = {},
): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise,
    ...common("sum", options, { joins: true, keepsAxis: aligned }),
  };
}

/** y = weighted average or sum of x: shared in proportion to the parts. */
export function average(pullBack: PullBack, options: RowOptions = {}): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise: false,
    ...common("average", options, { nonNegative: ifInputsAre, filtered: true }),
  };
}

/** y = a norm or another measure of all of x: shared in proportion to the parts that it is made of. */
export function measure(
  row: Pick<PlainRow, "pullBack" | "frozen" | "pullBackLog" | "active">,
  options: RowOptions = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("average", options) };
}

/** y = the largest of x. */
export function maximum(
  row: Pick<PlainRow, "pullBack" | "averaged"> & Partial<Pick<PlainRow, "elementwise">>,
  options: RowOptions = {},
): PlainRow {
  const usual = { nonNegative: ifInputsAre, filtered: true, range: asParts(options.parts) };
  return {
    kind: "plain",
    elementwise: false,
    ...row,
    ...common("maximum", options, usual),
  };
}

/** Elements of the first input, or of all joined inputs, only move: relevance moves back. */
export function routing(
  pullBack: PullBack,
  {
    again,
    elementwise = false,
    ...options
  }: RowOptions & Partial<Pick<PlainRow, "elementwise" | "again">> = {},
): PlainRow {
  const row = { kind: "plain", pullBack, elementwise, ...(again && { again }) } as const;
  return { ...row, ...moved(options) };
}

/** As {@link routing}, for an operator with several outputs. */
export function splitting(pullBackAll: SplittingRow["pullBackAll"], options: RowOptions = {}): SplittingRow {
  return { kind: "splitting", pullBackAll, ...moved(options) };
}

/** A layer whose steps read the state after the step before: LSTM, GRU, RNN. */
export function recurrent(cells: CellKind, options: RowOptions = {}): RecurrentRow {
  const usual = { refuses: refusesCells(cells), keepsAxis: throughCells, filtered: true };
  return { kind: "recurrent", cells, ...common("recurrent", options, usual) };
}

/** Options of operators that only move elements: they make none negative. */
function moved(options: RowOptions): Common {
  const parts = options.parts ?? (options.joins ? undefined : [0]);
  const nonNegative = parts ? ifPartsAre(parts) : ifInputsAre;
  return common("routing", options, { parts, nonNegative, range: asParts(parts) });
}

/** An operator whose kind depends on its attributes. */
export const forms = (formOf: Forms["formOf"], rows: Forms["rows"]): Forms => ({
  kind: "forms",
  formOf,
  rows,
});

/** y = signal ⊙ gate, both computed. */
export function gate(pullBack: PullBack, options: RowOptions = {}): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise: true,
    ...common("gate", options, { nonNegative: ifInputsAre, keepsAxis: aligned }),
  };
}

/** y = signal / gate, both computed. The divisor is a measure, not a part. */
export function quotient(pullBack: PullBack, options: RowOptions = {}): PlainRow {
  const row = { kind: "plain", pullBack, elementwise: true, gateInput: 1 } as const;
  return { ...row, ...common("quotient", options, { nonNegative: ifInputsAre, keepsAxis: aligned }) };
}

/** y = A·B, sums of products of two computed tensors. */
export function matrixProduct(pullBack: PullBack, options: RowOptions = {}): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise: false,
    ...common("product", options, { nonNegative: ifInputsAre }),
  };
}

/** y = softmax(x), or its logarithm, along an axis. */
export function softmax(
  row: Pick<PlainRow, "pullBack" | "pullBackLog" | "active" | "finite">,
  options: RowOptions = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("softmax", options) };
}

/** y = x, normalised by its own statistics, with a constant affine map. */
export function normalization(
  row: Pick<PlainRow, "pullBack" | "bias"> & Required<Pick<PlainRow, "frozen">>,
  options: RowOptions = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("normalization", options) };
}
