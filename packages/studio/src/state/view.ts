/** The app's state -> the view of a mode. */

import {
  chooseExplanation,
  usualTarget,
  type CompositeName,
  type OutputFacts,
  type RankedClass,
} from "@relprop/core";
import { chooseColoring } from "@relprop/core/heatmap";
import type { ModelCard } from "@relprop/core/zoo";
import { MediaQuery } from "svelte/reactivity";
import type { Target } from "@relprop/engine/engine";
import { hasTarget } from "@relprop/engine/target-kinds";
import type { ViewSettings } from "./view-settings.ts";
import type { AppState } from "./fields.ts";
import { writeTarget } from "./target-text.ts";

const dark = new MediaQuery("prefers-color-scheme: dark");

/** The facts about a model that a view depends on. */
export interface ViewedModel {
  readonly classes: number;
  /** The composite that fits the network. */
  readonly composite: CompositeName;
  readonly facts: Pick<OutputFacts, "kind" | "classAxis" | "placeAxes" | "shape">;
  readonly card: Pick<ModelCard, "composite" | "topK">;
}

/** The target, if the model has it; links may come from another model. */
export function possibleTarget(
  target: Target,
  { classes, facts }: Pick<ViewedModel, "classes" | "facts">,
): Target {
  const highest = target.kind === "contrast" ? Math.max(target.index, target.against) : indexOf(target);
  const isPossible = hasTarget(facts, target.kind) && (highest === undefined || highest < classes);
  return isPossible ? target : { kind: "prediction" };
}

const indexOf = (target: Target): number | undefined => ("index" in target ? target.index : undefined);

/** The target for a class: its number in a list, its winning places on a map, the best box of a detector. */
export function targetOfClass({ kind }: Pick<OutputFacts, "kind">, index: number): Target {
  if (kind === "map") return { kind: "where", index };
  return kind === "detections" ? { kind: "box", rank: 1, index } : { kind: "class", index };
}

/** The target for a pixel; on a map of values, the first one until another is chosen. */
export const targetAt = (
  model: Pick<ViewedModel, "facts" | "classes">,
  x: number,
  y: number,
): Extract<Target, { kind: "pixel" }> => ({
  kind: "pixel",
  x,
  y,
  ...(model.facts.kind === "value-map" && model.classes > 1 && { index: 0 }),
});

/** Whether nothing is explained until a place, a box or an element is named. */
export const mustBeNamed = (
  { target, isWhole }: Pick<ViewSettings, "target" | "isWhole">,
  { facts }: Pick<ViewedModel, "facts">,
): boolean => target.kind === "prediction" && usualTarget(facts as OutputFacts, isWhole) === undefined;

/** The view for a model: the command's choices, unless the state overrides them. */
export function viewOf(
  state: AppState,
  model: ViewedModel,
  target = possibleTarget(state.target, model),
  isDark = dark.current,
): ViewSettings {
  const { rule, keep, map, normalize, clip } = state;
  const { composite, topK, seed, isWhole } = chooseExplanation(
    { facts: model.facts as OutputFacts, composite: model.composite },
    {
      isTarget: target.kind !== "prediction",
      ...(rule !== "auto" && { composite: rule }),
      ...(keep !== "auto" && { topK: keep }),
      usual: model.card,
    },
  );
  const choices = {
    colormap: map === "auto" ? undefined : map,
    normalize: normalize === "auto" ? undefined : normalize,
    clip: clip === "auto" ? undefined : clip,
  };
  return {
    composite: composite as CompositeName,
    target,
    isWhole,
    keep: typeof topK === "number" ? topK : 0,
    ...chooseColoring(seed !== "softmax", choices, isDark),
    opacity: state.opacity,
    sign: state.sign,
    mode: state.mode,
  };
}

/** Whether two views need the same run of the network, however they are drawn. */
export const hasSameSettings = (a: ViewSettings, b: ViewSettings): boolean =>
  a.composite === b.composite && a.keep === b.keep && writeTarget(a.target) === writeTarget(b.target);

/** Candidates for the second heatmap's composite; the first that differs from the first heatmap's is used. */
const otherComposites: readonly CompositeName[] = ["epsilon-plus-flat", "epsilon-plus", "gradient"];

/**
 * The second heatmap's view; undefined if nothing is compared, or nothing else exists to compare with. By default it has
 * the next best class, or a common composite, that differs from the first heatmap's.
 * @param top classes of the picture, best first
 */
export function comparedView(
  state: AppState,
  first: ViewSettings,
  model: ViewedModel,
  top: readonly RankedClass[],
): ViewSettings | undefined {
  const { compare, rule2, target2 } = state;
  if (compare === "rule") {
    const chosen = rule2 === "auto" || rule2 === first.composite ? undefined : rule2;
    const rule = chosen ?? otherComposites.find((name) => name !== first.composite);
    return rule && viewOf({ ...state, rule }, model);
  }
  if (compare === "none") return undefined;
  const chosen = possibleTarget(target2, model);
  const isOther = chosen.kind !== "prediction" && writeTarget(chosen) !== writeTarget(first.target);
  const target = isOther ? chosen : nextBest(first.target, model.facts, top);
  return target && viewOf(state, model, target);
}

/** The best class that is not explained yet; for the whole prediction, the best class. */
function nextBest(
  target: Target,
  facts: Pick<OutputFacts, "kind">,
  top: readonly RankedClass[],
): Target | undefined {
  const named = "index" in target ? target.index : undefined;
  const explained = target.kind === "prediction" ? top[0]?.index : named;
  const next = top.find(({ index }) => index !== explained);
  return next && targetOfClass(facts, next.index);
}
