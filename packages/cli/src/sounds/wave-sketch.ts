/** A sound of any length with its relevance, in bounded memory, as a figure shows it. */

import type { FloatArray } from "@relprop/core";
import { z } from "zod";
import type { SoundPlan } from "./sound-plan.ts";
import type { WindowPlace } from "./sound-windows.ts";
import { windowSums } from "./window-sums.ts";

/** A curve has fewer columns; half as many at least, once it is long. */
const mostColumns = 2000;
/** Points of a column: its least value, its largest, its strongest relevance. */
const points = 3;

const stateSchema = z.object({
  seen: z.number(),
  first: z.number(),
  reached: z.number(),
  started: z.number(),
  padding: z.number(),
  begin: z.number(),
  lanes: z.array(
    z.object({
      sum: z.number(),
      span: z.number(),
      values: z.string(),
      relevance: z.string(),
      restValues: z.string(),
      restRelevance: z.string(),
    }),
  ),
  waiting: z.array(z.string()),
  counts: z.string(),
});

/** Values and relevance of the same samples. */
interface Curve {
  values: number[];
  relevance: number[];
}

/** One channel: the points of its columns, how many samples a column has, and those of the column that is not full. */
interface Lane extends Curve {
  sum: number;
  span: number;
  rest: Curve;
}

const newLane = (): Lane => ({ sum: 0, span: points, ...nothing(), rest: nothing() });
const nothing = (): Curve => ({ values: [], relevance: [] });

/** What is drawn of a channel. */
export type DrawnLane = Readonly<Curve & Pick<Lane, "sum">>;

/** Takes windows from the first to the last. Where they overlap, values and relevance are averaged. */
export class WaveSketch {
  /** How many windows there were. */
  seen = 0;
  /** Index of the first window's first sample. */
  first = 0;
  /** Sums over windows: relevance that reached them, that it started with, that reached what stands behind the end. */
  reached = 0;
  started = 0;
  padding = 0;
  /** Index of the first sample that waits for further windows. */
  #begin = 0;
  readonly #lanes: Lane[];
  /** Sums of values and of relevance of the samples that wait, by turns, a channel each; and how many windows they are of. */
  #waiting: [values: number[], relevance: number[]][];
  #counts: number[] = [];

  constructor(channels: number) {
    this.#lanes = Array.from({ length: channels }, newLane);
    this.#waiting = this.#lanes.map(() => [[], []]);
  }

  /** @param values, relevance of a window, as the input, without the axis of samples if it has one */
  add(
    values: FloatArray,
    relevance: FloatArray,
    { window, plan, started }: { window: WindowPlace; plan: SoundPlan; started: number },
  ): void {
    const { reached, padding } = windowSums(relevance, window, plan);
    if (this.seen === 0) this.first = this.#begin = window.start;
    this.seen++;
    this.reached += reached;
    this.padding += padding;
    this.started += started;
    this.#settle(window.start);
    const { channels, channelAxis, input } = plan;
    const time = values.data.length / channels;
    const isLast = channels > 1 && channelAxis === input.shape.length - 1;
    const from = window.start - this.#begin;
    const length = window.end - window.start;
    for (let i = this.#counts.length; i < from + length; i++) this.#counts[i] = 0;
    for (let i = 0; i < length; i++) this.#counts[from + i] = (this.#counts[from + i] ?? 0) + 1;
    for (const [c, [sums, shares]] of this.#waiting.entries()) {
      for (let i = 0; i < length; i++) {
        const at = isLast ? i * channels + c : c * time + i;
        sums[from + i] = (sums[from + i] ?? 0) + (values.data[at] ?? 0);
        shares[from + i] = (shares[from + i] ?? 0) + (relevance.data[at] ?? 0);
      }
    }
  }

  /** Samples before an index get no further windows. */
  #settle(before: number): void {
    const count = before - this.#begin;
    if (count <= 0) return;
    for (const [c, [sums, shares]] of this.#waiting.entries()) {
      for (let i = 0; i < count; i++) {
        const windows = this.#counts[i] ?? 0;
        // What no window shows is a gap.
        const value = windows === 0 ? Number.NaN : (sums[i] ?? 0) / windows;
        put(this.#lanes[c] as Lane, value, windows === 0 ? 0 : (shares[i] ?? 0) / windows);
      }
    }
    this.#waiting = this.#waiting.map(([sums, shares]) => [sums.slice(count), shares.slice(count)]);
    this.#counts = this.#counts.slice(count);
    this.#begin = before;
  }

  /** The channels as they are drawn, and the distance of two points in samples. Ends the sound. */
  drawn(): { readonly lanes: readonly DrawnLane[]; readonly step: number } {
    this.#settle(this.#begin + this.#counts.length);
    for (const lane of this.#lanes) {
      if (lane.rest.values.length > 0) addColumn(lane, lane.rest);
      lane.rest = nothing();
    }
    return { lanes: this.#lanes, step: (this.#lanes[0]?.span ?? points) / points };
  }

  /** All of it as JSON. */
  state(): z.infer<typeof stateSchema> {
    const { seen, first, reached, started, padding } = this;
    return {
      seen,
      first,
      reached,
      started,
      padding,
      begin: this.#begin,
      lanes: this.#lanes.map(({ sum, span, values, relevance, rest }) => ({
        sum,
        span,
        values: text(values),
        relevance: text(relevance),
        restValues: text(rest.values),
        restRelevance: text(rest.relevance),
      })),
      waiting: this.#waiting.flat().map(text),
      counts: text(this.#counts),
    };
  }

  /** What {@link state} gave; undefined if it is something else. */
  static from(json: unknown): WaveSketch | undefined {
    const { data } = stateSchema.safeParse(json);
    if (!data) return undefined;
    const { begin, lanes, waiting, counts, ...sums } = data;
    const sketch = Object.assign(new WaveSketch(lanes.length), sums);
    sketch.#begin = begin;
    for (const [c, lane] of lanes.entries()) {
      sketch.#lanes[c] = {
        sum: lane.sum,
        span: lane.span,
        values: numbers(lane.values),
        relevance: numbers(lane.relevance),
        rest: { values: numbers(lane.restValues), relevance: numbers(lane.restRelevance) },
      };
    }
    sketch.#waiting = lanes.map((_, c) => [numbers(waiting[2 * c] ?? ""), numbers(waiting[2 * c + 1] ?? "")]);
    sketch.#counts = numbers(counts);
    return sketch;
  }
}

function put(lane: Lane, value: number, relevance: number): void {
  const { rest, span } = lane;
  lane.sum += relevance;
  rest.values.push(value);
  rest.relevance.push(relevance);
  if (rest.values.length < span) return;
  addColumn(lane, rest);
  lane.rest = nothing();
  if (lane.values.length < points * mostColumns) return;
  // Of two columns each becomes one.
  const { values, relevance: all } = lane;
  Object.assign(lane, nothing(), { span: 2 * span });
  for (let at = 0; at < values.length; at += 2 * points) {
    const end = at + 2 * points;
    addColumn(lane, { values: values.slice(at, end), relevance: all.slice(at, end) });
  }
}

/** Adds some samples: all, or of more than three the extremes in their order; one that is two of these is drawn twice. */
function addColumn(lane: Curve, { values, relevance }: Curve): void {
  for (const i of values.length <= points ? values.keys() : extremes(values, relevance)) {
    lane.values.push(values[i] ?? Number.NaN);
    lane.relevance.push(relevance[i] ?? 0);
  }
}

function extremes(values: readonly number[], relevance: readonly number[]): number[] {
  let [least, most, strongest] = [0, 0, 0];
  const isBetter = (i: number, best: number, of: (at: number) => number): boolean =>
    Number.isFinite(values[i]) && (!Number.isFinite(values[best]) || of(i) > of(best));
  for (let i = 1; i < values.length; i++) {
    if (isBetter(i, least, (at) => -(values[at] ?? 0))) least = i;
    if (isBetter(i, most, (at) => values[at] ?? 0)) most = i;
    if (isBetter(i, strongest, (at) => Math.abs(relevance[at] ?? 0))) strongest = i;
  }
  return [least, most, strongest].sort((a, b) => a - b);
}

const text = (list: readonly number[]): string =>
  Buffer.from(Float64Array.from(list).buffer).toString("base64");

const numbers = (base64: string): number[] => [
  ...new Float64Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer),
];
