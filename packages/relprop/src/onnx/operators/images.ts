/** Operators that resize images, or read them at computed places. */

import { type Dim, type Node, type Shape, intsAttribute, numberAttribute } from "../graph.ts";
import { numbersOf } from "../tensor.ts";
import { elementsOf, freshDim, freshShape, input, sameDim, showShape } from "./inferring.ts";
import type { Operators, ShapeRule } from "./operator.ts";
import { exactQuotient, floorDivide, product } from "./sizes.ts";

/** floor(size · scale), multiplied in float32; exact for symbols where the scale is whole, or one over a whole number. */
function scaled(node: Node, dim: Dim, scale: number, axis: number): Dim {
  if (typeof dim === "number") return Math.floor(Math.fround(dim * Math.fround(scale)));
  if (Number.isInteger(scale)) return product([dim, scale]);
  return Number.isInteger(1 / scale) ? floorDivide(dim, 1 / scale) : freshDim(node, axis);
}

const resized: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const isUpsample = node.opType === "Upsample";
  const sizes = isUpsample ? undefined : inputs[3];
  if (sizes) {
    const elements: Shape = elementsOf(sizes) ?? [];
    return [{ dataType, shape: shape.map((_, i) => elements[i] ?? freshDim(node, i)) }];
  }
  const scales = inputs[isUpsample ? 1 : 2]?.constant;
  if (!scales) return [{ dataType, shape: freshShape(node, shape.length) }];
  const factors = numbersOf(scales);
  return [{ dataType, shape: shape.map((dim, i) => scaled(node, dim, factors[i] ?? 1, i)) }];
};

const gridSample: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const grid = input(node, inputs, 1).shape;
  const batch = sameDim(
    node,
    shape[0] ?? 1,
    grid[0] ?? 1,
    () => `x has shape ${showShape(shape)}, but the grid ${showShape(grid)}`,
  );
  return [{ dataType, shape: [batch, shape[1] ?? 1, ...grid.slice(1, -1)] }];
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

export const images: Operators = {
  Resize: { shape: resized },
  Upsample: { shape: resized },
  GridSample: { shape: gridSample },
  RoiAlign: { shape: roiAlign },
  MaxRoiPool: { shape: maxRoiPool },
  Col2Im: { shape: col2im },
};
