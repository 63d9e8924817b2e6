/** The concepts behind an answer: a layer's strongest channels, each with its own relevance of the input. */

import { layerPassage, type KeptShares, type LayerPassage } from "./concept-ledger.ts";
import { OptionError } from "../errors.ts";
import { channelsInput } from "../relevance/concepts.ts";
import type { Explainer } from "./explainer.ts";
import type { Explanation, RunOptions } from "./explanation.ts";
import type { FloatArray } from "./float-array.ts";
import { sizeAlong } from "../onnx/axis.ts";
import { sure } from "../sure.ts";
import type { Ledger } from "./read-ledger.ts";
import type { Target } from "./targets.ts";

/** One channel of the layer, in one sample. */
export interface Concept {
  /** Its index. */
  readonly channel: number;
  /** ΣR of the channel, unitless: above 0 it speaks for the target, below 0 against it. */
  readonly channelRelevance: number;
  /** ΣR of the channel divided by Σ|R| of all channels; 0 if all are 0. */
  readonly share: number;
  /** Relevance of the input that flowed through this channel: [1, C, H, W], or [1, H, W] with `reduce: "channels"`. */
  readonly relevance: FloatArray;
  /**
   * ΣR that the layer and the layers below it kept, by cause. With the relevance of the inputs it adds up to
   * `channelRelevance`. Needs `ledger: true`, and a graph that keeps samples apart.
   */
  readonly kept?: KeptShares;
}

/** The relevance of a layer, in one sample. */
export interface LayerConcepts {
  /** The channels with the largest |ΣR|, strongest first. */
  readonly concepts: readonly Concept[];
  /** ΣR that relevance started with. What did not pass the layer flowed around it, or stayed above it. */
  readonly start: number;
  /** ΣR of the layer, all channels together. */
  readonly passed: number;
  /** ΣR that flowed around the layer. Needs `ledger: true`, and a graph that keeps samples apart. */
  readonly around?: number;
  /** ΣR that nodes above the layer kept. Needs the same. */
  readonly above?: number;
}

/** Options of {@link conceptHeatmaps}. */
export interface ConceptHeatmapOptions extends Omit<RunOptions, "channels" | "baseline" | "noiseSeed"> {
  /** How many channels for each sample; the layer, or the maps of a pass with `channels: "strongest"`, may be fewer. @default 5 */
  readonly count?: number;
  /** An explanation of this input and target by this explainer, if there is one. @default it is made */
  readonly first?: Explanation;
  /** Samples in one run, if the batch is the first axis and open. @default 8, or as many as the input has */
  readonly batch?: number;
}

/**
 * Finds the channels of the layer with the largest |ΣR| for each sample, and explains the sample through each alone.
 * The explainer must have been compiled with `concepts`.
 *
 * ```ts
 * const explainer = new Explainer({ ort, model, composite: "epsilon-plus", concepts: { layer: "layer4.2.conv3" } });
 * const [{ concepts }] = await conceptHeatmaps(explainer, input, { target: 285, count: 3 });
 * ```
 *
 * @returns the concepts of each sample, and how much of its relevance passed the layer
 * @throws OptionError if the explainer was made without a layer, or an option cannot be used
 */
export async function conceptHeatmaps(
  explainer: Explainer,
  input: FloatArray,
  options: ConceptHeatmapOptions = {},
): Promise<LayerConcepts[]> {
  const { count = 5, batch = 8, first, ...run } = options;
  if (!Number.isInteger(count) || count < 1) {
    throw new OptionError({ what: `cannot take ${count} concepts`, why: "it is a whole number from 1" });
  }
  const whole = first ?? (await explainer.explain(input, run));
  if (!whole.channelRelevance) {
    throw new OptionError({
      what: "cannot find concepts",
      why: "the explainer was made without a layer to take them from",
      fix: 'make it with concepts: { layer: "NODE" }',
    });
  }
  const { channelRelevance } = whole;
  const samples = sizeAlong(channelRelevance.dims, 0);
  const { compiled } = explainer;
  // If the graph takes the strongest itself, the first run is all.
  const isDone = !compiled.added.some(({ name }) => name === channelsInput);
  const strongest = strongestChannels(channelRelevance, isDone ? Math.min(count, compiled.maps) : count);
  const target = run.target ?? whole.target;
  // Each rank needs a pass over the whole input. An open batch takes several ranks in one run.
  const isFixed =
    compiled.batchAxis !== 0 || typeof compiled.input.shape[0] === "number" || run.others !== undefined;
  const ranks = strongest[0]?.length ?? 0;
  const most = Math.max(1, Math.floor(batch / samples));
  const ranksPerRun = isDone ? ranks : isFixed ? 1 : Math.min(ranks, most);

  const concepts: Concept[][] = strongest.map(() => []);
  for (let rank = 0; rank < ranks; rank += ranksPerRun) {
    const copies = Math.min(ranksPerRun, ranks - rank);
    const asked = Array.from({ length: copies * samples }, (_, i) =>
      sure(strongest[i % samples]?.[rank + Math.floor(i / samples)]),
    );
    const explained = isDone
      ? whole
      : await explainer.explain(repeated(input, copies), {
          ...run,
          channels: asked.map(({ channel }) => channel),
          ...(target === undefined ? {} : { target: repeatedTarget(target, copies) }),
        });
    for (const [i, found] of asked.entries()) {
      const kept = passageOf(explained.ledgers, isDone ? compiled.maps * samples : asked.length, i)?.kept;
      const relevance = sampleOf(explained.relevance, i);
      concepts[i % samples]?.push({ ...found, relevance, ...(kept && { kept }) });
    }
  }
  return concepts.map((found, sample) => layerOf(found, sample));

  function layerOf(found: readonly Concept[], sample: number): LayerConcepts {
    const passage = passageOf(whole.ledgers, isDone ? compiled.maps * samples : samples, sample);
    return {
      concepts: found,
      start: sure(whole.start[sample]),
      passed: passedIn(channelRelevance, sample),
      ...(passage && { around: passage.around, above: passage.above }),
    };
  }

  /** The passage of a sample; undefined without a ledger for each sample. */
  function passageOf(
    ledgers: readonly Ledger[] | undefined,
    count: number,
    sample: number,
  ): LayerPassage | undefined {
    const ledger = ledgers?.length === count ? ledgers[sample] : undefined;
    return ledger && layerPassage(ledger, compiled.concepts?.node ?? "");
  }
}

type Strong = Omit<Concept, "relevance">;

function strongestChannels({ data, dims }: FloatArray, count: number): Strong[][] {
  const [samples = 0, channels = 0] = dims;
  return Array.from({ length: samples }, (_, sample) => {
    const sums = data.subarray(sample * channels, (sample + 1) * channels);
    const total = sums.reduce((a, n) => a + Math.abs(n), 0);
    return Array.from(sums, (channelRelevance, channel) => ({
      channel,
      channelRelevance,
      share: total === 0 ? 0 : channelRelevance / total,
    }))
      .sort((a, c) => Math.abs(c.channelRelevance) - Math.abs(a.channelRelevance))
      .slice(0, count);
  });
}

/** ΣR over a sample's channels. */
function passedIn({ data, dims }: FloatArray, sample: number): number {
  const channels = sizeAlong(dims, 1);
  return data.subarray(sample * channels, (sample + 1) * channels).reduce((a, n) => a + n, 0);
}

function repeated({ data, dims }: FloatArray, copies: number): FloatArray {
  if (copies === 1) return { data, dims };
  const [samples = 1, ...rest] = dims;
  const all = new Float32Array(data.length * copies);
  for (let copy = 0; copy < copies; copy++) all.set(data, copy * data.length);
  return { data: all, dims: [samples * copies, ...rest] };
}

function repeatedTarget(target: Target, copies: number): Target {
  if (typeof target === "number") return target;
  if (target instanceof Float32Array) return repeated({ data: target, dims: [target.length] }, copies).data;
  if ("data" in target) return repeated(target, copies);
  return Array.from({ length: copies }, () => target).flat();
}

function sampleOf({ data, dims }: FloatArray, sample: number): FloatArray {
  const [samples = 1, ...rest] = dims;
  const size = data.length / samples;
  return { data: data.slice(sample * size, (sample + 1) * size), dims: [1, ...rest] };
}
