/** Finds the batch axis of the explained input, and the samples in every value of the graph. */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import { traceAxes, wholeAxis, type AxisTrace, type Followed } from "./axis-trace.ts";
import { placeInVectors, type MovedIds } from "./moved-ids.ts";
import type { Row } from "./row-kinds.ts";
import type { AxisPlace, Site } from "./site.ts";

/** The places of samples, in a graph that keeps them apart. */
export interface Batch {
  /** The axis of the samples in the explained input. */
  readonly inputAxis: number;
  /** The place of samples in the explained output. */
  readonly output: AxisPlace;
  /** Their place in each value that keeps them apart. */
  readonly places: AxisTrace;
}

/** The graph to search. */
interface BatchRequest extends Followed {
  readonly graph: Graph;
  readonly value: (name: string) => Value | undefined;
  /** The explained inputs, or the vectors of their tokens. The first one defines the samples. */
  readonly origins: readonly string[];
  /** How ids get to the lookups that give vectors, by the name of the vectors. */
  readonly lookups: ReadonlyMap<string, MovedIds>;
  readonly explained: string;
}

/**
 * The batch is the first input axis that stays apart all the way to the output. Symbolic axes are tried before fixed ones.
 * Attention on [T, N, C] has it second; a graph network, whose nodes exchange messages, has none.
 */
export function findBatch(request: BatchRequest): Batch | undefined {
  const { graph, value, origins, lookups, explained } = request;
  const [origin = ""] = origins;
  const input = value(samplesIn(lookups, origin));
  if (!input) return undefined;
  const axes = input.shape.map((_, axis) => axis);
  const isOpen = (axis: number): boolean => typeof input.shape[axis] === "string";
  const ordered = [...axes.filter(isOpen), ...axes.filter((axis) => !isOpen(axis))];
  for (const inputAxis of ordered) {
    const starts = startsOf(request, input, inputAxis);
    if (!starts.has(origin)) continue;
    for (const other of graph.inputs) {
      const isSame = starts.has(other.name) || other.name === input.name;
      const axis = isSame ? undefined : sampleAxis(other, input.shape[inputAxis]);
      if (axis !== undefined) starts.set(other.name, wholeAxis(other, axis));
    }
    const places = traceAxes(request, starts);
    const place = places.get(explained);
    if (place) return { inputAxis, output: place, places };
  }
  return undefined;
}

/** The tensor that has the samples of an origin: itself, or ids that were moved before they were looked up. */
export function samplesIn(lookups: ReadonlyMap<string, MovedIds>, origin: string): string {
  const lookup = lookups.get(origin);
  return lookup && lookup.moves.length > 0 ? lookup.ids : origin;
}

/** The places of an axis in all origins that are made of one input. */
function startsOf(request: BatchRequest, input: Value, axis: number): Map<string, AxisPlace> {
  const { origins, lookups, value } = request;
  const starts = new Map<string, AxisPlace>();
  const ids = lookups.get(origins[0] ?? "")?.ids ?? input.name;
  for (const origin of origins) {
    const lookup = lookups.get(origin);
    const [vectors, from] = [value(origin), lookup && value(lookup.ids)];
    if (!vectors || (lookup?.ids ?? origin) !== ids) continue;
    const isMoved = lookup !== undefined && lookup.moves.length > 0;
    const place = isMoved && from ? placeInVectors(request, lookup, from, axis) : wholeAxis(vectors, axis);
    if (place) starts.set(origin, place);
  }
  return starts;
}

/** The batch, if every value on the way keeps the samples apart. */
export function batchOfAll(
  { batch, operators, siteOf }: Followed & { readonly batch: Batch | undefined },
  nodes: readonly Node[],
): Batch | undefined {
  const isApart = nodes.every((node) => {
    const site = siteOf(node);
    const relevant = new Set([...operators.relevantInputs(node), ...operators.relevantOutputs(node)]);
    const met = [...site.inputs, ...site.outputs].filter((value) => value !== undefined);
    return met.every((value) => {
      if (!relevant.has(value.name)) return true;
      if (site.isComputed(value)) return batch?.places.has(value.name);
      return isAligned(operators.rowOf(node), value, site);
    });
  });
  return isApart ? batch : undefined;
}

/** Whether a constant has the samples at the output's place. A constant that is scattered into another has different axes. */
function isAligned(row: Row | undefined, constant: Value, { outputs }: Site): boolean {
  const isOwn = row?.joins === true && row.kind === "plain" && !row.elementwise;
  return !isOwn || constant.shape.length === outputs[0]?.shape.length;
}

/** The axis of another input with as many elements as samples; the first axis if both are symbolic. */
function sampleAxis({ shape }: Value, samples: unknown): number | undefined {
  const same = shape.indexOf(samples as never);
  if (same !== -1) return same;
  return typeof samples === "string" && typeof shape[0] === "string" ? 0 : undefined;
}
