/** Everything about a run that the user left open, decided in one place, and said in words. */

import {
  chooseExplanation,
  fittingLabels,
  isYesOrNo,
  OptionError,
  readAnswer,
  RelpropError,
  type AnswerReading,
  type CompiledFacts,
  type CompileOptions,
  type DetectionOptions,
  type MethodOptions,
  type OutputFacts,
} from "@relprop/core";
import { resizeText } from "@relprop/core/zoo";
import { chooseColoring, type ColormapName, type Normalization } from "@relprop/core/heatmap";
import { without, type NamedOutput, type OtherReadings } from "./answer-ways.ts";
import { readRequests, requestText, type AnswerRequest, type AnswerChoices } from "./answer-requests.ts";
import { cardOptions } from "../models/card-options.ts";
import { classRequest } from "./choose-classes.ts";
import { given } from "../given.ts";
import type { LoadedModel } from "../models/load-model.ts";
import { optionsOfMethod, type MethodChoice } from "./method-choice.ts";
import { nameOf, type AnswerNames } from "./score.ts";

/** What of a run the user decided. */
export interface RunChoices extends AnswerChoices {
  /** The class that those are told apart from, as `classes` are written. */
  readonly against?: string;
  readonly compile: CompileOptions;
  /** Whether one answer has to be explained, and not the prediction as a whole. */
  readonly needsAnswer?: boolean;
  /** How boxes are sorted out. */
  readonly detection?: Pick<DetectionOptions, "threshold" | "overlap" | "format">;
  /** In place of relevance propagation. */
  readonly method?: MethodChoice;
  readonly colormap?: string;
  readonly normalize?: Normalization;
  readonly level?: number;
  readonly clip?: number;
}

/** How the model is compiled. */
export interface CompileDecision {
  readonly options: CompileOptions | MethodOptions;
  /** Undefined: the prediction as a whole is explained. */
  readonly requests: readonly AnswerRequest[] | undefined;
  /** Whether the user named them; else they are what is usual for the output. */
  readonly isAsked: boolean;
  /** Index of the class that the classes are told apart from. */
  readonly against: number | undefined;
  /** What the answer's numbers are called. */
  readonly names: NamedOutput;
}

/**
 * Chooses what to explain and how: {@link chooseExplanation} for relevance propagation; of a method nothing but what it
 * shares with it.
 * @param read reads the model for options, @default readAnswer
 * @throws OptionError if what is named isn't there, has to be named, or does not go together
 */
export async function decideCompile(
  { model, card, labelsFrom }: Pick<LoadedModel, "model" | "card" | "labelsFrom">,
  choices: RunChoices,
  read: (options: CompileOptions) => AnswerReading | Promise<AnswerReading> = (options) =>
    readAnswer(model, options),
): Promise<CompileDecision> {
  const { compile, method } = choices;
  const common: CompileOptions = {
    ...compile,
    reduce: compile.reduce ?? "channels",
    size: card.input.size,
    ...cardOptions(card, model.graph, compile),
  };
  refuseOtherInputs(model, common.input);
  const found = await readFor(choices, common, model, read);
  const { facts } = found.reading;
  const size = facts.classAxis === undefined ? 1 : facts.shape[facts.classAxis];
  const count = facts.detections?.classes ?? (typeof size === "number" ? size : undefined);
  const fits = doNamesFit(facts, card.labels.length, count);
  if (!fits && labelsFrom !== undefined) throw notFitting(labelsFrom, card.labels.length, facts, count);
  const names = {
    facts,
    labels: fits ? fittingLabels(facts, card.labels, count) : [],
    count,
    unit: card.unit,
    ...(found.options.output !== common.output && { output: found.options.output }),
  };
  const isAsked = choices.against !== undefined || namesAnswer(choices);
  const isTarget = choices.needsAnswer === true || isAsked;
  const choice = chooseExplanation(found.reading, {
    ...given({ composite: compile.composite, seed: compile.seed, topK: compile.topK }),
    usual: { composite: card.composite, topK: card.topK },
    isTarget,
  });
  const isWhole = choice.isWhole && !method;
  const against =
    choices.against === undefined ? undefined : classAgainst(choices.against, names, choice.isWhole);
  const best = choices.against !== undefined && !namesAnswer(choices) ? ["top1"] : choices.classes;
  const asking = { names, isWhole, others: otherReadings(found.options, model, read), geometry: card.input };
  const requests = await readRequests({ ...choices, classes: best }, asking);
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
  return { ...decided, options: { ...options, composite, seed, topK } };
}

/** Whether so many names can be those of an output's numbers; one sigmoid has a name for yes, or one each for no and yes. */
function doNamesFit(facts: OutputFacts, names: number, count: number | undefined): boolean {
  if (names === 0) return true;
  if (isYesOrNo(facts)) return names <= 2;
  const isNamed = facts.kind !== "embedding" && facts.isRanked !== true;
  return !isNamed || count === undefined || names === count;
}

const notFitting = (
  file: string,
  names: number,
  facts: OutputFacts,
  count: number | undefined,
): OptionError =>
  new OptionError({
    what: `cannot use the class names "${file}"`,
    why: `they are ${names}, and the output [${facts.shape.join(", ")}] has ${
      isYesOrNo(facts)
        ? "one number, of which 1 or 2 names say yes, or no and yes"
        : `${count} of them to name`
    }`,
    fix: "give one name for each, in their order",
  });

const namesAnswer = ({ classes, targets, pixels, boxes }: AnswerChoices): boolean =>
  [classes, targets, pixels, boxes].some((named) => named.length > 0);

/** Reads the output that is meant: the one asked for, the usual one, or for boxes the one that has them with their scores. */
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

/** What the model's outputs could be besides what is explained. */
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

/** Only pictures are fed; whatever else the model needs must be known before a run. */
function refuseOtherInputs({ graph }: LoadedModel["model"], input: string | undefined): void {
  const picture =
    graph.inputs.find(({ name }) => name === input) ??
    graph.inputs.find(({ dataType }) => dataType.startsWith("float"));
  const others = graph.inputs.filter(({ name }) => name !== picture?.name && !graph.initializers.has(name));
  if (others.length === 0) return;
  const list = others.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
  throw new OptionError({
    what: "cannot explain pictures with this model",
    why: `besides the picture "${picture?.name}" it needs ${list.join(", ")}`,
    fix: "write the explanation as a graph with `relprop compile`, which takes all inputs and gives the relevance of each",
  });
}

/** @throws OptionError if relevance is to start at something else than the classes asked for */
export function checkSeed({ against, compile }: Pick<RunChoices, "against" | "compile">): void {
  if (compile.seed === "softmax") {
    throw new OptionError({
      what: `--${against === undefined ? "class" : "against"} and --seed softmax do not go together`,
      why: "the softmax explains the prediction as a whole",
      fix: "leave one of them out, or use --seed logit",
    });
  }
  if (against !== undefined && compile.seed === "one" && compile.ledger) {
    throw new OptionError({
      what: "--against, --seed one and --ledger do not go together",
      why: "relevance starts with +1 and −1, and of their sum, 0, there are no shares to keep account of",
      fix: "leave one of them out, or use --seed logit",
    });
  }
}

/** One class, the same for all images. */
function classAgainst(text: string, names: CompileDecision["names"], isWhole: boolean): number {
  const { facts, labels, count } = names;
  if (facts.placeAxes.length > 0 || count === undefined || count < 2) {
    throw new OptionError({
      what: "cannot use --against",
      where: `output [${facts.shape.join(", ")}]`,
      why: `it is read as ${facts.kind}, which is no list of classes of known length`,
      fix: without("--against", names, isWhole),
    });
  }
  const request = classRequest(text, labels, count);
  if (request.kind === "class") return request.index;
  throw new OptionError({
    what: `cannot tell classes apart from "${text}"`,
    why: "it is not one class for all images",
    fix: "give --against an index or a name",
  });
}

/** How heatmaps are coloured: options of renderHeatmap, all decided. */
export interface Coloring {
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  readonly level: number;
  readonly clip: number;
}

/** Chooses colours, as {@link usualColoring} has them. A map that was asked for is used as its kind needs. */
export function decideColoring(
  compiled: CompiledFacts,
  choices: Omit<RunChoices, keyof AnswerChoices | "compile">,
): Coloring {
  const isSigned = compiled.settings.seed !== "softmax" && choices.method?.method !== "grad-cam";
  return { ...chooseColoring(isSigned, choices), level: choices.level ?? 1 };
}

/** What was decided, as name and value: printed before the run and shown on the page. */
export function decisionsInWords(
  { card }: Pick<LoadedModel, "card">,
  compiled: CompiledFacts,
  { requests, isAsked, against, names, options }: CompileDecision,
  coloring: Coloring,
): [name: string, value: string][] {
  const { settings, input, facts } = compiled;
  const { channels, mean, std, scale } = card.input;
  const explained = requests
    ? requests.map((each) => (isAsked ? requestText(each, names) : usualText(each, names))).join(", ")
    : "the whole prediction";
  const rather = against === undefined ? "" : ` rather than ${against} ${nameOf(names, against)}`;
  return [
    ["model", card.name],
    ["input", `[${input.shape.join(", ")}] ${input.dataType}`],
    [
      "preprocessing",
      `${resizeText(card.input)}, ${channels}, scale ${scaleText(scale)}, mean ${numbers(mean)}, std ${numbers(std)}`,
    ],
    ["output", outputText(facts)],
    ["explains", explained + rather],
    ...("method" in options ? methodInWords(options) : relevanceInWords(settings)),
    ["colours", coloringText(coloring)],
  ];
}

/** What is explained where nothing is named. */
const usualText = (request: AnswerRequest, names: AnswerNames): string => {
  if (names.facts.kind === "binary") return nameOf(names, 1);
  if (request.kind !== "top" || names.count === 1) return requestText(request, names);
  return names.facts.kind === "scores" ? "the highest number" : "the best class";
};

/** What the output is taken for, and why. */
const outputText = ({ kind, why, shape }: OutputFacts): string => `${kind} [${shape.join(", ")}] (${why})`;

const numbers = (list: readonly number[]): string => list.map((n) => Number(n.toPrecision(6))).join(",");

const coloringText = ({ colormap, normalize, level, clip }: Coloring): string =>
  `${colormap}, ${normalize}${level === 1 ? "" : `, level ${level}`}${clip === 100 ? "" : `, clipped at ${clip} %`}`;

const scaleText = (scale: number): string => (scale === 1 / 255 ? "1/255" : String(scale));

/** Of a decision about relevance propagation. */
function relevanceInWords(settings: CompiledFacts["settings"]): [name: string, value: string][] {
  const { composite, dialect, seed, topK, strides } = settings;
  return [
    ["composite", composite],
    ...(dialect === undefined ? [] : [["dialect", dialect] satisfies [string, string]]),
    ["seed", seed],
    ["filter", topK === 0 ? "off" : `keeps ${topK}`],
    ["strides", strides],
  ];
}

/** Of a decision about another method: what was chosen about it. */
function methodInWords(options: CompileDecision["options"]): [name: string, value: string][] {
  const known = new Set(["method", "steps", "samples", "layer"]);
  return Object.entries(options).flatMap(([name, value]): [string, string][] =>
    known.has(name) && value !== undefined ? [[name, String(value)]] : [],
  );
}
