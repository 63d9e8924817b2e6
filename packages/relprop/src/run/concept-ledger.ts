/** Sums from the ledger about a layer of concepts: what stayed above it, flowed around it, or was kept below it. */

import type { Ledger } from "./read-ledger.ts";
import { aroundOperator, shareColumns, type ShareColumn } from "../relevance/ledger.ts";

/** ΣR kept, by cause. Relevance of masked channels does not count. */
export type KeptShares = Readonly<Record<Exclude<ShareColumn, "mask" | "around">, number>>;

/** Where the relevance before, around and after a layer stayed. */
export interface LayerPassage {
  /** ΣR that stayed above the layer: in biases, stabilisers, other inputs. */
  readonly above: number;
  /** ΣR that flowed around the layer. */
  readonly around: number;
  /** ΣR that the layer and the layers below it kept. */
  readonly kept: KeptShares;
}

const causes = shareColumns.filter((column) => column !== "mask" && column !== "around");

const total = (rows: Ledger["entries"], columns: readonly ShareColumn[]): number =>
  rows.reduce((sum, { sums }) => columns.reduce((all, column) => all + sums[column], sum), 0);

/** @param node the node that makes the layer, `Compiled.concepts.node` */
export function layerPassage({ entries }: Ledger, node: string): LayerPassage {
  const at = entries.findLastIndex((entry) => entry.node === node && entry.operator !== aroundOperator);
  const below = entries.slice(at);
  const kept = Object.fromEntries(causes.map((column) => [column, total(below, [column])])) as KeptShares;
  return { above: total(entries.slice(0, at), causes), around: total(entries, ["around"]), kept };
}
