/** Replaces TensorScatter (24), which writes keys or values of now into a cache. */

import { int, numberAttribute, stringAttribute } from "../graph.ts";
import { wrapped } from "../axis.ts";
import { count, positionsUpTo, size } from "./attention-mask.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** cache[n, …, start(n) + i, …] = update[n, …, i, …], beginning again at 0 behind the end in the mode "circular". */
export const tensorScatter: Converter = (node, to) => {
  const [cache = "", update = "", starts = ""] = node.inputs;
  const rank = to.shape(node, 0).length;
  const axis = wrapped(numberAttribute(node, "axis", -2), rank);
  const write = new NodeWriter(node, to);
  const along = Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
  const steps = write.op("Reshape", [
    positionsUpTo(write, count(write, update, axis)),
    write.integers("along", along),
  ]);
  const perSample = write.integers("samples", [-1, ...along.slice(1).map(() => 1)]);
  const place = starts === "" ? steps : write.op("Add", [write.op("Reshape", [starts, perSample]), steps]);
  const isCircular = stringAttribute(node, "mode", "linear") === "circular";
  const inside = isCircular ? write.op("Mod", [place, size(write, cache, axis)]) : place;
  const index = write.op("Expand", [inside, write.op("Shape", [update])]);
  write.op("ScatterElements", [cache, index, update], { axis: int(axis) }, node.outputs[0]);
  return write.nodes;
};
