/** How pictures are brought to an input's size: what the user says of it, what is guessed, and both in words. */

import { OptionError } from "../errors.ts";
import type { OutputKind } from "../outputs/output-kinds.ts";
import type { Colour, InputCard, Resize } from "./model-card.ts";

/** Ways to bring a picture to a size, as users name them; {@link Resize} says what each one does, `stretch` is `exact`. */
export const resizeModes = ["cover", "contain", "letterbox", "stretch", "none"] as const;
/** Name of a way to bring a picture to a size. */
export type ResizeMode = (typeof resizeModes)[number];

/** What the user says of it. */
export interface ResizeOptions {
  /** How the picture is brought to the size. */
  readonly resize?: ResizeMode;
  /** Of `contain` and `letterbox`. */
  readonly padColour?: Colour;
  /** Share of the picture's shorter side that is left by the centre crop, in (0, 1]; 1 crops no more than it has to. */
  readonly crop?: number;
}

/** What a way is made with. */
interface Wish extends Omit<ResizeOptions, "resize"> {
  readonly input: Omit<InputCard, "resize" | "layout">;
}

/** The gray of YOLO's networks (ultralytics' `LetterBox`). */
const letterboxGray: Colour = [114, 114, 114];

const made: Readonly<Record<ResizeMode, (wish: Wish) => Resize>> = {
  cover: ({ crop = 1 }) => ({ cover: crop }),
  contain: ({ padColour, input }) => ({ contain: padColour ?? meanColour(input) }),
  letterbox: ({ padColour = letterboxGray }) => ({ letterbox: padColour }),
  stretch: ({ crop = 1, input: { size } }) =>
    crop === 1 ? "exact" : { stretch: [Math.floor(size[0] / crop), Math.floor(size[1] / crop)] },
  none: () => "none",
};

const pads: ReadonlySet<ResizeMode> = new Set(["contain", "letterbox"]);
const crops: ReadonlySet<ResizeMode> = new Set(["cover", "stretch"]);

/** The colour that becomes zeros, as far as 8 bits can: DETR, SAM and readers of text lines are padded with zeros. */
function meanColour({ mean, scale, channels }: Wish["input"]): Colour {
  const numbers = mean.map((each) => Math.min(255, Math.max(0, Math.round(each / scale))));
  const [red = 0, green = red, blue = red] = channels === "BGR" ? numbers.toReversed() : numbers;
  return [red, green, blue];
}

function modeOf(resize: Resize): ResizeMode {
  if (resize === "none") return "none";
  if (resize === "exact" || "stretch" in resize) return "stretch";
  if ("letterbox" in resize) return "letterbox";
  return "contain" in resize ? "contain" : "cover";
}

/**
 * A card's `resize` as the user's options change it.
 * @throws OptionError if nothing is padded or cropped where a colour or a share is given
 */
export function chooseResize(
  input: Pick<InputCard, "resize"> & Wish["input"],
  { resize, padColour, crop }: ResizeOptions,
): Resize {
  if (resize === undefined && padColour === undefined && crop === undefined) return input.resize;
  const mode = resize ?? modeOf(input.resize);
  const from = resize === undefined ? "pictures are fed" : "--resize says";
  if (padColour !== undefined && !pads.has(mode)) {
    throw new OptionError({
      what: "cannot use --pad-colour",
      why: `${from} ${mode}, which pads nothing`,
      fix: "add --resize letterbox or contain, or leave it out",
    });
  }
  if (crop !== undefined && !crops.has(mode)) {
    throw new OptionError({
      what: "cannot use --crop",
      why: `${from} ${mode}, which crops nothing`,
      fix: "add --resize cover or stretch, or leave it out",
    });
  }
  return made[mode]({
    input,
    ...(padColour && { padColour }),
    ...(crop !== undefined && { crop }),
  });
}

/** A guess and why it was made. */
export interface GuessedResize {
  readonly resize: Resize;
  readonly why: string;
}

/** Inputs that are so many times wider than high take lines of text, as a rule. */
const wide = 2;

/**
 * What networks of a kind are usually fed with.
 * - detectors: letterbox, as YOLO's;
 * - maps: stretched, so that each place of the picture has its answer, as SegFormer's and DPT's processors do;
 * - wide inputs and answers of steps, which read lines of text: the whole line, its letters undistorted;
 * - other inputs that are not square: stretched, as torchvision's `Resize((height, width))`;
 * - square ones: the shorter side to 8/7 of the size, centre crop, as torchvision and timm; not of pictures that have the size.
 * @param kind of the output, if it is known
 */
export function guessResize(input: Wish["input"], kind: OutputKind | undefined): GuessedResize {
  const [height, width] = input.size;
  if (kind === "detections") return { resize: made.letterbox({ input }), why: "it finds boxes" };
  if (kind === "map" || kind === "value-map")
    return { resize: "exact", why: "it answers at each place of the picture" };
  if (width >= wide * height || (kind === "sequence" && width > height))
    return { resize: made.contain({ input }), why: "its input is wide, as lines of text" };
  if (width !== height) return { resize: "exact", why: "its input is not square" };
  return {
    resize: { shortSide: Math.round((height * 8) / 7), keepSize: true },
    why: "its input is square",
  };
}

/** How pictures are brought to the size, in words. */
export function resizeText({
  resize,
  interpolation,
  size,
}: Pick<InputCard, "resize" | "interpolation" | "size">): string {
  const filter = interpolation === undefined ? "" : `, ${interpolation}`;
  if (typeof resize === "string") return resize + filter;
  if ("letterbox" in resize) return `letterbox${filter}, padded with ${resize.letterbox.join(",")}`;
  if ("contain" in resize)
    return `contain${filter}, padded at the right and below with ${resize.contain.join(",")}`;
  const kept =
    "shortSide" in resize && resize.keepSize === true
      ? ` of pictures that are not ${size.toReversed().join("×")}`
      : "";
  return `${scaledText(resize)}${filter}, centre crop${kept}`;
}

function scaledText(
  resize: Exclude<Resize, string | { readonly letterbox: Colour } | { readonly contain: Colour }>,
): string {
  if ("stretch" in resize) return `stretched to ${resize.stretch.join("×")}`;
  if ("shortSide" in resize) return `shorter side ${resize.shortSide}`;
  return resize.cover === 1 ? "cover" : `cover, of which ${resize.cover} is kept`;
}
