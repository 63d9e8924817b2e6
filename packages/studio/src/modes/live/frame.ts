/** A frame of a source, as asked about and as explained. */

import type { Engine, ExplainResult, LoadedModel, Picture } from "@relprop/engine/engine";
import { bestText, targetLabel } from "../../parts/target-names.ts";
import type { ViewSettings } from "../../state/view-settings.ts";
import type { Answered, Question } from "../../turns/answers.ts";
import type { SteadyRelevance } from "@relprop/engine/smoothing";
import type { LiveSource } from "./sources.ts";

/** The source counts as one picture, whichever frame is shown. */
export interface Asked extends Question {
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly picture: LiveSource;
  readonly asked: Pick<ViewSettings, "composite" | "target" | "keep">;
}

/** A frame as it was explained. */
export interface Frame {
  readonly picture: Picture;
  readonly result: ExplainResult;
  readonly steady: SteadyRelevance;
}

/** `Digits: 3 98.1 % · why 3`. */
export function titleOf({ question: { model, asked }, answer: { result } }: Answered<Asked, Frame>): string {
  const label = targetLabel(asked.target, model.names, result.explained);
  const what = label ? `why ${label}` : "the prediction";
  const best = bestText(result, model);
  return `${model.card.name}: ${best === "" ? "" : `${best} · `}${what}`;
}
