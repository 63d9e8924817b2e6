/** How sounds become samples of a model: decided once for a run, said in its plan. */

import { existsSync } from "node:fs";
import { InputError, OptionError } from "@relprop/core";
import type { Model } from "@relprop/core/onnx";
import type { ArrayCard } from "@relprop/core/zoo";
import { stretchText, type Stretch } from "../media/jobs.ts";
import { isOfKind, type InputFile } from "../files/find-files.ts";
import { filesWithSound } from "./read-sound.ts";
import { waveformAmong, type ModelInput, type Waveform } from "./waveform.ts";

/** Which stretch of a sound is explained, and how it is cut, in seconds. */
export interface WindowChoices extends Stretch {
  /** Length of a window, of a model that leaves it open. */
  readonly window?: number;
  /** From the beginning of a window to that of the next. @default the length of a window */
  readonly hop?: number;
}

/** What decides how sounds are fed. */
export interface SoundModel {
  readonly model: Model;
  readonly card: ArrayCard;
  readonly options: WindowChoices & {
    readonly rate?: number;
    readonly feeds: ReadonlyMap<string, string>;
    readonly compile: { readonly input?: string };
    readonly pictures: { readonly scale?: number };
  };
  /** All files of the run. */
  readonly files: readonly InputFile[];
}

/** How sounds are fed. */
export interface SoundPlan extends Waveform {
  /** Samples a second, and who says so. */
  readonly rate: number;
  readonly rateFrom: string;
  /** Samples of a window; undefined: a sound is one window, or several of {@link longest}. */
  readonly size: number | undefined;
  readonly longest: number;
  /** Samples from the beginning of a window to that of the next; undefined where that is a window's length. */
  readonly hop: number | undefined;
  /** The stretch that is explained: its first sample, and the one after its last; and in words, if it is not all. */
  readonly from: number;
  readonly to: number;
  readonly stretch: string | undefined;
  /** Factor of samples in [−1, 1]. */
  readonly scale: number;
  /** Whether each window gets mean 0 and variance 1. */
  readonly normalize: boolean;
  /** What stands behind the end of a sound. */
  readonly pad: number;
}

/** Seconds of a window, where nothing says how long one is. */
const longestWindow = 30;

/**
 * @param left inputs that nothing else feeds
 * @throws InputError if none of them takes a waveform, OptionError if the rate is not known or windows cannot be as asked
 */
export function soundPlan(feeding: SoundModel, left: readonly ModelInput[], path: string): SoundPlan {
  const { card, options, files } = feeding;
  const named = options.compile.input;
  const waveform = waveformAmong(named === undefined ? left : left.filter(({ name }) => name === named));
  if (!waveform || card.sound?.takes === "spectrogram") throw noWaveform(feeding, left, path);
  const { rate, rateFrom } = rateOf(feeding);
  const size = sizeOf(waveform, options, rate);
  if (size === undefined && waveform.input.shape.length === 1 && files.length > 1) {
    throw new OptionError({
      what: "cannot explain sounds of several lengths in one run",
      why: `the model takes one of any length without a batch: [${waveform.input.shape.join(", ")}]`,
      fix: "cut all of them alike with --window SECONDS",
    });
  }
  const { sound = {} } = card;
  return {
    ...waveform,
    rate,
    rateFrom,
    size,
    longest: longestWindow * rate,
    hop: options.hop === undefined ? undefined : Math.max(1, Math.round(options.hop * rate)),
    from: Math.round((options.from ?? 0) * rate),
    to: Math.round((options.to ?? Number.POSITIVE_INFINITY) * rate),
    stretch: stretchText(options),
    scale: options.pictures.scale ?? sound.scale ?? 1,
    normalize: sound.normalize ?? false,
    pad: sound.pad ?? 0,
  };
}

/** Names of inputs, and of metadata, that say the rate. */
const ofRate = /^(?:sr|fs|rate|(?:sample|sampling)_?rate)$/i;

function rateOf({ model, card, options, files }: SoundModel): {
  readonly rate: number;
  readonly rateFrom: string;
} {
  const fed = [...options.feeds].find(
    ([name, given]) => ofRate.test(name) && Number(given) > 0 && !existsSync(given),
  );
  const told = fed && Number(fed[1]);
  const [key = "", metadata = ""] = Object.entries(model.metadata).find(([name]) => ofRate.test(name)) ?? [];
  const known: readonly (readonly [number | undefined, string])[] = [
    [options.rate, "--rate"],
    [told, `--feed ${fed?.[0]}`],
    [card.rate, "the card"],
    [Number(metadata) > 0 ? Number(metadata) : undefined, `the model's ${key}`],
  ];
  const [rate, rateFrom] = known.find(([each]) => each !== undefined) ?? [];
  if (rate === undefined || rateFrom === undefined) {
    // Beside tables, a sound may be no part of what is to be explained.
    const areSounds = files.every(({ path }) => isOfKind(path, filesWithSound));
    throw new (areSounds ? OptionError : InputError)({
      what: "cannot explain sounds with this model",
      why: "nothing says how many samples a second it takes",
      fix: 'say it with --rate 16000 (usual for speech; music often has 44100), or as "rate" in its card',
    });
  }
  if (!Number.isInteger(rate)) {
    throw new OptionError({
      what: `cannot resample sounds to ${rate} Hz`,
      why: `${rateFrom} gives no whole number of samples a second`,
    });
  }
  if (told !== undefined && told !== rate) {
    throw new OptionError({
      what: `cannot feed sounds at ${rate} Hz`,
      why: `${rateFrom} says so, and --feed ${fed?.[0]} tells the model that they have ${told} Hz`,
      fix: "give both the same rate",
    });
  }
  return { rate, rateFrom };
}

/** Samples of a window. @throws OptionError if the model's windows have another length than asked for */
function sizeOf({ size, input }: Waveform, { window, hop }: WindowChoices, rate: number): number | undefined {
  if (size !== undefined) {
    if (window === undefined || Math.round(window * rate) === size) return size;
    throw new OptionError({
      what: `cannot cut sounds into windows of ${window} s`,
      why: `the model takes ${size} samples, ${seconds(size / rate)} at ${rate} Hz: [${input.shape.join(", ")}]`,
      fix: "leave --window out",
    });
  }
  if (window !== undefined) return Math.max(1, Math.round(window * rate));
  if (hop === undefined) return undefined;
  throw new OptionError({
    what: `cannot begin a window every ${hop} s`,
    why: "the model takes sounds of any length",
    fix: "say how long a window is, with --window SECONDS",
  });
}

function noWaveform({ card, options }: SoundModel, left: readonly ModelInput[], path: string): InputError {
  const by = card.sound?.by === undefined ? "" : ` (${card.sound.by})`;
  const list = left.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
  const why =
    list.length === 0
      ? "it is a sound, and all inputs are fed by --feed"
      : card.sound?.takes === "spectrogram"
        ? `it is a sound, and the model takes spectrograms${by}: ${list.join(", ")}`
        : `it is a sound, and no input takes a waveform, as [N, T], [N, C, T] or [N, T, C] of floating point: ${list.join(", ")}`;
  return new InputError({
    what: `cannot feed "${path}"`,
    why,
    fix:
      options.compile.input === undefined
        ? "compute the model's input from it as for its training (a spectrogram, features), and give that as .npy"
        : `"${options.compile.input}" has to be the waveform; leave --input out`,
  });
}

/** @throws OptionError if windows, or a stretch, are asked for where there are no sounds */
export function refuseWindows(choices: WindowChoices): void {
  const name = (["window", "hop", "from", "to"] as const).find((each) => choices[each] !== undefined);
  if (name === undefined) return;
  const isOfFilms = name === "from" || name === "to";
  throw new OptionError({
    what: `cannot use --${name}`,
    why: `it is an option of sounds${isOfFilms ? " and films" : ""}, and there are none`,
    fix: "leave it out",
  });
}

/** A time as it is printed: thousandths, if it has some. */
export const seconds = (time: number): string => `${Number(time.toFixed(3))} s`;

/** What the plan says of sounds. */
export function soundSettings(plan: SoundPlan): [name: string, value: string][] {
  const { input, channels, rate, rateFrom, size, longest, hop, stretch, scale, normalize, pad } = plan;
  const step = hop === undefined || hop === size ? "one after the other" : `every ${seconds(hop / rate)}`;
  const left = size !== undefined && hop !== undefined && hop > size ? ", what lies between is left out" : "";
  const windows =
    size === undefined
      ? `the whole sound, or ${seconds(longest / rate)} after ${seconds(longest / rate)}`
      : `${seconds(size / rate)} (${size} samples) ${step}${left}`;
  return [
    ["sound", `"${input.name}", ${channels === 1 ? "mono" : `${channels} channels`}`],
    ["rate", `${rate} Hz (from ${rateFrom})`],
    ...(stretch === undefined ? [] : [["from", stretch] satisfies [string, string]]),
    ["windows", `${windows}, the last one filled with ${pad === 0 ? "zeros" : pad}`],
    ["samples", normalize ? "mean 0 and variance 1 in each window" : `from −${scale} to ${scale}`],
  ];
}
