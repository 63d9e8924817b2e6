/** Convolution, pooling, matrix products. */

import {
  type Dim,
  type Node,
  type Shape,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../graph.ts";
import {
  type ShapeRule,
  broadcastShapes,
  contradiction,
  freshDim,
  input,
  sameDim,
  showShape,
} from "./common.ts";
import { floorDivide, plus, product } from "./sizes.ts";

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: string;
}

function windowOf(node: Node, rank: number): Window {
  const ones: number[] = Array.from({ length: rank }, () => 1);
  return {
    strides: intsAttribute(node, "strides") ?? ones,
    dilations: intsAttribute(node, "dilations") ?? ones,
    pads: intsAttribute(node, "pads") ?? Array.from({ length: 2 * rank }, () => 0),
    autoPad: stringAttribute(node, "auto_pad", "NOTSET"),
  };
}

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
  const kernel = intsAttribute(node, "kernel_shape") ?? weightSizes;
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
  const kernel: Shape = intsAttribute(node, "kernel_shape") ?? weightSizes;
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
  const kernel = intsAttribute(node, "kernel_shape");
  const [batch, channels, ...sizes] = shape;
  if (!kernel || batch === undefined || channels === undefined || kernel.length !== sizes.length) {
    throw contradiction(node, `a window of ${showShape(kernel ?? [])} does not fit x of ${showShape(shape)}`);
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
  return [{ dataType, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
};

const gemm: ShapeRule = (node, inputs) => {
  const a = input(node, inputs, 0);
  const b = input(node, inputs, 1);
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    throw contradiction(
      node,
      `it multiplies ${showShape(a.shape)} by ${showShape(b.shape)}, which are not both matrices`,
    );
  }
  const [rows = 1, inner = 1] = numberAttribute(node, "transA", 0) ? a.shape.toReversed() : a.shape;
  const [weightInner = 1, columns = 1] = numberAttribute(node, "transB", 0) ? b.shape.toReversed() : b.shape;
  sameDim(
    node,
    inner,
    weightInner,
    () => `${showShape(a.shape)} and ${showShape(b.shape)} do not multiply: ${inner} is not ${weightInner}`,
  );
  return [{ dataType: a.dataType, shape: [rows, columns] }];
};

function matMulShape(node: Node, a: Shape, b: Shape): Dim[] {
  if (a.length === 0 || b.length === 0) throw contradiction(node, "it multiplies a scalar");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [rows = 1, inner = 1] = left.slice(-2);
  const [rightInner = 1, columns = 1] = right.slice(-2);
  sameDim(
    node,
    inner,
    rightInner,
    () => `${showShape(a)} and ${showShape(b)} do not multiply: ${inner} is not ${rightInner}`,
  );
  const batch = broadcastShapes(node, [left.slice(0, -2), right.slice(0, -2)]);
  return [...batch, ...(a.length === 1 ? [] : [rows]), ...(b.length === 1 ? [] : [columns])];
}

/** Also `Linear`: its bias does not change the shape. */
const matMul: ShapeRule = (node, inputs) => {
  const a = input(node, inputs, 0);
  return [{ dataType: a.dataType, shape: matMulShape(node, a.shape, input(node, inputs, 1).shape) }];
};

/** Subscripts of one operand as a list, "..." spelled out as `.0 .1 …` counted from the right. */
function subscripts(node: Node, term: string, shape: Shape | undefined, dots: number): string[] {
  const letters = term.replaceAll(" ", "");
  const [before = "", after] = letters.split("...");
  if (after === undefined) return [...before];
  const count = shape ? shape.length - before.length - after.length : dots;
  if (count < 0)
    throw contradiction(node, `"${term}" has more subscripts than ${showShape(shape ?? [])} has axes`);
  return [...before, ...Array.from({ length: count }, (_, i) => `.${count - i}`), ...after];
}

const einsum: ShapeRule = (node, inputs) => {
  const equation = stringAttribute(node, "equation", "");
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const sizes = new Map<string, Dim[]>();
  const counts = new Map<string, number>();
  let dots = 0;
  for (const [i, term] of left.split(",").entries()) {
    const { shape } = input(node, inputs, i);
    const letters = subscripts(node, term, shape, 0);
    if (letters.length !== shape.length) {
      throw contradiction(node, `"${term}" in "${equation}" does not fit an operand of ${showShape(shape)}`);
    }
    dots = Math.max(dots, letters.filter((letter) => letter.startsWith(".")).length);
    for (const [axis, letter] of letters.entries()) {
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
      sizes.set(letter, [...(sizes.get(letter) ?? []), shape[axis] ?? 1]);
    }
  }
  const implicit = (): string[] => [
    ...Array.from({ length: dots }, (_, i) => `.${dots - i}`),
    ...[...counts.keys()].filter((letter) => counts.get(letter) === 1 && !letter.startsWith(".")).toSorted(),
  ];
  const output = right === undefined ? implicit() : subscripts(node, right, undefined, dots);
  const shape = output.map(
    (letter) =>
      broadcastShapes(
        node,
        (sizes.get(letter) ?? [1]).map((dim) => [dim]),
      )[0] ?? 1,
  );
  return [{ dataType: input(node, inputs, 0).dataType, shape }];
};

/** opType -> rule. */
export const linear: Readonly<Record<string, ShapeRule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  Gemm: gemm,
  MatMul: matMul,
  Linear: matMul,
  Product: matMul,
  Einsum: einsum,
  Contraction: einsum,
};
