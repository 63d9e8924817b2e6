/**
 * What a model file does not say: how a picture becomes its input, and what its outputs are called. A card is plain
 * JSON (`<model>.card.json`), so that people can write one for their own model.
 */

import { OptionError } from "../errors.ts";
import { outputKinds, type OutputKind } from "../outputs/output-kinds.ts";
import { fieldsOf, type Fields } from "./json-fields.ts";

/** Order of the colour channels in the input tensor. `gray` is one channel, ITU-R BT.601 luma of the RGB pixels. */
export type ChannelOrder = "RGB" | "BGR" | "gray";

/**
 * How a picture is brought to the input's size.
 * - `{ shortSide: n }`: its shorter side becomes n pixels, aspect ratio kept, then the centre is cropped to the size;
 *   the longer side is rounded down, as torchvision does, unless `round` says to the nearest;
 * - `{ stretch: [height, width] }`: it is stretched to these, then the centre is cropped to the size;
 * - `"exact"`: it is stretched to the size;
 * - `"none"`: it must have that size already.
 */
export type Resize =
  | { readonly shortSide: number; readonly round?: "down" | "nearest" }
  | { readonly stretch: readonly [number, number] }
  | "exact"
  | "none";

/** Resampling filters. `bicubic` is Keys' with a = −1/2, as PIL has it. */
export const interpolations = ["nearest", "bilinear", "bicubic", "lanczos"] as const;
export type Interpolation = (typeof interpolations)[number];

/**
 * How a picture becomes the input tensor. Pixels are numbers 0..255; with `scale`, `mean` and `std` as below each
 * becomes `(pixel * scale − mean[c]) / std[c]`, c counting in the order of `channels`.
 */
export interface InputCard {
  /** Order of the tensor's axes: [N, C, H, W] or [N, H, W, C]. */
  readonly layout: "NCHW" | "NHWC";
  /** [height, width] in pixels. */
  readonly size: readonly [number, number];
  readonly resize: Resize;
  /** How pixels are resampled, always antialiased; bilinear unless given. A browser resamples in its own way. */
  readonly interpolation?: Interpolation;
  readonly channels: ChannelOrder;
  /** What a pixel is multiplied by first: 1/255 for the range 0..1, 1 for 0..255. */
  readonly scale: number;
  /** Subtracted after scaling; one number a channel, in the order of `channels`. */
  readonly mean: readonly number[];
  /** Divided by at last; one number a channel, in the order of `channels`. */
  readonly std: readonly number[];
}

/** All that is needed to use a classifier besides its file. Read one with {@link parseModelCard}. */
export interface ModelCard {
  /** What the model is called in messages. */
  readonly name: string;
  readonly input: InputCard;
  /** Names of the classes, by index; empty if they are not known. */
  readonly labels: readonly string[];
  /** Name of the output that is explained, if it isn't the model's only one. */
  readonly output?: string;
  /** What that output is, where the model's graph does not tell: classes, binary, multi-label, values … */
  readonly kind?: OutputKind;
  /** The unit of its values, as it is to be printed: years, mmHg. */
  readonly unit?: string;
  /** Composite to explain it with, if nothing else is asked for. */
  readonly composite?: string;
  /** Relevance filter: the fraction of relevance values kept at each layer, in [0, 1]; 0 is off. */
  readonly topK?: number;
  /** Where the model comes from: a URL or a citation. */
  readonly source?: string;
  readonly license?: string;
  readonly notes?: string;
}

/** Pixels as torchvision and timm feed networks that were trained on ImageNet. */
export const imageNetPixels = {
  channels: "RGB",
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;

/** Channels that the tensor has: 1 for gray, else 3. */
export const channelCount = (channels: ChannelOrder): number => (channels === "gray" ? 1 : 3);

/**
 * Checks a parsed JSON value and gives it as a card.
 * @param file what to call it in errors.
 * @throws OptionError if a field is missing, unknown or has a value that is not allowed; it names the field.
 */
export function parseModelCard(json: unknown, file = "model card"): ModelCard {
  const fail = (where: string, why: string): never => {
    const fix = "see ModelCard in relprop/zoo for the fields";
    throw new OptionError({ what: `cannot use the model card "${file}"`, where, why, fix });
  };
  const card = fieldsOf(json, "", fail);
  card.only(
    "name",
    "input",
    "labels",
    "output",
    "kind",
    "unit",
    "composite",
    "topK",
    "source",
    "license",
    "notes",
  );
  const topK = card.optional("topK", (at) => at.number(0, 1));
  const text = (name: string): string | undefined => card.optional(name, (at) => at.text());
  return {
    name: card.required("name").text(),
    input: inputCard(card.required("input").fields()),
    labels: card.optional("labels", (at) => at.list().map((label) => label.text())) ?? [],
    ...given("output", text("output")),
    ...given(
      "kind",
      card.optional("kind", (at) => at.oneOf(...(Object.keys(outputKinds) as OutputKind[]))),
    ),
    ...given("unit", text("unit")),
    ...given("composite", text("composite")),
    ...given("topK", topK),
    ...given("source", text("source")),
    ...given("license", text("license")),
    ...given("notes", text("notes")),
  };
}

/** A property that is absent, not undefined, where there's no value. */
function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
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

function resizeOf(input: Fields): Resize {
  const resize = input.required("resize");
  if (typeof resize.value === "string") return resize.oneOf("exact", "none");
  const fields = resize.fields();
  if (fields.names().includes("stretch")) {
    fields.only("stretch");
    const sides = fields.required("stretch").list(2);
    const side = (i: number): number => sides[i]?.integer(1, maxPixels) ?? 0;
    return { stretch: [side(0), side(1)] };
  }
  fields.only("shortSide", "round");
  const shortSide = fields.required("shortSide").integer(1, maxPixels);
  const round = fields.optional("round", (field) => field.oneOf("down", "nearest"));
  return round === undefined ? { shortSide } : { shortSide, round };
}
