/**
 * VGG 11, 13, 16 and 19, with and without batch normalisation, from torchvision's weights (Simonyan and Zisserman 2015,
 * arXiv 1409.1556). The architecture follows from the names of the weights, the widths from their shapes.
 */

import { int, type Model } from "../../onnx/graph.ts";
import { adaptiveAveragePool } from "../adaptive-average-pool.ts";
import { imageNetPixels, type ModelCard } from "../../cards/model-card.ts";
import { activate, batchNorm, conv, linear, maxPool } from "./blocks.ts";
import type { Family } from "./family.ts";
import { type BuildOptions, isCounter, NetBuilder, type StateDict } from "./net-builder.ts";

/** Convolutions of each of the five blocks, which end with a max pooling. */
const blocks = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
} as const;

type Depth = keyof typeof blocks;
/** Name of an architecture; `_bn` has batch normalisation. */
export type VggName = Depth | `${Depth}_bn`;

/** All architectures that {@link buildVgg} builds. */
export const vggNames: readonly VggName[] = (["vgg11", "vgg13", "vgg16", "vgg19"] as const).flatMap(
  (depth): VggName[] => [depth, `${depth}_bn`],
);

/** The form of a state dict. */
export interface VggForm {
  readonly architecture: VggName;
  /** Whether the classifier is numbered as in Johnson's conversions from Caffe, whose weights need BGR pixels 0..255. */
  readonly caffe: boolean;
}

/** Options of {@link buildVgg}. */
export interface VggOptions extends BuildOptions {
  /** The architecture. @default the one that fits the names best */
  readonly architecture?: VggName;
}

/** A layer of `features`, by its index there. */
interface Layer {
  readonly kind: "conv" | "norm" | "relu" | "pool";
  readonly index: number;
}

function featureLayers(architecture: VggName): Layer[] {
  const unit: readonly Layer["kind"][] = architecture.endsWith("_bn")
    ? ["conv", "norm", "relu"]
    : ["conv", "relu"];
  const kinds: Layer["kind"][] = [];
  for (const convolutions of blocks[depthOf(architecture)]) {
    for (let i = 0; i < convolutions; i++) kinds.push(...unit);
    kinds.push("pool");
  }
  return kinds.map((kind, index) => ({ kind, index }));
}

const depthOf = (architecture: VggName): Depth => architecture.slice(0, 5) as Depth;

/** Indices of the three Linear layers in `classifier`: torchvision's, and those of older files, which begin with Dropout. */
const classifiers = { torchvision: [0, 3, 6], caffe: [1, 4, 6] } as const;

function parameterNames({ architecture, caffe }: VggForm): string[] {
  const parts = featureLayers(architecture).flatMap(({ kind, index }) => {
    const fields = kind === "conv" ? convFields : kind === "norm" ? normFields : [];
    return fields.map((field) => `features.${index}.${field}`);
  });
  const linear = classifiers[caffe ? "caffe" : "torchvision"];
  return [...parts, ...linear.flatMap((index) => convFields.map((field) => `classifier.${index}.${field}`))];
}

const convFields = ["weight", "bias"] as const;
const normFields = ["weight", "bias", "running_mean", "running_var"] as const;

/** The form whose parameter names differ least from the given ones, and the number of differences. */
function closest(names: ReadonlySet<string>, only?: VggName): { form: VggForm; differences: number } {
  const forms = vggNames
    .filter((architecture) => only === undefined || architecture === only)
    .flatMap((architecture) => [false, true].map((caffe): VggForm => ({ architecture, caffe })));
  let best = { form: { architecture: only ?? "vgg16", caffe: false }, differences: Infinity };
  for (const form of forms) {
    const expected = parameterNames(form);
    const shared = expected.filter((name) => names.has(name)).length;
    const differences = expected.length + names.size - 2 * shared;
    if (differences < best.differences) best = { form, differences };
  }
  return best;
}

const parametersOf = (tensors: StateDict): Set<string> =>
  new Set([...tensors.keys()].filter((name) => !isCounter(name)));

/** The VGG that a state dict is, by the names of its weights; undefined if it is not a VGG. */
export function recognizeVgg(tensors: StateDict): VggForm | undefined {
  const { form, differences } = closest(parametersOf(tensors));
  return differences === 0 ? form : undefined;
}

/**
 * Builds a VGG as an ONNX model (opset 17) with the input `input` [N, C, H, W] and the output `output`, the logits [N, K].
 * Weights keep torch's names; float16, bfloat16 and float64 become float32. Dropout does nothing at inference and is left
 * out, as is the pooling before the classifier at 224 × 224, where it is the identity.
 * @throws ModelFileError if parameters are missing, unknown or of a wrong shape; it names up to five
 * @throws OptionError if the size is below 32 pixels
 */
export function buildVgg(tensors: StateDict, options: VggOptions = {}): Model {
  const { form } = closest(parametersOf(tensors), options.architecture);
  const net = new NetBuilder(tensors, form.architecture, options);
  let x = net.input("features.0.weight");
  for (const { kind, index } of featureLayers(form.architecture)) {
    const name = `features.${index}`;
    if (kind === "conv") x = conv(net, x, name, { kernel: 3, bias: true });
    else if (kind === "norm") x = batchNorm(net, x, name);
    else if (kind === "relu") x = activate(net, x, "relu", name);
    else x = maxPool(net, x, { kernel: 2, stride: 2 }, name);
  }
  const grid = x.value && adaptiveAveragePool(net.builder, x.value, [7, 7]);
  x = {
    value: net.op("Flatten", [grid], { axis: int(1) }, "flatten"),
    width: x.width === undefined ? undefined : x.width * 49,
  };
  const [first, second, last] = classifiers[form.caffe ? "caffe" : "torchvision"];
  for (const name of [`classifier.${first}`, `classifier.${second}`])
    x = activate(net, linear(net, x, name), "relu", `${name}.relu`);
  return net.finishLinear(x, `classifier.${last}`);
}

/**
 * The card of a VGG trained on ImageNet, without labels. torchvision's weights need normalised RGB pixels 0..1; weights
 * converted from Caffe need BGR pixels 0..255 minus the mean.
 */
export function vggCard(form: VggForm, size: readonly [number, number] = [224, 224]): ModelCard {
  const shortSide = Math.round((Math.min(...size) * 256) / 224);
  const pixels = form.caffe ? caffePixels : imageNetPixels;
  return {
    name: form.architecture,
    input: { layout: "NCHW", size, resize: { shortSide }, ...pixels },
    labels: [],
    output: "output",
    topK: 0.02,
  };
}

/** Pixels as networks trained with Caffe on ImageNet take them. */
export const caffePixels = {
  channels: "BGR",
  scale: 1,
  mean: [103.939, 116.779, 123.68],
  std: [1, 1, 1],
} as const;

export const vgg: Family = {
  name: "vgg",
  summary: "VGG 11, 13, 16, 19, with and without batch normalisation, torchvision or Caffe weights",
  recognize: (state) => {
    const names = parametersOf(state);
    const isVgg =
      [...names].some((name) => /^features\.\d+\.weight$/.test(name)) && state.has("classifier.6.weight");
    if (!isVgg) return undefined;
    const { form } = closest(names);
    return { card: vggCard(form), guesses: [], build: (options) => buildVgg(state, options) };
  },
};
