/** A sound -> windows as long as the model's input, at its rate, with its channels. A window and a part of the file are in memory. */

import { InputError } from "@relprop/core";
import { nothingThere } from "../media/jobs.ts";
import { readSound } from "./read-sound.ts";
import { mixed, Resampler } from "./resample-sound.ts";
import type { SoundPlan } from "./sound-plan.ts";

/** A stretch of a sound. */
export interface SoundWindow {
  /** Index of its first sample. */
  readonly start: number;
  /** One array a channel. */
  readonly channels: readonly Float32Array<ArrayBuffer>[];
  /** How many of its samples are of the sound; the others stand behind its end. */
  readonly length: number;
}

/** Where a window lies in its sound, and how much of it stands behind the end. */
export interface WindowPlace {
  /** Indices of its first sample, and of the one after its last that is of the sound. */
  readonly start: number;
  readonly end: number;
  /** Samples behind the end of the sound. */
  readonly padded: number;
}

/** What of a plan windows depend on. */
export type Cutting = Pick<SoundPlan, "rate" | "channels" | "size" | "longest" | "hop" | "from" | "to">;

/**
 * The windows of a sound. The last one is the first that reaches its end; what it lacks is zeros.
 * @throws InputError as {@link readSound}, or if its channels or rate cannot be had
 */
export async function* soundWindows(
  path: string,
  cutting: Cutting,
): AsyncGenerator<SoundWindow, void, undefined> {
  const { from, to, rate } = cutting;
  let length = 0;
  async function* stretch(): AsyncGenerator<Channels> {
    for await (const part of atRate(path, cutting)) {
      const [begin, end] = [from, to].map((at) => Math.max(0, at - length));
      const size = part[0]?.length ?? 0;
      length += size;
      yield part.map((samples) => samples.subarray(begin, end));
      // What follows is not decoded.
      if (length >= to) return;
    }
  }
  let isEmpty = true;
  for await (const window of windowsOf(stretch(), cutting)) {
    isEmpty = false;
    yield { ...window, start: window.start + from };
  }
  if (isEmpty && from > 0)
    throw new InputError({ what: `cannot explain "${path}"`, why: nothingThere("samples", length / rate) });
}

/** Channels of some samples. */
type Channels = readonly Float32Array<ArrayBuffer>[];

async function* atRate(path: string, { rate, channels }: Cutting): AsyncGenerator<Channels> {
  let resamplers: readonly Resampler[] | undefined;
  try {
    for await (const part of readSound(path)) {
      const own = mixed(part.channels, channels);
      resamplers ??= own.map(() => new Resampler(part.rate, rate));
      yield resamplers.map((each, i) => each.push(own[i] ?? new Float32Array()));
    }
    if (resamplers) yield resamplers.map((each) => each.push(new Float32Array(), true));
  } catch (error) {
    if (!(error instanceof InputError) || error.what.includes(path)) throw error;
    const { why, fix } = error;
    throw new InputError({ what: `cannot feed "${path}"`, why, ...(fix !== undefined && { fix }) });
  }
}

/** Cuts samples into windows. */
export async function* windowsOf(
  parts: AsyncIterable<Channels>,
  { channels, size: fixed, longest, hop: wanted }: Omit<Cutting, "rate" | "from" | "to">,
): AsyncGenerator<SoundWindow, void, undefined> {
  const held = Array.from({ length: channels }, () => new Queue());
  const [first] = held as [Queue];
  let start = 0;
  let size = fixed;
  const step = (): number => wanted ?? size ?? longest;
  const take = (length: number): SoundWindow => ({
    start,
    length: Math.min(length, first.length),
    channels: held.map((queue) => queue.first(length)),
  });
  // Samples between windows are dropped as they come.
  let skipped = 0;
  const goOn = (): void => {
    const dropped = Math.min(step(), first.length);
    for (const queue of held) queue.drop(dropped);
    skipped = step() - dropped;
    start += step();
  };
  for await (const part of parts) {
    const passed = Math.min(skipped, part[0]?.length ?? 0);
    skipped -= passed;
    for (const [i, queue] of held.entries()) queue.push(part[i]?.subarray(passed) ?? new Float32Array());
    // A sound of unknown length is one window, unless it turns out too long for that.
    if (size === undefined && first.length > longest) size = longest;
    // One that ends with the sound is the last one, so another begins only where more follows.
    for (const length = size ?? Number.POSITIVE_INFINITY; first.length > length; goOn()) yield take(length);
  }
  // What an earlier window has shown needs no window of its own.
  const overlap = size === undefined || start === 0 ? 0 : Math.max(0, size - step());
  if (first.length > overlap) yield take(size ?? first.length);
}

/** Samples that wait. */
class Queue {
  #data = new Float32Array(1 << 14);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  push(samples: Float32Array): void {
    const wanted = this.length + samples.length;
    if (this.#to + samples.length > this.#data.length) {
      const room = wanted * 2 > this.#data.length ? new Float32Array(wanted * 2) : this.#data;
      room.set(this.#data.subarray(this.#from, this.#to));
      [this.#data, this.#from, this.#to] = [room, 0, this.length];
    }
    this.#data.set(samples, this.#to);
    this.#to += samples.length;
  }

  /** So many of the first samples, and zeros for those that are not there. */
  first(length: number): Float32Array<ArrayBuffer> {
    const result = new Float32Array(length);
    result.set(this.#data.subarray(this.#from, Math.min(this.#to, this.#from + length)));
    return result;
  }

  drop(count: number): void {
    this.#from += count;
  }
}
