/** Operators that move whole blocks: depth to space and back, the triangle of a matrix, reversed sequences. */

import { int, ints, numberAttribute, stringAttribute, string, type Value } from "../../onnx/graph.ts";
import { columnWindow, pickEach } from "../../onnx/column-window.ts";
import { constantIntegers, numbersOf, sizeOf } from "../../onnx/tensor.ts";
import { x, type Site } from "../site.ts";
import { sizeAt, vectorOf, type Size } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

const blockOf = (site: Site): number => numberAttribute(site.node, "blocksize", 1);

/** DepthToSpace: SpaceToDepth for its way to count, written out, as GPUs have no SpaceToDepth. */
export function undepthToSpace(site: Site, s: Value): Value {
  const { b } = site;
  const block = blockOf(site);
  const [batch, channels, height, width] = [0, 1, 2, 3].map((axis) => sizeAt(b, x(site), axis)) as [
    Size,
    Size,
    Size,
    Size,
  ];
  const depth = sizeAt(b, s, 1);
  const cells = b.op("Reshape", [s, vectorOf(b, [batch, depth, height, block, width, block])]);
  // DCR counts the block before the channels, CRD after them.
  const isDepthFirst = stringAttribute(site.node, "mode", "DCR") === "DCR";
  const perm = isDepthFirst ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
  const ordered = b.op("Transpose", [cells], { perm: ints(perm) });
  return b.op("Reshape", [ordered, vectorOf(b, [batch, channels, height, width])]);
}

export const unspaceToDepth = (site: Site, s: Value): Value =>
  site.b.op("DepthToSpace", [s], { blocksize: int(blockOf(site)), mode: string("DCR") });

/** Col2Im: the image taken apart into its windows again. */
export function uncol2im(site: Site, s: Value): Value {
  const { b, node } = site;
  const image = constantIntegers(site.input(1)) ?? [];
  const block = constantIntegers(site.input(2)) ?? [];
  const { counts, positions, attributes } = columnWindow(node, image, block);
  const single = b.op("Reshape", [s, b.integers([-1, 1, ...image])]);
  const kernel = pickEach(node, block);
  const windows = b.op("Conv", [single, b.numbers(Array.from(numbersOf(kernel)), kernel.dims)], attributes);
  const channels = sureNumber(x(site).shape[1]) / positions;
  const total = sizeOf(counts);
  return b.op("Reshape", [windows, b.integers([-1, channels * positions, total])]);
}

/** Trilu: the same triangle of s. */
export const untrilu = (site: Site, s: Value): Value => site.b.like(site.node, [s, ...site.inputs.slice(1)]);

/** ReverseSequence undoes itself. */
export const unreverse = (site: Site, s: Value): Value => site.b.like(site.node, [s, site.input(1)]);

/**
 * v with every axis cut into blocks, summed over the blocks (Tile) or inside of them (an image enlarged).
 * @param counts for each axis the number of copies of each element
 * @param inside whether the copies of an element lie side by side
 */
export function sumCopies(site: Site, v: Value, counts: readonly Size[], inside: boolean): Value {
  const { b } = site;
  const axes: number[] = [];
  const target: Size[] = [];
  for (const [axis, count] of counts.entries()) {
    const size = sizeAt(b, x(site), axis);
    if (count === 1) {
      target.push(size);
    } else {
      axes.push(target.length + (inside ? 1 : 0));
      target.push(...(inside ? [size, count] : [count, size]));
    }
  }
  if (axes.length === 0) return v;
  const cut = b.op("Reshape", [v, vectorOf(b, target)]);
  const sum = b.op("ReduceSum", [cut, b.integers(axes)], { keepdims: int(0) });
  return b.refine(sum, x(site).shape);
}
