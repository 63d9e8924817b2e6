/** What a heatmap explains and how it was made, in words: the same on the page and in figures. */

import type { AnswerResult, ImageResult } from "./image-result.ts";
import { answerText } from "../terminal/report.ts";
import { scoreText } from "../run/score.ts";

/** The heading first: `Egyptian cat 0.767`, then `rather than lynx`; `The whole prediction`, then its best classes. */
export function explainedText({ top }: Pick<ImageResult, "top">, shown: AnswerResult): string[] {
  const { asked, against, index, label } = shown;
  if (asked === undefined) return ["The whole prediction", top.slice(0, 3).map(scoreText).join(" · ")];
  const isSaid = /^top\d+$/.test(asked) || [label, `${index} ${label}`].includes(asked);
  return [
    answerText(shown),
    ...(isSaid ? [] : [asked]),
    ...(against ? [`rather than ${against.label}`] : []),
  ];
}

/** Of a run's settings what is about the picture and the model's output, not about relevance. */
const otherwise = new Set(["model", "input", "preprocessing", "output", "explains"]);

/** `composite fischer`, `seed softmax`, `filter keeps 0.1` … */
export const howText = (settings: ImageResult["settings"]): string[] =>
  settings.filter(([name]) => !otherwise.has(name)).map(([name, value]) => `${name} ${value}`);
