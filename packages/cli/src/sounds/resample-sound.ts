/** Sounds as a model takes them: its channels, its rate, windows of its length. */

import { InputError } from "@relprop/core";

/**
 * Mixes channels to as many as are wanted: the mean of all for one, each the same for one that becomes several.
 * @throws InputError for any other pair of counts
 */
export function mixed(
  channels: readonly Float32Array<ArrayBuffer>[],
  wanted: number,
): readonly Float32Array<ArrayBuffer>[] {
  if (channels.length === wanted) return channels;
  const [first] = channels;
  if (first && channels.length === 1) return Array.from({ length: wanted }, () => first);
  if (!first || wanted !== 1) {
    throw new InputError({
      what: "cannot mix the sound",
      why: `it has ${channels.length} channels and the model takes ${wanted}`,
      fix: "give one channel, or as many as the model takes",
    });
  }
  const mean = new Float32Array(first.length);
  for (const channel of channels)
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + (channel[i] ?? 0);
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) / channels.length;
  return [mean];
}

/** Kaiser's shape parameter: 60 dB between what passes and what does not. */
const beta = 5;
/** Zero crossings of the filter on each side. */
const crossings = 10;

/**
 * Resamples by `to/from` in lowest terms, `up/down`, with a windowed-sinc filter, as `scipy.signal.resample_poly` does:
 *
 *     y[m] = Σ_k x[k] · h[m·down − k·up + L],   L = 10·max(up, down)
 *     h[n] = up · w[n]·sinc((n − L)/max(up, down)) / Σ_n w[n]·sinc((n − L)/max(up, down))
 *
 * w is Kaiser's window of 2L + 1 samples with β = 5, and beyond the ends x is 0. Only those n are visited where x is not
 * stuffed with zeros. ⌈length·up/down⌉ samples come out; the first is at the same time as the first that went in.
 * @param from, to samples a second
 */
export function resampled(
  samples: Float32Array<ArrayBuffer>,
  from: number,
  to: number,
): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 1 || to < 1) {
    throw new InputError({
      what: "cannot resample the sound",
      why: `${from} Hz to ${to} Hz are no whole rates`,
    });
  }
  const shared = greatestDivisor(from, to);
  const [up, down] = [to / shared, from / shared];
  if (up === down) return samples;
  const half = crossings * Math.max(up, down);
  const filter = filterOf(half, up, Math.max(up, down));
  const result = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let m = 0; m < result.length; m++) {
    const centre = m * down + half;
    // 0 ≤ centre − k·up ≤ 2·half
    const first = Math.max(0, Math.ceil((centre - 2 * half) / up));
    const last = Math.min(samples.length - 1, Math.floor(centre / up));
    let sum = 0;
    for (let k = first; k <= last; k++) sum += (samples[k] ?? 0) * (filter[centre - k * up] ?? 0);
    result[m] = sum;
  }
  return result;
}

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

/** A stretch of a sound, as long as the model's input. */
export interface SoundWindow {
  /** Index of its first sample; over the rate it is seconds. */
  readonly start: number;
  readonly data: Float32Array<ArrayBuffer>;
  /** How many zeros stand at its end because the sound was over. */
  readonly padded: number;
}

/**
 * Cuts samples into windows of `size` that begin `hop` samples apart. The last one is the first that reaches the end; what
 * it lacks is zeros.
 */
export function* windows(
  samples: Float32Array<ArrayBuffer>,
  size: number,
  hop: number = size,
): Generator<SoundWindow> {
  for (
    let start = 0;
    start === 0 || (start - hop + size < samples.length && start < samples.length);
    start += hop
  ) {
    const data = new Float32Array(size);
    const kept = samples.subarray(start, start + size);
    data.set(kept);
    yield { start, data, padded: size - kept.length };
  }
}
