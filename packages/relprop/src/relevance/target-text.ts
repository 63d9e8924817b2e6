/**
 * Targets as text: which elements of an output are explained.
 *
 *     3            class 3, of every sample
 *     0,6,27       one element: an index for each axis
 *     0,6,:        the sum along the last axis
 *     0,3..5,27    a range, both ends included
 *     6,27         without the batch: of every sample
 *     0,6,27+0,6,28   the sum of several
 *
 * Negative indices count from the end.
 */

import { OptionError } from "../errors.ts";
import type { Dim, Shape } from "../onnx/graph.ts";

/** A range of indices of an axis, both ends included; undefined for all. */
export type AxisRange = { readonly from: number; readonly to: number } | undefined;

/** A rectangular part of an output: a range for each axis. */
export type TargetRegion = readonly AxisRange[];

/** The explained part of an output: a class, or the sum over all elements of regions. */
export type TargetSelection = { readonly classIndex: number } | { readonly regions: readonly TargetRegion[] };

/**
 * Reads a target. {@link regionsOf} applies it to an output.
 * @throws OptionError for text that is not a target
 */
export function parseTarget(text: string): TargetSelection {
  if (/^\s*-?\d+\s*$/.test(text)) return { classIndex: Number(text) };
  return {
    regions: text.split("+").map((part) => part.split(",").map((axis) => rangeIn(axis.trim(), text))),
  };
}

function rangeIn(part: string, text: string): AxisRange {
  if (part === ":") return undefined;
  const range = /^(-?\d+)(?:\.\.(-?\d+))?$/.exec(part);
  if (range) return { from: Number(range[1]), to: Number(range[2] ?? range[1]) };
  throw new OptionError({
    what: `cannot read the target "${text}"`,
    why: `"${part}" is no index`,
    fix: "give an index for each axis, as 0,6,27; `:` stands for all of an axis, 3..5 for a range",
  });
}

/** The axes of samples and classes. */
interface Axes {
  readonly batchAxis: number | undefined;
  readonly classAxis: number | undefined;
}

/**
 * The regions of a target on the axes of an output.
 * @throws OptionError if the number of axes differs, or an index is out of range
 */
export function regionsOf(
  selection: TargetSelection,
  shape: Shape,
  { batchAxis, classAxis }: Axes,
): TargetRegion[] {
  const regions =
    "regions" in selection ? selection.regions : [classRegion(selection.classIndex, shape, classAxis)];
  return regions.map((region) => {
    const isWithoutBatch = batchAxis !== undefined && region.length === shape.length - 1;
    const whole = isWithoutBatch ? region.toSpliced(batchAxis, 0, undefined) : region;
    if (whole.length !== shape.length) {
      throw new OptionError({
        what: "cannot use this target",
        why: `it has ${region.length} ${region.length === 1 ? "index" : "indices"}, the output has the shape [${shape.join(", ")}]`,
        fix: "give one for each axis; `:` stands for all of an axis",
      });
    }
    return whole.map((range, axis) => range && inside(range, shape[axis] as Dim, axis, shape));
  });
}

function classRegion(index: number, shape: Shape, classAxis: number | undefined): TargetRegion {
  return shape.map((_, axis) =>
    axis === (classAxis ?? shape.length - 1) ? { from: index, to: index } : undefined,
  );
}

function inside({ from, to }: NonNullable<AxisRange>, size: Dim, axis: number, shape: Shape): AxisRange {
  const counted = (index: number): number => (index < 0 && typeof size === "number" ? index + size : index);
  const [first, last] = [counted(from), counted(to)];
  if (first >= 0 && first <= last && (typeof size === "string" || last < size))
    return { from: first, to: last };
  const text = from === to ? String(from) : `${from}..${to}`;
  if (first > last && first >= 0 && last >= 0) {
    throw new OptionError({
      what: `cannot use the range ${text} of axis ${axis}`,
      why: "it ends before it begins",
      fix: `give it as ${to}..${from}`,
    });
  }
  throw new OptionError({
    what: `there is no element ${text} along axis ${axis}`,
    why: `the output has the shape [${shape.join(", ")}]`,
    fix: typeof size === "number" ? `choose from 0 to ${size - 1}` : "count from 0: only a run knows its end",
  });
}
