/** Messages in place of an answer. */

import type { InputCard } from "@relprop/core/zoo";
import { targetLabel } from "./target-names.ts";
import type { OutputKind } from "@relprop/core";
import type { LoadedModel } from "@relprop/engine/engine";
import type { ViewSettings } from "../state/view-settings.ts";
import type { Session } from "../state/session.svelte.ts";

/** The choice that must be made before anything is explained. */
export function chooseTargetText({ facts }: Pick<LoadedModel, "facts">): string {
  const what: Partial<Record<OutputKind, string>> = {
    map: "It answers for each place. Click the picture to explain the place there, or choose a class: it is explained where it wins.",
    "value-map": "It puts out values for each place. Click the picture to explain the place there.",
    detections: "It finds boxes. Choose one: box 1 is the best.",
    sequence: "It answers for each step. Name an element of its output.",
    nodes: "It answers for each node. Name an element of its output.",
    values: "It puts out several values. Choose one.",
  };
  return what[facts.kind] ?? "Choose what to explain.";
}

/** Why there is no answer yet, and what the user can do. */
export function waitingText({ models, pictures }: Session, isUnnamed = false): string {
  const { opening, ready } = models;
  if (opening) return `${opening.name} is being opened: ${opening.what} …`;
  if (!ready) return "No model is open. Load one above, or drop one here.";
  if (pictures.current && isUnnamed) return chooseTargetText(ready.model);
  if (pictures.current) return `${pictures.current.name} is being explained …`;
  if (pictures.isComing) return "The picture is being fetched …";
  return `${ready.model.name} takes ${kindOf(ready.model.card.input)}, and the studio has none. Drop one here, paste it, or open it above.`;
}

const kindOf = ({ size, channels }: InputCard): string =>
  `${channels === "gray" ? "gray" : "colour"} pictures of ${size[1]} × ${size[0]} pixels`;

/** The message while a target is being explained. */
export const explainingText = (
  { target, isWhole }: Pick<ViewSettings, "target" | "isWhole">,
  names: readonly string[],
): string => {
  const label = targetLabel(target, names);
  if (label !== undefined) return `“${label}” is being explained …`;
  return isWhole ? "The whole prediction is being explained …" : "The answer is being explained …";
};
