/** The maps of a picture's best classes at once: one pass of a session of its own. */

import {
  Explainer,
  OptionError,
  sourceOf,
  UnexplainableError,
  type AnswerReading,
  type CompileOptions,
  type Explanation,
  type FloatArray,
  type RankedClass,
  type RunSource,
} from "@relprop/core";
import { eachMap, ranksInGraph, sizeOf } from "@relprop/core/internal";
import type { ExplainRequest } from "./engine.ts";
import { startOf } from "./explain-options.ts";
import type { RunnerOptions } from "./runner-options.ts";

/** How many classes. */
const best = 5;
/** So many numbers of a picture are too many for several maps in memory at once. */
const mostNumbers = 1 << 20;

/** One class, its map, and the answer that both belong to. */
export interface BestMap {
  readonly ranked: RankedClass;
  readonly explanation: Explanation;
  readonly source: RunSource;
}

/** What is known of the model. */
interface MapsSource {
  readonly reading: AnswerReading;
  readonly runner: RunnerOptions;
  /** Whether one more session would take too much memory. */
  readonly isLarge: boolean;
  /** Options for an explainer of a composite. */
  readonly options: (composite: ExplainRequest["composite"]) => CompileOptions & { readonly model: unknown };
}

/** Keeps the session of the latest composite and filter. */
export class BestMaps {
  readonly #source: MapsSource;
  #kept: { readonly key: string; readonly explainer: Explainer | undefined } | undefined;

  constructor(source: MapsSource) {
    this.#source = source;
  }

  /** The classes with their maps, best first; none where several maps cannot be had from one pass. */
  async of(request: Omit<ExplainRequest, "picture" | "target">, input: FloatArray): Promise<BestMap[]> {
    const { isLarge, reading } = this.#source;
    if (isLarge || sizeOf(input.dims) > mostNumbers || !ranksInGraph(reading.facts)) return [];
    const explainer = await this.#explainer(request);
    if (!explainer) return [];
    const explanation = await explainer.explain(input, { keep: request.keep });
    const source = sourceOf(explainer, explanation);
    const [top = []] = explanation.top;
    return eachMap(explanation, explainer.compiled).flatMap((one, rank) => {
      const ranked = top[rank];
      return ranked ? [{ ranked, explanation: one, source }] : [];
    });
  }

  async dispose(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.explainer?.dispose();
  }

  async #explainer(request: Omit<ExplainRequest, "picture" | "target">): Promise<Explainer | undefined> {
    const { reading, runner, options } = this.#source;
    const { seed, topK } = startOf(reading, { ...request, target: { kind: "class", index: 0 } }).options;
    const key = JSON.stringify([request.composite, seed, topK]);
    if (this.#kept?.key === key) return this.#kept.explainer;
    await this.dispose();
    const classes = reading.facts.shape[reading.facts.classAxis ?? -1];
    const maps = typeof classes === "number" ? Math.min(best, classes) : best;
    const { ort, sessionOptions } = runner;
    const start = { ort, ...(sessionOptions && { sessionOptions }) };
    const made = explainerOf({ ...start, ...options(request.composite), seed, topK, target: "top1", maps });
    await made?.ready();
    this.#kept = { key, explainer: made };
    return made;
  }
}

/** @returns undefined where the model cannot have several maps */
function explainerOf(options: object): Explainer | undefined {
  try {
    return new Explainer(options as ConstructorParameters<typeof Explainer>[0]);
  } catch (error) {
    if (error instanceof OptionError || error instanceof UnexplainableError) return undefined;
    throw error;
  }
}
