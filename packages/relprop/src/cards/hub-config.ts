/**
 * Reads preprocessing and class names from the files beside a model on a hub: `preprocessor_config.json` of Hugging Face's
 * transformers (image processors, documentation of ImageProcessingMixin, 2022; of sounds SequenceFeatureExtractor), and `config.json` of timm
 * (`pretrained_cfg`, documentation of resolve_data_config, 2023) or of transformers (`id2label`).
 */

import type { OutputKind } from "../outputs/output-kinds.ts";
import { badFile } from "../zoo/bytes-source.ts";
import { type Field, type Fields, fieldsOf } from "./json-fields.ts";
import {
  channelCount,
  imageNetPixels,
  type InputCard,
  type Interpolation,
  interpolations,
  type Resize,
  type SoundCard,
} from "./model-card.ts";
import { parseLabels } from "../zoo/zoo.ts";

/** An input card without the order of the axes, which the model's input has. */
export type PictureInput = Omit<InputCard, "layout">;

/** The settings found in a hub's files. */
export interface HubConfig {
  /** Undefined if no file describes the input. */
  readonly input?: PictureInput;
  /** How sounds become its input. */
  readonly sound?: SoundCard;
  /** Samples a second. */
  readonly rate?: number;
  /** Names of the classes, by index; empty if no file has them. */
  readonly labels: readonly string[];
  /** The kind of output, from transformers' `problem_type`. */
  readonly kind?: OutputKind;
  /** The parts of the input that had to be guessed, in words. */
  readonly guesses: readonly string[];
}

/** A file of a hub. */
export interface HubFile {
  /** Its parsed JSON. */
  readonly json: unknown;
  /** What errors call it. */
  readonly file: string;
}

/**
 * Reads the files of a hub. Files about something else, such as a tokenizer or a training run, are ignored.
 * @throws ModelFileError if a file asks for preprocessing that a card cannot describe; it names the field
 */
export function readHubConfig(files: {
  readonly preprocessor?: HubFile;
  readonly config?: HubFile;
}): HubConfig {
  const processed = files.preprocessor && fromPreprocessor(files.preprocessor);
  const config = files.config && fromConfig(files.config);
  const input = processed?.input ?? config?.input;
  return {
    labels: config?.labels ?? [],
    guesses: processed?.guesses ?? [],
    ...(input ? { input } : {}),
    ...(processed?.sound ? { sound: processed.sound } : {}),
    ...(processed?.rate === undefined ? {} : { rate: processed.rate }),
    ...(config?.kind ? { kind: config.kind } : {}),
  };
}

const isObject = (json: unknown): boolean =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const topFields = ({ json, file }: HubFile): Fields =>
  fieldsOf(json, "", (where, why) => {
    throw badFile({ name: file }, why, where, "write a card and give it with --card");
  });

const maxPixels = 16384;
const pixels = (field: Field): number => field.integer(1, maxPixels);
const flag = (fields: Fields, name: string): boolean | undefined =>
  fields.optional(name, (at) => at.boolean());
const triple = (field: Field, least: number, count: number): number[] =>
  field.list(count).map((number) => number.number(least, Number.MAX_VALUE));

/** Kinds of output by transformers' `problem_type`. */
export const problemKinds: ReadonlyMap<unknown, OutputKind> = new Map([
  ["single_label_classification", "classes"],
  ["multi_label_classification", "multi-label"],
  ["regression", "values"],
]);

function fromConfig(source: HubFile): Pick<HubConfig, "labels" | "kind"> & { readonly input?: PictureInput } {
  if (!isObject(source.json)) return { labels: [] };
  const config = topFields(source);
  const trained = config.optional("pretrained_cfg", (at) => at.fields());
  if (trained) return { labels: timmLabels(config, trained), input: timmInput(trained) };
  const names = config.optional("id2label", (at) => parseLabels(at.value, source.file)) ?? [];
  // LABEL_0, LABEL_1 … are transformers' placeholders for missing names.
  const kind = config.optional("problem_type", (at) => problemKinds.get(at.value));
  return { labels: names.every((name) => /^LABEL \d+$/.test(name)) ? [] : names, ...(kind ? { kind } : {}) };
}

function timmLabels(config: Fields, trained: Fields): readonly string[] {
  const from = [config, trained].find((fields) => fields.names().includes("label_names"));
  const names = from?.optional("label_names", (at) => at.list().map((name) => name.text())) ?? [];
  const words = from?.optional("label_descriptions", (at) => at.fields());
  return names.map((name) => words?.optional(name, (at) => at.text()) ?? name);
}

/** timm's evaluation: the shorter side to ⌊size / crop_pct⌋, then a centre crop; `squash` stretches instead. */
function timmInput(trained: Fields): PictureInput {
  const [depth, rows, columns] = trained.required("input_size").list(3);
  const height = rows ? pixels(rows) : 0;
  const width = columns ? pixels(columns) : 0;
  const channels = depth?.value === 1 ? "gray" : "RGB";
  depth?.integer(channelCount(channels), channelCount(channels));
  const share = trained.optional("crop_pct", (at) => at.number(0.1, 1)) ?? 0.875;
  const mode = trained.optional("crop_mode", (at) => at.oneOf("center", "squash")) ?? "center";
  const scaled = (side: number): number => Math.floor(side / share);
  if (mode === "center" && height !== width)
    trained.required("input_size").wrong("a square for a centre crop");
  const count = channelCount(channels);
  return {
    size: [height, width],
    resize: mode === "squash" ? { stretch: [scaled(height), scaled(width)] } : { shortSide: scaled(height) },
    interpolation: trained.optional("interpolation", (at) => at.oneOf(...interpolations)) ?? "bicubic",
    channels,
    scale: imageNetPixels.scale,
    mean: trained.optional("mean", (at) => triple(at, -Number.MAX_VALUE, count)) ?? imageNetPixels.mean,
    std: trained.optional("std", (at) => triple(at, Number.MIN_VALUE, count)) ?? imageNetPixels.std,
  };
}

/** Resampling filters by Pillow's numbers. */
const pillowFilters: ReadonlyMap<unknown, Interpolation> = new Map([
  [0, "nearest"],
  [1, "lanczos"],
  [2, "bilinear"],
  [3, "bicubic"],
]);

function fromPreprocessor(source: HubFile): Omit<HubConfig, "labels"> {
  const config = topFields(source);
  const names = config.names();
  const ofSounds = names.includes("sampling_rate") ? fromSoundExtractor(config) : {};
  const ofPictures = ["do_resize", "image_mean", ...("sound" in ofSounds ? [] : ["do_normalize"])];
  if (!ofPictures.some((name) => names.includes(name))) return { guesses: [], ...ofSounds };
  const { size, resize, guesses } = geometry(config);
  const resample = config.optional(
    "resample",
    (at) => pillowFilters.get(at.value) ?? at.wrong("0, 1, 2 or 3"),
  );
  const isFlipped = flag(config, "do_flip_channel_order") ?? false;
  const isNormalized = flag(config, "do_normalize") ?? names.includes("image_mean");
  if (flag(config, "rescale_offset")) config.required("rescale_offset").wrong("false");
  if (isFlipped && isNormalized)
    config.required("do_flip_channel_order").wrong("false where do_normalize is true");
  const std = isNormalized ? triple(config.required("image_std"), Number.MIN_VALUE, 3) : [1, 1, 1];
  // EfficientNet's processor divides by the deviation twice.
  const isTwice = isNormalized && (flag(config, "include_top") ?? false);
  const rescale = config.optional("rescale_factor", (at) => at.number(Number.MIN_VALUE, 1)) ?? 1 / 255;
  return {
    guesses,
    ...ofSounds,
    input: {
      size,
      resize,
      interpolation: resample ?? "bilinear",
      channels: isFlipped ? "BGR" : "RGB",
      scale: flag(config, "do_rescale") === false ? 1 : rescale,
      mean: isNormalized ? triple(config.required("image_mean"), -Number.MAX_VALUE, 3) : [0, 0, 0],
      std: isTwice ? std.map((deviation) => deviation ** 2) : std,
    },
  };
}

/** Extractors that hand on the samples, though some count the bins of what they compute besides. */
const ofWaveforms: ReadonlySet<string> = new Set([
  "Wav2Vec2FeatureExtractor",
  "EncodecFeatureExtractor",
  "DacFeatureExtractor",
  "SpeechT5FeatureExtractor",
]);

/** What counts the bins of a spectrogram. */
const ofBins: ReadonlySet<string> = new Set(["num_mel_bins", "n_mels", "nb_max_frequency_bin"]);

/** A sound is one number or two at a time; what has more of them, or bins, is a spectrogram. */
function fromSoundExtractor(config: Fields): Pick<HubConfig, "sound" | "rate"> {
  const type = config.optional("feature_extractor_type", (at) => at.text());
  const size = config.optional("feature_size", (at) => at.integer(1, maxPixels)) ?? 1;
  const hasBins = size > 2 || config.names().some((name) => ofBins.has(name));
  const isWaveform = type !== undefined && ofWaveforms.has(type) ? true : !hasBins;
  const normalize = flag(config, "do_normalize") ?? type === "Wav2Vec2FeatureExtractor";
  const pad = config.optional("padding_value", (at) => at.number(-Number.MAX_VALUE, Number.MAX_VALUE));
  return {
    rate: config.required("sampling_rate").integer(1, Number.MAX_SAFE_INTEGER),
    sound: {
      takes: isWaveform ? "waveform" : "spectrogram",
      ...(isWaveform && normalize ? { normalize } : {}),
      ...(isWaveform && pad !== undefined && pad !== 0 ? { pad } : {}),
      by: type ?? "preprocessor_config.json",
    },
  };
}

/** How a picture is brought to the size of the input. */
interface Geometry {
  readonly size: readonly [number, number];
  readonly resize: Resize;
  readonly guesses: readonly string[];
}

/** A size as processors write it: one number, a shorter side, or height and width. */
type Sides = { readonly shortSide: number } | { readonly area: readonly [number, number] };

function geometry(config: Fields): Geometry {
  const crop = flag(config, "do_center_crop") ? config.optional("crop_size", areaOf) : undefined;
  const share = config.optional("crop_pct", (at) => at.number(0.1, 1));
  // One number is the shorter side if the centre is cropped, else a square to stretch to.
  const isOneSide = crop !== undefined || share !== undefined;
  if (flag(config, "do_resize") === false) {
    const size = crop ?? areaOf(config.required("size"));
    return { size, resize: "none", guesses: [] };
  }
  const to = sidesOf(config.required("size"), isOneSide);
  if (crop) return { size: crop, resize: "area" in to ? { stretch: to.area } : to, guesses: [] };
  if ("area" in to) return { size: to.area, resize: "exact", guesses: [] };
  const { shortSide } = to;
  const size = [shortSide, shortSide] as const;
  if (share === undefined) return { size, resize: to, guesses: ["centre crop to a square"] };
  // ConvNeXt's processor crops small inputs and stretches large ones.
  const small = { shortSide: Math.floor(shortSide / share) };
  return { size, resize: shortSide < 384 ? small : "exact", guesses: [] };
}

function sidesOf(field: Field, isOneSide: boolean): Sides {
  if (typeof field.value === "number")
    return isOneSide ? { shortSide: pixels(field) } : { area: areaOf(field) };
  const shortSide = field.fields().optional("shortest_edge", pixels);
  return shortSide === undefined ? { area: areaOf(field) } : { shortSide };
}

/** Height and width; one number for both. */
function areaOf(field: Field): readonly [number, number] {
  if (typeof field.value === "number") return [pixels(field), pixels(field)];
  const fields = field.fields();
  return [pixels(fields.required("height")), pixels(fields.required("width"))];
}
