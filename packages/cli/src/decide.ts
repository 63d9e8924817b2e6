/** Everything about a run that the user left open, decided in one place, and said in words. */

import { OptionError, suggestComposite, type Compiled, type CompileOptions } from "relprop";
import { colormap, type ColormapName, type Normalization } from "relprop/heatmap";
import { classRequest, readableLabel, type ClassRequest } from "./choose-classes.ts";
import type { LoadedModel } from "./load-model.ts";

/** What of a run the user decided. */
export interface Wishes {
  readonly classes: readonly string[];
  readonly compile: CompileOptions;
  readonly colormap?: string;
  readonly normalize?: Normalization;
  readonly level?: number;
  readonly clip?: number;
}

/** How the model is compiled. */
export interface CompileDecision {
  readonly options: CompileOptions;
  /** Undefined: the prediction as a whole is explained. */
  readonly classes: readonly ClassRequest[] | undefined;
}

/**
 * Chooses what to compile.
 * - No class asked for, a network of ReLUs: `fischer` from the softmax, its filter at the card's fraction (0.02 for
 *   VGG, 0.1 elsewhere): where the network looked.
 * - A class asked for: `epsilon-plus-ones` from that class's logit, unfiltered, so that signs and shares can be read.
 * - Other activations: `epsilon-plus` from the logit.
 * @throws OptionError if a class isn't there, or the softmax is asked to explain one class.
 */
export function decideCompile({ model, card }: LoadedModel, wishes: Wishes): CompileDecision {
  const { compile } = wishes;
  const count = classCount(model, compile.output ?? card.output);
  const asked = wishes.classes.map((text) => classRequest(text, card.labels, count));
  const classes = asked.length > 0 ? asked : undefined;
  const suggested = suggestComposite(model);
  const forClass = suggested === "fischer" ? "epsilon-plus-ones" : suggested;
  const composite = compile.composite ?? (classes ? forClass : (card.composite ?? suggested));
  if (classes && compile.seed === "softmax") {
    throw new OptionError({
      what: "--class and --seed softmax do not go together",
      why: "the softmax explains the prediction as a whole",
      fix: "leave one of them out, or use --seed logit",
    });
  }
  const filter = composite === "fischer" && !classes ? (card.topK ?? 0.1) : 0;
  const output = compile.output ?? card.output;
  return {
    classes,
    options: {
      ...compile,
      composite,
      topK: compile.topK ?? filter,
      reduce: compile.reduce ?? "channels",
      target: classes ? "input" : "top1",
      size: card.input.size,
      ...(classes ? { seed: compile.seed ?? "logit" } : {}),
      ...(output === undefined ? {} : { output }),
    },
  };
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
 * from min to max; else signs count, and zero is the white middle of `bwr`. A map that was asked for is used as its kind needs.
 */
export function decideColoring(compiled: Compiled, wishes: Wishes): Coloring {
  const usual = compiled.settings.seed === "softmax" ? "afmhot" : "bwr";
  const map = colormap(wishes.colormap ?? usual);
  const normalize = wishes.normalize ?? (map.kind === "diverging" ? "symmetric" : "min-max");
  const clip = wishes.clip ?? (normalize === "symmetric" ? signedClip : 100);
  return { colormap: map.name, normalize, level: wishes.level ?? 1, clip };
}

/** What was decided, as name and value: printed before the run and shown on the page. */
export function decisionsInWords(
  loaded: LoadedModel,
  compiled: Compiled,
  classes: CompileDecision["classes"],
  coloring: Coloring,
): [name: string, value: string][] {
  const { card } = loaded;
  const { settings, input } = compiled;
  const { channels, mean, std, scale, resize } = card.input;
  const resized = typeof resize === "string" ? resize : `shorter side ${resize.shortSide}, centre crop`;
  return [
    ["model", card.name],
    ["input", `[${input.shape.join(", ")}] ${input.dataType}`],
    [
      "preprocessing",
      `${resized}, ${channels}, scale ${scaleText(scale)}, mean ${numbers(mean)}, std ${numbers(std)}`,
    ],
    ["classes", classesText(compiled)],
    [
      "explains",
      classes ? classes.map((each) => requestText(each, card.labels)).join(", ") : wholeText(settings.seed),
    ],
    ["composite", settings.composite],
    ["seed", settings.seed],
    ["filter", settings.topK === 0 ? "off" : `keeps ${settings.topK}`],
    ["strides", settings.strides],
    ["colours", coloringText(coloring)],
  ];
}

const numbers = (list: readonly number[]): string => list.map((n) => Number(n.toPrecision(6))).join(",");

const coloringText = ({ colormap, normalize, level, clip }: Coloring): string =>
  `${colormap}, ${normalize}${level === 1 ? "" : `, level ${level}`}${clip === 100 ? "" : `, clipped at ${clip} %`}`;

const scaleText = (scale: number): string => (scale === 1 / 255 ? "1/255" : String(scale));

function classesText({ output }: Compiled): string {
  const count = output.shape.at(-1);
  return count === undefined ? "unknown" : String(count);
}

const wholeText = (seed: string): string => (seed === "softmax" ? "the whole prediction" : "the best class");

const requestText = (request: ClassRequest, labels: readonly string[]): string =>
  request.kind === "top"
    ? `top${request.count}`
    : `${request.index} ${readableLabel(labels[request.index] ?? "")}`.trim();
