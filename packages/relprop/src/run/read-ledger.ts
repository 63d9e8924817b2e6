/** Reads the output `ledger` of a compiled graph, and sums it up in a sentence. */

import { InputError } from "../errors.ts";
import type { FloatArray } from "./float-array.ts";
import type { SeedRelevance } from "../relevance/composites.ts";
import {
  endOperators,
  ledgerColumns,
  shareColumns,
  type LedgerColumn,
  type LedgerLayout,
  type LedgerRow,
  type ShareColumn,
} from "../relevance/ledger.ts";

/** The row of a node, with sums over its relevance in one sample. Unitless, like relevance. */
export interface LedgerEntry extends LedgerRow {
  /** Σ|R|, ΣR arriving and leaving, and the share of each cause. */
  readonly sums: Readonly<Record<LedgerColumn, number>>;
}

/**
 * Where the relevance of one sample stayed. Each node satisfies
 *
 *     arriving = leaving + Σ shares
 *
 * and the graph as a whole
 *
 *     start = reached + Σ stayed
 *
 * up to the float32 precision of the table, 6e-8 of its largest numbers.
 */
export interface Ledger {
  /** Where relevance starts. */
  readonly seed: SeedRelevance;
  /** From the output to the inputs. */
  readonly entries: readonly LedgerEntry[];
  /** ΣR of the seed relevance. */
  readonly start: number;
  /** A word for what relevance starts from: logit, value, probability, target. */
  readonly word: string;
  /** The rows where relevance ends: the explained inputs, or the layer where it stops. */
  readonly ends: readonly LedgerEntry[];
  /** ΣR that reached the ends. */
  readonly reached: number;
  /** The shares of all nodes, summed. */
  readonly stayed: Readonly<Record<ShareColumn, number>>;
}

/**
 * @param layout `Compiled.ledger`
 * @param table the output `ledger`, [N, rows, columns]
 * @returns one ledger for each sample; a single one if the graph does not keep samples apart
 * @throws InputError if the table has another shape
 */
export function readLedger(layout: LedgerLayout, { data, dims }: FloatArray): Ledger[] {
  const [samples = 0, rows, columns] = dims;
  if (dims.length !== 3 || rows !== layout.rows.length || columns !== ledgerColumns.length) {
    throw new InputError({
      what: "cannot read the ledger",
      why: `it has the shape [${dims.join(", ")}], not [N, ${layout.rows.length}, ${ledgerColumns.length}]`,
      fix: "read it with the layout it was compiled with",
    });
  }
  return Array.from({ length: samples }, (_, sample) => {
    const entries = layout.rows.map((row, i): LedgerEntry => {
      const at = (sample * rows + i) * columns;
      const sums = Object.fromEntries(ledgerColumns.map((column, j) => [column, data[at + j]]));
      return { ...row, sums: sums as Record<LedgerColumn, number> };
    });
    const stayed = Object.fromEntries(
      shareColumns.map((column) => [column, entries.reduce((sum, { sums }) => sum + sums[column], 0)]),
    );
    const ends = entries.filter(({ operator }) => isEnd(operator));
    return {
      seed: layout.seed,
      word: layout.word,
      entries,
      start: entries[0]?.sums.arriving ?? 0,
      ends,
      reached: ends.reduce((sum, { sums }) => sum + sums.leaving, 0),
      stayed: stayed as Record<ShareColumn, number>,
    };
  });
}

const isEnd = (operator: string): boolean => Object.values<string>(endOperators).includes(operator);

const shareWords: Readonly<Record<ShareColumn, string>> = {
  bias: "bias",
  epsilon: "ε",
  filter: "filter",
  mask: "masked channels",
  around: "around the layer",
  others: "other inputs",
  border: "border",
  fallback: "fallback",
  rule: "rule",
  rest: "rounding",
};

/** Shares below this fraction of the start are not named. */
const leastNamed = 0.0005;

/**
 * One line: `98.7 % of the logit reached the input; 0.9 % bias, 0.4 % ε`, in percent of the start, largest share first.
 * A negative share is relevance that was added.
 */
export function verdict({ word, start, ends, reached, stayed }: Ledger): string {
  if (start === 0) return `the ${word} is 0: there is nothing to explain`;
  const percent = (part: number): string => `${((100 * part) / start).toFixed(1).replace("-", "−")} %`;
  const named = shareColumns
    .filter((column) => Math.abs(stayed[column] / start) >= leastNamed)
    .sort((a, c) => Math.abs(stayed[c]) - Math.abs(stayed[a]))
    .map((column) => `${percent(stayed[column])} ${shareWords[column]}`);
  const [first] = ends;
  const goal = first?.operator === endOperators.input ? "the input" : `"${first?.node}"`;
  const each = ends.map(({ node, sums }) => `${node} ${percent(sums.leaving)}`);
  const goals = ends.length > 1 ? `the inputs (${each.join(", ")})` : goal;
  const head = `${percent(reached)} of the ${word} reached ${goals}`;
  return named.length === 0 ? head : `${head}; ${named.join(", ")}`;
}
