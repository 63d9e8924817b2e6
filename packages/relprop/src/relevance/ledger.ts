/**
 * The conservation ledger: where relevance stays on its way from the output to the input, node by node. Nodes of the
 * compiled graph compute it in float64 (float32 on request) from the relevance itself. For every node and every sample
 *
 *     arriving = leaving + bias + epsilon + filter + mask + around + others + border + fallback + rule + rest
 *
 * A rule shares R by s = R / (parts + bias + ε). Hence R = Σ s·part + s·bias + s·ε: the share that goes on, that of the
 * bias and that of the stabilizer. Leaks by biases: Bach et al. 2015, §"Layer-wise relevance propagation"; Montavon et al.
 * 2019.
 */

import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { Algebra, type Term } from "./algebra.ts";
import type { PlanStep } from "./assign-rules.ts";
import type { SeedRelevance } from "./composites.ts";
import { ruleText } from "./rule-text.ts";
import type { Share } from "./layers.ts";
import type { Batch } from "./batch.ts";
import { filled, sizeAt, vectorOf } from "./ops/shapes.ts";
import { apart, areRows } from "./samples.ts";
import type { AxisPlace } from "./site.ts";
import { sure } from "../sure.ts";

/** The causes for which relevance stays, in the order of the columns. */
export const shareColumns = [
  /** Shares of biases. */
  "bias",
  /** Absorbed by stabilizers. */
  "epsilon",
  /** Removed by the relevance filter. */
  "filter",
  /** Removed by the mask of channels ({@link ConceptOptions}). */
  "mask",
  /** Flows around the layer whose channels are masked. */
  "around",
  /** Shares of joined constants, and of values that do not depend on the explained input. */
  "others",
  /** Relevance of padding. */
  "border",
  /** Lost or added by a `fallback` at an operator without a rule. */
  "fallback",
  /** Not conserved by the rule itself: gradients, α-β without negative contributions, denominators of 0. */
  "rule",
  /** The remainder: rounding in float32. */
  "rest",
] as const;

/** One of {@link shareColumns}. */
export type ShareColumn = (typeof shareColumns)[number];

/**
 * The last axis of the output `ledger`: Σ|R| and ΣR arriving at the node's outputs, ΣR leaving to inputs on the way, and
 * where the difference stayed.
 */
export const ledgerColumns = ["magnitude", "arriving", "leaving", ...shareColumns] as const;
/** One of {@link ledgerColumns}. */
export type LedgerColumn = (typeof ledgerColumns)[number];

/** One row of the ledger. */
export interface LedgerRow {
  /** The node's name. */
  readonly node: string;
  /** Its operator. */
  readonly operator: string;
  /** The rule as text. */
  readonly rule: string;
}

/** The layout of the output `ledger`, float32 [N, rows, columns]. The columns are {@link ledgerColumns}. */
export interface LedgerLayout {
  /** The seed relevance. */
  readonly seed: SeedRelevance;
  /** A word for what relevance starts from: logit, value, probability, target. */
  readonly word: string;
  /** The nodes that relevance reached, output first. The last rows are its ends: the inputs, or the chosen layer. */
  readonly rows: readonly LedgerRow[];
}

/** The precision of sums. */
export type LedgerPrecision = "float64" | "float32";

/** The name of the output. */
export const ledgerOutput = "ledger";

/** The operators in the last rows of a ledger, for relevance that reached an input or the chosen layer. */
export const endOperators = { input: "input", layer: "layer" } as const;

/** The operator in the row for relevance that flows around the layer of concepts. */
export const aroundOperator = "around";

/** The operator in the row for an input whose channels are masked. */
export const maskOperator = "mask";

/** Relevance, and the name of the value that it belongs to, which has the same shape. */
export interface RelevanceTerm {
  readonly of: string;
  readonly R: Term;
}

/** The relevance at one node. */
export interface Crossing {
  /** Relevance of the node's outputs: before the mask, after the mask, and after the filter. */
  readonly arriving: readonly RelevanceTerm[];
  readonly masked: readonly RelevanceTerm[];
  readonly kept: readonly RelevanceTerm[];
  /** Relevance of inputs on the way, and of other inputs. */
  readonly leaving: readonly RelevanceTerm[];
  readonly others: readonly RelevanceTerm[];
  /** The divisions of the rule, in the shape of the node's first output. */
  readonly shares: readonly Share[];
  /** Whether shares, or moved elements, account for all relevance. Otherwise the rule lost the difference. */
  readonly isExact: boolean;
  /** Whether some elements of the output come from no input. */
  readonly hasBorder: boolean;
  /** If divisions follow one another, as the steps of a recurrent layer do: what of the arriving relevance belongs to padding. */
  readonly chain?: { readonly ended: readonly RelevanceTerm[] } | undefined;
}

/** Adds the ledger to the graph. */
export class LedgerWriter {
  readonly #b: GraphBuilder;
  readonly #m: Algebra;
  readonly #origin: Value;
  readonly #batch: Batch | undefined;
  readonly #precision: LedgerPrecision;
  readonly #rows: LedgerRow[] = [];
  readonly #sums: Value[] = [];

  /**
   * @param origin the tensor that defines the samples: the explained input, or the vectors of its tokens
   * @param batch the places of samples; undefined if some node does not keep them apart, so that a run has one ledger
   */
  constructor(b: GraphBuilder, origin: Value, batch: Batch | undefined, precision: LedgerPrecision) {
    this.#b = b;
    this.#m = new Algebra(b);
    this.#origin = origin;
    this.#precision = precision;
    this.#batch = batch;
  }

  /** Adds the row of a node. */
  enter({ node, choice, why }: PlanStep, crossing: Crossing): void {
    const m = this.#m;
    const { arriving, masked, kept, shares, isExact, hasBorder, chain } = crossing;
    const y = node.outputs[0] as string;
    const [atOutput, afterMask, afterFilter] = [arriving, masked, kept].map((R) => this.#total(R));
    const leaving = this.#total(crossing.leaving);
    const others = this.#total(crossing.others);
    const sums: Partial<Record<LedgerColumn, Term>> = {
      magnitude: this.#total(arriving.map(({ of, R }) => ({ of, R: R && this.#b.op("Abs", [R]) }))),
      arriving: atOutput,
      leaving,
      mask: difference(m, atOutput, afterMask),
      filter: difference(m, afterMask, afterFilter),
      others,
    };
    const lost = m.subtract(difference(m, afterFilter, leaving), others);
    if (!isExact) sums[why === "fallback" ? "fallback" : "rule"] = lost;
    else if (hasBorder) sums.border = lost;
    else if (chain) Object.assign(sums, this.#shared(shares, y), { border: this.#total(chain.ended) });
    else if (shares.length > 0) Object.assign(sums, this.#shared(shares, y, afterFilter));
    const known = shareColumns.reduce((sum, column) => m.add(sum, sums[column]), leaving);
    sums.rest = difference(m, atOutput, known);
    this.#row({ node: node.name, operator: node.opType, rule: ruleText(choice) }, sums);
  }

  /** Adds the row of relevance that is dropped because it flows around the layer of concepts. */
  enterAround(layer: string, left: readonly RelevanceTerm[]): void {
    if (left.length === 0) return;
    const arriving = this.#total(left);
    const magnitude = this.#total(left.map(({ of, R }) => ({ of, R: R && this.#b.op("Abs", [R]) })));
    this.#row({ node: layer, operator: aroundOperator, rule: "" }, { magnitude, arriving, around: arriving });
  }

  /** Adds the row of an input whose channels are masked. */
  maskEnd(of: string, R: Value, masked: Value): void {
    const arriving = this.#total([{ of, R }]);
    const leaving = this.#total([{ of, R: masked }]);
    const magnitude = this.#total([{ of, R: this.#b.op("Abs", [R]) }]);
    const mask = difference(this.#m, arriving, leaving);
    this.#row({ node: of, operator: maskOperator, rule: "" }, { magnitude, arriving, leaving, mask });
  }

  /**
   * Adds a row for each end, and returns the output `ledger`, float32 [N, rows, columns].
   * @param ends the explained inputs or the layer where relevance stops, and their relevance
   */
  finish(ends: readonly LedgerEnd[]): { value: Value; rows: readonly LedgerRow[] } {
    const b = this.#b;
    for (const { value, R, isInput } of ends) {
      const of = value.name;
      const reached = this.#total([{ of, R }]);
      const magnitude = this.#total([{ of, R: b.op("Abs", [R]) }]);
      const operator = isInput ? endOperators.input : endOperators.layer;
      this.#row({ node: of, operator, rule: "" }, { magnitude, arriving: reached, leaving: reached });
    }
    const flat = b.op("Concat", this.#sums, { axis: int(1) });
    const table = b.op("Reshape", [flat, b.integers([0, this.#rows.length, ledgerColumns.length])]);
    return { value: this.#as("float32", table), rows: this.#rows };
  }

  /**
   * What the divisions of a rule gave to biases and stabilizers, and relevance that they did not share.
   * @param arrived what they should have divided between them; undefined if they follow one another
   */
  #shared(
    shares: readonly Share[],
    y: string,
    arrived?: Term,
  ): Partial<Record<"bias" | "epsilon" | "rule", Term>> {
    const m = this.#m;
    const zero = m.scalar(0);
    const where = (condition: Value, a: Value, c: Value): Value => this.#b.op("Where", [condition, a, c]);
    const total = (of: (share: Share) => Term): Term =>
      this.#total(shares.map((share) => ({ of: y, R: of(share) })));
    const absorbed = ({ s, stabiliser, isUnshareable }: Share): Term => {
      const part = m.multiply(s, stabiliser);
      return part && where(isUnshareable, zero, part);
    };
    return {
      bias: total(({ s, bias }) => m.multiply(s, bias)),
      epsilon: total(absorbed),
      rule: m.add(
        arrived &&
          difference(
            m,
            arrived,
            total(({ R }) => R),
          ),
        total(({ R, isUnshareable }) => where(isUnshareable, R, zero)),
      ),
    };
  }

  #row(row: LedgerRow, sums: Partial<Record<LedgerColumn, Term>>): void {
    this.#rows.push(row);
    for (const column of ledgerColumns) this.#sums.push(sums[column] ?? this.#zero());
  }

  #total(terms: readonly RelevanceTerm[]): Term {
    return terms.reduce<Term>((sum, { of, R }) => this.#m.add(sum, R && this.#sum(R, of)), undefined);
  }

  /** Σ over all axes except the samples, [N, 1]. */
  #sum(R: Value, of: string): Value {
    const b = this.#b;
    const rows = this.#rowsOf(this.#as(this.#precision, R), of);
    const axes = rows.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    // Samples on the first axis need no axis before them.
    if (this.#batch === undefined || this.#isFirst(of))
      return b.op("ReduceSum", [rows, b.integers([1])], { keepdims: int(1) });
    const sums = b.op("ReduceSum", [rows, b.integers(axes)], { keepdims: int(0) });
    return b.op("Reshape", [sums, b.integers([-1, 1])]);
  }

  #isFirst(of: string): boolean {
    return areRows(this.#placeOf(of));
  }

  #placeOf(of: string): AxisPlace {
    const place = this.#batch?.places.get(of);
    if (!place) throw new Error(`the samples of "${of}" are not kept apart`);
    return place;
  }

  #rowsOf(R: Value, of: string): Value {
    const b = this.#b;
    if (this.#batch === undefined) return b.op("Reshape", [R, b.integers([1, -1])]);
    return apart(b, R, { place: this.#placeOf(of), count: () => this.#samples() });
  }

  #shape(sizes: readonly (number | Value)[]): Value {
    return vectorOf(this.#b, sizes);
  }

  /** How many samples there are: a number, or a vector of one. */
  #samples(): number | Value {
    return sizeAt(this.#b, this.#origin, this.#batch?.inputAxis ?? 0);
  }

  #as(type: LedgerPrecision, v: Value): Value {
    return v.dataType === type ? v : this.#b.op("Cast", [v], { to: int(typeNumbers[type]) });
  }

  #zero(): Value {
    const b = this.#b;
    if (this.#batch && this.#batch.inputAxis > 0) {
      const zeros = b.op("ConstantOfShape", [this.#shape([this.#samples(), 1])]);
      return this.#as(this.#precision, zeros);
    }
    const samples = this.#batch ? sure(this.#origin.shape[0]) : 1;
    return this.#as(this.#precision, filled(b, 0, [samples, 1], this.#origin));
  }
}

/** A tensor where relevance ends, and its relevance. */
export interface LedgerEnd {
  readonly value: Value;
  readonly R: Value;
  /** Whether it is an input, or the vectors of its tokens. */
  readonly isInput: boolean;
}

/** TensorProto.DataType */
const typeNumbers: Readonly<Record<LedgerPrecision, number>> = { float32: 1, float64: 11 };

/** a − b, and zero if both are the same value. */
const difference = (m: Algebra, a: Term, b: Term): Term => (a && a === b ? undefined : m.subtract(a, b));
