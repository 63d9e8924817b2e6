/** The app's state -> what a mode is given. */

import type { CompositeName } from "relprop";
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

/** The second heatmap's settings, or undefined if nothing is compared. */
export function comparedView(
  state: AppState,
  model: { readonly composite: CompositeName; readonly classes: number },
): ViewSettings | undefined {
  if (state.compare === "none") return undefined;
  const other =
    state.compare === "rule" ? { ...state, rule: state.rule2 } : { ...state, target: state.target2 };
  return viewOf(other, model);
}
