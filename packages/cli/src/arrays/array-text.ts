/** What `explain` prints of arrays: lines for people, records for programs. */

import { join } from "node:path";
import { relevanceText } from "@relprop/core/internal";
import { countedText, type ArrayResult } from "./array-result.ts";
import type { Asked } from "./run-file.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import type { ExplainedAnswer, ExplainedSample } from "../run/explain-batch.ts";
import { answerText, scoreText } from "../run/score.ts";

/** Files of more samples have no line for each. */
export const mostLines = 20;

/**
 * A sample for people.
 * @param place its index in its file, or its time; undefined if it is alone there
 * @param names of features, by input
 */
export function sampleLine(
  path: string,
  place: number | string | undefined,
  { top, answers }: ExplainedSample,
  names: ReadonlyMap<string, readonly string[]>,
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
  const ofInputs = answers.flatMap((answer) => inputLines(answer, answers.length > 1, names));
  const verdicts = answers.flatMap(({ ledger }) => (ledger ? [`  ${ledgerResult(ledger).verdict}`] : []));
  return [
    `${path}${place === undefined ? "" : ` [${place}]`}  ${parts.join(" · ")}`,
    ...ofInputs,
    ...verdicts,
  ].join("\n");
}

const mostPlaces = 3;

/** Of several explained inputs, the relevance that reached each and its strongest places. */
function inputLines(
  { score, relevances }: ExplainedAnswer,
  isOneOfSeveral: boolean,
  names: ReadonlyMap<string, readonly string[]>,
): string[] {
  const inputs = Object.entries(relevances);
  if (inputs.length < 2) return [];
  return inputs.map(([input, { data, dims }]) => {
    const sum = data.reduce((total, number) => total + number, 0);
    const own = names.get(input);
    const places = strongest(data, mostPlaces).map(
      (at) => `${own?.[at] ?? `[${indexOf(at, dims).join(", ")}]`} ${relevanceText(data[at] ?? 0)}`,
    );
    const where = data.length === 1 ? "" : `; strongest: ${places.join(", ")}`;
    return `  ${isOneOfSeveral ? `${score.label}, ` : ""}${input} ${relevanceText(sum)}${where}`;
  });
}

/** Indices of the largest magnitudes, in falling order. */
function strongest(data: Float32Array, most: number): number[] {
  const best: number[] = [];
  const size = (at = -1): number => Math.abs(data[at] ?? 0);
  for (let at = 0; at < data.length; at++) {
    if (best.length === most && size(at) <= size(best.at(-1))) continue;
    const place = best.findIndex((each) => size(at) > size(each));
    best.splice(place === -1 ? best.length : place, 0, at);
    if (best.length > most) best.pop();
  }
  return best;
}

/** The index of an element on each axis. */
function indexOf(at: number, dims: readonly number[]): number[] {
  let rest = at;
  return dims
    .toReversed()
    .map((length) => {
      const own = rest % length;
      rest = Math.floor(rest / length);
      return own;
    })
    .toReversed();
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

/** Where a file's results are; with a ledger, a line on that. */
export function fileLine(result: ArrayResult, folder: string): string {
  const { input, samples, answers, figures, ledger } = result;
  const files = answers.flatMap((answer) => Object.values(answer.files)).map((file) => join(folder, file));
  const drawn =
    figures.length === 0 ? "" : `, ${figures.length} ${figures.length === 1 ? "figure" : "figures"}`;
  const line = `${input}  ${countedText(result)} → ${files.join(", ")}${drawn}`;
  return ledger === undefined || samples === 1 ? line : `${line}\n  ${ledger}`;
}

/** The same for programs. @param earlier how many of its samples earlier runs explained, which are not printed again */
export function fileRecord(
  { input, samples, failed, answers, figures, ledger }: ArrayResult,
  folder: string,
  earlier: number,
): string {
  const outputs = answers.map(({ asked, files }) => ({
    asked,
    ...Object.fromEntries(Object.entries(files).map(([kind, file]) => [kind, join(folder, file)])),
  }));
  return JSON.stringify({
    v: 2,
    input,
    samples,
    failed,
    ...(earlier > 0 && { earlier }),
    outputs,
    figures: figures.map(({ file }) => join(folder, file)),
    ...(ledger !== undefined && { ledger }),
  });
}
