/** Makes cards for models that come without one, from the shape of their input and, for the rest, from reported guesses. */

import { readAnswer } from "../compile/choose-explanation.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import { OptionError, RelpropError } from "../errors.ts";
import type { Dim, Model, Value } from "../onnx/graph.ts";
import type { OutputKind } from "../outputs/output-kinds.ts";
import { metadataLabels } from "../outputs/metadata.ts";
import { chooseResize, guessResize, resizeText, type ResizeOptions } from "./choose-resize.ts";
import type { HubConfig } from "./hub-config.ts";
import { choosePixels, type PixelOptions } from "./choose-pixels.ts";
import type { PixelNumbers } from "./pixel-bounds.ts";
import { ultralyticsConfig } from "./ultralytics.ts";
import { pictureOf } from "./one-picture.ts";
import { ownPixels } from "./own-scaling.ts";
import { imageNetPixels, type InputCard, type ModelCard, type Resize } from "./model-card.ts";

/** What the user says about the input; it overrides cards and guesses. Most fields are those of {@link InputCard}. */
export interface InputOptions extends ResizeOptions, PixelOptions {
  /** Order of the axes. */
  readonly layout?: InputCard["layout"];
  /** [height, width] in pixels. */
  readonly size?: readonly [number, number];
  /** Order of the colours. */
  readonly channels?: InputCard["channels"];
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

/** What of the model is explained, where it is said. */
export type Explained = Partial<Pick<CompileOptions, "input" | "output" | "outputKind">>;

/**
 * Makes a card for a model: as Ultralytics' exporter wrote it into the file, or as follows. Layout, size and channels come from the shape of the input where it fixes them. The rest is
 * what torchvision and timm train with, RGB 0..1 normalised with ImageNet's mean and standard deviation (gray: 0..1, not
 * normalised), unless the network scales its pixels itself; and the geometry that is usual for the kind of output and the form of the input, see `guessResize`.
 * @throws OptionError if the input is not a picture, `mean` or `std` do not have one number for each channel, or options for
 *   the geometry do not go together
 */
export function guessCard(
  name: string,
  model: Model,
  options: InputOptions,
  explained: Explained = {},
): GuessedCard {
  const exported = ultralyticsConfig(model);
  if (exported) return hubCard(name, model, exported, options, explained);
  const { layout, size, depth, isOpen } = inputAxes(model, options, explained);
  const guesses: string[] = [];
  const guess = <T>(value: T, text: string): T => {
    guesses.push(text);
    return value;
  };
  if (isOpen) guesses.push(`size ${size.join("×")}`);
  const channels = options.channels ?? (depth === 1 ? "gray" : guess("RGB" as const, "channels RGB"));
  const own = ownPixels(model, pictureInput(model, explained.input), channels);
  const usual = own?.pixels ?? (channels === "gray" ? plainGray : imageNetPixels);
  const { guesses: ofPixels, ...pixels } = choosePixels(channels, usual, options);
  const isOwn = own && options.scale === undefined && !options.mean && !options.std;
  guesses.push(...(isOwn ? [own.why] : ofPixels.length > 0 ? ofPixels : usualGuesses(pixels, options)));
  const plain = { layout, size, channels, ...pixels };
  const { resize, why } = guessResize(plain, kindOf(model, size, explained));
  if (options.resize === undefined) guesses.push(`${resizeText({ size, resize })} (${why})`);
  const input = { ...plain, resize: chooseResize({ ...plain, resize }, options) };
  return { card: { name, input, labels: metadataLabels(model) }, guesses };
}

/** The usual numbers where the options have none, in words. */
const usualGuesses = ({ mean, std }: PixelNumbers, options: PixelOptions): string[] => [
  ...(options.scale === undefined ? ["scale 1/255"] : []),
  ...(options.mean ? [] : [`mean ${mean.join(",")}`]),
  ...(options.std ? [] : [`std ${std.join(",")}`]),
];

/** What the shape of the input says. */
interface InputAxes extends Pick<InputCard, "layout" | "size"> {
  /** Size of the axis of channels. */
  readonly depth: Dim | undefined;
  /** Whether neither the shape nor the user says all of the size. */
  readonly isOpen: boolean;
}

const usualSide = 224;

function inputAxes(model: Model, options: InputOptions, explained: Explained): InputAxes {
  const { shape } = pictureInput(model, explained.input);
  const nhwc = isChannels(shape[3]) && !isChannels(shape[1]);
  const layout = options.layout ?? (nhwc ? "NHWC" : "NCHW");
  const [rows, columns, depth] = layout === "NCHW" ? [2, 3, 1] : [1, 2, 3];
  const fixed = [shape[rows], shape[columns]].map((side) => (typeof side === "number" ? side : undefined));
  // A side that is fixed is kept, whatever it is.
  const usual = Math.max(usualSide, ...fixed.map((side) => side ?? 0));
  const [height = usual, width = usual] = fixed.map((side, i) => side ?? options.size?.[i]);
  const isOpen = options.size === undefined && fixed.includes(undefined);
  return { layout, size: [height, width], depth: shape[depth], isOpen };
}

/** What the output is, read only where it can be more than a list of numbers; undefined where it cannot be read. */
function kindOf(model: Model, size: readonly [number, number], explained: Explained): OutputKind | undefined {
  if (explained.outputKind !== undefined) return explained.outputKind;
  const { outputs } = model.graph;
  const [only] = outputs;
  if (outputs.length === 0 || (outputs.length === 1 && only && only.shape.length <= 2)) return undefined;
  try {
    return readAnswer(model, { size, ...explained }).facts.kind;
  } catch (error) {
    // Whoever goes on with this model is told what stands in the way.
    if (error instanceof RelpropError) return undefined;
    throw error;
  }
}

const isChannels = (dim: unknown): boolean => dim === 1 || dim === 3;

function pictureInput(model: Model, name: string | undefined): Value {
  const { inputs } = model.graph;
  const input = pictureOf(model.graph, name);
  if (input?.shape.length === 4) return input;
  const shapes = inputs.map((each) => `"${each.name}" [${each.shape.join(", ")}]`).join(", ");
  const other = inputs.find((each) => each !== input && each.shape.length === 4);
  throw new OptionError({
    what: "cannot feed pictures to this model",
    why: `its inputs are ${shapes}; a picture needs float [N, C, H, W] or [N, H, W, C], or without a batch [C, H, W], [H, W, C] or [H, W]`,
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
  explained: Explained = {},
): GuessedCard {
  const about = { labels, ...(kind ? { kind } : {}) };
  if (!input) {
    const guessed = guessCard(name, model, options, explained);
    return { ...guessed, card: { ...guessed.card, ...about } };
  }
  const { layout, size } = inputAxes(model, { ...options, size: options.size ?? input.size }, explained);
  const { card, guesses: more } = overrideCard(
    { name, input: { ...input, layout }, ...about },
    { ...options, size },
  );
  return { card, guesses: [...guesses, ...more] };
}

/**
 * A card overridden by the user's options; a new size scales the sides of `resize`.
 * @throws OptionError as `choosePixels`, or if options for the geometry do not go together
 */
export function overrideCard(card: ModelCard, options: InputOptions): GuessedCard {
  const { resize, padColour, crop, scale, mean, std, ...others } = options;
  const known: InputCard = { ...card.input, ...others };
  const said = {
    ...(resize && { resize }),
    ...(padColour && { padColour }),
    ...(crop !== undefined && { crop }),
  };
  const saidOfPixels = {
    ...(scale !== undefined && { scale }),
    ...(mean && { mean }),
    ...(std && { std }),
  };
  const { guesses, ...pixels } = choosePixels(known.channels, known, saidOfPixels);
  const factor = Math.max(...known.size) / Math.max(...card.input.size);
  const sized = { ...known, ...pixels, resize: scaled(card.input.resize, factor) };
  return { card: { ...card, input: { ...sized, resize: chooseResize(sized, said) } }, guesses };
}

function scaled(resize: Resize, factor: number): Resize {
  if (typeof resize === "string") return resize;
  const times = (side: number): number => Math.round(side * factor);
  if ("stretch" in resize) return { stretch: [times(resize.stretch[0]), times(resize.stretch[1])] };
  return "shortSide" in resize ? { ...resize, shortSide: times(resize.shortSide) } : resize;
}
