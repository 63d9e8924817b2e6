/** Operators that repeat elements (Expand, Tile, Pad by its border) or choose between tensors (Where). Copies add up. */

import { intsAttribute, int, stringAttribute, type Node, type Value } from "../../onnx/graph.ts";
import { constantIntegers } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { x, type Site } from "../site.ts";
import { sumCopies } from "./blocks.ts";
import { padAxis, toPlaces } from "./picking.ts";
import { sizeAt, sumTo, type Size } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

/** Expand: summed over the axes along which it was repeated. */
export const unexpand = (site: Site, s: Value): Value => sumTo(site.b, s, x(site));

/** Tile: the copies lie one after the other. */
export function untile(site: Site, s: Value): Value {
  const { b } = site;
  const repeats = site.input(1);
  const known = constantIntegers(repeats);
  const counts = x(site).shape.map(
    (_, axis): Size => known?.[axis] ?? b.op("Slice", [repeats, b.integers([axis]), b.integers([axis + 1])]),
  );
  return sumCopies(site, s, counts, false);
}

/** Where: each branch takes the relevance of the elements that were taken from it. */
export function unwhere(site: Site, s: Value, input: number): Value {
  const { b } = site;
  const zero = b.scalar(0);
  const condition = site.input(0);
  const own = b.op("Where", input === 1 ? [condition, s, zero] : [condition, zero, s]);
  return sumTo(b, own, site.input(input));
}

/** Pad: "constant" makes a border from nothing, the other modes from copies of what is there. */
export const paddingOf = (node: Pick<Node, "attributes">): "constant" | "copies" =>
  stringAttribute(node as Node, "mode", "constant") === "constant" ? "constant" : "copies";

/** Begin and end pads of each axis, or undefined if only the run knows them. */
function padsOf({ node, inputs }: Site): readonly number[] | undefined {
  return inputs[1] ? constantIntegers(inputs[1]) : intsAttribute(node, "pads");
}

/** The axes that it adds to or takes from; all, if only the run knows. */
export const paddedAxes = (site: Site): readonly number[] => {
  const pads = padsOf(site);
  const rank = x(site).shape.length;
  return x(site).shape.flatMap((_, axis) => (pads?.[axis] === 0 && pads[rank + axis] === 0 ? [] : [axis]));
};

/** Pad with a constant: the border is cut off again, and what was cut off (negative pads) is 0. */
export function unpad(site: Site, s: Value): Value {
  const { b } = site;
  const pads = padsOf(site) ?? [];
  const rank = x(site).shape.length;
  return x(site).shape.reduce((v, _, axis) => {
    const [begin, end] = [sureNumber(pads[axis]), sureNumber(pads[rank + axis])];
    const inner = cut(b, v, axis, Math.max(0, begin), Math.max(0, end));
    return padAxis(b, inner, axis, Math.max(0, -begin), Math.max(0, -end));
  }, s);
}

/** v without `begin` elements at the start of an axis and `end` at its end. */
function cut(b: GraphBuilder, v: Value, axis: number, begin: number, end: number): Value {
  if (begin === 0 && end === 0) return v;
  const stop = end === 0 ? Number.MAX_SAFE_INTEGER : -end;
  return b.op("Slice", [v, b.integers([begin]), b.integers([stop]), b.integers([axis])]);
}

/** Pad with copies of the edge, of what mirrors in it, or of the other end. */
export function unpadCopies(site: Site, s: Value): Value {
  const { b } = site;
  const pads = padsOf(site) ?? [];
  const { shape } = x(site);
  const mode = stringAttribute(site.node, "mode", "constant");
  const back = shape.reduce((v, _, axis) => {
    const [begin, end] = [sureNumber(pads[axis]), sureNumber(pads[shape.length + axis])];
    const length = sizeAt(b, x(site), axis);
    const inner = cut(b, v, axis, begin, end);
    const parts = [inner];
    const add = (part: Value, places: readonly number[]): void => {
      parts.push(toPlaces(b, part, axis, places, length));
    };
    if (begin > 0) {
      const border = head(b, v, axis, begin);
      if (mode === "edge") add(total(b, border, axis), [0]);
      else if (mode === "reflect") add(mirror(b, border, axis, begin), upFrom(1, begin));
      else add(border, upFrom(-begin, begin));
    }
    if (end > 0) {
      const border = tail(b, v, axis, end);
      if (mode === "edge") add(total(b, border, axis), [-1]);
      else if (mode === "reflect") add(mirror(b, border, axis, end), upFrom(-1 - end, end));
      else add(border, upFrom(0, end));
    }
    return parts.reduce((sum, part) => b.op("Add", [sum, part]));
  }, s);
  return b.refine(back, shape);
}

const upFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

const head = (b: GraphBuilder, v: Value, axis: number, count: number): Value =>
  b.op("Slice", [v, b.integers([0]), b.integers([count]), b.integers([axis])]);

const tail = (b: GraphBuilder, v: Value, axis: number, count: number): Value =>
  b.op("Slice", [v, b.integers([-count]), b.integers([Number.MAX_SAFE_INTEGER]), b.integers([axis])]);

const total = (b: GraphBuilder, v: Value, axis: number): Value =>
  b.op("ReduceSum", [v, b.integers([axis])], { keepdims: int(1) });

/** v of known length along an axis, last first. A Gather: one of ONNX Runtime's back ends gets Slice by −1 wrong. */
export const mirror = (b: GraphBuilder, v: Value, axis: number, length: number): Value =>
  b.op("Gather", [v, b.integers(upFrom(0, length).toReversed())], { axis: int(axis) });

export const refusesOpenPads = (site: Site): string | undefined =>
  padsOf(site) ? undefined : "its pads are known only at run time: fix the image size with --size H,W";

export function refusesCopies(site: Site): string | undefined {
  const pads = padsOf(site);
  if (!pads) return refusesOpenPads(site);
  const cuts = pads.some((n) => n < 0);
  return cuts ? "it crops by negative pads and copies its border: export the model with Slice" : undefined;
}
