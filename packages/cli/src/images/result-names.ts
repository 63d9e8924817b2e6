/** File names of results. */

import { requestFileName, type AnswerRequest } from "../run/answer-requests.ts";
import { fileNamePart } from "../run/choose-classes.ts";
import type { CompileDecision } from "../run/decide.ts";
import { nameOf } from "../run/score.ts";
import { answerFiles, imageFiles, type Wanted } from "./image-files.ts";

/** A class by index and name. */
interface Named {
  readonly index: number;
  readonly label: string;
}

/** The file name of an explained part of an answer, without the suffix of its kind. */
export function answerName(
  key: string,
  { isAsked }: Pick<CompileDecision, "isAsked">,
  request: AnswerRequest | undefined,
  shown: Partial<Pick<Named, "index">> & Pick<Named, "label">,
  against: Named | undefined,
): string {
  const suffix = request && isAsked ? `.${requestFileName(request, shown)}` : "";
  return `${key}${suffix}${against ? `.rather-than-${against.index}-${fileNamePart(against.label)}` : ""}`;
}

/** All files of an image whose names do not depend on the answer. */
export function knownFiles(decision: CompileDecision, wanted: Wanted, key: string): string[] {
  const { names, requests, against } = decision;
  const named = (index: number): Named => ({ index, label: nameOf(names, index) });
  const shownOf = (request: AnswerRequest): Named | undefined => {
    if (!decision.isAsked) return named(0);
    if (request.kind === "class" || request.kind === "where") return named(request.index);
    return ["elements", "mask", "length"].includes(request.kind) ? named(0) : undefined;
  };
  const answers = (requests ?? [undefined]).flatMap((request) => {
    const shown = request ? shownOf(request) : named(0);
    const isDifference = request?.kind === "class" || request?.kind === "top";
    const other = against !== undefined && isDifference ? named(against) : undefined;
    return shown ? [answerName(key, decision, request, shown, other)] : [];
  });
  const files = [imageFiles(key, wanted), ...answers.map((name) => answerFiles(name, wanted))];
  return files.flatMap((each) => Object.values(each));
}
