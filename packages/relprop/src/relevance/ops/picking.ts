/**
 * Operators that pick elements by index (Gather, TopK, Compress …). Relevance goes back to the picked elements, and adds up
 * for elements that were picked twice. Indices get none.
 */

import { wrapped } from "../../onnx/axis.ts";
import { int, numberAttribute, string, type Value } from "../../onnx/graph.ts";
import { constantIntegers, numbersOf } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, type Site } from "../site.ts";
import {
  addSizes,
  asVector,
  multiplySizes,
  reshapeLike,
  sizeAt,
  sizesOf,
  subtractSizes,
  vectorOf,
  type Size,
} from "./shapes.ts";
import { sure, sureNumber } from "../../sure.ts";

/** Up to so many picks of one element are summed by one Gather each; every back end runs those. */
const fewPicks = 4;

/** Axes longer than this have no list of picks for each element. */
const longest = 2 ** 22;

/**
 * s with its elements along an axis put to the given places of a longer axis, added where places repeat, 0 elsewhere.
 * @param places one for each element of s along the axis; negative ones count from the end
 * @param length of that axis in the result
 */
export function toPlaces(
  b: GraphBuilder,
  s: Value,
  axis: number,
  places: readonly number[],
  length: Size,
): Value {
  const first = places[0] ?? 0;
  const isOneRun = places.every((place, i) => place === first + i && place < 0 === first < 0);
  if (isOneRun) {
    const begin = first < 0 ? addSizes(b, length, first) : first;
    return padAxis(b, s, axis, begin, subtractSizes(b, subtractSizes(b, length, begin), places.length));
  }
  if (typeof length !== "number" || length > longest)
    return scatterAdd(b, s, axis, b.integers(places), length);
  const sources = Array.from({ length }, (): number[] => []);
  for (const [i, place] of places.entries()) sources[wrapped(place, length)]?.push(i);
  const most = sources.reduce((sofar, list) => Math.max(sofar, list.length), 0);
  // Places that do not exist are for the runtime to refuse.
  if (most > fewPicks || most === 0) return scatterAdd(b, s, axis, b.integers(places), length);
  const isFull = sources.every((list) => list.length === most);
  const withZero = isFull ? s : padAxis(b, s, axis, 0, 1);
  const picks = Array.from({ length: most }, (_, k) => {
    const from = sources.map((list) => list[k] ?? places.length);
    return b.op("Gather", [withZero, b.integers(from)], { axis: int(axis) });
  });
  return picks.reduce((sum, pick) => b.op("Add", [sum, pick]));
}

/** v with zeros before and after its elements along an axis. */
export function padAxis(b: GraphBuilder, v: Value, axis: number, begin: Size, end: Size): Value {
  if (begin === 0 && end === 0) return v;
  const pads: Size[] = Array.from({ length: 2 * v.shape.length }, () => 0);
  pads[axis] = begin;
  pads[v.shape.length + axis] = end;
  return b.op("Pad", [v, vectorOf(b, pads)]);
}

/** As {@link toPlaces}, by places that only the run need know: an integer vector. */
function scatterAdd(b: GraphBuilder, s: Value, axis: number, places: Value, length: Size): Value {
  const others = s.shape.map((_, i) => i).filter((i) => i !== axis);
  const column = others.length === 0 ? places : b.op("Unsqueeze", [places, b.integers(others)]);
  const indices = b.op("Expand", [column, vectorOf(b, sizesOf(b, s))]);
  return addElements(b, sizesOf(b, s).with(axis, length), axis, indices, s);
}

/** Zeros of the given sizes, with `updates` added where `indices` say (ScatterElements). */
function addElements(
  b: GraphBuilder,
  sizes: readonly Size[],
  axis: number,
  indices: Value,
  updates: Value,
): Value {
  const zeros = b.op("ConstantOfShape", [vectorOf(b, sizes)]);
  return b.op("ScatterElements", [zeros, indices, updates], { axis: int(axis), reduction: string("add") });
}

/** The elements of integers, of any shape, if they are known when the graph is compiled. */
function knownIndices(indices: Value): readonly number[] | undefined {
  return indices.constant ? Array.from(numbersOf(indices.constant)) : constantIntegers(indices);
}

function axisOf(site: Site, orElse: number): number {
  const axis = numberAttribute(site.node, "axis", orElse);
  return wrapped(axis, x(site).shape.length);
}

/** Gather: along one axis, by indices of any shape. */
export function ungather(site: Site, s: Value): Value {
  const { b } = site;
  const axis = axisOf(site, 0);
  const indices = site.input(1);
  const all = sizesOf(b, x(site));
  const rank = indices.shape.length;
  const flat = (v: Value): Value => (rank === 1 ? v : b.op("Reshape", [v, b.integers([-1])]));
  // The axes of the indices become the one that they pick along.
  const target = [...all.slice(0, axis), -1, ...all.slice(axis + 1)];
  const rows = rank === 1 ? s : b.op("Reshape", [s, vectorOf(b, target)]);
  const known = knownIndices(indices);
  const length = all[axis] as Size;
  const back = known
    ? toPlaces(b, rows, axis, known, length)
    : scatterAdd(b, rows, axis, flat(indices), length);
  return b.refine(back, x(site).shape);
}

/** GatherElements: an index for each element. */
export function ungatherElements(site: Site, s: Value): Value {
  const { b } = site;
  const back = addElements(b, sizesOf(b, x(site)), axisOf(site, 0), site.input(1), s);
  return b.refine(back, x(site).shape);
}

/** GatherND: slices by tuples of indices, after `batch_dims` axes that data and indices share. */
export function ungatherNd(site: Site, s: Value): Value {
  const { b, node } = site;
  const indices = site.input(1);
  const shared = numberAttribute(node, "batch_dims", 0);
  const depth = sureNumber(indices.shape.at(-1));
  const all = sizesOf(b, x(site));
  const product = (sizes: readonly Size[]): Size => sizes.reduce((a, n) => multiplySizes(b, a, n), 1);
  const picked = all.slice(shared, shared + depth);
  // As [batch, elements to pick from, elements of a slice], picked from by one number each.
  const [batch, slice] = [product(all.slice(0, shared)), product(all.slice(shared + depth))];
  const rows = b.op("Reshape", [s, vectorOf(b, [batch, -1, slice])]);
  const known = knownIndices(indices);
  const length = product(picked);
  if (shared === 0 && known && picked.every((n) => typeof n === "number")) {
    return reshapeLike(b, toPlaces(b, rows, 1, flatPlaces(known, picked), length), x(site));
  }
  const places = sure(
    picked.reduce<Value | undefined>((sum, size, k) => {
      const one = b.op("Gather", [indices, b.integer(k)], { axis: int(-1) });
      const isNegative = b.op("Less", [one, b.integer(0)]);
      const place = b.op("Where", [isNegative, b.op("Add", [one, asVector(b, size)]), one]);
      const stride = product(picked.slice(k + 1));
      const term = stride === 1 ? place : b.op("Mul", [place, asVector(b, stride)]);
      return sum ? b.op("Add", [sum, term]) : term;
    }, undefined),
  );
  const column = b.op("Reshape", [places, vectorOf(b, [batch, -1, 1])]);
  const each = b.op("Expand", [column, vectorOf(b, [1, 1, slice])]);
  return reshapeLike(b, addElements(b, [batch, length, slice], 1, each, rows), x(site));
}

/** Row-major places in a box of the given sizes, from tuples of indices written one after the other. */
function flatPlaces(tuples: readonly number[], sizes: readonly number[]): number[] {
  return Array.from({ length: tuples.length / sizes.length }, (_, i) =>
    sizes.reduce((place, size, k) => {
      const index = sureNumber(tuples[i * sizes.length + k]);
      return place * size + wrapped(index, size);
    }, 0),
  );
}

export function refusesGatherNd(site: Site): string | undefined {
  const depth = site.inputs[1]?.shape.at(-1);
  return typeof depth === "number"
    ? refusesIndices(site)
    : "the length of its index tuples is known only at run time";
}

/** Relevance goes to what is picked from, if that depends on the model's input at all. */
export function refusesIndices(site: Site): string | undefined {
  return site.isComputed(x(site))
    ? undefined
    : "only its indices depend on the input, and relevance cannot go to indices: explain the tensor that it gives as the input (--layer)";
}

/** TopK: each of the k values back to where its index says. */
export function untopK(site: Site, s: Value): Value {
  const { b, node, inputs } = site;
  const indices = site.outputs[1] ?? sure(b.allLike(node, inputs, 2)[1]);
  return b.refine(addElements(b, sizesOf(b, x(site)), axisOf(site, -1), indices, s), x(site).shape);
}

/** TopK of another tensor at the same places. */
export function topKAgain(site: Site, v: Value): Value {
  const { b, node, inputs } = site;
  const indices = site.outputs[1] ?? sure(b.allLike(node, inputs, 2)[1]);
  return b.op("GatherElements", [v, indices], { axis: int(axisOf(site, -1)) });
}

/** Compress: what a condition that is known keeps of an axis, or of all elements. */
export function uncompress(site: Site, s: Value): Value {
  const { b, node } = site;
  const places = keptPlaces(site) ?? [];
  if (node.attributes["axis"]) {
    const axis = axisOf(site, 0);
    return b.refine(toPlaces(b, s, axis, places, sizeAt(b, x(site), axis)), x(site).shape);
  }
  const length = sizesOf(b, x(site)).reduce((a, n) => multiplySizes(b, a, n), 1);
  return reshapeLike(b, toPlaces(b, s, 0, places, length), x(site));
}

function keptPlaces(site: Site): number[] | undefined {
  const condition = site.inputs[1]?.constant;
  return condition && Array.from(numbersOf(condition)).flatMap((keeps, i) => (keeps ? [i] : []));
}

export const refusesOpenCondition = (site: Site): string | undefined =>
  keptPlaces(site) ? undefined : "what it keeps is known only at run time: export it as Where or Gather";

/** MaxUnpool: its indices count through the whole output. */
export function unmaxUnpool(site: Site, s: Value): Value {
  const { b } = site;
  return b.op("Gather", [b.op("Reshape", [s, b.integers([-1])]), site.input(1)]);
}

export function refusesGivenShape(site: Site): string | undefined {
  return site.inputs[2]
    ? "the size of its output is given (output_shape), and its indices count through another: export it without"
    : undefined;
}
