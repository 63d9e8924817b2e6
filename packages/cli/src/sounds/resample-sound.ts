/** Sounds as a model takes them: its channels, and its rate. */

import { InputError } from "@relprop/core";

/**
 * Mixes channels to as many as are wanted: the mean of all for one, the same twice for one that becomes stereo.
 * @throws InputError for any other pair of counts
 */
export function mixed(
  channels: readonly Float32Array<ArrayBuffer>[],
  wanted: number,
): readonly Float32Array<ArrayBuffer>[] {
  if (channels.length === wanted) return channels;
  const [first] = channels;
  if (first && channels.length === 1 && wanted === 2) return [first, first];
  if (!first || wanted !== 1) {
    throw new InputError({
      what: "cannot mix the sound",
      why: `it has ${channels.length === 1 ? "1 channel" : `${channels.length} channels`} and the model takes ${wanted}`,
      fix: "give as many channels as the model takes",
    });
  }
  const mean = new Float32Array(first.length);
  for (let i = 0; i < mean.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i] ?? 0;
    mean[i] = sum / channels.length;
  }
  return [mean];
}

/** Kaiser's shape parameter: 80 dB between what passes and what does not. */
const beta = 8;
/** Zero crossings of the filter on each side. */
const crossings = 16;
/** The longest filter is 32 times as long: more is needed by rates that nobody records with, but damaged heads name. */
const mostPhases = 1 << 19;
/** So many samples become of one at most. */
const mostUp = 64;

/**
 * Resamples by `to/from` in lowest terms, `up/down`, with a windowed-sinc filter, as `scipy.signal.resample_poly` does with
 * `window=firwin(2*L + 1, 1/max(up, down), window=("kaiser", 8))`; its own window of β = 5 is 57 dB near:
 *
 *     y[m] = Σ_k x[k] · h[m·down − k·up + L],   L = 16·max(up, down)
 *     h[n] = up · w[n]·sinc((n − L)/max(up, down)) / Σ_n w[n]·sinc((n − L)/max(up, down))
 *
 * w is Kaiser's window of 2L + 1 samples with β = 8, and beyond the ends x is 0. Only those n are visited where x is not
 * stuffed with zeros. ⌈length·up/down⌉ samples come out; the first is at the same time as the first that went in. Samples may come
 * in parts: what comes out does not depend on where they are parted.
 */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #half: number;
  readonly #filter: Float64Array;
  /** The samples that are still needed, from `#start` on. */
  #held = new Float32Array();
  #start = 0;
  /** Index of the next sample that comes out. */
  #next = 0;

  /**
   * @param from, to samples a second
   * @throws InputError if they are no whole numbers, or too far apart
   */
  constructor(from: number, to: number) {
    const isWhole = [from, to].every((rate) => Number.isInteger(rate) && rate >= 1);
    const shared = isWhole ? greatestDivisor(from, to) : 1;
    this.#up = to / shared;
    this.#down = from / shared;
    const widest = Math.max(this.#up, this.#down);
    if (!isWhole || widest > mostPhases || to > mostUp * from) {
      throw new InputError({
        what: "cannot resample the sound",
        why: isWhole
          ? `${from} Hz and ${to} Hz are too far apart`
          : `${from} Hz and ${to} Hz are no whole rates`,
      });
    }
    this.#half = crossings * widest;
    this.#filter = widest === 1 ? new Float64Array() : filterOf(this.#half, this.#up, widest);
  }

  /** Takes samples, and gives those that are ready. @param isLast whether none follow */
  push(samples: Float32Array<ArrayBuffer>, isLast = false): Float32Array<ArrayBuffer> {
    if (this.#up === this.#down) return samples;
    this.#hold(samples);
    const [up, down, half, filter] = [this.#up, this.#down, this.#half, this.#filter];
    const known = this.#start + this.#held.length;
    // Of the last sample that is ready ⌊(m·down + L)/up⌋ is the last that is known.
    const end = isLast
      ? Math.ceil((known * up) / down)
      : Math.max(this.#next, Math.ceil((known * up - half) / down));
    const result = new Float32Array(Math.max(0, end - this.#next));
    for (let i = 0; i < result.length; i++) {
      const centre = (this.#next + i) * down + half;
      // 0 ≤ centre − k·up ≤ 2·half
      const first = Math.max(0, Math.ceil((centre - 2 * half) / up));
      const last = Math.min(known - 1, Math.floor(centre / up));
      let sum = 0;
      for (let k = first; k <= last; k++)
        sum += (this.#held[k - this.#start] ?? 0) * (filter[centre - k * up] ?? 0);
      result[i] = sum;
    }
    this.#next += result.length;
    return result;
  }

  /** Adds samples, and forgets those before the first that is needed. */
  #hold(samples: Float32Array<ArrayBuffer>): void {
    const needed = Math.max(0, Math.ceil((this.#next * this.#down - this.#half) / this.#up));
    const kept = this.#held.subarray(Math.max(0, needed - this.#start));
    const held = new Float32Array(kept.length + samples.length);
    held.set(kept);
    held.set(samples, kept.length);
    this.#start += this.#held.length - kept.length;
    this.#held = held;
  }
}

/** All samples of a channel at once. @throws InputError as {@link Resampler} */
export const resampled = (
  samples: Float32Array<ArrayBuffer>,
  from: number,
  to: number,
): Float32Array<ArrayBuffer> => new Resampler(from, to).push(samples, true);

function filterOf(half: number, up: number, widest: number): Float64Array {
  const filter = Float64Array.from({ length: 2 * half + 1 }, (_, n) => {
    const x = (Math.PI * (n - half)) / widest;
    const ratio = (n - half) / half;
    return (besselI0(beta * Math.sqrt(1 - ratio * ratio)) / besselI0(beta)) * (x === 0 ? 1 : Math.sin(x) / x);
  });
  const total = filter.reduce((sum, value) => sum + value, 0);
  return filter.map((value) => (up * value) / total);
}

/** I₀(x) = Σ_k ((x/2)^k / k!)² */
function besselI0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const greatestDivisor = (a: number, c: number): number => (c === 0 ? a : greatestDivisor(c, a % c));
