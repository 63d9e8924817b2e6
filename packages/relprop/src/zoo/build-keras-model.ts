/** Builds ONNX graphs of Keras layers: NHWC becomes NCHW, kernels HWIO become OIHW, and paddings join the next layer. */

import { float, int, ints, type Model, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import { float32Data, float32Tensor } from "../onnx/tensor.ts";
import { type KerasLayer, type KerasModel, layerError } from "./keras-layers.ts";

/** Options of {@link buildKerasModel}. */
export interface KerasOptions {
  /** [height, width] of the input in pixels. @default that of the model */
  readonly size?: readonly [number, number];
}

/** Zeros around an image in ONNX's order: begin of H and W, end of H and W. */
type Pads = readonly [number, number, number, number];

/** The output of a layer. */
interface Flow {
  readonly value: Value;
  /** Zeros around the value that the next layer must add. */
  readonly pads?: Pads;
  readonly nonNegative: boolean;
}

/** A layer to build, and the outputs that it reads. */
interface Step {
  readonly layer: KerasLayer;
  readonly inputs: readonly [Flow, ...Flow[]];
  readonly work: Work;
}

/**
 * Builds a Keras model as an ONNX model (opset 17) with the input `input` [N, C, H, W] and the output `logits`, before a
 * final softmax.
 * @throws ModelFileError if a layer or one of its settings is not supported, or its weights are missing or do not fit
 */
export function buildKerasModel(model: KerasModel, options: KerasOptions = {}): Model {
  const work = new Work(model, options);
  work.builder.reserve("logits");
  const flows = new Map<string, Flow>();
  for (const layer of model.layers) {
    const [first, ...others] = layer.inputs.map((name) => {
      const flow = flows.get(name);
      if (!flow) throw layerError(model, layer, `its input "${name}" does not come before it`);
      return flow;
    });
    const build = layers.get(layer.type);
    if (!build)
      throw layerError(
        model,
        layer,
        `relprop does not know this layer; it knows ${[...layers.keys()].join(", ")}`,
      );
    if (flows.has(layer.name)) throw layerError(model, layer, "another layer has the same name");
    if (layer.type === "InputLayer" && flows.size > 0) {
      throw layerError(model, layer, "it is not the first layer, and relprop reads models of one input");
    }
    if (layer.type === "InputLayer") flows.set(layer.name, inputOf(layer, work));
    else if (first) flows.set(layer.name, build({ layer, inputs: [first, ...others], work }));
    else throw layerError(model, layer, "it has no input");
  }
  const output = flows.get(model.output);
  if (!output || output.pads)
    throw layerError(model, model.layers.at(-1), `the output "${model.output}" is not a layer's value`);
  if (!work.builder.graph("").nodes.some((node) => node.outputs.includes(output.value.name))) {
    throw layerError(model, model.layers.at(-1), "the output is the input");
  }
  work.builder.output(output.value);
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "relprop",
    metadata: {},
    graph: renameValue(work.builder.graph("keras"), output.value.name, "logits"),
  };
}

/** The graph under construction, and the model that it is built from. */
class Work {
  readonly builder = new GraphBuilder();
  readonly model: KerasModel;
  readonly options: KerasOptions;

  constructor(model: KerasModel, options: KerasOptions) {
    this.model = model;
    this.options = options;
  }

  /**
   * The weight of a layer, which `convert` brings into the layout of ONNX.
   * @param dims the shape that it must have
   */
  weight(
    layer: KerasLayer,
    field: string,
    dims: readonly number[],
    convert = (t: Tensor): Tensor => t,
  ): Value {
    const name = `${layer.name}/${field}`;
    const tensor = this.model.weights.get(name);
    if (!tensor) throw layerError(this.model, layer, `its weight "${name}" is missing`);
    if (tensor.dims.length !== dims.length || !dims.every((dim, axis) => dim === tensor.dims[axis])) {
      const why = `its weight "${name}" is [${tensor.dims.join(", ")}], expected [${dims.join(", ")}]`;
      throw layerError(this.model, layer, why);
    }
    return this.builder.constant(convert(tensor), name);
  }

  /** The size of an axis, which must be fixed. */
  fixed(layer: KerasLayer, value: Value, axis: number): number {
    const size = value.shape[axis];
    if (typeof size === "number" && size > 0) return size;
    throw layerError(this.model, layer, `its input of shape [${value.shape.join(", ")}] does not suit it`);
  }

  /** [C, H, W] of an image. */
  image(layer: KerasLayer, value: Value): readonly [number, number, number] {
    return [this.fixed(layer, value, 1), this.fixed(layer, value, 2), this.fixed(layer, value, 3)];
  }
}

function inputOf(layer: KerasLayer, { builder, options }: Work): Flow {
  const [, height, width, channels] = layer.config.required("batch_input_shape").list(4);
  const size = options.size ?? [height?.integer(1, 16384) ?? 0, width?.integer(1, 16384) ?? 0];
  const shape = ["N", channels?.integer(1, 4096) ?? 0, ...size];
  return { value: builder.input("input", "float32", shape), nonNegative: false };
}

const layers: ReadonlyMap<string, (step: Step) => Flow> = new Map<string, (step: Step) => Flow>([
  ["InputLayer", ({ inputs }) => inputs[0]],
  ["ZeroPadding2D", zeroPadding],
  ["Conv2D", convolution],
  ["BatchNormalization", batchNormalization],
  [
    "Activation",
    ({ layer, inputs, work }) => activated(layer, unpadded(layer, inputs[0], work), work, layer.name),
  ],
  ["MaxPooling2D", maxPooling],
  ["Add", addition],
  ["GlobalAveragePooling2D", globalAveragePooling],
  ["Dense", dense],
]);

function zeroPadding({ layer, inputs, work }: Step): Flow {
  channelsLast(layer);
  const [rows, columns] = layer.config
    .required("padding")
    .list(2)
    .map((pair) => pair.list(2).map((n) => n.integer(0, 1024)));
  const [top = 0, bottom = 0] = rows ?? [];
  const [left = 0, right = 0] = columns ?? [];
  const { value, nonNegative } = unpadded(layer, inputs[0], work);
  return { value, nonNegative, pads: [top, left, bottom, right] };
}

function convolution({ layer, inputs, work }: Step): Flow {
  channelsLast(layer);
  const { config } = layer;
  const { value, pads } = inputs[0];
  const [channels] = work.image(layer, value);
  const filters = config.required("filters").integer(1, 2 ** 20);
  const kernel = pairOf(layer, "kernel_size");
  const strides = pairOf(layer, "strides");
  const dilations = pairOf(layer, "dilation_rate");
  config.optional("groups", (groups) => groups.integer(1, 1));
  const weight = work.weight(layer, "kernel", [...kernel, channels, filters], kernelToOnnx);
  const bias = config.required("use_bias").boolean() ? work.weight(layer, "bias", [filters]) : undefined;
  const reach: Pair = [(kernel[0] - 1) * dilations[0] + 1, (kernel[1] - 1) * dilations[1] + 1];
  const attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(windowPads({ layer, inputs, work }, pads, reach, strides)),
  };
  const output = work.builder.op(
    "Conv",
    bias ? [value, weight, bias] : [value, weight],
    attributes,
    layer.name,
  );
  return activated(layer, { value: output, nonNegative: false }, work, `${layer.name}.activation`);
}

function maxPooling(step: Step): Flow {
  const { layer, inputs, work } = step;
  channelsLast(layer);
  const { value, pads, nonNegative } = inputs[0];
  work.image(layer, value);
  // Keras pads with zeros and ONNX with −∞, which is the same only if no value is negative.
  if (pads && !nonNegative)
    throw layerError(work.model, layer, "it pools zeros around values that may be negative");
  const kernel = pairOf(layer, "pool_size");
  const strides = pairOf(layer, "strides");
  const attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints(windowPads(step, pads, kernel, strides)),
  };
  return { value: work.builder.op("MaxPool", [value], attributes, layer.name), nonNegative };
}

function batchNormalization({ layer, inputs, work }: Step): Flow {
  const { value } = unpadded(layer, inputs[0], work);
  const axis = layer.config.required("axis");
  const last = value.shape.length - 1;
  // Keras normalises the last axis, which holds the channels.
  (Array.isArray(axis.value) ? (axis.list(1)[0] ?? axis) : axis).integer(last, last);
  const channels = work.fixed(layer, value, 1);
  const constant = (number: number): Value =>
    work.builder.numbers(Array.from({ length: channels }, () => number));
  const has = (field: string): boolean => layer.config.required(field).boolean();
  const scale = has("scale") ? work.weight(layer, "gamma", [channels]) : constant(1);
  const shift = has("center") ? work.weight(layer, "beta", [channels]) : constant(0);
  const mean = work.weight(layer, "moving_mean", [channels]);
  const variance = work.weight(layer, "moving_variance", [channels]);
  const attributes = { epsilon: float(layer.config.required("epsilon").number(0, 1)) };
  const output = work.builder.op(
    "BatchNormalization",
    [value, scale, shift, mean, variance],
    attributes,
    layer.name,
  );
  return { value: output, nonNegative: false };
}

function addition({ layer, inputs, work }: Step): Flow {
  const flows = inputs.map((input) => unpadded(layer, input, work));
  const shapes = new Set(flows.map(({ value }) => value.shape.join(", ")));
  if (flows.length < 2 || shapes.size > 1) {
    throw layerError(work.model, layer, `it adds values of shapes [${[...shapes].join("], [")}]`);
  }
  return flows.reduce((sum, next) => ({
    value: work.builder.op("Add", [sum.value, next.value], {}, layer.name),
    nonNegative: sum.nonNegative && next.nonNegative,
  }));
}

function globalAveragePooling({ layer, inputs, work }: Step): Flow {
  channelsLast(layer);
  const { value, nonNegative } = unpadded(layer, inputs[0], work);
  work.image(layer, value);
  const mean = work.builder.op("GlobalAveragePool", [value], {}, layer.name);
  return {
    value: work.builder.op("Flatten", [mean], { axis: int(1) }, `${layer.name}.flatten`),
    nonNegative,
  };
}

function dense({ layer, inputs, work }: Step): Flow {
  const { value } = unpadded(layer, inputs[0], work);
  const units = layer.config.required("units").integer(1, 2 ** 24);
  if (value.shape.length !== 2) throw layerError(work.model, layer, "its input is not a vector");
  const weight = work.weight(layer, "kernel", [work.fixed(layer, value, 1), units]);
  const bias = layer.config.required("use_bias").boolean() ? work.weight(layer, "bias", [units]) : undefined;
  const output = work.builder.op("Gemm", bias ? [value, weight, bias] : [value, weight], {}, layer.name);
  return activated(layer, { value: output, nonNegative: false }, work, `${layer.name}.activation`);
}

/** Applies the activation of a layer; a softmax must be the end of the model, and is left out. */
function activated(layer: KerasLayer, flow: Flow, { builder, model }: Work, name: string): Flow {
  const activation = layer.config.required("activation").oneOf("linear", "relu", "softmax");
  if (activation === "relu") return { value: builder.op("Relu", [flow.value], {}, name), nonNegative: true };
  if (activation === "softmax" && layer.name !== model.output) {
    throw layerError(model, layer, "its softmax is not the model's output");
  }
  return flow;
}

type Pair = readonly [number, number];

function pairOf(layer: KerasLayer, field: string): Pair {
  const [first, second] = layer.config
    .required(field)
    .list(2)
    .map((n) => n.integer(1, 1024));
  return [first ?? 1, second ?? 1];
}

function channelsLast(layer: KerasLayer): void {
  layer.config.required("data_format").oneOf("channels_last");
}

/** Padding of a convolution or pooling: that of the ZeroPadding2D before it, or TensorFlow's "same". */
function windowPads(
  { layer, inputs, work }: Step,
  before: Pads | undefined,
  reach: Pair,
  strides: Pair,
): Pads {
  const same = layer.config.required("padding").oneOf("valid", "same") === "same";
  if (!same) return before ?? [0, 0, 0, 0];
  if (before) throw layerError(work.model, layer, 'it pads by "same", and a ZeroPadding2D comes before it');
  const [, height, width] = work.image(layer, inputs[0].value);
  const [top, bottom] = samePads(height, reach[0], strides[0]);
  const [left, right] = samePads(width, reach[1], strides[1]);
  return [top, left, bottom, right];
}

/** Zeros that result in ⌈size / stride⌉ outputs; an odd one goes to the end. */
function samePads(size: number, reach: number, stride: number): Pair {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** The flow, which must have no padding. */
function unpadded(layer: KerasLayer, flow: Flow, { model }: Work): Flow {
  if (flow.pads)
    throw layerError(
      model,
      layer,
      "a ZeroPadding2D comes before it, which only Conv2D and MaxPooling2D support",
    );
  return flow;
}

/** [H, W, I, O] to [O, I, H, W]. */
function kernelToOnnx(kernel: Tensor): Tensor {
  const [height = 0, width = 0, inputs = 0, outputs = 0] = kernel.dims;
  const from = float32Data(kernel);
  const to = new Float32Array(from.length);
  const area = height * width;
  let at = 0;
  for (let position = 0; position < area; position++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) to[(o * inputs + i) * area + position] = from[at++] ?? 0;
    }
  }
  return float32Tensor(to, [outputs, inputs, height, width]);
}

/** The graph with one value renamed. */
function renameValue(graph: Model["graph"], from: string, name: string): Model["graph"] {
  const rename = (value: string): string => (value === from ? name : value);
  const nodes = graph.nodes.map((node): Node => {
    if (!node.inputs.includes(from) && !node.outputs.includes(from)) return node;
    return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
  });
  const outputs = graph.outputs.map((value) => ({ ...value, name: rename(value.name) }));
  return { ...graph, nodes, outputs };
}
