/** What a run explains, and what it gives. */

import type { Tensor as OrtTensor } from "onnxruntime-common";
import type { RankedClass } from "../answers/rank-classes.ts";
import type { OptionNames } from "../option-names.ts";
import type { Channels } from "./channels.ts";
import type { FloatArray, InputArray } from "./float-array.ts";
import type { Ledger } from "./read-ledger.ts";
import type { Target } from "./targets.ts";

/** What one run explains, and what it is fed besides the input. */
export interface RunOptions {
  /**
   * What is explained, where the seed asks for it: a class index for all samples, one for each, or a tensor of the
   * output's shape ({@link contrastTarget}, {@link ratherThanTarget}, {@link maskTarget}, {@link parseTarget}).
   * @default each sample's highest number where the output is a list of classes or scores, which takes a run of its own to
   *   find (`target: "top1"` at compile time does not); the number itself where there is one; the length of an embedding; the
   *   next token of a language model; else it must be given
   */
  readonly target?: Target;
  /** The fraction the relevance filter keeps, with `topK: "input"`. @default 0, all */
  readonly keep?: number;
  /** The channels of the layer that relevance goes through, with `concepts`. @default all */
  readonly channels?: Channels;
  /** Where integrated gradients start, with `baseline: "input"`: in the input's shape, or one sample for all. */
  readonly baseline?: FloatArray;
  /** What SmoothGrad's noise is drawn from: the same seed gives the same noise everywhere. @default 1 */
  readonly noiseSeed?: number;
  /** Values of the model's other inputs, if it has any, by name: tensors of the runtime, or numbers and their dims. */
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
  /** [N, C, H, W], or [N, H, W] with `reduce: "channels"`; unitless. */
  readonly relevance: FloatArray;
  /** The relevance of every explained input, by the input's name; the first one's is `relevance`. */
  readonly relevances: Readonly<Record<string, FloatArray>>;
  /** The model's own outputs that hold floating-point numbers, by name. */
  readonly outputs: Readonly<Record<string, FloatArray>>;
  /** The explained tensor, in the shape of its output: the logits where that ends in softmax, sigmoid or another response. */
  readonly explained: FloatArray;
  /** What was explained of it: weights in its shape; undefined for the whole prediction, from the softmax. */
  readonly target?: FloatArray;
  /** ΣR that each sample's relevance starts with. */
  readonly start: readonly number[];
  /** For each sample the five highest numbers, best first. Empty for outputs that have several places, as maps and boxes. */
  readonly top: readonly (readonly RankedClass[])[];
  /** Relevance of the layer's channels before any is masked, [N, C], with `concepts`. */
  readonly channelRelevance?: FloatArray;
  /** Where the relevance of each sample stayed, with `ledger: true`. */
  readonly ledgers?: readonly Ledger[];
}
