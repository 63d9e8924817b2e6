/** Options and result of a run. */

import type { Tensor as OrtTensor } from "onnxruntime-common";
import type { RankedClass } from "../answers/rank-classes.ts";
import type { OptionNames } from "../option-names.ts";
import type { Channels } from "./channels.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import type { Ledger } from "./read-ledger.ts";
import type { Target } from "./targets.ts";

/** Options of a run. */
export interface RunOptions {
  /**
   * The target, unless the seed is the softmax: a class index for all samples, one for each sample, or a tensor of the
   * output's shape ({@link contrastTarget}, {@link ratherThanTarget}, {@link maskTarget}, {@link parseTarget}). With
   * `maps: K` a class for each map, for each map of each sample (map after map), or a tensor [K·N, …]; by default the K best.
   * @default the highest number of a list of classes or scores (found by an extra run, unless the model was compiled with
   *   `target: "top1"`), a single number itself, the length of an embedding, or the next token of a language model;
   *   other outputs need a target
   */
  readonly target?: Target;
  /** The fraction that the relevance filter keeps, with `topK: "input"`. @default 0, all */
  readonly keep?: number;
  /** The channels of the layer that relevance goes through, with `concepts`. @default all */
  readonly channels?: Channels;
  /** The start of integrated gradients, with `baseline: "input"`: in the input's shape, or one sample for all. */
  readonly baseline?: FloatArray;
  /** The seed of SmoothGrad's noise, which is the same on every platform. @default 1 */
  readonly noiseSeed?: number;
  /** Values of the model's other inputs by name: tensors of the runtime, or numbers with dims. */
  readonly others?: Readonly<Record<string, OrtTensor | InputArray>>;
}

/** The names of {@link RunOptions}. */
export const runOptionNames: OptionNames<RunOptions> = {
  target: true,
  keep: true,
  channels: true,
  baseline: true,
  noiseSeed: true,
  others: true,
};

/** The result of one run. */
export interface Explanation {
  /** [N, C, H, W], or [N, H, W] with `reduce: "channels"`; with `maps: K` [K·N, …], map after map; unitless. */
  readonly relevance: FloatArray;
  /** The relevance of every explained input by name. That of the first input is `relevance`. */
  readonly relevances: Readonly<Record<string, FloatArray>>;
  /** The model's own outputs that hold floating-point numbers or the classes of boxes, by name. */
  readonly outputs: Readonly<Record<string, FloatArray>>;
  /** The explained tensor, in the shape of the output: its logits, if it ends in a response function such as a softmax. */
  readonly explained: FloatArray;
  /** The target: weights in the shape of `explained`, with `maps: K` [K·N, …]; undefined for the whole prediction, from the softmax. */
  readonly target?: FloatArray;
  /** ΣR that the relevance of each sample, and map, starts with. */
  readonly start: readonly number[];
  /** The five highest numbers of each sample, best first. Empty for outputs with several places, such as maps and boxes. */
  readonly top: readonly (readonly RankedClass[])[];
  /** Relevance of the layer's channels before masking, [N, C], with `concepts`. */
  readonly channelRelevance?: FloatArray;
  /** Where the relevance of each sample stayed, with `ledger: true`. */
  readonly ledgers?: readonly Ledger[];
}
