/** A sound as samples of a model: each of its windows is one. */

import { InputError, type InputArray } from "@relprop/core";
import type { Batching, Part, Taken } from "./part.ts";
import type { SoundPlan } from "../sounds/sound-plan.ts";
import { soundWindows, type SoundWindow } from "../sounds/sound-windows.ts";

/** The windows of a sound, from the first to the last. @throws InputError if the model counts samples in a way that windows cannot be */
export function partOfSound(path: string, plan: SoundPlan, batching: Batching): Part {
  const { input } = plan;
  const isWhole = batching.whole.has(input.name) || input.shape.length === 1;
  if (batching.isKnown && batching.batchAxis !== undefined && batching.batchAxis !== 0) {
    throw new InputError({
      what: `cannot feed "${path}"`,
      where: `input "${input.name}"`,
      why: `the model counts samples along axis ${batching.batchAxis} of [${input.shape.join(", ")}]`,
      fix: "give the waveform as .npy",
    });
  }
  let windows = soundWindows(path, plan);
  /** The window that comes next. */
  let at = 0;
  return {
    path,
    inputs: [input.name],
    count: undefined,
    counted: async () => {
      let count = 0;
      for await (const _ of soundWindows(path, plan)) count++;
      return count;
    },
    close: async () => {
      await windows.return();
    },
    take: async (first, most) => {
      if (first < at) {
        await windows.return();
        windows = soundWindows(path, plan);
        at = 0;
      }
      const taken: SoundWindow[] = [];
      while (taken.length < (isWhole ? 1 : most)) {
        const { done, value } = await windows.next();
        if (done === true) break;
        if (at++ >= first) taken.push(value);
      }
      return takenOf(taken, plan, isWhole);
    },
  };
}

function takenOf(windows: readonly SoundWindow[], plan: SoundPlan, isWhole: boolean): Taken {
  const { input } = plan;
  const all = windows.map((window) => fed(window, plan));
  const size = all[0]?.length ?? 0;
  const data = new Float32Array(windows.length * size);
  for (const [i, each] of all.entries()) data.set(each, i * size);
  const time = windows[0]?.channels[0]?.length ?? 0;
  const sample = input.shape.map((dim, axis) => (axis === plan.timeAxis ? time : Number(dim))).slice(1);
  const batch = isWhole ? 1 : windows.length;
  const dims = input.shape.length === 1 ? [time] : [batch, ...sample];
  return {
    count: windows.length,
    values: new Map<string, InputArray>([[input.name, { data, dims }]]),
    bad: new Map(),
    windows: windows.map(({ start, length }) => ({ start, end: start + length, padded: time - length })),
  };
}

/** The numbers of a window in the order of the input's axes. */
function fed({ channels, length }: SoundWindow, plan: SoundPlan): Float32Array {
  const own = channels.map((samples) => prepared(samples, length, plan));
  const [first = new Float32Array()] = own;
  const count = own.length;
  if (count === 1) return first;
  const isLast = plan.channelAxis === plan.input.shape.length - 1;
  const all = new Float32Array(count * first.length);
  for (const [c, samples] of own.entries()) {
    if (!isLast) all.set(samples, c * samples.length);
    else for (const [i, sample] of samples.entries()) all[i * count + c] = sample;
  }
  return all;
}

/** A channel in the numbers that the model takes. What is fed as it is keeps its bits. */
function prepared(
  samples: Float32Array<ArrayBuffer>,
  length: number,
  { scale, normalize, pad }: SoundPlan,
): Float32Array {
  if (scale !== 1) for (let i = 0; i < length; i++) samples[i] = (samples[i] ?? 0) * scale;
  if (normalize) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < length; i++) sum += samples[i] ?? 0;
    const mean = sum / length;
    for (let i = 0; i < length; i++) squares += ((samples[i] ?? 0) - mean) ** 2;
    const deviation = Math.sqrt(squares / length + 1e-7);
    for (let i = 0; i < length; i++) samples[i] = ((samples[i] ?? 0) - mean) / deviation;
  }
  if (pad !== 0) samples.fill(pad, length);
  return samples;
}
