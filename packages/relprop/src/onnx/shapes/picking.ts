/** Operators that pick, reverse or put back parts of a tensor, and the heads of detectors: Compress, MaxUnpool, RoiAlign … */

import { type Dim, type TensorInfo, intsAttribute, numberAttribute } from "../graph.ts";
import { numbersOf } from "../tensor.ts";
import {
  type ShapeRule,
  axisOf,
  contradiction,
  elementsOf,
  freshDim,
  input,
  showShape,
  withDim,
} from "./common.ts";
import { exactQuotient, plus, product } from "./sizes.ts";

const like: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  return [{ dataType, shape }];
};

/** As many as the condition keeps, if it is known; of one axis, or of all elements in a row. */
const compress: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const condition = input(node, inputs, 1).constant;
  const kept = condition && Array.from(numbersOf(condition)).filter((keeps) => keeps !== 0).length;
  if (!node.attributes["axis"]) return [{ dataType, shape: [kept ?? freshDim(node, 0)] }];
  const axis = axisOf(node, numberAttribute(node, "axis", 0), shape.length);
  return [{ dataType, shape: withDim(shape, axis, kept ?? freshDim(node, axis)) }];
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
    const reach = product([plus(shape[i + 2] as Dim, -1), strides[i] as number]);
    return plus(reach, span - (pads[i] as number) - (pads[i + kernel.length] as number));
  });
  return [{ dataType, shape: [...shape.slice(0, 2), ...spatial] }];
};

/** Triples of batch, class and box: as many as the run finds. */
const nonMaxSuppression: ShapeRule = (node) => [{ dataType: "int64", shape: [freshDim(node, 0), 3] }];

const indices = (length: Dim): TensorInfo => ({ dataType: "int64", shape: [length] });

/** The different elements (or slices), and three lists of indices that say where they were. */
const unique: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const hasAxis = node.attributes["axis"] !== undefined;
  const axis = hasAxis ? axisOf(node, numberAttribute(node, "axis", 0), shape.length) : 0;
  const count = freshDim(node, axis);
  const total = hasAxis ? (shape[axis] as Dim) : product(shape);
  const y = { dataType, shape: hasAxis ? withDim(shape, axis, count) : [count] };
  return [y, indices(count), indices(total), indices(count)].slice(0, node.outputs.length);
};

const roiAlign: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const rois = input(node, inputs, 1).shape[0] as Dim;
  const size = [numberAttribute(node, "output_height", 1), numberAttribute(node, "output_width", 1)];
  return [{ dataType, shape: [rois, shape[1] as Dim, ...size] }];
};

const maxRoiPool: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const rois = input(node, inputs, 1).shape[0] as Dim;
  return [{ dataType, shape: [rois, shape[1] as Dim, ...(intsAttribute(node, "pooled_shape") ?? [1, 1])] }];
};

/** Windows put together to an image of given sizes. */
const col2im: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const image = input(node, inputs, 1);
  const rank = image.shape[0];
  const block = elementsOf(input(node, inputs, 2));
  if (typeof rank !== "number") return undefined;
  const sizes = elementsOf(image) ?? Array.from({ length: rank }, (_, i) => freshDim(node, i + 2));
  const channels = block && exactQuotient(shape[1] as Dim, product(block));
  return [{ dataType, shape: [shape[0] as Dim, channels ?? freshDim(node, 1), ...sizes] }];
};

/** opType -> rule. */
export const picking: Readonly<Record<string, ShapeRule>> = {
  Col2Im: col2im,
  Compress: compress,
  MaxUnpool: maxUnpool,
  NonMaxSuppression: nonMaxSuppression,
  ReverseSequence: like,
  Unique: unique,
  RoiAlign: roiAlign,
  MaxRoiPool: maxRoiPool,
};
