/** Targets and numbers in words, and what a click on a class makes of them. */

import type { OutputFacts, RankedClass } from "@relprop/core";
import type { ModelCard } from "@relprop/core/zoo";
import type { Explained, LoadedModel, Target } from "@relprop/engine/engine";

/** What numbers are called, and their unit. */
export interface Naming {
  readonly names: readonly string[];
  readonly card: Pick<ModelCard, "unit">;
  /** Unknown before the model has loaded; then it has classes. */
  readonly facts?: Pick<OutputFacts, "kind">;
}

/** What one number of an answer is, in a word. */
export function numberWord(facts: Naming["facts"]): "class" | "value" | "number" {
  if (facts?.kind === "values" || facts?.kind === "value-map") return "value";
  return facts?.kind === "scores" ? "number" : "class";
}

/** Whether one number can be explained rather than another; no says nothing that yes does not. */
export const canContrast = ({ names, facts }: Naming): boolean =>
  names.length > 1 && facts?.kind !== "binary";

/** What a number of the answer is called. */
export const className = (names: readonly string[], index: number): string =>
  names[index] ?? `class ${index}`;

/**
 * What the relevance speaks for, for legends: a class's name, `3 rather than 5`, `road at 10, 20`; undefined for the whole
 * prediction, and as long as nobody knows what is usual.
 * @param explained what of an answer was explained, if there is one
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

/** A probability in per cent; small ones are no zero. */
export const percentText = (probability: number): string =>
  probability < 0.0005 ? "< 0.1%" : percent.format(probability);

/** A number as people read it, to four digits. */
export const plainText = (number: number): string =>
  String(Number(number.toPrecision(4))).replaceAll("-", "−");

/** A number with so many decimals, a real minus sign, and none before zero. */
export function fixedText(number: number, decimals = 2): string {
  const text = Math.abs(number).toFixed(decimals);
  return number < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** How much: a probability where the model means one, else its value with its unit, else the logit. */
export function amountText(
  { probability, value, logit }: Omit<RankedClass, "index">,
  { card }: Pick<Naming, "card">,
): string {
  if (probability !== undefined) return percentText(probability);
  if (value !== undefined)
    return card.unit === undefined ? plainText(value) : `${plainText(value)} ${card.unit}`;
  return logit === undefined ? "" : `logit ${plainText(logit)}`;
}

/** The best number of an answer with its name: `Egyptian cat 76.7%`; of other answers what was explained. */
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

/** What is usual for a model, as a button: what is explained where nothing is named. */
export function usualWords({ facts }: Pick<LoadedModel, "facts">, isWhole: boolean): string {
  if (isWhole) return "Whole prediction";
  if (facts.kind === "embedding") return "Its length";
  if (facts.kind === "binary" || facts.kind === "values") return "Its value";
  return facts.kind === "scores" ? "Highest number" : "Best class";
}

/**
 * The target after a click on a class bar. A click explains the class, on the class that is explained already it goes
 * back to what is usual; with Shift the class is explained rather than the one shown (or the best one).
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
