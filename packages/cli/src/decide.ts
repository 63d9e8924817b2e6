/** Everything about a run that the user left open, decided in one place, and said in words. */

import {
  OptionError,
  suggestComposite,
  type CompiledFacts,
  type CompositeName,
  type CompileOptions,
  type MethodOptions,
} from "relprop";
import type { InputCard } from "relprop/zoo";
import { colormap, type ColormapName, type Normalization } from "relprop/heatmap";
import { classRequest, readableLabel, type ClassRequest } from "./choose-classes.ts";
import type { LoadedModel } from "./load-model.ts";
import { methodOptions, type MethodWish } from "./method-wish.ts";

/** What of a run the user decided. */
export interface Wishes {
  readonly classes: readonly string[];
  /** The class that those are told apart from, as `classes` are written. */
  readonly against?: string;
  readonly compile: CompileOptions;
  /** In place of relevance propagation. */
  readonly method?: MethodWish;
  readonly colormap?: string;
  readonly normalize?: Normalization;
  readonly level?: number;
  readonly clip?: number;
}

/** How the model is compiled. */
export interface CompileDecision {
  readonly options: CompileOptions | MethodOptions;
  /** Undefined: the prediction as a whole is explained. */
  readonly classes: readonly ClassRequest[] | undefined;
  /** Index of the class that the classes are told apart from. */
  readonly against: number | undefined;
}

/**
 * Chooses what to compile.
 * - No class asked for, a network of ReLUs: `fischer` from the softmax, its filter at the card's fraction (0.02 for
 *   VGG, 0.1 elsewhere): where the network looked.
 * - A class asked for: `epsilon-plus-ones` from that class's logit, unfiltered, so that signs and shares can be read.
 * - Other activations: `epsilon-plus` from the logit.
 * - A method: nothing of that, only what it shares with relevance propagation.
 * @param suggest finds the composite where none is chosen, @default suggestComposite
 * @throws OptionError if a class isn't there, or the softmax is asked to explain one class.
 */
export async function decideCompile(
  { model, card }: Pick<LoadedModel, "model" | "card">,
  wishes: Wishes,
  suggest: (options: CompileOptions) => CompositeName | Promise<CompositeName> = (options) =>
    suggestComposite(model, options),
): Promise<CompileDecision> {
  const { compile, method } = wishes;
  const output = compile.output ?? card.output;
  const count = classCount(model, output);
  const against = wishes.against === undefined ? undefined : classAgainst(wishes.against, card.labels, count);
  const asked = wishes.classes.map((text) => classRequest(text, card.labels, count));
  const best = { kind: "top", count: 1 } as const;
  const classes = asked.length > 0 ? asked : against === undefined ? undefined : [best];
  if (classes) checkSeed(wishes);
  if (classes?.some((request) => request.kind === "class" && request.index === against)) {
    throw new OptionError({
      what: `cannot explain class ${against} rather than class ${against}`,
      why: "--class and --against name the same class",
      fix: "name another class",
    });
  }
  const common: CompileOptions = {
    ...compile,
    reduce: compile.reduce ?? "channels",
    target: classes ? "input" : "top1",
    size: card.input.size,
    ...(output === undefined ? {} : { output }),
  };
  if (method) return { classes, against, options: methodOptions(method, common) };
  const known = compile.composite ?? (classes ? undefined : card.composite);
  const suggested = known ?? (await suggest(common));
  const composite =
    known === undefined && classes && suggested === "fischer" ? "epsilon-plus-ones" : suggested;
  const filter = composite === "fischer" && !classes ? (card.topK ?? 0.1) : 0;
  return {
    classes,
    against,
    options: {
      ...common,
      composite,
      topK: compile.topK ?? filter,
      ...(classes ? { seed: compile.seed ?? "logit" } : {}),
    },
  };
}

/** @throws OptionError if relevance is to start at something else than the classes asked for */
export function checkSeed({ classes, against, compile }: Wishes): void {
  if (compile.seed === "softmax") {
    throw new OptionError({
      what: `--${classes.length > 0 ? "class" : "against"} and --seed softmax do not go together`,
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
function classAgainst(text: string, labels: readonly string[], count: number | undefined): number {
  const request = classRequest(text, labels, count);
  if (request.kind === "class") return request.index;
  throw new OptionError({
    what: `cannot tell classes apart from "${text}"`,
    why: "it is not one class for all images",
    fix: "give --against an index or a name",
  });
}

function classCount(model: LoadedModel["model"], output: string | undefined): number | undefined {
  const { outputs } = model.graph;
  const chosen = output === undefined ? outputs[0] : outputs.find(({ name }) => name === output);
  const count = chosen?.shape.at(-1);
  return typeof count === "number" ? count : undefined;
}

/** How heatmaps are coloured: options of renderHeatmap, all decided. */
export interface Coloring {
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  readonly level: number;
  readonly clip: number;
}

/** Signed maps often have a few pixels, at borders above all, that would leave all others pale. */
const signedClip = 99.5;

/**
 * Chooses colours: relevance from the softmax is never negative with the rules made for it, and gets the seed's `afmhot`
 * from min to max, as do the maps of grad-cam; else signs count, and zero is the white middle of `bwr`. A map that was asked
 * for is used as its kind needs.
 */
export function decideColoring(compiled: CompiledFacts, wishes: Wishes): Coloring {
  const isPositive = compiled.settings.seed === "softmax" || wishes.method?.method === "grad-cam";
  const usual = isPositive ? "afmhot" : "bwr";
  const map = colormap(wishes.colormap ?? usual);
  const normalize = wishes.normalize ?? (map.kind === "diverging" ? "symmetric" : "min-max");
  const clip = wishes.clip ?? (normalize === "symmetric" ? signedClip : 100);
  return { colormap: map.name, normalize, level: wishes.level ?? 1, clip };
}

/** What was decided, as name and value: printed before the run and shown on the page. */
export function decisionsInWords(
  { card }: Pick<LoadedModel, "card">,
  compiled: CompiledFacts,
  { classes, against, options }: CompileDecision,
  coloring: Coloring,
): [name: string, value: string][] {
  const { settings, input } = compiled;
  const { channels, mean, std, scale } = card.input;
  const explained = classes
    ? classes.map((each) => requestText(each, card.labels)).join(", ")
    : wholeText(settings.seed);
  const rather = against === undefined ? "" : ` rather than ${classText(against, card.labels)}`;
  return [
    ["model", card.name],
    ["input", `[${input.shape.join(", ")}] ${input.dataType}`],
    [
      "preprocessing",
      `${resizeText(card.input)}, ${channels}, scale ${scaleText(scale)}, mean ${numbers(mean)}, std ${numbers(std)}`,
    ],
    ["classes", classesText(compiled)],
    ["explains", explained + rather],
    ...("method" in options ? methodInWords(options) : relevanceInWords(settings)),
    ["colours", coloringText(coloring)],
  ];
}

const numbers = (list: readonly number[]): string => list.map((n) => Number(n.toPrecision(6))).join(",");

const coloringText = ({ colormap, normalize, level, clip }: Coloring): string =>
  `${colormap}, ${normalize}${level === 1 ? "" : `, level ${level}`}${clip === 100 ? "" : `, clipped at ${clip} %`}`;

function resizeText({ resize, interpolation }: InputCard): string {
  const filter = interpolation === undefined ? "" : `, ${interpolation}`;
  if (typeof resize === "string") return resize + filter;
  const to =
    "stretch" in resize ? `stretched to ${resize.stretch.join("×")}` : `shorter side ${resize.shortSide}`;
  return `${to}${filter}, centre crop`;
}

const scaleText = (scale: number): string => (scale === 1 / 255 ? "1/255" : String(scale));

function classesText({ output }: CompiledFacts): string {
  const count = output.shape.at(-1);
  return count === undefined ? "unknown" : String(count);
}

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

const wholeText = (seed: string): string => (seed === "softmax" ? "the whole prediction" : "the best class");

const requestText = (request: ClassRequest, labels: readonly string[]): string =>
  request.kind === "top" ? `top${request.count}` : classText(request.index, labels);

const classText = (index: number, labels: readonly string[]): string =>
  `${index} ${readableLabel(labels[index] ?? "")}`.trim();
