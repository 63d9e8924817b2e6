/** Options of all commands that run on pictures: model, preprocessing, device, output. */

import { themes } from "@relprop/core/heatmap";
import { devices } from "../sessions/start-explainer.ts";
import { numbers, ratio, size } from "./arguments.ts";
import type { OptionTable } from "./options.ts";

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
  channels: {
    flag: "--channels <order>",
    help: "colour channels of the input",
    choices: ["RGB", "BGR", "gray"],
    isOfPictures: true,
  },
  scale: {
    flag: "--scale <s>",
    help: "factor for pixels 0..255, such as 1/255",
    read: ratio,
    isOfPictures: true,
  },
  mean: {
    flag: "--mean <m>",
    help: "subtracted next, one number per channel",
    read: numbers,
    isOfPictures: true,
  },
  std: {
    flag: "--std <s>",
    help: "divided by last, one number per channel",
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
