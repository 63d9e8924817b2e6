/**
 * The kinds of row of the op table. A row describes how an operator's output depends on its inputs, for rules and for the
 * reverse walk. Rows name no rules, and rules name no operators.
 *
 * `pullBack(site, s, input)` is always the vector-Jacobian product: s has the shape of the output, and the result that of
 * the input (or one that broadcasts to it).
 */

import type { Node, Value } from "../onnx/graph.ts";
import { asParts, type Ranged } from "./ops/ranges.ts";
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
  | "normalization";

interface Common {
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
  readonly kind: "linear";
  readonly operator: (site: Site) => LinearOperator;
  /** The operator with averaged strides (docs/rules.md §5); undefined if it has no strides. */
  readonly averaged?: (site: Site) => LinearOperator | undefined;
  /** Index of the input that gets relevance. */
  readonly input: (site: Site) => number;
}

/** The output and transpose of an operator that replaces another. */
export interface StandIn {
  readonly y: Value;
  readonly pullBack: (s: Value) => Value;
}

/** An operator without weights: relevance follows its Jacobian, shares of its output, or passes unchanged. */
export interface PlainRow extends Common {
  readonly kind: "plain";
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
  /** Replaces the operator if strides are averaged. */
  readonly averaged?: (site: Site) => StandIn;
}

/** An operator with several outputs: it needs the relevance of all of them (zeros if none arrived). */
export interface SplittingRow extends Common {
  readonly kind: "splitting";
  readonly pullBackAll: (site: Site, s: readonly Value[], input: number) => Value;
}

export type Row = LinearRow | PlainRow | SplittingRow;

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
  readonly kind: "forms";
  /** The name of the form that a node has. */
  readonly formOf: (node: Pick<Node, "attributes">) => string;
  readonly rows: Readonly<Record<string, Row>>;
}

type Options = Partial<
  Pick<
    Common,
    | "refuses"
    | "nonNegative"
    | "filtered"
    | "rectifier"
    | "relu"
    | "closesBelowZero"
    | "gates"
    | "range"
    | "joins"
    | "border"
    | "parts"
    | "gives"
    | "resizes"
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
export const always = (): boolean => true;
export const rising = (): 1 => 1;
export const falling = (): -1 => -1;

const common = (
  family: Family,
  options: Options,
  nonNegative: Common["nonNegative"],
  keepsAxis: KeepsAxis,
  filtered = false,
): Common => ({
  family,
  filtered: options.filtered ?? filtered,
  refuses: options.refuses ?? never,
  rectifier: options.rectifier ?? false,
  relu: options.relu ?? false,
  closesBelowZero: options.closesBelowZero ?? no,
  gates: options.gates ?? false,
  range: options.range,
  nonNegative: options.nonNegative ?? nonNegative,
  joins: options.joins ?? family === "sum",
  border: options.border ?? false,
  parts: options.parts,
  gives: options.gives,
  resizes: options.resizes ?? false,
  keepsAxis: options.keepsAxis ?? keepsAxis,
  response: options.response,
  trend: options.trend ?? never,
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
  options: Options = {},
): LinearRow {
  return {
    kind: "linear",
    input: () => 0,
    ...row,
    ...common(family, options, no, never, family !== "affine"),
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
  { parameters, ...options }: Options & Pick<PlainRow, "parameters"> = {},
): PlainRow {
  const row = { kind: "plain", pullBack, elementwise: true, ...(parameters && { parameters }) } as const;
  return { ...row, ...common("activation", options, no, aligned) };
}

/** y = ±a ± b …: each input owns a share of the sum. */
export function sum(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, elementwise: true, ...common("sum", options, no, aligned) };
}

/** y = weighted average or sum of x: shared in proportion to the parts. */
export function average(pullBack: PullBack, options: Options = {}): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise: false,
    ...common("average", options, ifInputsAre, never, true),
  };
}

/** y = a norm or another measure of all of x: shared in proportion to the parts that it is made of. */
export function measure(
  row: Pick<PlainRow, "pullBack" | "frozen" | "pullBackLog" | "active">,
  options: Options = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("average", options, no, never) };
}

/** y = the largest of x. */
export function maximum(
  row: Pick<PlainRow, "pullBack" | "averaged"> & Partial<Pick<PlainRow, "elementwise">>,
  options: Options = {},
): PlainRow {
  const given = { range: asParts(options.parts), ...options };
  return {
    kind: "plain",
    elementwise: false,
    ...row,
    ...common("maximum", given, ifInputsAre, never, true),
  };
}

/** Elements of the first input, or of all joined inputs, only move: relevance moves back. */
export function routing(
  pullBack: PullBack,
  { again, elementwise = false, ...options }: Options & Partial<Pick<PlainRow, "elementwise" | "again">> = {},
): PlainRow {
  const row = { kind: "plain", pullBack, elementwise, ...(again && { again }) } as const;
  return { ...row, ...common("routing", ...moved(options)) };
}

/** As {@link routing}, for an operator with several outputs. */
export function splitting(pullBackAll: SplittingRow["pullBackAll"], options: Options = {}): SplittingRow {
  return { kind: "splitting", pullBackAll, ...common("routing", ...moved(options)) };
}

/** Options of operators that only move elements: they make none negative. */
function moved(options: Options): [Options, Common["nonNegative"], KeepsAxis] {
  const parts = options.parts ?? (options.joins ? undefined : [0]);
  const given = { range: asParts(parts), ...options, ...(parts && { parts }) };
  return [given, parts ? ifPartsAre(parts) : ifInputsAre, never];
}

/** An operator whose kind depends on its attributes. */
export const forms = (formOf: Forms["formOf"], rows: Forms["rows"]): Forms => ({
  kind: "forms",
  formOf,
  rows,
});

/** y = signal ⊙ gate, both computed. */
export function gate(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, elementwise: true, ...common("gate", options, ifInputsAre, aligned) };
}

/** y = signal / gate, both computed. The divisor is a measure, not a part. */
export function quotient(pullBack: PullBack, options: Options = {}): PlainRow {
  const row = { kind: "plain", pullBack, elementwise: true, gateInput: 1 } as const;
  return { ...row, ...common("quotient", options, ifInputsAre, aligned) };
}

/** y = A·B, sums of products of two computed tensors. */
export function matrixProduct(pullBack: PullBack, options: Options = {}): PlainRow {
  return { kind: "plain", pullBack, elementwise: false, ...common("product", options, ifInputsAre, never) };
}

/** y = softmax(x), or its logarithm, along an axis. */
export function softmax(
  row: Pick<PlainRow, "pullBack" | "pullBackLog" | "active" | "finite">,
  options: Options = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("softmax", options, no, never) };
}

/** y = x, normalised by its own statistics, with a constant affine map. */
export function normalization(
  row: Pick<PlainRow, "pullBack" | "bias"> & Required<Pick<PlainRow, "frozen">>,
  options: Options = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("normalization", options, no, never) };
}
