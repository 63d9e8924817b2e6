/** The app's state -> what a mode is given. */

import type { CompositeName, RankedClass } from "relprop";
import type { ColormapName } from "relprop/heatmap";
import { MediaQuery } from "svelte/reactivity";
import type { Target } from "../engine/engine.ts";
import type { ViewSettings } from "../modes.ts";
import type { AppState, ColormapChoice, CompositeChoice } from "./fields.ts";

const dark = new MediaQuery("prefers-color-scheme: dark");

/** The colour map that `auto` stands for: zero is white on a light page and black on a dark one. */
export const colormapOf = (choice: ColormapChoice, isDark = dark.current): ColormapName => {
  if (choice !== "auto") return choice;
  return isDark ? "coldnhot" : "bwr";
};

/**
 * The composite that `auto` stands for: the model's, but `fischer` explains only the whole prediction well (all its
 * relevance is positive, whichever class is asked for), so a class gets `epsilon-plus-ones` in its place.
 */
export function chosenComposite(
  choice: CompositeChoice,
  target: Target,
  modelsOwn: CompositeName,
): CompositeName {
  if (choice !== "auto") return choice;
  return modelsOwn === "fischer" && target.kind !== "prediction" ? "epsilon-plus-ones" : modelsOwn;
}

/** The target, if the model has such classes; links may come from another model. */
export function possibleTarget(target: Target, classes: number): Target {
  if (target.kind === "prediction") return target;
  const highest = target.kind === "class" ? target.index : Math.max(target.index, target.against);
  return highest < classes ? target : { kind: "prediction" };
}

/** What is explained and how it is drawn, for a model. */
export function viewOf(
  state: AppState,
  model: { readonly composite: CompositeName; readonly classes: number },
): ViewSettings {
  const target = possibleTarget(state.target, model.classes);
  return {
    composite: chosenComposite(state.rule, target, model.composite),
    target,
    keep: state.keep,
    colormap: colormapOf(state.map),
    normalize: state.normalize,
    clip: state.clip,
    opacity: state.opacity,
    sign: state.sign,
    mode: state.mode,
  };
}

/** Whether two views are of one run of the network, however they are drawn. */
export const hasSameSettings = (a: ViewSettings, b: ViewSettings): boolean =>
  a.composite === b.composite && a.keep === b.keep && write(a.target) === write(b.target);

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
  model: { readonly composite: CompositeName; readonly classes: number },
  top: readonly RankedClass[],
): ViewSettings | undefined {
  if (state.compare === "rule") {
    const chosen = state.rule2 === "auto" || state.rule2 === first.composite ? undefined : state.rule2;
    const composite = chosen ?? otherComposites.find((name) => name !== first.composite);
    return composite && { ...first, composite };
  }
  if (state.compare === "none") return undefined;
  const chosen = possibleTarget(state.target2, model.classes);
  const isOther = chosen.kind !== "prediction" && write(chosen) !== write(first.target);
  const target = isOther ? chosen : nextBest(first.target, top);
  return target && { ...first, target, composite: chosenComposite(state.rule, target, model.composite) };
}

const write = (target: Target): string => JSON.stringify(target);

/** The best class that is not explained already; of the whole prediction, the best one is. */
function nextBest(target: Target, top: readonly RankedClass[]): Target | undefined {
  const explained = target.kind === "prediction" ? top[0]?.index : target.index;
  const next = top.find(({ index }) => index !== explained);
  return next && { kind: "class", index: next.index };
}
