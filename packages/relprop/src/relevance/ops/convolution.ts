/**
 * Conv and ConvTranspose in 1, 2 or 3 dimensions as linear operators.
 * x [N, C, …], weights [K, C/G, …] (Conv) or [C, K/G, …] (ConvTranspose), z [N, K, …].
 */

import { int, ints, intsAttribute, numberAttribute, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import type { AttributesOf } from "../../onnx/operator-node.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { x, y, type LinearOperator, type Site } from "../site.ts";
import { interleave, positionsIn } from "./interleave.ts";
import { filled, fit, spatialSizes } from "./shapes.ts";
import type { DenseStrides } from "../stride-modes.ts";
import { strideTaps, widened, type StrideTaps } from "./stride-taps.ts";
import { extent, isUnit, windowOf, type Window } from "./windows.ts";
import { sure, sureNumber } from "../../sure.ts";

const known = (shape: readonly unknown[]): readonly number[] => shape as readonly number[];
const kernelOf = (weights: Value): readonly number[] => known(weights.shape.slice(2));

function attributesOf(w: Window, group: number): AttributesOf<"Conv"> {
  return {
    kernel_shape: ints(w.kernel),
    strides: ints(w.strides),
    dilations: ints(w.dilations),
    pads: ints([...w.padsBegin, ...w.padsEnd]),
    group: int(group),
  };
}

/** A bias [K] as [K, 1, …], which broadcasts over z [N, K, …]. */
const acrossChannels = (b: GraphBuilder, bias: Value, z: Value): Value =>
  b.op("Reshape", [bias, b.integers([-1, ...z.shape.slice(2).map(() => 1)])]);

/** Conv as it is. */
export function convolution(site: Site): LinearOperator {
  const { b, node, inputs } = site;
  const weights = site.input(1);
  const window = windowOf(node, kernelOf(weights), x(site), y(site));
  const group = numberAttribute(node, "group", 1);
  return {
    x: x(site),
    weights,
    bias: inputs[2],
    biasShape: [sure(weights.shape[0])],
    fanIn: sizeOf(known(weights.shape).slice(1)),
    placeBias: (bias) => acrossChannels(b, bias, y(site)),
    forward: (v, W, bias) => b.op("Conv", [v, W, bias], attributesOf(window, group)),
    pullBack: (s, W) => transposeConvolution(b, s, W, window, group, x(site)),
  };
}

/**
 * Conv whose strides are averages: p_i = mean over the s×s shifts of the input of Conv_s(x)_i, which is one
 * convolution with the weights smoothed by a box of s, or by a hat where strides are interpolated. The rule's weights come in
 * as they are and are smoothed here, so a rule that clamps them clamps first. Undefined where there is no stride.
 */
export function averagedConvolution(site: Site, mode: DenseStrides): LinearOperator | undefined {
  const { b, node } = site;
  const plain = convolution(site);
  const weights = site.input(1);
  const exact = windowOf(node, kernelOf(weights), x(site), y(site));
  if (isUnit(exact.strides)) return undefined;
  const group = numberAttribute(node, "group", 1);
  const taps = exact.strides.map((stride) => strideTaps(stride, mode));
  const window = widened(exact, taps);
  const smooth = (W: Value): Value => smoothed(b, dilated(b, W, exact.dilations), taps);
  return {
    ...plain,
    forward: (v, W, bias) => b.op("Conv", [v, smooth(W), bias], attributesOf(window, group)),
    pullBack: (s, W) => transposeConvolution(b, s, smooth(W), window, group, x(site)),
  };
}

/** W ⊛ taps / Σ taps, axis by axis: the weighted mean of copies of W, each shifted by one more. */
function smoothed(b: GraphBuilder, weights: Value, taps: readonly StrideTaps[]): Value {
  return taps.reduce((W, { weights: shares, total }, axis) => {
    if (shares.length === 1) return W;
    const pads = (shift: number): Value => {
      const begin = weights.shape.map((_, i) => (i === axis + 2 ? shift : 0));
      const end = weights.shape.map((_, i) => (i === axis + 2 ? shares.length - 1 - shift : 0));
      return b.integers([...begin, ...end]);
    };
    const copies = shares.map((share, shift) => {
      const copy = b.op("Pad", [W, pads(shift)]);
      return share === 1 ? copy : b.op("Mul", [copy, b.scalar(share)]);
    });
    const sum = copies.reduce((a, c) => b.op("Add", [a, c]));
    return b.op("Mul", [sum, b.scalar(1 / total)]);
  }, weights);
}

/** Weights with the zeros that dilation leaves between them written out. */
function dilated(b: GraphBuilder, weights: Value, dilations: readonly number[]): Value {
  if (isUnit(dilations)) return weights;
  const [K, C, ...kernel] = known(weights.shape) as [number, number, ...number[]];
  const one = b.numbers([1], [1, 1, ...kernel.map(() => 1)]);
  const flat = b.op("Reshape", [weights, b.integers([K * C, 1, ...kernel])]);
  const spread = b.op("ConvTranspose", [flat, one], { strides: ints(dilations) });
  return b.op("Reshape", [spread, b.integers([K, C, ...known(spread.shape.slice(2))])]);
}

/**
 * Wᵀs of a convolution, in the shape of `like`. At stride 1 a convolution with flipped weights: on the CPU's kernels
 * several times faster than ConvTranspose (docs/rules.md §9).
 */
export function transposeConvolution(
  b: GraphBuilder,
  s: Value,
  weights: Value,
  window: Window,
  group: number,
  like: Value,
): Value {
  const span = extent(window);
  const begin = span.map((size, i) => size - 1 - sureNumber(window.padsBegin[i]));
  const end = span.map((size, i) => size - 1 - sureNumber(window.padsEnd[i]));
  if (isUnit(window.strides) && begin.every((n) => n >= 0) && end.every((n) => n >= 0)) {
    return b.op(
      "Conv",
      [s, flipped(b, weights, group)],
      attributesOf({ ...window, padsBegin: begin, padsEnd: end }, group),
    );
  }
  const input = spatialSizes(like);
  const output = spatialSizes(s);
  // In groups ConvTranspose has little to multiply: a tenth of EfficientNet-B0's pass was spent there.
  const finer = group > 1 && input && output && subPixels(b, s, weights, { window, group, input, output });
  if (finer) return finer;
  // The rows and columns at the end that the last window did not reach; the most there can be if sizes are open.
  const outputPadding = span.map((size, i) => {
    const stride = sureNumber(window.strides[i]);
    if (!input || !output) return stride - 1;
    const pads = sureNumber(window.padsBegin[i]) + sureNumber(window.padsEnd[i]);
    return sureNumber(input[i]) - ((sureNumber(output[i]) - 1) * stride + size - pads);
  });
  const attributes = { ...attributesOf(window, group), output_padding: ints(outputPadding) };
  const back = b.op("ConvTranspose", [s, weights], attributes);
  return input && output
    ? back
    : fit(
        b,
        back,
        like,
        span.map(() => 0),
        0,
      );
}

interface SubPixels {
  readonly window: Window;
  readonly group: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/**
 * Wᵀs at strides above 1, by a convolution for each position of a stride: it takes the rows and columns of the kernel
 * that reach that position (Shi et al. 2016, sub-pixel convolution). Undefined where the sizes do not come out even.
 */
function subPixels(
  b: GraphBuilder,
  s: Value,
  weights: Value,
  { window, group, input, output }: SubPixels,
): Value | undefined {
  const { kernel, strides, padsBegin } = window;
  if (!isUnit(window.dilations) || input.some((size, i) => size % sureNumber(strides[i]) !== 0))
    return undefined;
  const phases = positionsIn(strides).map((position) =>
    position.map((at, i) => {
      const stride = sureNumber(strides[i]);
      const first = (at + sureNumber(padsBegin[i])) % stride;
      const taps = Math.max(0, Math.ceil((sureNumber(kernel[i]) - first) / stride));
      const begin = taps - 1 - (at + sureNumber(padsBegin[i]) - first) / stride;
      const end = sureNumber(input[i]) / stride - sureNumber(output[i]) - begin + taps - 1;
      return { first, taps, begin, end };
    }),
  );
  const isEmpty = (phase: (typeof phases)[number]): boolean => phase.some(({ taps }) => taps === 0);
  if (phases.some((phase) => !isEmpty(phase) && phase.some(({ begin, end }) => begin < 0 || end < 0))) {
    return undefined;
  }
  const axes = b.integers(kernel.map((_, i) => i + 2));
  const mirrored = flipped(b, weights, group);
  const parts = phases.map((phase) => {
    if (isEmpty(phase)) return undefined;
    const starts = phase.map(
      ({ first, taps }, i) => sureNumber(kernel[i]) - 1 - first - (taps - 1) * sureNumber(strides[i]),
    );
    const part = b.op("Slice", [mirrored, b.integers(starts), b.integers(kernel), axes, b.integers(strides)]);
    const sliding: Window = {
      kernel: phase.map(({ taps }) => taps),
      strides: strides.map(() => 1),
      dilations: strides.map(() => 1),
      padsBegin: phase.map(({ begin }) => begin),
      padsEnd: phase.map(({ end }) => end),
    };
    return b.op("Conv", [s, part], attributesOf(sliding, group));
  });
  const some = sure(parts.find((part) => part !== undefined));
  const nothing = filled(b, 0, some.shape, some);
  return interleave(
    b,
    parts.map((part) => part ?? nothing),
    strides,
  );
}

/** [K, C/G, …] -> [C, K/G, …], mirrored on every spatial axis. */
function flipped(b: GraphBuilder, weights: Value, group: number): Value {
  const [K, perGroup, ...kernel] = known(weights.shape) as [number, number, ...number[]];
  const axesFrom = (first: number): number[] => kernel.map((_, i) => first + i);
  const reshaped = (v: Value, shape: readonly number[]): Value => b.op("Reshape", [v, b.integers(shape)]);
  let swapped = weights;
  if (group === 1) swapped = b.op("Transpose", [weights], { perm: ints([1, 0, ...axesFrom(2)]) });
  else if (perGroup > 1 || K > group) {
    const split = reshaped(weights, [group, K / group, perGroup, ...kernel]);
    const moved = b.op("Transpose", [split], { perm: ints([0, 2, 1, ...axesFrom(3)]) });
    swapped = reshaped(moved, [group * perGroup, K / group, ...kernel]);
  }
  // Gather, not Slice with step −1: one of ONNX Runtime's WebGPU back ends gets the latter wrong.
  return kernel.reduce((W, size, i) => {
    if (size === 1) return W;
    const reversed = b.integers(Array.from({ length: size }, (_, at) => size - 1 - at));
    return b.op("Gather", [W, reversed], { axis: int(i + 2) });
  }, swapped);
}

/** ConvTranspose as it is; its own transpose is a convolution with the same weights. */
export function transposedConvolution(site: Site): LinearOperator {
  const { b, node, inputs } = site;
  const weights = site.input(1);
  const group = numberAttribute(node, "group", 1);
  const kernel = kernelOf(weights);
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const outputPadding = intsAttribute(node, "output_padding") ?? kernel.map(() => 0);
  const pads = transposedPads(
    site,
    { kernel, strides, dilations, padsBegin: [], padsEnd: [] },
    outputPadding,
  );
  const window: Window = { kernel, strides, dilations, ...pads };
  return {
    x: x(site),
    weights,
    bias: inputs[2],
    biasShape: [sureNumber(weights.shape[1]) * group],
    placeBias: (bias) => acrossChannels(b, bias, y(site)),
    forward: (v, W, bias) =>
      b.op("ConvTranspose", [v, W, bias], {
        ...attributesOf(window, group),
        output_padding: ints(outputPadding),
      }),
    pullBack: (s, W) => {
      // Output padding only adds rows at the end that no window reached; cut what would make one window too many.
      const back = b.op("Conv", [s, W], attributesOf(window, group));
      return fit(
        b,
        back,
        x(site),
        kernel.map(() => 0),
        0,
      );
    },
  };
}

/** The operator's pads; `auto_pad` and `output_shape` say them by the size of the output (ONNX, ConvTranspose). */
function transposedPads(
  site: Site,
  window: Window,
  outputPadding: readonly number[],
): Pick<Window, "padsBegin" | "padsEnd"> {
  const { node } = site;
  const rank = window.kernel.length;
  const autoPad = node.attributes["auto_pad"]?.value ?? "NOTSET";
  const shaped = intsAttribute(node, "output_shape") !== undefined;
  if (!shaped && (autoPad === "NOTSET" || autoPad === "VALID")) {
    const pads = intsAttribute(node, "pads") ?? Array.from({ length: 2 * rank }, () => 0);
    return { padsBegin: pads.slice(0, rank), padsEnd: pads.slice(rank) };
  }
  const input = spatialSizes(x(site));
  const output = spatialSizes(y(site));
  const total = extent(window).map((span, i) => {
    const full = sureNumber(window.strides[i]);
    if (!input || !output) return Math.max(0, span + sureNumber(outputPadding[i]) - full);
    return full * (sureNumber(input[i]) - 1) + sureNumber(outputPadding[i]) + span - sureNumber(output[i]);
  });
  const small = total.map((n) => Math.floor(n / 2));
  const large = total.map((n) => Math.ceil(n / 2));
  return autoPad === "SAME_UPPER"
    ? { padsBegin: small, padsEnd: large }
    : { padsBegin: large, padsEnd: small };
}
