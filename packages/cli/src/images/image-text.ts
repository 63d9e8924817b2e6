/** The output of `explain` for an image: lines for people, records for programs. */

import { join } from "node:path";
import type { AnswerResult, ImageResult } from "./image-result.ts";
import { answerText, scoreText } from "../run/score.ts";
import type { ReportOptions } from "../terminal/report.ts";

/** One line per image plus one per verdict for people; one record per answer for programs. */
export function resultText(result: ImageResult, options: ReportOptions): string {
  if (!options.json) {
    const best = result.top.slice(0, 3);
    const others = result.answers.filter(
      ({ against, ...answer }) =>
        against !== undefined ||
        !best.some(({ index, label }) => index === answer.index && label === answer.label),
    );
    const asked = others.map(ratherText).join(" · ");
    const parts = [
      ...(best.length > 0 ? [best.map(scoreText).join(" · ")] : []),
      ...(others.length > 0 ? [best.length > 0 ? `asked for: ${asked}` : asked] : []),
    ];
    const isOne = result.answers.length === 1;
    const verdicts = result.answers.flatMap(({ label, ledger }) =>
      ledger ? [`  ${isOne ? "" : `${label}: `}${ledger.verdict}`] : [],
    );
    return [`${result.input}  ${parts.join(" · ")}`, ...verdicts].join("\n");
  }
  const inFolder = (files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([kind, file]) => [kind, join(options.folder, file)]));
  return result.answers
    .map(({ index, label, files, legend: _legend, ...answer }) =>
      JSON.stringify({
        v: 2,
        input: result.input,
        outputs: inFolder({ ...result.files, ...files }),
        kind: result.kind,
        class: index,
        label,
        ...answer,
        geometry: result.geometry,
        top: result.top,
        ms: result.ms,
      }),
    )
    .join("\n");
}

/** An answer, with the class that it is compared to: `Egyptian cat 0.767 rather than tabby`. */
const ratherText = ({ against, ...answer }: AnswerResult): string =>
  answerText(answer) + (against ? ` rather than ${against.label}` : "");
