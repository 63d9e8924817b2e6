/**
 * Model cards: what a model file does not say, such as how a picture becomes its input, and the names of its classes. A
 * card is plain JSON (`<model>.card.json`), so users can write one for their own model.
 */

import { OptionError } from "../errors.ts";
import { outputKinds, type OutputKind } from "../outputs/output-kinds.ts";
import { fieldsOf, type Field, type Fields } from "./json-fields.ts";

/** Order of the colour channels in the input tensor. `gray` is one channel, ITU-R BT.601 luma of the RGB pixels. */
export type ChannelOrder = "RGB" | "BGR" | "gray";

/**
 * How a picture is brought to the input's size. Its aspect ratio is kept but by `stretch` and `exact`.
 * - `{ shortSide: n }`: its shorter side becomes n pixels, then the centre is cropped to the size; the longer side is rounded
 *   down, as in torchvision, unless `round` is `nearest`. With `keepSize` a picture that has the size is left as it is;
 * - `{ stretch: [height, width] }`: it is stretched to these, then the centre is cropped to the size;
 * - `{ cover: share }`: it is scaled to just cover the size divided by the share, in (0, 1], then the centre is cropped to the
 *   size, as timm does it with its `crop_pct`;
 * - `{ letterbox: [r, g, b] }`: it is scaled to just fit into the size and lies in the middle; what is left is filled with
 *   this colour, as for YOLO's networks;
 * - `{ contain: [r, g, b] }`: the same, but it lies at the left and the top, as for readers of text lines, DETR and SAM;
 * - `"exact"`: it is stretched to the size;
 * - `"none"`: it must already have the size.
 */
export type Resize =
  | { readonly shortSide: number; readonly round?: "down" | "nearest"; readonly keepSize?: boolean }
  | { readonly stretch: readonly [number, number] }
  | { readonly cover: number }
  | { readonly letterbox: Colour }
  | { readonly contain: Colour }
  | "exact"
  | "none";

/** Red, green and blue, whole numbers from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Names of the resampling filters. `bicubic` is Keys' filter with a = −1/2, as in PIL. */
export const interpolations = ["nearest", "bilinear", "bicubic", "lanczos"] as const;
/** Name of a resampling filter. */
export type Interpolation = (typeof interpolations)[number];

/**
 * How a picture becomes the input tensor. Each channel c of a pixel, a number 0..255, becomes
 * `(pixel * scale − mean[c]) / std[c]`; c counts in the order of `channels`.
 */
export interface InputCard {
  /** Order of the tensor's axes: [N, C, H, W] or [N, H, W, C]. */
  readonly layout: "NCHW" | "NHWC";
  /** [height, width] in pixels. */
  readonly size: readonly [number, number];
  /** How a picture of another size is brought to this one. */
  readonly resize: Resize;
  /** How pixels are resampled, always antialiased. Browsers use their own filter. @default bilinear */
  readonly interpolation?: Interpolation;
  /** Order of the colours in the tensor. */
  readonly channels: ChannelOrder;
  /** First factor of pixels: 1/255 for the range 0..1, 1 for 0..255. */
  readonly scale: number;
  /** Subtracted after scaling; one number per channel, in the order of `channels`. */
  readonly mean: readonly number[];
  /** Divisor after subtracting; one number per channel, in the order of `channels`. */
  readonly std: readonly number[];
}

/** What a card says of a model apart from its input. */
export interface AnswerCard {
  /** Name of the model in messages. */
  readonly name: string;
  /** Names of the classes, by index; empty if unknown. */
  readonly labels: readonly string[];
  /** Name of the output that is explained, if the model has several. */
  readonly output?: string;
  /** Kind of that output, if the graph does not tell: classes, binary, multi-label, values … */
  readonly kind?: OutputKind;
  /** Unit of its values, as it is printed: years, mmHg. */
  readonly unit?: string;
  /** Composite that it is explained with by default. */
  readonly composite?: string;
  /** Relevance filter: the fraction of relevance values kept at each layer, in [0, 1]; 0 turns it off. */
  readonly topK?: number;
  /** Source of the model: a URL or a citation. */
  readonly source?: string;
  /** Licence of the weights: an SPDX identifier or a sentence. */
  readonly license?: string;
  /** Anything else that users should know. */
  readonly notes?: string;
}

/** Everything besides its file that is needed to use a model of pictures. Read one with {@link parseModelCard}. */
export interface ModelCard extends AnswerCard {
  /** How a picture becomes the input tensor. */
  readonly input: InputCard;
}

/** How a sound becomes the input of a model that takes waveforms. */
export interface SoundCard {
  /** What the model takes; a spectrogram has to be computed elsewhere. @default waveform */
  readonly takes?: "waveform" | "spectrogram";
  /** Factor of samples, which are in [−1, 1]: 32768 for the range of 16-bit integers. @default 1 */
  readonly scale?: number;
  /** Whether each window gets mean 0 and variance 1, as (x − mean) / √(variance + 10⁻⁷). @default false */
  readonly normalize?: boolean;
  /** The number that stands behind the end of a sound. @default 0 */
  readonly pad?: number;
  /** Who says so, if that is a file of a hub. */
  readonly by?: string;
}

/** The same of a model that is fed arrays, tables or signals. Read one with {@link parseArrayCard}. */
export interface ArrayCard extends AnswerCard {
  /** How pictures become its input, if it takes pictures, too. */
  readonly input?: InputCard;
  /** Names of what the last axis of its input counts, or of its lanes: columns of a table, leads, bands. */
  readonly features?: readonly string[];
  /** Samples of a signal in a second. */
  readonly rate?: number;
  /** How sounds become its input. */
  readonly sound?: SoundCard;
}

/** Pixels as networks trained on ImageNet with torchvision or timm take them. */
export const imageNetPixels = {
  channels: "RGB",
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;

/** Number of channels of the tensor: 1 for gray, else 3. */
export const channelCount = (channels: ChannelOrder): number => (channels === "gray" ? 1 : 3);

/**
 * Checks a parsed JSON value and returns it as a card.
 * @param file what errors call it
 * @throws OptionError if a field is missing, unknown or not allowed; it names the field
 */
export function parseModelCard(json: unknown, file = "model card"): ModelCard {
  const card = cardFields(json, file);
  card.only(...answerFields, "input");
  return { ...answerCard(card), input: inputCard(card.required("input").fields()) };
}

/**
 * As {@link parseModelCard}, for a model that need not be fed pictures.
 * @throws OptionError as that does
 */
export function parseArrayCard(json: unknown, file = "model card"): ArrayCard {
  const card = cardFields(json, file);
  card.only(...answerFields, "input", "features", "rate", "sound");
  return {
    ...answerCard(card),
    ...given(
      "input",
      card.optional("input", (at) => inputCard(at.fields())),
    ),
    ...given(
      "features",
      card.optional("features", (at) => at.list().map((name) => name.text())),
    ),
    ...given(
      "rate",
      card.optional("rate", (at) => at.number(Number.MIN_VALUE, Number.MAX_VALUE)),
    ),
    ...given(
      "sound",
      card.optional("sound", (at) => soundCard(at.fields())),
    ),
  };
}

const cardFields = (json: unknown, file: string): Fields =>
  fieldsOf(json, "", (where, why): never => {
    const fix = "see ModelCard in relprop/zoo for the fields";
    throw new OptionError({ what: `cannot use the model card "${file}"`, where, why, fix });
  });

const answerFields = [
  "name",
  "labels",
  "output",
  "kind",
  "unit",
  "composite",
  "topK",
  "source",
  "license",
  "notes",
] as const satisfies readonly (keyof AnswerCard)[];

function answerCard(card: Fields): AnswerCard {
  const text = (name: string): string | undefined => card.optional(name, (at) => at.text());
  const kinds = Object.keys(outputKinds) as OutputKind[];
  return {
    name: card.required("name").text(),
    labels: card.optional("labels", (at) => at.list().map((label) => label.text())) ?? [],
    ...given("output", text("output")),
    ...given(
      "kind",
      card.optional("kind", (at) => at.oneOf(...kinds)),
    ),
    ...given("unit", text("unit")),
    ...given("composite", text("composite")),
    ...given(
      "topK",
      card.optional("topK", (at) => at.number(0, 1)),
    ),
    ...given("source", text("source")),
    ...given("license", text("license")),
    ...given("notes", text("notes")),
  };
}

/** An object with this property, or without it if the value is undefined. */
function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}

function soundCard(sound: Fields): SoundCard {
  sound.only("takes", "scale", "normalize", "pad");
  return {
    ...given(
      "takes",
      sound.optional("takes", (at) => at.oneOf("waveform", "spectrogram")),
    ),
    ...given(
      "scale",
      sound.optional("scale", (at) => at.number(Number.MIN_VALUE, Number.MAX_VALUE)),
    ),
    ...given(
      "normalize",
      sound.optional("normalize", (at) => at.boolean()),
    ),
    ...given(
      "pad",
      sound.optional("pad", (at) => at.number(-Number.MAX_VALUE, Number.MAX_VALUE)),
    ),
  };
}

const maxPixels = 16384;

function inputCard(input: Fields): InputCard {
  input.only("layout", "size", "resize", "interpolation", "channels", "scale", "mean", "std");
  const channels = input.required("channels").oneOf("RGB", "BGR", "gray");
  const count = channelCount(channels);
  const size = input.required("size").list(2);
  const pixels = (i: number): number => size[i]?.integer(1, maxPixels) ?? 0;
  const finite = Number.MAX_VALUE;
  return {
    layout: input.required("layout").oneOf("NCHW", "NHWC"),
    size: [pixels(0), pixels(1)],
    resize: resizeOf(input),
    ...given(
      "interpolation",
      input.optional("interpolation", (at) => at.oneOf(...interpolations)),
    ),
    channels,
    scale: input.required("scale").number(Number.MIN_VALUE, finite),
    mean: input
      .required("mean")
      .list(count)
      .map((mean) => mean.number(-finite, finite)),
    std: input
      .required("std")
      .list(count)
      .map((std) => std.number(Number.MIN_VALUE, finite)),
  };
}

/** Readers of the forms that are objects, by the field that tells them. */
const resizeForms: Readonly<Record<string, (fields: Fields) => Resize>> = {
  shortSide: (fields) => {
    fields.only("shortSide", "round", "keepSize");
    return {
      shortSide: fields.required("shortSide").integer(1, maxPixels),
      ...given(
        "round",
        fields.optional("round", (at) => at.oneOf("down", "nearest")),
      ),
      ...given(
        "keepSize",
        fields.optional("keepSize", (at) => at.boolean()),
      ),
    };
  },
  stretch: (fields) => {
    fields.only("stretch");
    const sides = fields.required("stretch").list(2);
    const side = (i: number): number => sides[i]?.integer(1, maxPixels) ?? 0;
    return { stretch: [side(0), side(1)] };
  },
  cover: (fields) => {
    fields.only("cover");
    return { cover: fields.required("cover").number(leastCover, 1) };
  },
  letterbox: (fields) => {
    fields.only("letterbox");
    return { letterbox: colourOf(fields.required("letterbox")) };
  },
  contain: (fields) => {
    fields.only("contain");
    return { contain: colourOf(fields.required("contain")) };
  },
};

/** The smallest share of a picture that a crop may be: timm's are above 0.8. */
export const leastCover = 0.05;

function colourOf(field: Field): Colour {
  const parts = field.list(3).map((part) => part.integer(0, 255));
  return parts as unknown as Colour;
}

function resizeOf(input: Fields): Resize {
  const field = input.required("resize");
  const { value } = field;
  if (value === "exact" || value === "none") return value;
  const names = Object.keys(resizeForms);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const fields = isObject ? field.fields() : undefined;
  const form = names.find((name) => fields?.names().includes(name));
  if (fields && form !== undefined) return (resizeForms[form] as (fields: Fields) => Resize)(fields);
  return field.wrong(`"exact", "none", or an object with ${names.join(", ")}`);
}
