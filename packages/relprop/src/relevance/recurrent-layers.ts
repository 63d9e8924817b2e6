/** Takes relevance across recurrent layers: their operators, the rules for them, and the ledger's record. */

import type { Value } from "../onnx/graph.ts";
import type { Term } from "./algebra.ts";
import type { LayerContext } from "./layers.ts";
import type { Crossing, RelevanceTerm } from "./ledger.ts";
import { crossCells } from "./ops/recurrent/recurrent.ts";
import type { RecurrentRow } from "./row-kinds.ts";
import type { RecurrentRule } from "./rules/index.ts";
import { asTranspose } from "./layers.ts";

/** Relevance that has crossed a layer. */
interface CrossedLayer {
  /** By the index of the input. */
  readonly inputs: ReadonlyMap<number, Value>;
  /** For the ledger: relevance of inputs that do not depend on the explained one. */
  readonly others: readonly RelevanceTerm[];
  readonly chain: Crossing["chain"];
}

/** @param arriving relevance of the layer's outputs */
export function crossRecurrent(
  row: RecurrentRow,
  rule: RecurrentRule,
  { site, m, shares }: LayerContext,
  arriving: readonly Term[],
): CrossedLayer {
  const { b } = site;
  const cells = rule(m);
  const { inputs, padding, divisions } = asTranspose(site, () =>
    crossCells(site, row.cells, cells, arriving),
  );
  if (!shares) return { inputs, others: [], chain: undefined };
  const output = site.output(0);
  for (const { R, s, z, bias } of cells.stabiliser ? divisions() : []) {
    const isUnshareable = m.either(m.isZero(z), m.isInfinite(z));
    shares.push({ R, s, bias, stabiliser: cells.stabiliser?.(z), isUnshareable });
  }
  const ended = padding();
  const others = [...inputs].flatMap(([index, R]): RelevanceTerm[] => {
    const input = site.inputs[index];
    if (input && site.isComputed(input)) return [];
    // In the first output the samples come third, in inputs second.
    return [{ of: output.name, R: b.op("Unsqueeze", [R, b.integers([index === 0 ? 1 : 0])]) }];
  });
  return { inputs, others, chain: { ended: ended ? [{ of: output.name, R: ended }] : [] } };
}
