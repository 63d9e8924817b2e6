/**
 * The few kinds of row that the op table is made of. A row says how an operator's output depends on its inputs, in
 * words that rules and the reverse walk understand; it names no rule, and no rule names an operator.
 *
 * `pullBack(site, s, input)` is the vector-Jacobian product everywhere: s has the output's shape, the result the
 * shape of that input (or one that broadcasts to it).
 */

import type { Node, Value } from "../onnx/graph.ts";
import { asParts, type Ranged } from "./ops/ranges.ts";
import { aligned, type KeepsAxis, type LinearOperator, type PullBack, type Site } from "./site.ts";

/**
 * The response functions (inverse links) that a model may end in: they make of logits, or of another real number, what the
 * model puts out, and are positive where that number is not. Relevance starts before them (docs/rules.md §6). tanh is none: it has
 * the sign of what it is made of.
 */
export type Response = "softmax" | "log-softmax" | "sigmoid" | "hard-sigmoid" | "softplus" | "exp";

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
  | "gate"
  | "quotient"
  | "product"
  | "softmax"
  | "normalization";

interface Common {
  /** Which rule of a composite it gets. */
  readonly family: Family;
  /** Whether the relevance filter acts on what arrives here (the seed filters at its layers, not at activations). */
  readonly filtered: boolean;
  /** Why relevance cannot cross this very node, or undefined if it can. */
  readonly refuses: (site: Site) => string | undefined;
  /** For an activation: whether it is the identity or a constant everywhere, as ReLU is. z⁺ was made for such networks. */
  readonly rectifier: boolean;
  /** For an activation: whether it is max(x, 0) itself, which some rules were made for and are not for its kin. */
  readonly relu: boolean;
  /** For an activation: whether y = 0 wherever x ≤ 0. */
  readonly closesBelowZero: (site: Site) => boolean;
  /** For an activation: whether it goes from 0, closed, to 1, open, so that what it is multiplied with is gated by it. */
  readonly gates: boolean;
  /** What the output lies between, given what its inputs do: for what is made of gates. Undefined: nobody knows. */
  readonly range: Ranged | undefined;
  /** Whether no output can be negative. */
  readonly nonNegative: (site: Site) => boolean;
  /** Whether every input is a part of the output (Add, Concat), none a size or an axis: a constant among them takes its share. */
  readonly joins: boolean;
  /** Whether some elements of the output come from no element of an input (Pad): relevance that stands there goes no further. */
  readonly border: boolean;
  /** The inputs that the output is made of, by index; the others are sizes, indices or conditions, and take no relevance. Undefined: all. */
  readonly parts: readonly number[] | undefined;
  /** The outputs that are made of the inputs, by index; the others are indices or masks, and bring no relevance. Undefined: all. */
  readonly gives: readonly number[] | undefined;
  /** Whether the output is the input at another size (Resize): the same numbers, at places between them too. */
  readonly resizes: boolean;
  /** Where an axis of an input stands in the output: what keeps samples apart, and tokens. */
  readonly keepsAxis: KeepsAxis;
  /** The response function that the operator is, if a model may end in it. */
  readonly response: Response | undefined;
  /**
   * For a function of single elements: 1 where it never falls as its computed input rises, −1 where it never rises;
   * undefined where neither is known.
   */
  readonly trend: (site: Site) => 1 | -1 | undefined;
}

/** Weights and an input: rules modify both. */
export interface LinearRow extends Common {
  /** Tells rows apart. */
  readonly kind: "linear";
  /** Its input, weights and bias, its forward pass and its transpose. */
  readonly operator: (site: Site) => LinearOperator;
  /** The operator whose strides are averages (docs/rules.md §5); undefined where it has none. */
  readonly averaged?: (site: Site) => LinearOperator | undefined;
  /** Index of the input that relevance goes to. */
  readonly input: (site: Site) => number;
}

/** An operator in place of another: its output and its transpose. */
export interface StandIn {
  /** What the model would have put out with it. */
  readonly y: Value;
  /** Its transpose, for s in the shape of `y`. */
  readonly pullBack: (s: Value) => Value;
}

/** No weights: relevance goes back by the operator's Jacobian, by a share of its output, or unchanged. */
export interface PlainRow extends Common {
  /** Tells rows apart. */
  readonly kind: "plain";
  /** Jᵀs for one input. */
  readonly pullBack: PullBack;
  /** As `pullBack`, with the statistics of the input held constant, which is what LRP does; gradients never do. */
  readonly frozen?: PullBack;
  /** The part of the output that comes from no input, in a shape that broadcasts over it; undefined if there is none. */
  readonly bias?: (site: Site) => Value | undefined;
  /**
   * Jᵀ(R / y) without the division, where y > 0 may be too small to divide by (the transpose of ∂ log y / ∂x), or where
   * y is a logarithm and what it is the logarithm of has parts.
   */
  readonly pullBackLog?: PullBack;
  /** What shares are in proportion to, where it is not the input itself: elements at −∞ take no part. */
  readonly active?: (site: Site) => Value;
  /** As `active`, where no relevance arrives at what takes no part: the input, with a number for −∞. */
  readonly finite?: (site: Site) => Value;
  /** The same picks made of another tensor, for an operator that picks by the values of the tensor itself. */
  readonly again?: (site: Site, v: Value) => Value;
  /** Index of the input that is always the gate (a denominator). */
  readonly gateInput?: number;
  /**
   * Inputs that shape the function and are not what it is a function of (PReLU's slope, a power's exponent), by index:
   * LRP holds them constant, gradients do not. Undefined: none.
   */
  readonly parameters?: (site: Site) => readonly number[];
  /** Whether each element of the output is made of one element of each input, broadcasting aside. */
  readonly elementwise: boolean;
  /** The operator that stands in for this one when strides are averages: its output and its transpose. */
  readonly averaged?: (site: Site) => StandIn;
}

/** Several outputs: takes the relevance of all (zeros where none arrived). */
export interface SplittingRow extends Common {
  /** Tells rows apart. */
  readonly kind: "splitting";
  /** Jᵀs for one input, of an s for each output. */
  readonly pullBackAll: (site: Site, s: readonly Value[], input: number) => Value;
}

/** How relevance crosses an operator. Make one with {@link linear}, {@link activation} and the other constructors. */
export type Row = LinearRow | PlainRow | SplittingRow;

/**
 * The inputs that relevance can go to, by index, constants among them.
 * @param isGradient whether parameters, too, get what is theirs
 */
export function partsOf(row: Row | undefined, site: Site, isGradient: boolean): number[] {
  const held = !isGradient && row?.kind === "plain" ? row.parameters?.(site) : undefined;
  return site.inputs.flatMap((value, index) => {
    const isPart = row?.parts?.includes(index) ?? true;
    return value && isPart && !held?.includes(index) ? [index] : [];
  });
}

/** An operator that is of one kind or another by its attributes: a row for each form. */
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
/** The output cannot be negative if none of the inputs that it is made of can. */
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
  range: undefined,
  nonNegative: no,
  joins: false,
  border: false,
  parts: undefined,
  gives: undefined,
  resizes: false,
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
export function sum(pullBack: PullBack, options: RowOptions = {}): PlainRow {
  return {
    kind: "plain",
    pullBack,
    elementwise: true,
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

/** y = the largest of x: the winner takes all. */
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

/** Elements move, nothing is computed: relevance moves back. They come from the first input, or from all that join. */
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

/** What moves elements makes none negative. */
function moved(options: RowOptions): Common {
  const parts = options.parts ?? (options.joins ? undefined : [0]);
  const nonNegative = parts ? ifPartsAre(parts) : ifInputsAre;
  return common("routing", options, { parts, nonNegative, range: asParts(parts) });
}

/** An operator whose attributes decide what kind it is of. */
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

/** y = signal / gate, both computed: what is divided by is a measure, not a part. */
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

/** y = x, brought by its own statistics to a common scale, and a constant affine map. */
export function normalization(
  row: Pick<PlainRow, "pullBack" | "bias"> & Required<Pick<PlainRow, "frozen">>,
  options: RowOptions = {},
): PlainRow {
  return { kind: "plain", ...row, elementwise: false, ...common("normalization", options) };
}
