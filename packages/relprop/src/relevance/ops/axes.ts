/**
 * The place of an input axis in the output of an operator, for the op table's rows. An axis is kept if the operator computes
 * each element of the output from elements at the same index along it. This tracks the samples of a batch through the graph.
 */

import { wrapped } from "../../onnx/axis.ts";
import { intsAttribute, numberAttribute, type Dim } from "../../onnx/graph.ts";
import { constantIntegers } from "../../onnx/tensor.ts";
import { exactQuotient, product } from "../../onnx/operators/sizes.ts";
import { aligned, placeAt as at, x, y, type KeepsAxis, type Site } from "../site.ts";

const rankOf = (site: Site, input: number): number => site.input(input).shape.length;

/** Output and input have the same axes, and those that the operator does not work along are kept. */
export const allBut =
  (worksAlong: (site: Site) => readonly number[] | undefined): KeepsAxis =>
  (site, place, input) => {
    const rank = rankOf(site, input);
    const axes = worksAlong(site)?.map((axis) => wrapped(axis, rank));
    return !axes || axes.includes(place.axis) ? undefined : at(site, place, place.axis);
  };

/** The axis that an attribute names. */
export const namedAxis =
  (orElse: number) =>
  ({ node }: Site): readonly number[] => [numberAttribute(node, "axis", orElse)];

/** As {@link namedAxis}; an operator without it works on all elements as one list. */
export const axisIfNamed = ({ node }: Site): readonly number[] | undefined =>
  node.attributes["axis"] ? [numberAttribute(node, "axis", 0)] : undefined;

/** All axes from one on. */
export const axesFrom =
  (first: number) =>
  (site: Site): readonly number[] =>
    x(site).shape.flatMap((_, axis) => (axis >= first ? [axis] : []));

/** An axis that an integer input names, if it is a constant. */
export const axesInInput =
  (index: number) =>
  ({ inputs }: Site): readonly number[] | undefined =>
    inputs[index] && constantIntegers(inputs[index]);

/** Only samples are kept: convolutions, pooling to one place, DepthToSpace. */
export const batchOnly: KeepsAxis = (site, place) => (place.axis === 0 ? at(site, place, 0) : undefined);

/** Samples and channels are kept: pooling. */
export const batchAndChannels: KeepsAxis = (site, place) =>
  place.axis <= 1 ? at(site, place, place.axis) : undefined;

/** y [.., I, K] = A [.., I, J] · B [.., J, K]: all but J, also where a side is constant. */
export const throughProduct: KeepsAxis = (site, place, input, output) => {
  const summed = rankOf(site, input) - (input === 0 ? 1 : 2);
  return place.axis === summed ? undefined : aligned(site, place, input, output);
};

/** Gemm: the rows of x. */
export const throughGemm: KeepsAxis = (site, place, input) => {
  if (input !== 0) return undefined;
  const rows = numberAttribute(site.node, "transA", 0) === 1 ? 1 : 0;
  return place.axis === rows ? at(site, place, 0) : undefined;
};

/** Reductions: the axes that stay. @param reduced the axes that go; undefined if only the run knows them */
export const throughReduction =
  (reduced: (site: Site) => readonly number[] | undefined): KeepsAxis =>
  (site, place) => {
    const axes = reduced(site);
    if (!axes || axes.includes(place.axis)) return undefined;
    const isKept = numberAttribute(site.node, "keepdims", 1) === 1;
    const before = axes.filter((axis) => axis < place.axis).length;
    return at(site, place, isKept ? place.axis : place.axis - before);
  };

/** The stride of an axis, in elements. */
const stride = (shape: readonly Dim[], axis: number): Dim => product(shape.slice(axis + 1));

/**
 * Reshape and its kind: elements keep their order in memory. The axis is a digit of an element's position, and stands in
 * the axis of the output whose digits hold it.
 */
export const throughReshape: KeepsAxis = (site, place, input) => {
  const from = site.input(input).shape;
  const to = y(site).shape;
  const behind = product([place.inner, stride(from, place.axis)]);
  for (const [axis, size] of to.entries()) {
    const inner = exactQuotient(behind, stride(to, axis));
    const outer = inner === undefined ? undefined : exactQuotient(size, product([inner, place.length]));
    if (inner !== undefined && outer !== undefined) return { axis, outer, length: place.length, inner };
  }
  return undefined;
};

export const throughTranspose: KeepsAxis = (site, place) => {
  const rank = x(site).shape.length;
  const perm = intsAttribute(site.node, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return { ...place, axis: perm.indexOf(place.axis) };
};

/** Slice, Pad, Tile, Resize: the axes whose size does not change are left alone, unless they are named among those worked on. */
export const unlessResized =
  (worksAlong: (site: Site) => readonly number[] = () => []): KeepsAxis =>
  (site, place) => {
    const rank = x(site).shape.length;
    const isNamed = worksAlong(site).some((axis) => wrapped(axis, rank) === place.axis);
    return isNamed ? undefined : at(site, place, place.axis);
  };

/** The axes that a Slice runs through backwards, or in steps: there also an unchanged size says nothing. */
export function steppedAxes({ inputs }: Site): readonly number[] {
  const [, starts, , axes, steps] = inputs;
  if (!steps) return [];
  const known = constantIntegers(steps);
  const count = typeof starts?.shape[0] === "number" ? starts.shape[0] : 0;
  const named = axes ? constantIntegers(axes) : Array.from({ length: count }, (_, i) => i);
  return (named ?? []).filter((_, i) => known?.[i] !== 1);
}

/** Gather: the axis that is picked along goes, and those of the indices stand in its place. */
export const throughGather: KeepsAxis = (site, place) => {
  const axis = wrapped(numberAttribute(site.node, "axis", 0), x(site).shape.length);
  if (place.axis === axis) return undefined;
  const added = rankOf(site, 1) - 1;
  return at(site, place, place.axis < axis ? place.axis : place.axis + added);
};

/** GatherND: shared axes, and those of the slices that it picks. */
export const throughGatherNd: KeepsAxis = (site, place) => {
  const shared = numberAttribute(site.node, "batch_dims", 0);
  const depth = site.input(1).shape.at(-1);
  if (place.axis < shared) return at(site, place, place.axis);
  if (typeof depth !== "number" || place.axis < shared + depth) return undefined;
  return at(site, place, place.axis + y(site).shape.length - x(site).shape.length);
};

/** ScatterND: the axes of the slices that it writes. */
export const throughScatterNd: KeepsAxis = (site, place, input) => {
  const depth = site.input(1).shape.at(-1);
  const axis = place.axis + y(site).shape.length - rankOf(site, input);
  return typeof depth === "number" && axis >= depth ? at(site, place, axis) : undefined;
};

/** ReverseSequence: the axis of the samples, whose other axis runs backwards. */
export const throughReversal: KeepsAxis = (site, place) =>
  place.axis === numberAttribute(site.node, "time_axis", 0) ? undefined : at(site, place, place.axis);

/** Einsum: a letter that input and output have. @param equation terms of the inputs, and of the output */
export const throughEinsum =
  (equation: (site: Site) => { readonly inputs: readonly string[]; readonly output: string }): KeepsAxis =>
  (site, place, input) => {
    const { inputs, output } = equation(site);
    const axis = output.indexOf(inputs[input]?.[place.axis] ?? "?");
    return axis === -1 ? undefined : { ...place, axis };
  };
