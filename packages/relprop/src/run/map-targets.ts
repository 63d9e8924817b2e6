/** Targets and answers where each sample gets several maps, map after map. */

import type { RankedClass } from "../answers/rank-classes.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { FloatArray } from "./float-array.ts";
import type { Target } from "./targets.ts";

/**
 * The class of each map of each sample, [K·N].
 * @param target one class for each map, the same for all samples; others are left as they are
 */
export function targetOfMaps(target: Target, maps: number, samples: number): Target {
  const isList = maps > 1 && Array.isArray(target) && target.length === maps;
  return isList
    ? (target as readonly number[]).flatMap((each) => Array.from({ length: samples }, () => each))
    : target;
}

/** The best class of each sample, then the second …: as many as there are maps. */
export const bestOfMaps = (rankings: readonly (readonly RankedClass[])[], maps: number): number[] =>
  Array.from({ length: maps }, (_, rank) => rankings.map((ranked) => ranked[rank]?.index ?? 0)).flat();

/** The same numbers for each map: [N, …] -> [K·N, …] along the axis of samples. */
export function repeatedForMaps({ data, dims }: FloatArray, axis: number, maps: number): FloatArray {
  if (maps === 1) return { data, dims };
  const inner = sizeOf(dims.slice(axis));
  const repeated = new Float32Array(maps * data.length);
  for (let outer = 0; outer * inner < data.length; outer++) {
    const part = data.subarray(outer * inner, (outer + 1) * inner);
    for (let map = 0; map < maps; map++) repeated.set(part, (outer * maps + map) * inner);
  }
  return { data: repeated, dims: dims.map((size, i) => (i === axis ? maps * size : size)) };
}
