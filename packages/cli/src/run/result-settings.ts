/** What results depend on, besides the input and how it is drawn. */

import { version } from "@relprop/core";
import type { Coloring, CompileDecision, RunChoices } from "./decide.ts";
import type { Explainers } from "../sessions/start-sessions.ts";

/** What is read of a run. */
interface SettledRun {
  readonly loaded: { readonly id: string; readonly card: object };
  readonly explainers: Explainers;
  readonly decision: CompileDecision;
  readonly coloring: Coloring;
}

/** Settings of a run that change its maps or colours, for {@link resultHash}. */
export const resultSettings = (
  { loaded, explainers, decision, coloring }: SettledRun,
  options: Pick<RunChoices, "compile" | "detection" | "method">,
): object => ({
  version,
  model: loaded.id,
  card: loaded.card,
  settings: explainers[0].compiled.settings,
  inputs: explainers[0].compiled.inputs.map(({ input }) => input.name),
  requests: decision.requests,
  against: decision.against,
  facts: decision.names.facts,
  detection: options.detection,
  method: options.method,
  ledger: options.compile.ledger,
  coloring,
});
