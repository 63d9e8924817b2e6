/** Options of all commands that run on pictures: model, preprocessing, device, output. */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { OptionError } from "@relprop/core";
import { themes } from "@relprop/core/heatmap";
import {
  leastCover,
  resizeModes,
  type ChannelOrder,
  type Colour,
  type InputOptions,
} from "@relprop/core/zoo";
import sharp from "sharp";
import { withoutUndefined } from "../without-undefined.ts";
import { devices } from "../sessions/start-explainer.ts";
import { number, numbers, ratio, size } from "./arguments.ts";
import type { OptionTable, ValuesOf } from "./options.ts";

export const runOptions = {
  model: {
    flag: "-m, --model <model>",
    help: "name of the zoo, .onnx file or checkpoint",
    short: "name of the zoo (resnet50), .onnx file or checkpoint",
    default: "resnet50",
  },
  size: {
    flag: "-r, --size <pixels>",
    help: "input size of the network, one number or H,W",
    short: true,
    read: size,
    isOfPictures: true,
  },
  device: {
    flag: "-d, --device <device>",
    help: "where to run; gpu is cuda",
    short: "where to run: cpu, cuda, webgpu, coreml, dml",
    choices: devices,
    default: "cpu",
  },
} as const satisfies OptionTable;

export const feedOptions = {
  card: {
    flag: "--card <file>",
    help: "a model card; by default <model>.card.json beside the model",
    isOfPictures: true,
  },
  layout: {
    flag: "--layout <axes>",
    help: "order of the input's axes",
    choices: ["NCHW", "NHWC"],
    isOfPictures: true,
  },
  resize: {
    flag: "--resize <way>",
    help: "cover (scaled to cover the input, cropped), letterbox (scaled to fit, padded around), contain (padded at the right and below), stretch, or none (pictures have the size)",
    choices: resizeModes,
    isOfPictures: true,
  },
  padColour: {
    flag: "--pad-colour <colour>",
    help: "of letterbox (114,114,114) and contain (the mean): R,G,B or a CSS colour",
    isOfPictures: true,
  },
  crop: {
    flag: "--crop <share>",
    help: "share of the shorter side that is left by the centre crop, as 0.875; or none",
    read: cropShare,
    isOfPictures: true,
  },
  channels: {
    flag: "--channels <order>",
    help: "colours the network takes: RGB, BGR or gray",
    read: channelOrder,
    isOfPictures: true,
  },
  grey: { flag: "--grey", help: "the same as --channels gray", default: false, isOfPictures: true },
  scale: {
    flag: "--scale <s>",
    help: "factor for pixels 0..255, such as 1/255; by default it follows from the size of mean and std",
    read: ratio,
    isOfPictures: true,
  },
  mean: {
    flag: "--mean <m>",
    help: "subtracted next: one number, or one per channel",
    read: numbers,
    isOfPictures: true,
  },
  std: {
    flag: "--std <s>",
    help: "divided by last: one number, or one per channel",
    read: numbers,
    isOfPictures: true,
  },
  labels: { flag: "--labels <file>", help: "class names: JSON, or one per line", short: true },
} as const satisfies OptionTable;

export const themeOption = {
  flag: "--theme <theme>",
  help: "background of figures",
  choices: themes,
  default: "light",
  isOfPictures: true,
} as const;

export const reportOptions = {
  json: {
    flag: "--json",
    help: "one JSON record per class on stdout, and a summary at the end",
    short: "one JSON record per class on stdout",
    default: false,
  },
  quiet: { flag: "--quiet", help: "errors only", short: true, default: false },
} as const satisfies OptionTable;

/** A share, or 1 for `none`: no more is cropped than has to be. */
function cropShare(text: string): number {
  if (text === "none") return 1;
  try {
    return number(leastCover, 1)(text);
  } catch {
    throw new InvalidArgumentError(`It must be a number from ${leastCover} to 1, or "none".`);
  }
}

/** The order of channels, however it is capitalised. */
function channelOrder(text: string): ChannelOrder {
  const orders: Readonly<Record<string, ChannelOrder>> = {
    rgb: "RGB",
    bgr: "BGR",
    gray: "gray",
    grey: "gray",
  };
  const order = orders[text.toLowerCase()];
  if (order !== undefined) return order;
  throw new InvalidArgumentError("It must be RGB, BGR or gray.");
}

/** What the options say about the input. @throws OptionError if a colour is none, or two options contradict each other */
export async function inputOptions(
  values: Partial<ValuesOf<typeof feedOptions & Pick<typeof runOptions, "size">>>,
): Promise<InputOptions> {
  const { layout, size, resize, padColour, crop, channels, grey, scale, mean, std } = values;
  if (grey === true && channels !== undefined && channels !== "gray") {
    throw new OptionError({
      what: `--grey and --channels ${channels} do not go together`,
      why: "they name two orders of channels",
      fix: "leave one of them out",
    });
  }
  return withoutUndefined({
    layout,
    size,
    resize,
    padColour: padColour === undefined ? undefined : await colourOf(padColour),
    crop,
    channels: grey === true ? "gray" : channels,
    scale,
    mean,
    std,
  });
}

/** `114,114,114`, `#727272`, `gray`: three numbers, or whatever CSS calls a colour; its alpha is ignored. */
async function colourOf(text: string): Promise<Colour> {
  const parts = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  const [red = 0, green = 0, blue = 0] = parts;
  if (parts.length === 3 && parts.every((part) => part <= 255)) return [red, green, blue];
  try {
    const create = { width: 1, height: 1, channels: 3 as const, background: text };
    const pixel = await sharp({ create }).raw().toBuffer();
    return [pixel[0] ?? 0, pixel[1] ?? 0, pixel[2] ?? 0];
  } catch {
    throw new OptionError({
      what: `cannot use --pad-colour ${text}`,
      why: "it is no colour",
      fix: "give R,G,B, each from 0 to 255, or a colour as CSS writes it: gray, #727272",
    });
  }
}
