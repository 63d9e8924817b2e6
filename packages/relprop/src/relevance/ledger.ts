/**
 * The conservation ledger: where relevance stays on its way from the explained output to the input, node by node.
 * Written by nodes of the compiled graph beside the relevance itself, in float64 unless the runtime has none, so that it
 * is exact to what the relevance pass computes: nothing is estimated. For every node and every sample
 *
 *     arriving = leaving + bias + epsilon + filter + mask + others + border + fallback + rule + rest
 *
 * A rule shares R by s = R / (parts + bias + ε). Hence R = Σ s·part + s·bias + s·ε: the first goes on, the second is
 * the bias's share, the third the stabiliser's. The leak of LRP by biases: Bach et al. 2015, §"Layer-wise relevance
 * propagation"; Montavon et al. 2019.
 */

import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { Algebra, type Term } from "./algebra.ts";
import type { PlanStep } from "./assign-rules.ts";
import type { SeedRelevance } from "./composites.ts";
import { ruleText } from "./rule-choice.ts";
import type { Share } from "./layers.ts";
import { filled, sameShape } from "./ops/shapes.ts";

/** Where relevance can stay, in the order of the ledger's columns. */
export const shareColumns = [
  /** What biases were given. */
  "bias",
  /** What stabilisers absorbed. */
  "epsilon",
  /** What the relevance filter took away. */
  "filter",
  /** What a mask of channels took away ({@link ConceptOptions}). */
  "mask",
  /** Shares of joined constants, and of values that do not come from the explained input. */
  "others",
  /** Relevance of elements that come from nowhere: padding. */
  "border",
  /** What an operator without a rule lost or added under `fallback`. */
  "fallback",
  /** What the rule itself does not conserve: gradients, α-β where nothing speaks against, denominators that are 0. */
  "rule",
  /** What is left: float32's rounding. */
  "rest",
] as const;

/** Where relevance stayed. */
export type ShareColumn = (typeof shareColumns)[number];

/**
 * The last axis of the output `ledger`: Σ|R| and ΣR of what arrives at the node's outputs, ΣR of what goes on to
 * inputs on the way, and where the difference stayed.
 */
export const ledgerColumns = ["magnitude", "arriving", "leaving", ...shareColumns] as const;
export type LedgerColumn = (typeof ledgerColumns)[number];

/** One row of the ledger. */
export interface LedgerRow {
  readonly node: string;
  readonly operator: string;
  /** The rule as text. */
  readonly rule: string;
}

/** What the output `ledger` says, float32 [N, rows, columns]: its rows; the columns are {@link ledgerColumns}. */
export interface LedgerLayout {
  /** What relevance started from. */
  readonly seed: SeedRelevance;
  /** The nodes that relevance reached, from the output on. The last row is where it ends: the input, or the chosen layer. */
  readonly rows: readonly LedgerRow[];
}

/** What sums are computed in. */
export type LedgerPrecision = "float64" | "float32";

/** The name of the output. */
export const ledgerOutput = "ledger";

/** The operator in the last row of every ledger: what arrives at the input, or the chosen layer, has reached it. */
export const endOperators = { input: "input", layer: "layer" } as const;

/** What happened to relevance at one node. */
export interface Crossing {
  /** Relevance of the node's outputs; with channels masked; with the filter applied. */
  readonly arriving: readonly Term[];
  readonly masked: readonly Term[];
  readonly kept: readonly Term[];
  /** What goes to inputs on the way, and what to others. */
  readonly leaving: readonly Term[];
  readonly others: readonly Term[];
  /** The divisions that the rule made. */
  readonly shares: readonly Share[];
  /** Whether the shares, or a mere move of elements, say where everything went; otherwise the rule lost the difference. */
  readonly isExact: boolean;
  /** Whether some outputs come from no input. */
  readonly hasBorder: boolean;
}

/** Builds the ledger's part of the graph. */
export class LedgerWriter {
  readonly #b: GraphBuilder;
  readonly #m: Algebra;
  readonly #input: Value;
  readonly #isPerSample: boolean;
  readonly #precision: LedgerPrecision;
  readonly #rows: LedgerRow[] = [];
  readonly #sums: Value[] = [];

  /**
   * @param input the explained input
   * @param output the explained output; where its first axis is not the input's, the whole batch is one sample
   */
  constructor(b: GraphBuilder, input: Value, output: Value, precision: LedgerPrecision) {
    this.#b = b;
    this.#m = new Algebra(b);
    this.#input = input;
    this.#precision = precision;
    this.#isPerSample = input.shape.length > 0 && input.shape[0] === output.shape[0];
  }

  /** Enters a node. */
  enter({ node, choice, why }: PlanStep, crossing: Crossing): void {
    const m = this.#m;
    const { arriving, masked, kept, shares, isExact, hasBorder } = crossing;
    const [atOutput, afterMask, afterFilter] = [arriving, masked, kept].map((R) => this.#total(R));
    const leaving = this.#total(crossing.leaving);
    const others = this.#total(crossing.others);
    const sums: Partial<Record<LedgerColumn, Term>> = {
      magnitude: this.#total(arriving.map((R) => R && this.#b.op("Abs", [R]))),
      arriving: atOutput,
      leaving,
      mask: difference(m, atOutput, afterMask),
      filter: difference(m, afterMask, afterFilter),
      others,
    };
    const gone = m.subtract(difference(m, afterFilter, leaving), others);
    if (!isExact) sums[why === "fallback" ? "fallback" : "rule"] = gone;
    else if (hasBorder) sums.border = gone;
    else if (shares.length > 0) Object.assign(sums, this.#shared(shares, afterFilter));
    const known = shareColumns.reduce((sum, column) => m.add(sum, sums[column]), leaving);
    sums.rest = difference(m, atOutput, known);
    this.#row({ node: node.name, operator: node.opType, rule: ruleText(choice) }, sums);
  }

  /**
   * Enters where relevance ends and makes the output `ledger`, float32 [N, rows, columns].
   * @param end the explained input, or the layer where relevance stops
   * @param R its relevance
   * @param isInput whether what reaches it has reached the input: it is the input, or the vectors of its tokens
   */
  finish(end: Value, R: Value, isInput: boolean): { value: Value; rows: readonly LedgerRow[] } {
    const b = this.#b;
    const reached = this.#sum(R);
    const magnitude = this.#sum(b.op("Abs", [R]));
    const operator = isInput ? endOperators.input : endOperators.layer;
    this.#row({ node: end.name, operator, rule: "" }, { magnitude, arriving: reached, leaving: reached });
    const flat = b.op("Concat", this.#sums, { axis: int(1) });
    const table = b.op("Reshape", [flat, b.integers([0, this.#rows.length, ledgerColumns.length])]);
    return { value: this.#as("float32", table), rows: this.#rows };
  }

  /** What the divisions of a rule gave to biases and stabilisers, and what they were not given, or could not share. */
  #shared(shares: readonly Share[], arrived: Term): Partial<Record<"bias" | "epsilon" | "rule", Term>> {
    const m = this.#m;
    const zero = m.scalar(0);
    const where = (condition: Value, a: Value, c: Value): Value => this.#b.op("Where", [condition, a, c]);
    const given = this.#total(shares.map(({ R }) => R));
    const unshared = this.#total(shares.map(({ R, isNothing }) => where(isNothing, R, zero)));
    const absorbed = shares.map(({ s, stabiliser, isNothing }) => {
      const part = m.multiply(s, stabiliser);
      return part && where(isNothing, zero, part);
    });
    return {
      bias: this.#total(shares.map(({ s, bias }) => m.multiply(s, bias))),
      epsilon: this.#total(absorbed),
      rule: m.add(difference(m, arrived, given), unshared),
    };
  }

  #row(row: LedgerRow, sums: Partial<Record<LedgerColumn, Term>>): void {
    this.#rows.push(row);
    for (const column of ledgerColumns) this.#sums.push(sums[column] ?? this.#zero());
  }

  #total(terms: readonly Term[]): Term {
    return terms.reduce<Term>((sum, term) => this.#m.add(sum, term && this.#sum(term)), undefined);
  }

  /** Σ over everything but the samples, [N, 1]. */
  #sum(v: Value): Value {
    const b = this.#b;
    const shape = !this.#isPerSample
      ? b.integers([1, -1])
      : sameShape(v.shape.slice(0, 1), this.#input.shape.slice(0, 1))
        ? b.integers([0, -1])
        : b.op("Concat", [this.#samples(), b.integers([-1])], { axis: int(0) });
    const rows = b.op("Reshape", [this.#as(this.#precision, v), shape]);
    return b.op("ReduceSum", [rows, b.integers([1])], { keepdims: int(1) });
  }

  #samples(): Value {
    return this.#b.op("Shape", [this.#input], { start: int(0), end: int(1) });
  }

  #as(type: LedgerPrecision, v: Value): Value {
    return v.dataType === type ? v : this.#b.op("Cast", [v], { to: int(typeNumbers[type]) });
  }

  #zero(): Value {
    const samples = this.#isPerSample ? (this.#input.shape[0] as number | string) : 1;
    return this.#as(this.#precision, filled(this.#b, 0, [samples, 1], this.#input));
  }
}

/** TensorProto.DataType */
const typeNumbers: Readonly<Record<LedgerPrecision, number>> = { float32: 1, float64: 11 };

/** a − b, and nothing at all where both are the same value. */
const difference = (m: Algebra, a: Term, b: Term): Term => (a && a === b ? undefined : m.subtract(a, b));
