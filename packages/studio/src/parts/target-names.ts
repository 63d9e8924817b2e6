/** Targets in words, and what a click on a class makes of them. */

import type { Target } from "../engine/engine.ts";

/** What a class is called. */
export const className = (labels: readonly string[], index: number): string =>
  labels[index] ?? `class ${index}`;

/** What the relevance speaks for, for legends: a class's name, `3 rather than 5`, or undefined for the whole prediction. */
export function targetLabel(target: Target, labels: readonly string[]): string | undefined {
  if (target.kind === "prediction") return undefined;
  const name = className(labels, target.index);
  return target.kind === "class" ? name : `${name} rather than ${className(labels, target.against)}`;
}

/**
 * The target after a click on a class bar. A click explains the class, on the class that is explained already it goes
 * back to the whole prediction; with Shift the class is explained rather than the one shown (or the best one).
 */
export function targetAfterClick(
  target: Target,
  index: number,
  isShift: boolean,
  best: number | undefined,
): Target {
  if (isShift) {
    const against = target.kind === "prediction" ? best : target.index;
    return against === undefined || against === index
      ? { kind: "class", index }
      : { kind: "contrast", index, against };
  }
  const isShown = target.kind === "class" && target.index === index;
  return isShown ? { kind: "prediction" } : { kind: "class", index };
}
