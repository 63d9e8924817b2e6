/** The wording of what a heatmap explains, for the page and for figures. */

import type { AnswerResult, ImageResult } from "./image-result.ts";
import { answerText, scoreText } from "../run/score.ts";

/** Heading first: `Egyptian cat 0.767`, then `rather than lynx`; `The whole prediction`, then its best classes. */
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
