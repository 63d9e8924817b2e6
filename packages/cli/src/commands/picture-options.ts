/** Options of all runs over pictures: the model, how it is fed, where it runs, and what is said. */

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
    help: "a model card; else <model>.card.json beside the model",
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
    help: "colours the network takes",
    choices: ["RGB", "BGR", "gray"],
    isOfPictures: true,
  },
  scale: {
    flag: "--scale <s>",
    help: "what pixels 0..255 are multiplied by, as 1/255",
    read: ratio,
    isOfPictures: true,
  },
  mean: {
    flag: "--mean <m>",
    help: "subtracted then, one number a channel",
    read: numbers,
    isOfPictures: true,
  },
  std: {
    flag: "--std <s>",
    help: "divided by at last, one number a channel",
    read: numbers,
    isOfPictures: true,
  },
  labels: { flag: "--labels <file>", help: "class names: JSON, or one a line", short: true },
} as const satisfies OptionTable;

export const themeOption = {
  flag: "--theme <theme>",
  help: "what figures are drawn on",
  choices: themes,
  default: "light",
  isOfPictures: true,
} as const;

export const reportOptions = {
  json: {
    flag: "--json",
    help: "one JSON record a class on stdout, a summary at the end",
    short: "one JSON record a class on stdout",
    default: false,
  },
  quiet: { flag: "--quiet", help: "errors only", short: true, default: false },
} as const satisfies OptionTable;
