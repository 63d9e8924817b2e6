/** Makes cards for models that come without one, from the shape of their input and, for the rest, from reported guesses. */

import { OptionError } from "../errors.ts";
import type { Model, Value } from "../onnx/graph.ts";
import { metadataLabels } from "../outputs/metadata.ts";
import type { HubConfig } from "./hub-config.ts";
import { channelCount, imageNetPixels, type InputCard, type ModelCard, type Resize } from "./model-card.ts";

/** What the user says about the input; it overrides cards and guesses. The fields are those of {@link InputCard}. */
export interface InputOptions {
  /** Order of the axes. */
  readonly layout?: InputCard["layout"];
  /** [height, width] in pixels. */
  readonly size?: readonly [number, number];
  /** Order of the colours. */
  readonly channels?: InputCard["channels"];
  /** First factor of pixels 0..255. */
  readonly scale?: number;
  /** Subtracted after scaling, one number per channel. */
  readonly mean?: readonly number[];
  /** Divisor after subtracting, one number per channel. */
  readonly std?: readonly number[];
}

/** Pixels of gray pictures in 0..1, the guess for gray inputs. */
const plainGray = { scale: 1 / 255, mean: [0], std: [1] };

/** A card, part of which may be guessed. */
export interface GuessedCard {
  /** With all fields of the input, guessed or known. */
  readonly card: ModelCard;
  /** The guessed parts in words, to be printed; empty if nothing was guessed. */
  readonly guesses: readonly string[];
}

/**
 * Makes a card for a model. Layout, size and channels come from the shape of the input where it fixes them. The rest is
 * what torchvision and timm train with: shorter side to 8/7 of the size, centre crop, RGB 0..1 normalised with ImageNet's
 * mean and standard deviation (gray: 0..1, not normalised).
 * @throws OptionError if the input is not a picture, or `mean` or `std` do not have one number for each channel
 */
export function guessCard(
  name: string,
  model: Model,
  options: InputOptions,
  inputName?: string,
): GuessedCard {
  const input = pictureInput(model, inputName);
  const guesses: string[] = [];
  const guess = <T>(value: T, text: string): T => {
    guesses.push(text);
    return value;
  };
  const nhwc = isChannels(input.shape[3]) && !isChannels(input.shape[1]);
  const layout = options.layout ?? (nhwc ? "NHWC" : "NCHW");
  const [rows, columns, depth] = layout === "NCHW" ? [2, 3, 1] : [1, 2, 3];
  const fixed = [input.shape[rows], input.shape[columns]];
  const [height, width] = fixed;
  const size: readonly [number, number] =
    typeof height === "number" && typeof width === "number"
      ? [height, width]
      : (options.size ?? guess([224, 224] as const, "size 224×224"));
  const channels =
    options.channels ?? (input.shape[depth] === 1 ? "gray" : guess("RGB" as const, "channels RGB"));
  const usual = channels === "gray" ? plainGray : imageNetPixels;
  const scale = options.scale ?? guess(usual.scale, "scale 1/255");
  const mean = options.mean ?? guess(usual.mean, `mean ${usual.mean.join(",")}`);
  const std = options.std ?? guess(usual.std, `std ${usual.std.join(",")}`);
  const shortSide = Math.round((Math.max(...size) * 8) / 7);
  guesses.push(`shorter side to ${shortSide}, centre crop`);
  const card: ModelCard = {
    name,
    input: { layout, size, resize: { shortSide }, channels, scale, mean, std },
    labels: metadataLabels(model),
  };
  checkCounts(card.input);
  return { card, guesses };
}

const isChannels = (dim: unknown): boolean => dim === 1 || dim === 3;

function pictureInput(model: Model, name: string | undefined): Value {
  const { inputs } = model.graph;
  const input =
    name === undefined
      ? inputs.find(({ dataType }) => dataType.startsWith("float"))
      : inputs.find((each) => each.name === name);
  if (input?.shape.length === 4) return input;
  const shapes = inputs.map((each) => `"${each.name}" [${each.shape.join(", ")}]`).join(", ");
  const other = inputs.find((each) => each !== input && each.shape.length === 4);
  throw new OptionError({
    what: "cannot feed pictures to this model",
    why: `its inputs are ${shapes}; a picture needs float [N, C, H, W] or [N, H, W, C]`,
    fix: `${other ? `name the picture's input with --input ${other.name}, or ` : ""}use \`relprop compile\` and feed the graph yourself`,
  });
}

/**
 * Makes a card from the files of a model hub. They override guesses; the shape of the input and the user's options override
 * both.
 * @throws OptionError as {@link guessCard}
 */
export function hubCard(
  name: string,
  model: Model,
  { input, labels, kind, guesses }: HubConfig,
  options: InputOptions,
  inputName?: string,
): GuessedCard {
  const guessed = guessCard(
    name,
    model,
    input ? { ...options, size: options.size ?? input.size } : options,
    inputName,
  );
  const about = { labels, ...(kind ? { kind } : {}) };
  if (!input) return { ...guessed, card: { ...guessed.card, ...about } };
  const { layout, size } = guessed.card.input;
  const card = overrideCard({ name, input: { ...input, layout }, ...about }, { ...options, size });
  return { card, guesses };
}

/**
 * A card overridden by the user's options; a new size scales the sides of `resize`.
 * @throws OptionError if `mean` or `std` do not have one number for each channel
 */
export function overrideCard(card: ModelCard, options: InputOptions): ModelCard {
  const input: InputCard = { ...card.input, ...options };
  const factor = Math.max(...input.size) / Math.max(...card.input.size);
  const made = { ...card, input: { ...input, resize: scaled(card.input.resize, factor) } };
  checkCounts(made.input);
  return made;
}

function scaled(resize: Resize, factor: number): Resize {
  if (typeof resize === "string") return resize;
  const times = (side: number): number => Math.round(side * factor);
  if ("stretch" in resize) return { stretch: [times(resize.stretch[0]), times(resize.stretch[1])] };
  return { ...resize, shortSide: times(resize.shortSide) };
}

function checkCounts({ channels, mean, std }: InputCard): void {
  const count = channelCount(channels);
  for (const [name, numbers] of Object.entries({ mean, std })) {
    if (numbers.length === count) continue;
    throw new OptionError({
      what: `--${name} cannot be ${numbers.join(",")}`,
      why: `${channels} has ${count === 1 ? "one channel" : `${count} channels`}`,
      fix: `give ${count === 1 ? "one number" : `${count} numbers`}`,
    });
  }
}
