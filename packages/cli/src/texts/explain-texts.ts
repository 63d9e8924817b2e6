/** `relprop explain --text` as a whole: texts -> coloured tokens and a page. */

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ModelFileError, OptionError, type FixedInputs } from "@relprop/core";
import { promptModel } from "@relprop/core/internal";
import { withoutUndefined } from "../without-undefined.ts";
import { decideTexts, type TextDecision } from "./decide-texts.ts";
import { drawTokens } from "./draw-tokens.ts";
import { explainText } from "./explain-text.ts";
import { textLines } from "./report-texts.ts";
import { answerOf, type Answer } from "./text-answer.ts";
import { readTextConfig } from "./text-config.ts";
import { TextFeeder } from "./text-feeds.ts";
import { askedMaps } from "./text-requests.ts";
import type { TextResult } from "./text-result.ts";
import type { TextSession } from "./text-session.ts";
import { tokenPage, type ShownText } from "./token-page.ts";
import { loadTokenizer, type TextTokenizer } from "./tokenize.ts";
import { ResultWriter } from "../files/result-writer.ts";
import { loadTextModel } from "../models/load-model.ts";
import { readLabels } from "../models/zoo-files.ts";
import type { Settings } from "../pages/page-parts.ts";
import { decideColoring, type Coloring, type RunChoices } from "../run/decide.ts";
import { runInputs, type RunOptions, type Work } from "../run/run-inputs.ts";
import { startForMaps } from "../run/plan-maps.ts";
import type { SessionThreads } from "../sessions/session-thread.ts";
import { startSessions, type Explainers } from "../sessions/start-sessions.ts";
import { isSilent, say, sayDecisions } from "../terminal/report.ts";

/** All options of `relprop explain --text`. */
export interface ExplainTextsOptions
  extends RunOptions, Omit<RunChoices, "targets" | "pixels" | "boxes" | "detection"> {
  /** Path of an .onnx file. */
  readonly model: string;
  /** Path of tokenizer.json. @default beside the model */
  readonly tokenizer?: string;
  /** Path of class names. @default those of config.json beside the model */
  readonly labels?: string;
  /** Inputs that are fixed to constants. */
  readonly set?: FixedInputs;
  /** A second text behind each text. */
  readonly pair?: string;
  /** The tokens whose answers are explained; their sum if there are several. */
  readonly positions: readonly number[];
  /** How many words are generated and explained at most. @default the text alone is explained */
  readonly generate?: number;
}

/** The page, below the output folder; `index.html` is the page for images. */
const pageName = "texts.html";

/**
 * Explains texts, prints their tokens and writes a page. Texts that fail are reported and left out.
 * @param interrupted polled between texts; true ends the run after the current work.
 * @returns the exit status
 * @throws RelpropError for errors of the whole run.
 */
export async function explainTexts(
  texts: readonly string[],
  options: ExplainTextsOptions,
  interrupted: () => boolean,
): Promise<number> {
  const start = performance.now();
  const writer = await ResultWriter.create(options.folder, { inputs: [], force: options.force });
  await writer.checkOfRun([pageName]);
  return runInputs(
    options,
    start,
    async (threads) => workOn(texts, options, await startRun(texts.length, options, threads), writer),
    interrupted,
  );
}

function workOn(
  texts: readonly string[],
  options: ExplainTextsOptions,
  { session, explainers, coloring, settings }: TextRun,
  writer: ResultWriter,
): Work<string, string, readonly TextResult[], ShownText> {
  const { json, pair, folder, model } = options;
  const shown: ShownText[] = [];
  return {
    inputs: texts,
    total: texts.length,
    explainers,
    noun: "text",
    makes: "texts",
    nameOf: (text) => text,
    canResume: false,
    prepare: async (text) => ({ ready: text }),
    explain: (batch) => async (explainer) => {
      const found: (readonly TextResult[])[] = [];
      for (const text of batch) found.push(await explainText(session, explainer, text, pair));
      return found;
    },
    write: async (_text, results) => ({
      classes: results.map((result) => ({ result, drawing: drawTokens(result, coloring) })),
    }),
    keep: (text) => {
      shown.push(text);
    },
    textOf: ({ classes }) =>
      classes
        .map(({ result, drawing }) => (json ? JSON.stringify(result) : textLines(result, drawing)))
        .join("\n"),
    finish: async () => {
      if (shown.length === 0) return undefined;
      const title = `What ${basename(model)} read`;
      await writer.ofRun(pageName, tokenPage({ title, settings, texts: shown }));
      return join(folder, pageName);
    },
  };
}

/** The state that all texts of a run share. */
interface TextRun {
  readonly session: TextSession;
  readonly explainers: Explainers;
  readonly coloring: Coloring;
  /** The decisions, in words. */
  readonly settings: Settings;
}

async function startRun(
  count: number,
  options: ExplainTextsOptions,
  threads: SessionThreads,
): Promise<TextRun> {
  const { model: path, device, batch, cache: useCache } = options;
  const silent = isSilent(options);
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) {
    throw new ModelFileError({
      what: `there is no model "${path}"`,
      why: "it is not a file",
      fix: "give the .onnx file of a text model",
    });
  }
  const loaded = await loadTextModel(path, options.set);
  const { id } = loaded;
  const { model, hadCache } = promptModel(loaded.model, options.compile.input);
  const tokenizer = await loadTokenizer(path, options.tokenizer);
  const config = await readTextConfig(path, tokenizer.path);
  const labels = options.labels === undefined ? config.labels : await readLabels(options.labels);
  const labelCount = options.labels === undefined ? config.labelCount : labels.length;
  const decision = decideTexts(model, options, withoutUndefined({ outputKind: config.kind, labelCount }));
  const { Tensor } = await import("onnxruntime-node");
  const limits = { padding: tokenizer.padding, longest: least(config.longest, tokenizer.longest) };
  const feeder = new TextFeeder(Tensor, model.graph.inputs, decision.embedding.ids, limits);
  const answer = answerOf(decision);
  const asked = askedMaps(options, decision.isWhole, answer);
  const start = (chosen: TextDecision["options"]): ReturnType<typeof startSessions> =>
    startSessions({ model, id, useCache }, chosen, {
      name: basename(path),
      device,
      batches: count / batch,
      threads,
      isSilent: silent,
    });
  const maps = await startForMaps(decision.options, asked, 1, start);
  const { explainers, how } = maps.started;
  const { compiled } = explainers[0];
  // Tokens are few and signed, wherever relevance starts.
  const { colormap = "bwr", clip = 100 } = options;
  const { generate } = options;
  checkGenerate(options, answer, tokenizer);
  const coloring = decideColoring(compiled, { ...options, colormap, clip });
  const { settings, input, facts, isSigned } = compiled;
  const said = [
    ["model", basename(path)],
    ["tokenizer", tokenizer.path],
    ["input", `${input.name} [${input.shape.join(", ")}] ${input.dataType}`],
    ...(hadCache
      ? [["cache", "empty: each text is read whole, and earlier tokens are part of it"] as const]
      : []),
    ...(generate === undefined
      ? []
      : [
          [
            "generates",
            `up to ${generate} words, the best one each time; the whole text is read again for each`,
          ] as const,
        ]),
    ["answers with", answerInWords(answer)],
    ["output", `${facts.kind} (${facts.why})`],
    ...("method" in decision.options
      ? [["method", decision.options.method] as const]
      : ([
          ["composite", settings.composite],
          ["seed", settings.seed],
        ] as const)),
    ...maps.settings,
    ...(isSigned ? [] : [["relevance", "the length of each token's gradient, which has no sign"] as const]),
  ] as const;
  if (!silent) {
    sayDecisions([...said, ["compiled", how], ["device", device], ["texts", String(count)]]);
    const isNamed = (answer.kind !== "classes" && answer.kind !== "labels") || labels.length > 0;
    if (!isNamed && answer.count !== 1)
      say(
        "the names of the classes are not known: give them with --labels FILE, or put config.json beside the model",
      );
  }
  const { classes, against, positions } = options;
  return {
    session: {
      tokenizer,
      feeder,
      decision,
      answer,
      labels,
      unit: undefined,
      classes,
      against,
      positions,
      generate,
      ends: config.ends,
    },
    explainers,
    coloring,
    settings: said,
  };
}

/** @throws OptionError if the model does not write texts, or what is explained is named as well */
function checkGenerate(
  { generate, classes, against, positions }: ExplainTextsOptions,
  { kind }: Answer,
  { mask }: TextTokenizer,
): void {
  if (generate === undefined) return;
  const what = "cannot generate words";
  if (kind !== "words" || mask !== undefined)
    throw new OptionError({
      what,
      why: "the model does not predict the next word of a text",
      fix: "leave --generate out",
    });
  const named = [
    ...(classes.length > 0 ? ["--class"] : []),
    ...(against === undefined ? [] : ["--against"]),
    ...(positions.length > 0 ? ["--position"] : []),
  ];
  if (named.length > 0)
    throw new OptionError({
      what,
      why: `${named.join(" and ")} would name a word, and the words that the model writes are explained`,
      fix: "leave one or the other out",
    });
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
