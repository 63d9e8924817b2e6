/** The bounds of box rules, from what preprocessing makes of the darkest and the brightest pixel. */

import type { CompileOptions } from "../compile/compile-options.ts";
import { isOwn, type Choice } from "../relevance/rule-text.ts";
import { optionsOf, type RuleOptions } from "../relevance/rules/index.ts";
import { settle } from "../relevance/settings.ts";
import type { InputCard } from "./model-card.ts";

/** How pixels become numbers. */
export type PixelNumbers = Pick<InputCard, "scale" | "mean" | "std">;

/** Smallest and largest input values: one number, or one per channel where they differ. */
type Bounds = Required<Pick<RuleOptions, "low" | "high">>;

/** What pixels 0 and 255 become: `(0 − mean[c]) / std[c]` and `(255 · scale − mean[c]) / std[c]`. */
export function pixelBounds({ scale, mean, std }: PixelNumbers): Bounds {
  const at = (pixel: number): number | number[] => {
    // 0 − mean, so that no bound is −0.
    const each = mean.map((subtracted, c) => (pixel * scale - subtracted) / (std[c] ?? 1) + 0);
    const [first = 0] = each;
    return each.every((number) => number === first) ? first : each;
  };
  return { low: at(0), high: at(255) };
}

/**
 * Options with the card's bounds, if a rule needs bounds and neither the options nor the rule itself has them.
 * @throws OptionError as `compile`, for an option with a value that is not allowed
 */
export function withPixelBounds<Options extends CompileOptions>(
  options: Options,
  input: PixelNumbers | undefined,
): Options {
  if (!input) return options;
  const { rules, overrides } = settle(options);
  const choices: Choice[] = [...Object.values(rules), ...overrides.map(({ choice }) => choice)];
  const boxes = choices.map(needsBounds).filter((needed) => needed !== undefined);
  // Options override what rules have of their own, so a composite with both is left to the user.
  return boxes.length > 0 && boxes.every(Boolean) ? { ...pixelBounds(input), ...options } : options;
}

/** Whether a rule still needs bounds; undefined if it takes none. */
function needsBounds(choice: Choice): boolean | undefined {
  if (isOwn(choice) || !optionsOf[choice.rule].includes("low")) return undefined;
  return choice.low === undefined || choice.high === undefined;
}
