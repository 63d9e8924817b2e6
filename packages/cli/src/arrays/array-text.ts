/** What `explain` prints of arrays: lines for people, records for programs. */

import { join } from "node:path";
import { countedText, type ArrayResult } from "./array-result.ts";
import type { Asked } from "./run-file.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import type { ExplainedAnswer, ExplainedSample } from "../run/explain-batch.ts";
import { answerText, scoreText } from "../run/score.ts";

/** Files of more samples have no line for each. */
export const mostLines = 20;

/** A sample for people. @param place its index in its file, or its time; undefined if it is alone there */
export function sampleLine(
  path: string,
  place: number | string | undefined,
  { top, answers }: ExplainedSample,
): string {
  const best = top.slice(0, 3);
  const others = answers.filter(
    (answer) => !best.some((each) => each.index === answer.score.index && each.label === answer.score.label),
  );
  const parts = [
    ...best.map(scoreText),
    ...others.map(
      ({ score, elements, against }) =>
        `${answerText({ ...score, elements })}${against ? ` rather than ${against.label}` : ""}`,
    ),
  ];
  const verdicts = answers.flatMap(({ ledger }) => (ledger ? [`  ${ledgerResult(ledger).verdict}`] : []));
  return [`${path}${place === undefined ? "" : ` [${place}]`}  ${parts.join(" · ")}`, ...verdicts].join("\n");
}

/** A sample for programs: a line for each answer. */
export function recordLines(
  path: string,
  sample: number,
  { top, answers }: ExplainedSample,
  {
    asked,
    kind,
    placeOf,
  }: {
    readonly asked: readonly Asked[];
    readonly kind: string;
    /** Where an answer's window lies, in a sound. */
    readonly placeOf?: (answer: ExplainedAnswer) => object;
  },
): string[] {
  return answers.map((answer) => {
    const { score, elements, start, against, ledger, relevances, box } = answer;
    const { index, label, ...numbers } = score;
    const reached = Object.entries(relevances).map(
      ([name, { data }]) => [name, data.reduce((sum, n) => sum + n, 0)] as const,
    );
    return JSON.stringify({
      v: 2,
      input: path,
      sample,
      ...placeOf?.(answer),
      kind,
      asked: asked.find((each) => each.is(answer))?.text,
      class: index,
      label,
      ...numbers,
      elements,
      start,
      reached: Object.fromEntries(reached),
      ...(against && { against }),
      ...(box && { box }),
      ...(ledger && { ledger: ledgerResult(ledger) }),
      top,
    });
  });
}

/** Where a file's results are. */
export function fileLine(result: ArrayResult, folder: string): string {
  const { input, answers, figures } = result;
  const files = answers.flatMap((answer) => Object.values(answer.files)).map((file) => join(folder, file));
  const drawn =
    figures.length === 0 ? "" : `, ${figures.length} ${figures.length === 1 ? "figure" : "figures"}`;
  return `${input}  ${countedText(result)} → ${files.join(", ")}${drawn}`;
}
