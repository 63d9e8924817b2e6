/** The app's state -> what a mode is given. */

import {
  chooseExplanation,
  isAnyMap,
  usualTarget,
  type CompositeName,
  type OutputFacts,
  type RankedClass,
} from "@relprop/core";
import { chooseColoring } from "@relprop/core/heatmap";
import type { ModelCard } from "@relprop/core/zoo";
import { MediaQuery } from "svelte/reactivity";
import type { Target } from "@relprop/engine/engine";
import type { ViewSettings } from "./view-settings.ts";
import type { AppState } from "./fields.ts";
import { writeTarget } from "./target-text.ts";

const dark = new MediaQuery("prefers-color-scheme: dark");

/** What of a model a view depends on. */
export interface ViewedModel {
  readonly classes: number;
  /** What fits the network. */
  readonly composite: CompositeName;
  readonly facts: Pick<OutputFacts, "kind" | "classAxis" | "placeAxes" | "shape">;
  readonly card: Pick<ModelCard, "composite" | "topK">;
}

/** The target, if the model has such; links may come from another model. */
export function possibleTarget(
  target: Target,
  { classes, facts }: Pick<ViewedModel, "classes" | "facts">,
): Target {
  const { kind, placeAxes } = facts;
  const isList = placeAxes.length === 0 && kind !== "embedding";
  const isNamed = (index: number | undefined): boolean => index === undefined || index < classes;
  const isPossible = (): boolean => {
    switch (target.kind) {
      case "prediction":
      case "elements":
        return true;
      case "class":
        return isList && isNamed(target.index);
      case "contrast":
        return isList && kind !== "binary" && isNamed(Math.max(target.index, target.against));
      case "where":
        return kind === "map" && isNamed(target.index);
      case "pixel":
        return isAnyMap({ kind }) && isNamed(target.index);
      case "box":
        return kind === "detections" && isNamed(target.index);
    }
  };
  return isPossible() ? target : { kind: "prediction" };
}

/** A class as a target: of a list its number, of a map the places where it wins, of a detector its best box. */
export function targetOfClass({ kind }: Pick<OutputFacts, "kind">, index: number): Target {
  if (kind === "map") return { kind: "where", index };
  return kind === "detections" ? { kind: "box", rank: 1, index } : { kind: "class", index };
}

/** A pixel as a target: on a map of values the first of them, until another one is chosen. */
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

/** Whether nothing is explained until something is named: a place, a box, an element. */
export const mustBeNamed = (
  { target, isWhole }: Pick<ViewSettings, "target" | "isWhole">,
  { facts }: Pick<ViewedModel, "facts">,
): boolean => target.kind === "prediction" && usualTarget(facts as OutputFacts, isWhole) === undefined;

/** What is explained and how it is drawn, for a model: what the command would choose, but for what is chosen here. */
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
    keep: topK as number,
    ...chooseColoring(seed !== "softmax", choices, isDark),
    opacity: state.opacity,
    sign: state.sign,
    mode: state.mode,
  };
}

/** Whether two views are of one run of the network, however they are drawn. */
export const hasSameSettings = (a: ViewSettings, b: ViewSettings): boolean =>
  a.composite === b.composite && a.keep === b.keep && writeTarget(a.target) === writeTarget(b.target);

/** What the second heatmap is tried with, where nothing else is chosen: the first that is not the first one's. */
const otherComposites: readonly CompositeName[] = ["epsilon-plus-flat", "epsilon-plus", "gradient"];

/**
 * The second heatmap's settings; undefined if nothing is compared, or there is nothing else to compare with. It is always
 * another rule or class than the first one's: the next best class, and a common composite, unless others are chosen.
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

/** The best class that is not explained already; of the whole prediction, the best one is. */
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
