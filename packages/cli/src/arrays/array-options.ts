/** The options of a run on arrays. */

import type { FixedInputs } from "@relprop/core";
import type { Theme } from "@relprop/core/heatmap";
import type { InputOptions } from "@relprop/core/zoo";
import type { RunChoices } from "../run/decide.ts";
import type { RunOptions } from "../run/run-inputs.ts";

/** All options of a run on arrays. */
export interface ArrayRunOptions extends Omit<RunOptions, "batch">, RunChoices {
  readonly model: string;
  readonly card?: string;
  readonly labels?: string;
  /** Samples at a time. @default as many as fit well */
  readonly batch?: number;
  /** Files of further inputs, by the input's name. */
  readonly feeds: ReadonlyMap<string, string>;
  /** Inputs that are fixed to constants. */
  readonly set?: FixedInputs;
  /** Names of the columns that are features. */
  readonly columns?: readonly string[];
  /** Names of features, in place of the file's and the card's. */
  readonly features?: readonly string[];
  /** Samples of a signal per second. */
  readonly rate?: number;
  /** Windows of a sound in seconds: their length, and from the beginning of one to that of the next. */
  readonly window?: number;
  readonly hop?: number;
  /** Where to begin and to end in a sound, in seconds. */
  readonly from?: number;
  readonly to?: number;
  /** Whether films of a folder are explained, by their sound. */
  readonly hasFilms?: boolean;
  /** The number of samples of a file that a figure is drawn of. */
  readonly figures: number;
  /** Whether figures are written as SVG, too. */
  readonly svg: boolean;
  readonly theme: Theme;
  /** Preprocessing of pictures, if one of the inputs takes them. */
  readonly pictures: InputOptions;
}
