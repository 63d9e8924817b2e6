/** What results of pictures depend on, besides the picture and how it is drawn. */

import { version } from "@relprop/core";
import type { PictureOptions, PictureRun } from "./start-pictures.ts";

/** Settings of a run that change its maps or colours, for {@link resultHash}. */
export const resultSettings = (
  { loaded, explainers, decision, coloring }: PictureRun,
  options: PictureOptions,
): object => ({
  version,
  model: loaded.id,
  card: loaded.card,
  settings: explainers[0].compiled.settings,
  requests: decision.requests,
  against: decision.against,
  facts: decision.names.facts,
  detection: options.detection,
  method: options.method,
  ledger: options.compile.ledger,
  coloring,
});
