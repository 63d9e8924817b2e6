/** What of an array's samples is drawn. */

import type { FloatArray } from "@relprop/core";
import type { RowSample } from "./row-sample.ts";
import type { ExplainedAnswer } from "../run/explain-batch.ts";
import type { SoundPlan } from "../sounds/sound-plan.ts";
import type { WaveSketch } from "../sounds/wave-sketch.ts";

/** A drawing of one sample, or of all. */
export interface Drawn {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly files: Readonly<Record<string, string>>;
}

/** An explained input of a sample, as it is drawn. */
export interface ShownInput {
  readonly input: string;
  readonly values: FloatArray;
  readonly relevance: FloatArray;
  /** Names of its elements, if columns of a table feed it. */
  readonly names?: readonly string[];
  /** The file that feeds it, if a picture or a table's cell does. */
  readonly file?: string;
}

/** What is explained in all samples, and how much of it reached them. */
export interface DrawnAll {
  readonly asked: string;
  readonly verdict?: string;
}

/** Draws figures. */
export interface Drawer {
  /**
   * Draws inputs of a sample.
   * @param name of the files, without ending
   * @param isAlone whether no other input is explained
   */
  readonly sample: (
    name: string,
    sample: number,
    shown: readonly ShownInput[],
    answer: ExplainedAnswer,
    isAlone: boolean,
  ) => Promise<readonly Drawn[]>;
  /** Draws all rows of a table. */
  readonly summary: (
    name: string,
    rows: RowSample,
    all: DrawnAll,
    columns: readonly string[],
  ) => Promise<Drawn>;
  /** Draws a sound, all its windows together. */
  readonly sound: (name: string, wave: WaveSketch, all: DrawnAll, plan: SoundPlan) => Promise<Drawn>;
}
