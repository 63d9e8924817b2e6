/** Targets and answers where each sample gets several maps, map after map. */

import type { RankedClass } from "../answers/rank-classes.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { Explanation } from "./explanation.ts";
import type { FloatArray } from "./float-array.ts";
import type { CompiledFacts } from "./session-model.ts";
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
export const repeatedForMaps = (numbers: FloatArray, axis: number, maps: number): FloatArray =>
  joinedMaps(
    Array.from({ length: maps }, () => numbers),
    axis,
    maps,
  );

/** The maps of a run, each as a run for this map alone gives them: what is [K·N, …] becomes K times [N, …]. */
export function eachMap(
  explanation: Explanation,
  { maps, batchAxis, facts }: Pick<CompiledFacts, "maps" | "batchAxis" | "facts">,
): Explanation[] {
  if (maps === 1) return [explanation];
  const { relevance, relevances, target, start, ledgers } = explanation;
  const samples = start.length / maps;
  return Array.from({ length: maps }, (_, map) => {
    const own = <Each>(list: readonly Each[]): Each[] => list.slice(map * samples, (map + 1) * samples);
    const ofInputs = Object.entries(relevances).map(([name, all]) => ({
      name,
      all,
      one: partOf(all, batchAxis ?? 0, map, maps),
    }));
    return {
      ...explanation,
      relevance: ofInputs.find(({ all }) => all === relevance)?.one ?? relevance,
      relevances: Object.fromEntries(ofInputs.map(({ name, one }) => [name, one])),
      start: own(start),
      ...(target && { target: partOf(target, facts.batchAxis ?? 0, map, maps) }),
      ...(ledgers && { ledgers: own(ledgers) }),
    };
  });
}

/** One of several equal parts along an axis; a view of the first axis' parts. */
function partOf({ data, dims }: FloatArray, axis: number, part: number, parts: number): FloatArray {
  const own = dims.map((size, i) => (i === axis ? size / parts : size));
  const inner = sizeOf(own.slice(axis));
  const outer = sizeOf(own.slice(0, axis));
  if (outer === 1) return { data: data.subarray(part * inner, (part + 1) * inner), dims: own };
  const taken = new Float32Array(outer * inner);
  for (let i = 0; i < outer; i++) {
    const from = (i * parts + part) * inner;
    taken.set(data.subarray(from, from + inner), i * inner);
  }
  return { data: taken, dims: own };
}

/** Numbers of each map, along the axis of samples: K of [N, …] -> [K·N, …]. Maps without numbers get zeros. */
export function joinedMaps(parts: readonly FloatArray[], axis: number, maps: number): FloatArray {
  const [first] = parts;
  if (!first) throw new Error("there is no map");
  if (maps === 1) return { data: first.data, dims: first.dims };
  const { dims } = first;
  const inner = sizeOf(dims.slice(axis));
  const data = new Float32Array(maps * first.data.length);
  for (const [map, part] of parts.entries()) {
    for (let outer = 0; outer * inner < part.data.length; outer++) {
      const own = part.data.subarray(outer * inner, (outer + 1) * inner);
      data.set(own, (outer * maps + map) * inner);
    }
  }
  return { data, dims: dims.map((size, i) => (i === axis ? maps * size : size)) };
}
