/** The blocks of convolutional networks. Names are those of the state dict. */

import { float, int, ints, type Value } from "../../onnx/graph.ts";
import type { AttributesOf } from "../../onnx/operator-node.ts";
import type { Flow, NetBuilder } from "./net-builder.ts";

/** Activations: `relu6` and the hard ones are clipped lines (Howard et al. 2019), `silu` is x·σ(x), `gelu` x·Φ(x). */
export type Activation = "relu" | "relu6" | "hard-swish" | "silu" | "gelu" | "sigmoid" | "hard-sigmoid";

/** Options of {@link conv}. */
export interface ConvOptions {
  /** Side of the square kernel. @default that of the weight, which must be odd */
  readonly kernel?: number;
  /** @default 1 */
  readonly stride?: number;
  /** Zeros around the image. @default (kernel − 1) / 2 */
  readonly pad?: number;
  /** Groups: one per channel, or the number that follows from the shape of the weight. @default one group */
  readonly groups?: "depthwise" | "by-shape";
  /** Whether it has a bias. @default false */
  readonly bias?: boolean;
  /** Number of output channels. @default that of the weight */
  readonly width?: number | undefined;
}

/** A convolution with weight [width, channels / groups, kernel, kernel]. */
export function conv(net: NetBuilder, x: Flow, name: string, options: ConvOptions = {}): Flow {
  const { stride = 1, groups, bias = false } = options;
  const kernel = options.kernel ?? net.sizeOf(`${name}.weight`, 2);
  const inner = groups === "depthwise" ? 1 : groups === "by-shape" ? undefined : x.width;
  const outer = options.width ?? (groups === "depthwise" ? x.width : undefined);
  const weight = net.weight(`${name}.weight`, [outer, inner, kernel, kernel]);
  const width = outer ?? net.sizeOf(`${name}.weight`, 0);
  const side = kernel ?? 1;
  const pad = options.pad ?? (side - 1) / 2;
  const group = groupsOf(net, x, `${name}.weight`, groups);
  if (!Number.isInteger(pad)) net.addProblem(`${name}.weight has a kernel of ${side}, expected an odd one`);
  const shift = bias ? ([net.weight(`${name}.bias`, [width])] as const) : ([] as const);
  if (group === undefined || !Number.isInteger(pad)) return { value: undefined, width };
  const attributes = {
    kernel_shape: ints([side, side]),
    pads: ints([pad, pad, pad, pad]),
    strides: ints([stride, stride]),
    group: int(group),
  };
  return { value: net.op("Conv", [x.value, weight, ...shift], attributes, name), width };
}

function groupsOf(
  net: NetBuilder,
  x: Flow,
  weight: string,
  groups: ConvOptions["groups"],
): number | undefined {
  if (groups === undefined) return 1;
  if (groups === "depthwise") return x.width;
  const [outer, inner] = [net.sizeOf(weight, 0), net.sizeOf(weight, 1)];
  if (x.width === undefined || outer === undefined || inner === undefined) return undefined;
  const count = x.width / inner;
  if (Number.isInteger(count) && outer % count === 0) return count;
  net.addProblem(`${weight} takes ${inner} channels per group, which does not divide ${x.width} channels`);
  return undefined;
}

/** Batch normalisation with the statistics of the training (Ioffe and Szegedy 2015). */
export function batchNorm(net: NetBuilder, x: Flow, name: string, epsilon = 1e-5): Flow {
  const field = (of: string): Value | undefined => net.weight(`${name}.${of}`, [x.width]);
  const affine = [field("weight"), field("bias")] as const;
  const statistics = [field("running_mean"), field("running_var")] as const;
  const inputs = [x.value, ...affine, ...statistics] as const;
  return { value: net.op("BatchNormalization", inputs, { epsilon: float(epsilon) }, name), width: x.width };
}

/** Options of {@link convNorm}. */
export interface ConvNormOptions extends ConvOptions {
  /** @default none */
  readonly activation?: Activation | undefined;
  /** ε of the batch normalisation. @default 1e-5 */
  readonly epsilon?: number | undefined;
}

/** Convolution, batch normalisation and activation. */
export function convNorm(
  net: NetBuilder,
  x: Flow,
  name: string,
  norm: string,
  options: ConvNormOptions = {},
): Flow {
  const y = batchNorm(net, conv(net, x, name, options), norm, options.epsilon);
  return options.activation ? activate(net, y, options.activation, `${norm}.activation`) : y;
}

/** An activation. */
export function activate(net: NetBuilder, x: Flow, activation: Activation, name: string): Flow {
  return { value: x.value && activations[activation](net, x.value, name), width: x.width };
}

const activations: Readonly<Record<Activation, (net: NetBuilder, x: Value, name: string) => Value>> = {
  relu: ({ builder }, x, name) => builder.op("Relu", [x], {}, name),
  relu6: ({ builder }, x, name) => builder.op("Clip", [x, builder.scalar(0), builder.scalar(6)], {}, name),
  "hard-swish": ({ builder }, x, name) => builder.op("HardSwish", [x], {}, name),
  sigmoid: ({ builder }, x, name) => builder.op("Sigmoid", [x], {}, name),
  "hard-sigmoid": ({ builder }, x, name) =>
    builder.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) }, name),
  silu: ({ builder }, x, name) =>
    builder.op("Mul", [x, builder.op("Sigmoid", [x], {}, `${name}.sigmoid`)], {}, name),
  gelu: ({ builder }, x, name) => {
    const scaled = builder.op("Div", [x, builder.scalar(Math.SQRT2)], {}, `${name}.scaled`);
    const erf = builder.op("Erf", [scaled], {}, `${name}.erf`);
    const sum = builder.op("Add", [erf, builder.scalar(1)], {}, `${name}.sum`);
    const product = builder.op("Mul", [x, sum], {}, `${name}.product`);
    return builder.op("Mul", [product, builder.scalar(0.5)], {}, name);
  },
};

/** Options of {@link maxPool} and {@link averagePool}. */
export interface PoolOptions {
  /** Side of the square window. */
  readonly kernel: number;
  readonly stride: number;
  /** @default 0 */
  readonly pad?: number;
  /** Whether windows may reach over the border (ceil_mode). @default false */
  readonly ceil?: boolean;
}

const window = ({
  kernel,
  stride,
  pad = 0,
  ceil = false,
}: PoolOptions): AttributesOf<"MaxPool" | "AveragePool"> => ({
  kernel_shape: ints([kernel, kernel]),
  strides: ints([stride, stride]),
  pads: ints([pad, pad, pad, pad]),
  ceil_mode: int(ceil ? 1 : 0),
});

/** Max pooling. */
export function maxPool(net: NetBuilder, x: Flow, options: PoolOptions, name: string): Flow {
  return { value: net.op("MaxPool", [x.value], window(options), name), width: x.width };
}

/** Average pooling. */
export function averagePool(net: NetBuilder, x: Flow, options: PoolOptions, name: string): Flow {
  return { value: net.op("AveragePool", [x.value], window(options), name), width: x.width };
}

/** The mean of each channel: [N, C, H, W] -> [N, C]. */
export function pooledVector(net: NetBuilder, x: Flow): Flow {
  const mean = net.op("GlobalAveragePool", [x.value], {}, "avgpool");
  return { value: net.op("Flatten", [mean], { axis: int(1) }, "flatten"), width: x.width };
}

/** A fully connected layer on [N, C], weight [width, C]. */
export function linear(net: NetBuilder, x: Flow, name: string): Flow {
  const weight = net.weight(`${name}.weight`, [undefined, x.width]);
  const width = net.sizeOf(`${name}.weight`, 0);
  const bias = net.weight(`${name}.bias`, [width]);
  return { value: net.op("Gemm", [x.value, weight, bias], { transB: int(1) }, name), width };
}

/** The sum of two flows with the same number of channels. */
export function add(net: NetBuilder, a: Flow, b: Flow, name: string): Flow {
  if (a.width !== undefined && b.width !== undefined && a.width !== b.width) {
    net.addProblem(`${name} adds ${a.width} channels to ${b.width}`);
    return { value: undefined, width: a.width };
  }
  return { value: net.op("Add", [a.value, b.value], {}, name), width: a.width ?? b.width };
}

/** Activations of the two layers of a squeeze-and-excitation. */
export interface Gates {
  readonly inner: Activation;
  readonly outer: Activation;
}

/** Squeeze and excitation (Hu et al. 2018): multiplies channels by a gate that two 1×1 layers compute of their means. */
export function squeezeExcite(net: NetBuilder, x: Flow, name: string, { inner, outer }: Gates): Flow {
  const means = { value: net.op("GlobalAveragePool", [x.value], {}, `${name}.avgpool`), width: x.width };
  const few = conv(net, means, `${name}.fc1`, { kernel: 1, bias: true });
  const squeezed = activate(net, few, inner, `${name}.activation`);
  const excited = conv(net, squeezed, `${name}.fc2`, { kernel: 1, bias: true, width: x.width });
  const gate = activate(net, excited, outer, `${name}.gate`);
  return { value: net.op("Mul", [x.value, gate.value], {}, name), width: x.width };
}
