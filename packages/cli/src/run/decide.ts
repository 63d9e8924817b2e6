/** Decides everything that the user left open about a run, and describes the decisions in words. */

import {
  chooseExplanation,
  compile as compileModel,
  OptionError,
  readAnswer,
  RelpropError,
  ruleText,
  UnexplainableError,
  type AnswerReading,
  type CompiledFacts,
  type CompileOptions,
  type DetectionOptions,
  type MethodOptions,
  type OutputFacts,
} from "@relprop/core";
import { resizeText, type ArrayCard, type InputCard } from "@relprop/core/zoo";
import { chooseColoring, type ColormapName, type Normalization } from "@relprop/core/heatmap";
import { fittingLabels, isYesOrNo, namedCount, withPixelBounds } from "@relprop/core/internal";
import { without, type NamedOutput, type OtherReadings } from "./target-hints.ts";
import { readRequests, requestText, type AnswerRequest, type AnswerChoices } from "./answer-requests.ts";
import { cardOptions } from "../models/card-options.ts";
import { classRequest } from "./choose-classes.ts";
import { withoutUndefined } from "../without-undefined.ts";
import type { LoadedModel } from "../models/load-model.ts";
import { optionsOfMethod, type MethodChoice } from "./method-choice.ts";
import { nameOf, type AnswerNames } from "./score.ts";

/** The user's choices for a run. */
export interface RunChoices extends AnswerChoices {
  /** The class that the explained classes are compared to, written like `classes`. */
  readonly against?: string;
  readonly compile: CompileOptions;
  /** Whether one answer must be explained, not the whole prediction. */
  readonly needsAnswer?: boolean;
  /** How boxes are filtered. */
  readonly detection?: Pick<DetectionOptions, "threshold" | "overlap" | "format">;
  /** Another method than relevance propagation. */
  readonly method?: MethodChoice;
  readonly colormap?: string;
  readonly normalize?: Normalization;
  readonly level?: number;
  readonly clip?: number;
}

/** What is explained, and how the model is compiled. */
export interface CompileDecision {
  readonly options: CompileOptions | MethodOptions;
  /** Undefined: the whole prediction is explained. */
  readonly requests: readonly AnswerRequest[] | undefined;
  /** Whether the user named the requests; otherwise they are the output's default. */
  readonly isAsked: boolean;
  /** Index of the class that the explained classes are compared to. */
  readonly against: number | undefined;
  /** Names of the answer's numbers. */
  readonly names: NamedOutput;
}

/** A model, and what is known of it and its answer. */
export interface DecidedModel extends Pick<LoadedModel, "model" | "labelsFrom"> {
  readonly card: ArrayCard;
}

/**
 * Chooses what to explain and how: by {@link chooseExplanation} for relevance propagation; other methods use only the
 * shared options.
 * @param read reads the model for given options, @default readAnswer
 * @throws OptionError if a named part does not exist or must be named, or if options exclude each other
 */
export async function decideCompile(
  { model, card, labelsFrom }: DecidedModel,
  choices: RunChoices,
  read: (options: CompileOptions) => AnswerReading | Promise<AnswerReading> = (options) =>
    readAnswer(model, options),
): Promise<CompileDecision> {
  const { compile, method } = choices;
  const common: CompileOptions = {
    ...compile,
    ...(card.input && { reduce: compile.reduce ?? "channels", size: card.input.size }),
    ...cardOptions(card, model.graph, compile),
  };
  const found = await readFor(choices, common, model, read);
  const { facts } = found.reading;
  const count = namedCount(facts);
  const labels = fittingLabels(facts, card.labels, count);
  if (!labels && labelsFrom !== undefined) throw notFitting(labelsFrom, card.labels.length, facts, count);
  const names = {
    facts,
    labels: labels ?? [],
    count,
    unit: card.unit,
    ...(found.options.output !== common.output && { output: found.options.output }),
  };
  const isAsked = choices.against !== undefined || namesAnswer(choices);
  const isTarget = choices.needsAnswer === true || isAsked;
  const choice = chooseExplanation(found.reading, {
    ...withoutUndefined({ composite: compile.composite, seed: compile.seed, topK: compile.topK }),
    usual: { composite: card.composite, topK: card.topK },
    isTarget,
  });
  const isWhole = choice.isWhole && !method;
  const against =
    choices.against === undefined ? undefined : classAgainst(choices.against, names, choice.isWhole);
  const best = choices.against !== undefined && !namesAnswer(choices) ? ["top1"] : choices.classes;
  const asking = { names, isWhole, others: otherReadings(found.options, model, read), geometry: card.input };
  const requests = await readRequests({ ...choices, classes: best }, asking).catch((error: unknown) => {
    // Naming a part of the answer does not help where no part of it can be explained.
    checkExplainable(model, found.options);
    throw error;
  });
  if (isTarget && requests) checkSeed(choices);
  if (requests?.some((request) => request.kind === "class" && request.index === against)) {
    throw new OptionError({
      what: `cannot explain class ${against} rather than class ${against}`,
      why: "--class and --against name the same class",
      fix: "name another class",
    });
  }
  const options: CompileOptions = {
    ...found.options,
    target: requests ? "input" : "top1",
  };
  const decided = { requests, isAsked, against, names };
  if (method) return { ...decided, options: optionsOfMethod(method, options) };
  const { composite, seed, topK } = choice;
  const bounded = withPixelBounds({ ...options, composite, seed, topK }, card.input);
  return { ...decided, options: bounded };
}

/** @throws UnexplainableError if relevance cannot reach the input from any part of the output */
function checkExplainable(model: LoadedModel["model"], options: CompileOptions): void {
  try {
    compileModel(model, { ...options, target: "input" });
  } catch (error) {
    if (error instanceof UnexplainableError) throw error;
  }
}

const notFitting = (
  file: string,
  names: number,
  facts: OutputFacts,
  count: number | undefined,
): OptionError =>
  new OptionError({
    what: `cannot use the class names "${file}"`,
    why: `there are ${names}, and the output [${facts.shape.join(", ")}] has ${
      isYesOrNo(facts)
        ? "one number, which takes 1 name for yes, or 2 names for no and yes"
        : `${count} numbers to name`
    }`,
    fix: "give one name per number, in their order",
  });

const namesAnswer = ({ classes, targets, pixels, boxes }: AnswerChoices): boolean =>
  [classes, targets, pixels, boxes].some((named) => named.length > 0);

/** Reads the output to explain: the chosen one, the default one, or for --box the one that holds boxes. */
async function readFor(
  { boxes, compile }: RunChoices,
  common: CompileOptions,
  model: LoadedModel["model"],
  read: (options: CompileOptions) => AnswerReading | Promise<AnswerReading>,
): Promise<{ readonly reading: AnswerReading; readonly options: CompileOptions }> {
  const reading = await read(common);
  const usual = { reading, options: common };
  if (boxes.length === 0 || compile.output !== undefined || isBoxes(reading.facts)) return usual;
  const output = await otherReadings(common, model, read).outputOf(isBoxes);
  if (output === undefined) return usual;
  const { outputKind: _ofTheUsual, ...options } = { ...common, output };
  return { reading: await read(options), options };
}

const isBoxes = ({ kind }: OutputFacts): boolean => kind === "detections";

/** Tries other ways to read the model's outputs. */
function otherReadings(
  options: CompileOptions,
  { graph }: LoadedModel["model"],
  read: (options: CompileOptions) => AnswerReading | Promise<AnswerReading>,
): OtherReadings {
  const tryTo = async (wanted: CompileOptions): Promise<OutputFacts | undefined> => {
    try {
      return (await read(wanted)).facts;
    } catch (error) {
      if (error instanceof RelpropError) return undefined;
      throw error;
    }
  };
  return {
    canBe: async (outputKind, fits) => {
      const facts = await tryTo({ ...options, outputKind });
      return facts !== undefined && fits(facts);
    },
    outputOf: async (fits) => {
      for (const { name } of graph.outputs) {
        const { outputKind: _said, ...asRead } = options;
        const facts = await tryTo({ ...asRead, output: name });
        if (facts && fits(facts)) return name;
      }
      return undefined;
    },
  };
}

/** @throws OptionError if the seed does not fit the chosen classes */
export function checkSeed({ against, compile }: Pick<RunChoices, "against" | "compile">): void {
  if (compile.seed === "softmax") {
    throw new OptionError({
      what: `--${against === undefined ? "class" : "against"} and --seed softmax do not go together`,
      why: "the softmax explains the prediction as a whole",
      fix: "leave out one of them, or use --seed logit",
    });
  }
  if (against !== undefined && compile.seed === "contrastive") {
    throw new OptionError({
      what: "--against and --seed contrastive do not go together",
      why: "the seed compares with all other classes, --against with one of them",
      fix: "leave out one of them",
    });
  }
  if (against !== undefined && compile.seed === "one" && compile.ledger) {
    throw new OptionError({
      what: "--against, --seed one and --ledger do not go together",
      why: "relevance starts with +1 and −1; their sum is 0, so the ledger has no shares",
      fix: "leave out one of them, or use --seed logit",
    });
  }
}

/** Reads --against: one class, the same for all images. */
function classAgainst(text: string, names: CompileDecision["names"], isWhole: boolean): number {
  const { facts, labels, count } = names;
  if (facts.placeAxes.length > 0 || count === undefined || count < 2) {
    throw new OptionError({
      what: "cannot use --against",
      where: `output [${facts.shape.join(", ")}]`,
      why: `it is read as ${facts.kind}, not as a list of classes of known length`,
      fix: without("--against", names, isWhole),
    });
  }
  const request = classRequest(text, labels, count);
  if (request.kind === "class") return request.index;
  throw new OptionError({
    what: `cannot compare classes to "${text}"`,
    why: "it is not one class for all images",
    fix: "give --against an index or a name",
  });
}

/** How heatmaps are coloured: the options of renderHeatmap, fully decided. */
export interface Coloring {
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  readonly level: number;
  readonly clip: number;
}

/** Chooses colours as {@link usualColoring} does. A chosen colour map keeps the normalization of its kind. */
export function decideColoring(
  compiled: { readonly settings: Pick<CompiledFacts["settings"], "seed"> },
  choices: Omit<RunChoices, keyof AnswerChoices | "compile">,
): Coloring {
  const isSigned = compiled.settings.seed !== "softmax" && choices.method?.method !== "grad-cam";
  return { ...chooseColoring(isSigned, choices), level: choices.level ?? 1 };
}

/** The decisions as names and values: printed before the run and shown on the page. */
export function decisionsInWords(
  { card }: Pick<DecidedModel, "card">,
  compiled: CompiledFacts,
  { requests, isAsked, against, names, options }: CompileDecision,
  coloring: Coloring,
): [name: string, value: string][] {
  const { input, facts } = compiled;
  const explained = requests
    ? requests.map((each) => (isAsked ? requestText(each, names) : usualText(each, names))).join(", ")
    : "the whole prediction";
  const rather = against === undefined ? "" : ` rather than ${against} ${nameOf(names, against)}`;
  return [
    ["model", card.name],
    ["input", `[${input.shape.join(", ")}] ${input.dataType}`],
    ...(card.input ? [["preprocessing", preprocessingText(card.input)] satisfies [string, string]] : []),
    ["output", outputText(facts)],
    ["explains", explained + rather],
    ...("method" in options ? methodInWords(options) : relevanceInWords(compiled, options)),
    ["colours", coloringText(coloring)],
  ];
}

/** The default explanation, in words. */
const usualText = (request: AnswerRequest, names: AnswerNames): string => {
  if (names.facts.kind === "binary") return nameOf(names, 1);
  if (request.kind !== "top" || names.count === 1) return requestText(request, names);
  return names.facts.kind === "scores" ? "the highest number" : "the best class";
};

/** The kind of the output, and the reason for it. */
const outputText = ({ kind, why, shape }: OutputFacts): string => `${kind} [${shape.join(", ")}] (${why})`;

const numbers = (list: readonly number[]): string => list.map((n) => Number(n.toPrecision(6))).join(",");

const coloringText = ({ colormap, normalize, level, clip }: Coloring): string =>
  `${colormap}, ${normalize}${level === 1 ? "" : `, level ${level}`}${clip === 100 ? "" : `, clipped at ${clip} %`}`;

function preprocessingText(card: InputCard): string {
  const { channels, mean, std, scale } = card;
  return `${resizeText(card)}, ${channels}, scale ${scaleText(scale)}, mean ${numbers(mean)}, std ${numbers(std)}`;
}

const scaleText = (scale: number): string => (scale === 1 / 255 ? "1/255" : String(scale));

/** The decisions about relevance propagation. */
function relevanceInWords(
  { settings, plan }: CompiledFacts,
  { low, high }: CompileOptions,
): [name: string, value: string][] {
  const { composite, dialect, overrides, seed, topK, strides } = settings;
  return [
    ["composite", composite],
    ...(low === undefined || high === undefined
      ? []
      : [["bounds", `${numbers([low].flat())} to ${numbers([high].flat())}`] satisfies [string, string]]),
    ...(dialect === undefined ? [] : [["dialect", dialect] satisfies [string, string]]),
    ...overrides.map(({ pattern, choice }): [string, string] => [
      "rule",
      `${pattern}=${ruleText(choice)}${exceptionsIn(plan, pattern)}`,
    ]),
    ["seed", seed],
    ["filter", topK === 0 ? "off" : `keeps ${topK}`],
    ["strides", strides],
  ];
}

/** The operators that a pattern matches, and whose rule is for others. */
function exceptionsIn(plan: CompiledFacts["plan"], pattern: string): string {
  const passed = plan.filter(({ passedOver }) => passedOver?.includes(pattern));
  const operators = [...new Set(passed.map(({ operator }) => operator))];
  return operators.length === 0 ? "" : `, not for ${operators.join(", ")}`;
}

/** The decisions about another method. */
function methodInWords(options: CompileDecision["options"]): [name: string, value: string][] {
  const known = new Set(["method", "steps", "samples", "layer"]);
  return Object.entries(options).flatMap(([name, value]): [string, string][] =>
    known.has(name) && value !== undefined ? [[name, String(value)]] : [],
  );
}
