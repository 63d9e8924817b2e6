/** The window that Col2Im puts together: how many there are, and the kernel that picks each of its positions. */

import { ints, intsAttribute, type Node, type Tensor } from "./graph.ts";
import type { AttributesOf } from "./operator-node.ts";
import { checkSize } from "../size-limit.ts";
import { float32Tensor, sizeOf } from "./tensor.ts";

export interface ColumnWindow {
  /** Positions of one window. */
  readonly positions: number;
  /** Windows along each spatial axis. */
  readonly counts: readonly number[];
  /** What of each spatial axis lies behind the last window. */
  readonly rest: readonly number[];
  /** Strides, dilations and pads of the convolution that takes an image apart into its windows. */
  readonly attributes: AttributesOf<"Conv">;
}

/**
 * @param image sizes of the spatial axes
 * @param block sizes of the window
 */
export function columnWindow(node: Node, image: readonly number[], block: readonly number[]): ColumnWindow {
  const ones = block.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const pads = intsAttribute(node, "pads") ?? [...block, ...block].map(() => 0);
  // What remains of the padded image once the first window is placed.
  const slack = image.map((size, i) => {
    const span = ((block[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    return size + (pads[i] ?? 0) + (pads[i + image.length] ?? 0) - span;
  });
  return {
    positions: sizeOf(block),
    counts: slack.map((free, i) => Math.floor(free / (strides[i] ?? 1)) + 1),
    rest: slack.map((free, i) => free % (strides[i] ?? 1)),
    attributes: { strides: ints(strides), dilations: ints(dilations), pads: ints(pads) },
  };
}

/** One-hot kernels [positions, 1, …block]: each copies one position of a window. */
export function pickEach(node: Node, block: readonly number[]): Tensor {
  const positions = sizeOf(block);
  checkSize(node, positions * positions, "numbers to tell the places of its windows apart");
  const picks = Array.from({ length: positions * positions }, (_, i) => (i % (positions + 1) === 0 ? 1 : 0));
  return float32Tensor(picks, [positions, 1, ...block]);
}
