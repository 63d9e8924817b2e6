/**
 * VGG 11, 13, 16 and 19, with and without batch normalisation, from torchvision's weights (Simonyan and Zisserman 2015,
 * arXiv 1409.1556). The architecture is told by the names of the weights, the widths by their shapes.
 */

import { ModelFileError, OptionError } from "../errors.ts";
import { type Dim, float, int, ints, type Model, type Tensor, type Value } from "../onnx/graph.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import { adaptiveAveragePool } from "./adaptive-average-pool.ts";
import { toFloat32 } from "./checkpoint.ts";
import type { ModelCard } from "./model-card.ts";
import { WeightList } from "./weight-list.ts";

/** Convolutions in each of the five blocks; a max pooling ends each. */
const blocks = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
} as const;

type Depth = keyof typeof blocks;
export type VggName = Depth | `${Depth}_bn`;

/** All architectures that {@link buildVgg} builds. */
export const vggNames: readonly VggName[] = (["vgg11", "vgg13", "vgg16", "vgg19"] as const).flatMap(
  (depth): VggName[] => [depth, `${depth}_bn`],
);

/** What a state dict tells of itself. */
export interface VggForm {
  readonly architecture: VggName;
  /** The classifier is numbered as in Johnson's conversions from Caffe: such weights want BGR pixels 0..255. */
  readonly caffe: boolean;
}

export interface VggOptions {
  /** Expect this architecture instead of the one that fits the names best. */
  readonly architecture?: VggName;
  /** [height, width] of the input in pixels, at least 32 each; 224 × 224 unless given. */
  readonly size?: readonly [number, number];
  /** What to call the weights in errors. */
  readonly file?: string;
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

/** Indices of the three Linear layers in `classifier`: torchvision's, and those of older files with Dropout first. */
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

/** Counts training steps; files have it or not. */
const isCounter = (name: string): boolean => name.endsWith(".num_batches_tracked");

/** The form whose parameter names differ least from those given, and by how many. */
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

const parametersOf = (tensors: ReadonlyMap<string, Tensor>): Set<string> =>
  new Set([...tensors.keys()].filter((name) => !isCounter(name)));

/** The VGG that a state dict belongs to, by the names of its weights; undefined if it's none. */
export function recognizeVgg(tensors: ReadonlyMap<string, Tensor>): VggForm | undefined {
  const { form, differences } = closest(parametersOf(tensors));
  return differences === 0 ? form : undefined;
}

/**
 * Builds a VGG as an ONNX model (opset 17): input `input` [N, C, H, W], output `output`, the logits [N, K]. Weights are
 * the tensors given, under torch's names; float16, bfloat16 and float64 are converted to float32. Dropout, which does
 * nothing at inference, is left out. At 224 × 224 the pooling before the classifier is the identity and left out, too.
 * @throws ModelFileError naming up to five parameters that are missing, unknown or of a wrong shape.
 * @throws OptionError if the size is below 32 pixels.
 */
export function buildVgg(tensors: ReadonlyMap<string, Tensor>, options: VggOptions = {}): Model {
  const { size = [224, 224], file = "checkpoint" } = options;
  checkSize(file, size);
  const { form } = closest(parametersOf(tensors), options.architecture);
  const weights = new WeightList(tensors);
  const builder = new GraphBuilder();
  const give = (name: string, dims: readonly (number | undefined)[]): Value | undefined => {
    const tensor = weights.take(name, dims);
    return tensor && builder.constant(toFloat32(tensor), name);
  };

  const channels = tensors.get("features.0.weight")?.dims[1] ?? 3;
  let x: Value | undefined = builder.input("input", "float32", ["N", channels, ...size]);
  let width: number | undefined = channels;
  for (const { kind, index } of featureLayers(form.architecture)) {
    const name = `features.${index}`;
    if (kind === "conv") {
      const weight = give(`${name}.weight`, [undefined, width, 3, 3]);
      width = sizeAt(weight, 0);
      const bias = give(`${name}.bias`, [width]);
      x = weight && bias && x && builder.op("Conv", [x, weight, bias], conv3x3, name);
    } else if (kind === "norm") {
      const [scale, shift, mean, variance] = normFields.map((field) => give(`${name}.${field}`, [width]));
      const complete = scale && shift && mean && variance;
      x =
        complete && x && builder.op("BatchNormalization", [x, scale, shift, mean, variance], normalize, name);
    } else if (kind === "relu") {
      x = x && builder.op("Relu", [x], {}, name);
    } else {
      x = x && builder.op("MaxPool", [x], pool2x2, name);
    }
  }

  x = x && builder.op("Flatten", [adaptiveAveragePool(builder, x, [7, 7])], { axis: int(1) }, "flatten");
  let features: number | undefined = width === undefined ? undefined : width * 7 * 7;
  const linear = classifiers[form.caffe ? "caffe" : "torchvision"];
  for (const [i, index] of linear.entries()) {
    const name = `classifier.${index}`;
    const weight = give(`${name}.weight`, [undefined, features]);
    features = sizeAt(weight, 0);
    const bias = give(`${name}.bias`, [features]);
    if (!x || !weight || !bias) x = undefined;
    else if (i === 2) x = lastLinear(builder, [x, weight, bias], name);
    else
      x = builder.op("Relu", [builder.op("Gemm", [x, weight, bias], transposed, name)], {}, `${name}.relu`);
  }

  const problems = [...weights.problems(isCounter)];
  if (problems.length > 0 || !x) throw misfit(file, form.architecture, problems);
  builder.output(x);
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "relprop",
    metadata: {},
    graph: builder.graph(form.architecture),
  };
}

const conv3x3 = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([1, 1]) };
const pool2x2 = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
const normalize = { epsilon: float(1e-5) };
const transposed = { transB: int(1) };

/** The last layer's value is called `output`, its node as the layer. */
function lastLinear(builder: GraphBuilder, inputs: readonly Value[], name: string): Value | undefined {
  const names = inputs.map((input) => input.name);
  return builder.add({
    name,
    opType: "Gemm",
    domain: "",
    inputs: names,
    outputs: ["output"],
    attributes: transposed,
  })[0];
}

function sizeAt(value: Value | undefined, axis: number): number | undefined {
  const size: Dim | undefined = value?.shape[axis];
  return typeof size === "number" ? size : undefined;
}

function checkSize(file: string, size: readonly [number, number]): void {
  if (size.every((pixels) => Number.isInteger(pixels) && pixels >= 32 && pixels <= 16384)) return;
  const why = `its input cannot be ${size.join(" × ")} pixels: five poolings halve it`;
  throw new OptionError({
    what: `cannot build a VGG from "${file}"`,
    why,
    fix: "give a size from 32 to 16384 pixels",
  });
}

function misfit(file: string, architecture: VggName, problems: readonly string[]): ModelFileError {
  const listed = problems.slice(0, 5).join("; ");
  const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
  return new ModelFileError({
    what: `cannot build a model from "${file}"`,
    why: `its weights do not fit ${architecture}, the closest architecture known: ${listed}${more}`,
    fix: "relprop builds VGG 11, 13, 16 and 19 from checkpoints; export other models to ONNX",
  });
}

/**
 * The card of a VGG trained on ImageNet. torchvision's weights want RGB, 0..1, normalised; weights converted from Caffe
 * want BGR, 0..255, minus the mean. Labels are left empty: the caller has them or not.
 */
export function vggCard(form: VggForm, size: readonly [number, number] = [224, 224]): ModelCard {
  const shortSide = Math.round((Math.min(...size) * 256) / 224);
  const pixels = form.caffe ? caffePixels : torchvisionPixels;
  return {
    name: form.architecture,
    input: { layout: "NCHW", size, resize: { shortSide }, ...pixels },
    labels: [],
    output: "output",
    topK: 0.02,
  };
}

const torchvisionPixels = {
  channels: "RGB",
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;

/** Means of ImageNet in Caffe's channel order. */
export const caffePixels = {
  channels: "BGR",
  scale: 1,
  mean: [103.939, 116.779, 123.68],
  std: [1, 1, 1],
} as const;
