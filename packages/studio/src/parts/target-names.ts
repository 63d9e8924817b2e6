/** The wording of targets and numbers, and the effect of a click on a class. */

import type { OutputFacts, RankedClass } from "@relprop/core";
import type { ModelCard } from "@relprop/core/zoo";
import type { Explained, LoadedModel, Target } from "@relprop/engine/engine";

/** Names of numbers, and their unit. */
export interface Naming {
  readonly names: readonly string[];
  readonly card: Pick<ModelCard, "unit">;
  /** Undefined before the model has loaded; classes are then assumed. */
  readonly facts?: Pick<OutputFacts, "kind">;
}

/** What one number of an answer is, in a word. */
export function numberWord(facts: Naming["facts"]): "class" | "value" | "number" {
  if (facts?.kind === "values" || facts?.kind === "value-map") return "value";
  return facts?.kind === "scores" ? "number" : "class";
}

/** Whether one number can be explained compared to another; for yes-or-no outputs, no is only the opposite of yes. */
export const canContrast = ({ names, facts }: Naming): boolean =>
  names.length > 1 && facts?.kind !== "binary";

/** The name of a number of the answer. */
export const className = (names: readonly string[], index: number): string =>
  names[index] ?? `class ${index}`;

/**
 * What the relevance speaks for, for legends: a class's name, `3 rather than 5`, `road at 10, 20`; undefined for the whole
 * prediction, and while the default is unknown.
 * @param explained the explained part of the answer, if there is one
 */
export function targetLabel(
  target: Target,
  names: readonly string[],
  explained?: Explained,
): string | undefined {
  const found = explained?.numbers.index;
  const name = (index = found): string | undefined =>
    index === undefined ? undefined : className(names, index);
  switch (target.kind) {
    case "prediction":
      if (explained === undefined || explained.isWhole) return undefined;
      return explained.isLength ? "length" : name();
    case "class":
      return name(target.index);
    case "contrast":
      return `${className(names, target.index)} rather than ${className(names, target.against)}`;
    case "where":
      return `${className(names, target.index)} where it wins`;
    case "pixel":
      return `${name(target.index) ?? "the pixel"} at ${target.x}, ${target.y}`;
    case "box": {
      const of = name(target.index);
      return `box ${target.rank}${of === undefined ? "" : `, ${of}`}`;
    }
    case "elements":
      return `element ${target.text}`;
  }
}

const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** A probability in per cent; small ones do not become zero. */
export const percentText = (probability: number): string =>
  probability < 0.0005 ? "< 0.1%" : percent.format(probability);

/** A number with four digits. */
export const plainText = (number: number): string =>
  String(Number(number.toPrecision(4))).replaceAll("-", "−");

/** A number with fixed decimals, a real minus sign, and no minus before zero. */
export function fixedText(number: number, decimals = 2): string {
  const text = Math.abs(number).toFixed(decimals);
  return number < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** The probability if the model gives one, else the value with its unit, else the logit. */
export function amountText(
  { probability, value, logit }: Omit<RankedClass, "index">,
  { card }: Pick<Naming, "card">,
): string {
  if (probability !== undefined) return percentText(probability);
  if (value !== undefined)
    return card.unit === undefined ? plainText(value) : `${plainText(value)} ${card.unit}`;
  return logit === undefined ? "" : `logit ${plainText(logit)}`;
}

/** The best number of an answer with its name: `Egyptian cat 76.7%`; for other answers, the explained part. */
export function bestText(
  { top, explained }: { readonly top: readonly RankedClass[]; readonly explained?: Explained },
  model: Naming,
): string {
  const [best] = top;
  if (best) return `${className(model.names, best.index)} ${amountText(best, model)}`;
  if (!explained) return "";
  const { index = -1 } = explained.numbers;
  const name = explained.isLength ? "length" : model.names[index];
  return `${name === undefined ? "" : `${name} `}${amountText(explained.numbers, model)}`;
}

/** The label of the default target's button. */
export function usualTargetText({ facts }: Pick<LoadedModel, "facts">, isWhole: boolean): string {
  if (isWhole) return "Whole prediction";
  if (facts.kind === "embedding") return "Its length";
  if (facts.kind === "binary" || facts.kind === "values") return "Its value";
  return facts.kind === "scores" ? "Highest number" : "Best class";
}

/**
 * The target after a click on a class bar. A click explains the class, or returns to the default if it is already
 * explained; with Shift it explains the class compared to the one shown (or to the best one).
 */
export function targetAfterClick(
  target: Target,
  index: number,
  isShift: boolean,
  best: number | undefined,
): Target {
  if (isShift) {
    const against = "index" in target ? target.index : best;
    return against === undefined || against === index
      ? { kind: "class", index }
      : { kind: "contrast", index, against };
  }
  const isShown = target.kind === "class" && target.index === index;
  return isShown ? { kind: "prediction" } : { kind: "class", index };
}
