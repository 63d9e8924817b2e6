/** The whole of `relprop explain --text`: texts in, coloured tokens and a page out. */

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { InputError, ModelFileError, sessionModel } from "@relprop/core";
import { readModelFile } from "@relprop/core/node";
import { decideColoring, type Coloring, type RunChoices } from "../run/decide.ts";
import { decideTexts } from "./decide-texts.ts";
import { given } from "../given.ts";
import { drawTokens } from "./draw-tokens.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { explainText } from "./explain-text.ts";
import { startProgress, startWaiting } from "../terminal/progress.ts";
import { failureRecord, say, sayDecisions, sayError, type ReportOptions } from "../terminal/report.ts";
import { textLines, textSummary } from "./report-texts.ts";
import { startExplainer, type Device } from "../sessions/start-explainer.ts";
import { answerOf, type Answer } from "./text-answer.ts";
import { readTextConfig } from "./text-config.ts";
import { TextFeeder } from "./text-feeds.ts";
import type { TextSession } from "./text-session.ts";
import { tokenPage, type ShownText } from "./token-page.ts";
import { loadTokenizer } from "./tokenize.ts";
import { ResultWriter } from "../files/result-writer.ts";
import { readLabels } from "../models/zoo-files.ts";

/** Everything that `relprop explain --text` can be told. */
export interface ExplainTextsOptions
  extends ReportOptions, Omit<RunChoices, "targets" | "pixels" | "boxes" | "detection"> {
  /** Path of an .onnx file. */
  readonly model: string;
  /** Path of tokenizer.json. @default beside the model */
  readonly tokenizer?: string;
  /** Path of class names. @default those of config.json beside the model */
  readonly labels?: string;
  /** A second text behind each text. */
  readonly pair?: string;
  /** The tokens whose answers are explained, added up. */
  readonly positions: readonly number[];
  readonly device: Device;
  /** Whether a page that relprop did not write is written over. */
  readonly force: boolean;
}

/** The page, below the output folder; `index.html` is the images'. */
const pageName = "texts.html";

/**
 * Explains texts, prints their tokens and writes a page. Texts that fail are named and left out.
 * @param interrupted asked between texts; true ends the run after what was begun.
 * @returns the exit status
 * @throws RelpropError for what concerns the run as a whole.
 */
export async function explainTexts(
  texts: readonly string[],
  options: ExplainTextsOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const { json, quiet, pair, folder } = options;
  const writer = await ResultWriter.create(folder, { inputs: [], force: options.force });
  await writer.checkOfRun([pageName]);
  const run = await startRun(texts.length, options);
  const progress = startProgress({ name: "texts", total: texts.length, quiet: quiet || json });
  const shown: ShownText[] = [];
  let failed = 0;
  try {
    for (const text of texts) {
      if (interrupted()) break;
      try {
        const results = await explainText(run.session, text, pair);
        const drawn = results.map((result) => ({ result, drawing: drawTokens(result, run.coloring) }));
        shown.push({ classes: drawn });
        for (const { result, drawing } of drawn) {
          if (json) progress.line(JSON.stringify(result));
          else if (!quiet) progress.line(textLines(result, drawing));
        }
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        failed++;
        if (json) progress.line(failureRecord(text, error));
        progress.say(() => sayError(error));
      }
      progress.update(shown.length + failed, failed > 0 ? `${failed} failed` : "");
    }
  } finally {
    progress.stop();
    await run.session.explainer.dispose();
  }
  const page = shown.length === 0 ? undefined : join(folder, pageName);
  if (page !== undefined) {
    const title = `What ${basename(options.model)} read`;
    await writer.ofRun(pageName, tokenPage({ title, settings: run.decisions, texts: shown }));
  }
  const seconds = (performance.now() - start) / 1000;
  const count = { done: shown.length, failed, seconds };
  if (json) process.stdout.write(`${JSON.stringify({ v: 2, summary: { ...count, folder, page } })}\n`);
  else if (!quiet || failed > 0) for (const line of textSummary({ ...count, page })) say(line);
  if (interrupted()) {
    say(`stopped after ${shown.length + failed} of ${texts.length}`);
    return exitCodes.interrupted;
  }
  return failed > 0 ? exitCodes.someFailed : exitCodes.done;
}

/** What all texts of a run share. */
interface TextRun {
  readonly session: TextSession;
  readonly coloring: Coloring;
  readonly decisions: readonly (readonly [string, string])[];
}

async function startRun(count: number, options: ExplainTextsOptions): Promise<TextRun> {
  const { model: path, device, quiet, json } = options;
  const isSilent = quiet || json;
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) {
    throw new ModelFileError({
      what: `there is no model "${path}"`,
      why: "it is no file",
      fix: "give the .onnx file of a text model",
    });
  }
  const model = readModelFile(path);
  const tokenizer = await loadTokenizer(path, options.tokenizer);
  const config = await readTextConfig(path, tokenizer.path);
  const labels = options.labels === undefined ? config.labels : await readLabels(options.labels);
  const labelCount = options.labels === undefined ? config.labelCount : labels.length;
  const decision = decideTexts(model, options, given({ outputKind: config.kind, labelCount }));
  const { Tensor } = await import("onnxruntime-node");
  const limits = { padding: tokenizer.padding, longest: least(config.longest, tokenizer.longest) };
  const feeder = new TextFeeder(Tensor, model.graph.inputs, decision.embedding.ids, limits);
  const prepared = sessionModel(model, decision.options);
  const waiting = startWaiting(`starting ${basename(path)} on ${device}`, isSilent || !process.stderr.isTTY);
  const explainer = await startExplainer(prepared, device).finally(() => waiting.stop());
  const { compiled } = explainer;
  const answer = answerOf(compiled);
  // Tokens are few and have signs, whatever relevance starts from.
  const { colormap = "bwr", clip = 100 } = options;
  const coloring = decideColoring(compiled, { ...options, colormap, clip });
  const { settings, input, facts, isSigned } = compiled;
  const decisions = [
    ["model", basename(path)],
    ["tokenizer", tokenizer.path],
    ["input", `${input.name} [${input.shape.join(", ")}] ${input.dataType}`],
    ["answers with", answerInWords(answer)],
    ["output", `${facts.kind} (${facts.why})`],
    ...("method" in decision.options
      ? [["method", decision.options.method] as const]
      : ([
          ["composite", settings.composite],
          ["seed", settings.seed],
        ] as const)),
    ...(isSigned ? [] : [["relevance", "the length of each token's gradient, which has no sign"] as const]),
  ] as const;
  if (!isSilent) {
    sayDecisions([...decisions, ["device", device], ["texts", String(count)]]);
    const isNamed = (answer.kind !== "classes" && answer.kind !== "labels") || labels.length > 0;
    if (!isNamed && answer.count !== 1)
      say(
        "the names of the classes are not known: give them with --labels FILE, or put config.json beside the model",
      );
  }
  const { classes, against, positions } = options;
  return {
    session: {
      explainer,
      tokenizer,
      feeder,
      decision,
      answer,
      labels,
      unit: undefined,
      classes,
      against,
      positions,
    },
    coloring,
    decisions,
  };
}

const answerInWords = ({ kind, count, facts }: Answer): string =>
  ({
    classes: count === 1 ? "one number" : `${count} ${facts.scale.by ? "classes" : "numbers"}`,
    places: "a number for each token",
    labels: `${count} labels for each token`,
    words: `${count} words for each token`,
    embedding: `an embedding of ${count} features`,
  })[kind];

const least = (...numbers: readonly (number | undefined)[]): number | undefined => {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
