/** Operators that move a window over the input: convolutions and poolings. */

import {
  type Dim,
  type Node,
  type Shape,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../graph.ts";
import { contradiction, elementsOf, freshDim, input, sameDim, showShape } from "./inferring.ts";
import type { Operators, ShapeRule } from "./operator.ts";
import { floorDivide, plus, product } from "./sizes.ts";

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: string;
}

function windowOf(node: Node, rank: number): Window {
  const ones: number[] = Array.from({ length: rank }, () => 1);
  const pads = intsAttribute(node, "pads") ?? Array.from({ length: 2 * rank }, () => 0);
  if (pads.length !== 2 * rank)
    throw contradiction(node, `pads of ${showShape(pads)} are not two numbers for each of ${rank} axes`);
  return {
    strides: stepsOf(node, "strides", rank) ?? ones,
    dilations: stepsOf(node, "dilations", rank) ?? ones,
    pads,
    autoPad: stringAttribute(node, "auto_pad", "NOTSET"),
  };
}

/** An attribute of one number for each spatial axis, all of them at least 1. */
function stepsOf(node: Node, name: string, rank: number): readonly number[] | undefined {
  const steps = intsAttribute(node, name);
  if (steps && (steps.length !== rank || steps.some((n) => n < 1)))
    throw contradiction(
      node,
      `${name} of ${showShape(steps)} is not a number from 1 for each of ${rank} axes`,
    );
  return steps;
}

/** The window of a convolution: the sizes of its weights, which the attribute repeats. */
const kernelOf = (node: Node, weightSizes: Shape): Shape =>
  (stepsOf(node, "kernel_shape", weightSizes.length) ?? []).reduce<Shape>(
    (kernel, size, i) =>
      kernel.with(
        i,
        sameDim(
          node,
          size,
          kernel[i] ?? size,
          () => `kernel_shape has ${size} where the weights have ${kernel[i]}`,
        ),
      ),
    weightSizes,
  );

/** floor((size + pads − extent) / stride) + 1, or with ceil; the windows' count along each axis. */
function windowCounts(node: Node, sizes: Shape, kernel: Shape, ceil: boolean): Dim[] {
  const { strides, dilations, pads, autoPad } = windowOf(node, sizes.length);
  return sizes.map((size, i) => {
    const stride = strides[i] ?? 1;
    const kernelSize = kernel[i];
    if (autoPad.startsWith("SAME")) return floorDivide(plus(size, stride - 1), stride);
    if (typeof kernelSize !== "number") return freshDim(node, i + 2);
    const extent = (kernelSize - 1) * (dilations[i] ?? 1) + 1;
    const head = autoPad === "VALID" ? 0 : (pads[i] ?? 0);
    const tail = autoPad === "VALID" ? 0 : (pads[i + sizes.length] ?? 0);
    const exact = floorDivide(plus(size, head + tail - extent + stride), stride);
    if (typeof exact === "number" && exact < 1) {
      throw contradiction(
        node,
        `a window of ${extent} does not fit into ${size} plus padding of ${head + tail}`,
      );
    }
    if (!ceil || stride === 1) return exact;
    if (typeof size !== "number") return freshDim(node, i + 2);
    const count = Math.ceil((size + head + tail - extent) / stride) + 1;
    // The last window must start inside of the input or the padding before it.
    return (count - 1) * stride >= size + head ? count - 1 : count;
  });
}

const conv: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const w = input(node, inputs, 1);
  const [batch, channels, ...sizes] = x.shape;
  const [outChannels, groupChannels, ...weightSizes] = w.shape;
  if (
    batch === undefined ||
    channels === undefined ||
    x.shape.length !== w.shape.length ||
    sizes.length === 0
  ) {
    throw contradiction(node, `x has shape ${showShape(x.shape)}, but the weight ${showShape(w.shape)}`);
  }
  const expected = product([groupChannels ?? 1, numberAttribute(node, "group", 1)]);
  sameDim(
    node,
    channels,
    expected,
    () =>
      `x of ${showShape(x.shape)} has ${channels} channels, but the weight ${showShape(w.shape)} takes ${expected}`,
  );
  const kernel = kernelOf(node, weightSizes);
  const out = windowCounts(node, sizes, kernel, false);
  return [{ dataType: x.dataType, shape: [batch, outChannels ?? freshDim(node, 1), ...out] }];
};

/** out = stride·(in − 1) + output_padding + extent − pads */
const convTranspose: ShapeRule = (node, inputs) => {
  const x = input(node, inputs, 0);
  const w = input(node, inputs, 1);
  const [batch, channels, ...sizes] = x.shape;
  const [inChannels, groupChannels, ...weightSizes] = w.shape;
  if (
    batch === undefined ||
    channels === undefined ||
    x.shape.length !== w.shape.length ||
    sizes.length === 0
  ) {
    throw contradiction(node, `x has shape ${showShape(x.shape)}, but the weight ${showShape(w.shape)}`);
  }
  sameDim(
    node,
    channels,
    inChannels ?? channels,
    () =>
      `x of ${showShape(x.shape)} has ${channels} channels, but the weight ${showShape(w.shape)} takes ${inChannels}`,
  );
  const { strides, dilations, pads, autoPad } = windowOf(node, sizes.length);
  const kernel = kernelOf(node, weightSizes);
  const outputPadding = intsAttribute(node, "output_padding") ?? [];
  const outputShape = intsAttribute(node, "output_shape")?.slice(-sizes.length);
  const out = sizes.map((size, i): Dim => {
    const stride = strides[i] ?? 1;
    const kernelSize = kernel[i];
    if (outputShape) return outputShape[i] ?? freshDim(node, i + 2);
    if (autoPad.startsWith("SAME")) return product([size, stride]);
    if (typeof kernelSize !== "number") return freshDim(node, i + 2);
    const extent = (kernelSize - 1) * (dilations[i] ?? 1) + 1;
    const padding = autoPad === "VALID" ? 0 : (pads[i] ?? 0) + (pads[i + sizes.length] ?? 0);
    return plus(product([size, stride]), extent - stride + (outputPadding[i] ?? 0) - padding);
  });
  const outChannels = product([groupChannels ?? 1, numberAttribute(node, "group", 1)]);
  return [{ dataType: x.dataType, shape: [batch, outChannels, ...out] }];
};

const pool: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const [batch, channels, ...sizes] = shape;
  const kernel = stepsOf(node, "kernel_shape", sizes.length) ?? [];
  if (batch === undefined || channels === undefined || kernel.length === 0) {
    throw contradiction(node, `a window of ${showShape(kernel)} does not fit x of ${showShape(shape)}`);
  }
  const ceil = numberAttribute(node, "ceil_mode", 0) === 1;
  const out = [batch, channels, ...windowCounts(node, sizes, kernel, ceil)];
  const winners = node.opType === "MaxPool" && node.outputs.length > 1;
  return winners
    ? [
        { dataType, shape: out },
        { dataType: "int64", shape: out },
      ]
    : [{ dataType, shape: out }];
};

const globalPool: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  if (shape.length < 2) throw contradiction(node, `x of ${showShape(shape)} has no channels`);
  return [{ dataType, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
};

/** The sizes that a MaxPool of the same window would have made x of. */
const maxUnpool: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  if (kernel.length !== shape.length - 2) {
    throw contradiction(node, `a kernel of ${showShape(kernel)} does not fit x of ${showShape(shape)}`);
  }
  if (inputs[2]) {
    const given = elementsOf(inputs[2]);
    return [{ dataType, shape: shape.map((_, axis) => given?.[axis] ?? freshDim(node, axis)) }];
  }
  const strides = intsAttribute(node, "strides") ?? kernel.map(() => 1);
  const pads = intsAttribute(node, "pads") ?? [...kernel, ...kernel].map(() => 0);
  const spatial = kernel.map((span, i): Dim => {
    const reach = product([plus(shape[i + 2] ?? 1, -1), strides[i] ?? 1]);
    return plus(reach, span - (pads[i] ?? 0) - (pads[i + kernel.length] ?? 0));
  });
  return [{ dataType, shape: [...shape.slice(0, 2), ...spatial] }];
};

export const windows: Operators = {
  Conv: { shape: conv },
  ConvTranspose: { shape: convTranspose },
  MaxPool: { shape: pool },
  AveragePool: { shape: pool },
  LpPool: { shape: pool },
  GlobalAveragePool: { shape: globalPool },
  GlobalMaxPool: { shape: globalPool },
  GlobalLpPool: { shape: globalPool },
  MaxUnpool: { shape: maxUnpool },
};
