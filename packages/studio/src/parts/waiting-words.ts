/** What is said in an answer's place. */

import type { InputCard } from "relprop/zoo";
import { targetLabel } from "./target-names.ts";
import type { Target } from "../engine/engine.ts";
import type { Session } from "../state/session.svelte.ts";

/** Why there is nothing to see yet, and what to do where only that helps. */
export function waitingWords({ models, pictures }: Session): string {
  const { opening, ready } = models;
  if (opening) return `${opening.name} is being opened: ${opening.what} …`;
  if (!ready) return "No model is open. Load one above, or drop one here.";
  if (pictures.current) return `${pictures.current.name} is being explained …`;
  if (pictures.isComing) return "The picture is being fetched …";
  return `${ready.model.name} takes ${kindOf(ready.model.card.input)}, and none of those comes with the studio. Drop one here, paste it, or open it above.`;
}

const kindOf = ({ size, channels }: InputCard): string =>
  `${channels === "gray" ? "gray" : "colour"} pictures of ${size[1]} × ${size[0]} pixels`;

/** That a target is being explained. */
export const explainingWords = (target: Target, labels: readonly string[]): string => {
  const label = targetLabel(target, labels);
  return label === undefined
    ? "The whole prediction is being explained …"
    : `“${label}” is being explained …`;
};
