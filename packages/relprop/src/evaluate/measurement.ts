/** One map of one input, and what is measured about it. Curves that several metrics read are computed once. */

import { InputError } from "../errors.ts";
import { fillerOf, momentsOf, type BaselineName, type Filler, type Removable } from "./baselines.ts";
import { normalNumbers } from "../random.ts";
import { pixelCells, relevanceOfCells, type Cells } from "./layout.ts";
import {
  orderOf,
  removalSteps,
  removedInputs,
  sharesLeft,
  type Curve,
  type First,
  type Scores,
  type WatchedNumber,
} from "./removal.ts";
import { randomSubsets, subsetEffects, type SubsetEffects } from "./subsets.ts";
import { superpixels } from "./superpixels.ts";
import { sure } from "../sure.ts";

/** An input and its answer. */
export interface Subject extends Removable {
  /** What is removed together. */
  readonly cells: Cells;
  /** Runs the model on changed inputs. */
  readonly scores: Scores;
  /** The number that is watched. */
  readonly answer: WatchedNumber;
  /** Black in the units of the input. @default 0 */
  readonly black?: readonly number[];
  /** Where the object is: 1 for its places. */
  readonly mask?: Uint8Array;
  /** Steps of the network, in pixels, for the grid score. */
  readonly strides?: readonly number[];
}

/** What explains an input; all maps have one number for each place. */
export interface MapSource {
  /** The map that is measured. */
  readonly map: Float32Array;
  /** Explains another input, the same part of its answer. */
  readonly explain?: (input: Float32Array) => Promise<Float32Array>;
  /** Explains another part of the answer that is drawn at random. */
  readonly explainOther?: (seed: number) => Promise<Float32Array | undefined>;
  /** Explains the input by the network whose last layers have weights in random order. @param share of all layers */
  readonly explainRandomized?: (share: number) => Promise<Float32Array>;
}

/** How metrics are computed. */
export interface MeasureOptions {
  /** What removed parts are filled with. @default mean */
  readonly baseline?: BaselineName;
  /** Points of a curve besides the first. @default 32 */
  readonly steps?: number;
  /** Random subsets, and noisy copies, for the metrics that draw them. @default 100 and 10 */
  readonly subsets?: number;
  /** The seed of all random numbers. @default 1 */
  readonly seed?: number;
}

/** Cells that curves are measured over. */
export type CellKind = "cells" | "pixels" | "superpixels";

/** What share of a deviation noise has after imputation: Rong et al. 2022. */
const imputedNoise = 0.01;

/** One map of one input. */
export class Measurement {
  /** The input. */
  readonly subject: Subject;
  /** The map, and further ones. */
  readonly source: MapSource;
  /** The settings, complete. */
  readonly options: Required<MeasureOptions>;
  readonly #curves = new Map<string, Promise<Curve>>();
  readonly #cells = new Map<CellKind, Cells>();
  #fill: Filler | undefined;

  /** @throws InputError if the map has numbers that are NaN or infinite, or another size than the input */
  constructor(subject: Subject, source: MapSource, options: MeasureOptions = {}) {
    checkMap(source.map, subject);
    this.subject = subject;
    this.source = source;
    this.options = { baseline: "mean", steps: 32, subsets: 100, seed: 1, ...options };
  }

  /** The baseline's filler. */
  get fill(): Filler {
    const { baseline, seed } = this.options;
    const { black } = this.subject;
    this.#fill ??= fillerOf(baseline, this.subject, { seed, ...(black && { black }) });
    return this.#fill;
  }

  /** The cells of a kind. */
  cells(kind: CellKind): Cells {
    const { subject } = this;
    const found =
      this.#cells.get(kind) ??
      (kind === "cells"
        ? subject.cells
        : kind === "pixels"
          ? pixelCells(subject.cells)
          : superpixels(subject));
    this.#cells.set(kind, found);
    return found;
  }

  /** How the answer's number changes while cells are removed. */
  curve(first: First, kind: CellKind = "cells"): Promise<Curve> {
    const name = `${kind} ${first}`;
    const found = this.#curves.get(name) ?? this.#measure(first, kind);
    this.#curves.set(name, found);
    return found;
  }

  /** Whether a curve over the cells was measured. */
  hasCurve(first: First): boolean {
    return this.#curves.has(`cells ${first}`);
  }

  async #measure(first: First, kind: CellKind): Promise<Curve> {
    const cells = this.cells(kind);
    const { subject, source, options } = this;
    const order = orderOf(relevanceOfCells(source.map, cells), first, options.seed);
    const removed = removalSteps(cells.count, kind === "superpixels" ? cells.count : options.steps);
    const [, ...some] = removed;
    const changed = await subject.scores(removedInputs(order, some, cells, this.fill));
    return { removed, numbers: [subject.answer.whole, ...changed] };
  }

  /** The curve as shares of the answer that are left. @throws InputError if the answer is about 0 */
  async shares(first: First, kind: CellKind = "cells"): Promise<Curve> {
    const { removed, numbers } = await this.curve(first, kind);
    const { whole, kind: meaning } = this.subject.answer;
    return { removed, numbers: [...sharesLeft(numbers, whole, meaning)] };
  }

  /** Shares that are left when so many of the most relevant pixels are imputed from the others, with some noise. */
  async imputed(fractions: readonly number[]): Promise<number[]> {
    const cells = this.cells("pixels");
    const { subject, source, options } = this;
    const order = orderOf(relevanceOfCells(source.map, cells), "most", options.seed);
    const removed = fractions.map((fraction) => Math.round(fraction * cells.count));
    const fill = noisy(fillerOf("inpaint", subject), subject, options.seed);
    const changed = await subject.scores(removedInputs(order, removed, cells, fill));
    const { whole, kind } = subject.answer;
    return [...sharesLeft(changed, whole, kind)];
  }

  /** What the removal of random subsets does. @param size how many cells a subset has */
  async effects(size: number, seed = this.options.seed): Promise<SubsetEffects> {
    const cells = this.cells("cells");
    const { scores, answer } = this.subject;
    const subsets = randomSubsets(cells.count, size, this.options.subsets, seed);
    return subsetEffects(this.source.map, cells, subsets, { fill: this.fill, scores, whole: answer.whole });
  }
}

/** Adds noise to what a filler fills in. */
function noisy(fill: Filler, subject: Subject, seed: number): Filler {
  const { places, channels, step } = subject.layout;
  const noise = normalNumbers(places * channels, seed);
  const { deviation } = momentsOf(subject);
  return (removed) => {
    const filled = fill(removed);
    for (let place = 0; place < places; place++) {
      if (!removed[place]) continue;
      for (let channel = 0; channel < channels; channel++) {
        const at = place * step.place + channel * step.channel;
        filled[at] = sure(filled[at]) + imputedNoise * sure(deviation[at]) * sure(noise[at]);
      }
    }
    return filled;
  };
}

function checkMap(map: ArrayLike<number>, { layout, cells }: Subject): void {
  if (map.length !== layout.places) {
    throw new InputError({
      what: "cannot measure this map",
      why: `it has ${map.length} numbers for ${layout.places} places of the input`,
    });
  }
  for (let place = 0; place < map.length; place++) {
    if (Number.isFinite(map[place]) || sure(cells.of[place]) < 0) continue;
    throw new InputError({
      what: "cannot measure this map",
      why: `some of its numbers are ${map[place]}`,
    });
  }
}
