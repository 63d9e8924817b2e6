/** What a heatmap explains and how it was made, in words: the same on the page and in figures. */

import type { ClassResult, ImageResult } from "./image-result.ts";
import { scoreText } from "./report.ts";

/** The heading first: `Egyptian cat 0.767`, then `rather than lynx`; `The whole prediction`, then its best classes. */
export function explainedText({ top }: Pick<ImageResult, "top">, shown: ClassResult): string[] {
  if (shown.isWhole) return ["The whole prediction", top.slice(0, 3).map(scoreText).join(" · ")];
  const rather = shown.against ? [`rather than ${shown.against.label}`] : [];
  return [scoreText(shown), ...rather];
}

/** Of a run's settings what is about the picture and the model's output, not about relevance. */
const otherwise = new Set(["model", "input", "preprocessing", "classes", "explains"]);

/** `composite fischer`, `seed softmax`, `filter keeps 0.1` … */
export const howText = (settings: ImageResult["settings"]): string[] =>
  settings.filter(([name]) => !otherwise.has(name)).map(([name, value]) => `${name} ${value}`);
