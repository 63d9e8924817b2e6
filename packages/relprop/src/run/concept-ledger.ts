/** What a ledger says of a layer of concepts: what stayed above it, flowed around it, and was kept on the way from it. */

import type { Ledger } from "./read-ledger.ts";
import { aroundOperator, shareColumns, type ShareColumn } from "../relevance/ledger.ts";

/** ΣR kept, by cause; what channels that are not asked for lose at the layer is none of it. */
export type KeptShares = Readonly<Record<Exclude<ShareColumn, "mask" | "around">, number>>;

/** How relevance came to a layer, and how it went on. */
export interface LayerPassage {
  /** ΣR that stayed above the layer: in biases, stabilisers, other inputs. */
  readonly above: number;
  /** ΣR that flowed around the layer. */
  readonly around: number;
  /** ΣR that the layer and those below it kept of what was to go on. */
  readonly kept: KeptShares;
}

const causes = shareColumns.filter((column) => column !== "mask" && column !== "around");

const total = (rows: Ledger["entries"], columns: readonly ShareColumn[]): number =>
  rows.reduce((sum, { sums }) => columns.reduce((all, column) => all + sums[column], sum), 0);

/** @param node the one that makes the layer, `Compiled.concepts.node` */
export function layerPassage({ entries }: Ledger, node: string): LayerPassage {
  const at = entries.findLastIndex((entry) => entry.node === node && entry.operator !== aroundOperator);
  const below = entries.slice(at);
  const kept = Object.fromEntries(causes.map((column) => [column, total(below, [column])])) as KeptShares;
  return { above: total(entries.slice(0, at), causes), around: total(entries, ["around"]), kept };
}
