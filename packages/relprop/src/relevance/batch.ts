/** Which axis of the explained input is the batch, and where its samples stand in every value of the graph. */

import type { Graph, Node, Value } from "../onnx/graph.ts";
import { relevantInputs, relevantOutputs, rowOf } from "./op-table.ts";
import { traceAxes, wholeAxis, type AxisTrace } from "./axis-trace.ts";
import type { AxisPlace, Site } from "./row-kinds.ts";

/** A graph that works on each sample by itself. */
export interface Batch {
  /** The axis of the samples in the explained input. */
  readonly inputAxis: number;
  /** Where samples stand in the explained output. */
  readonly output: AxisPlace;
  /** Where they stand in each value that keeps them apart. */
  readonly places: AxisTrace;
}

/** What the batch is looked for in. */
export interface BatchRequest {
  readonly graph: Graph;
  readonly siteOf: (node: Node) => Site;
  readonly value: (name: string) => Value | undefined;
  /** Name of the tensor that samples are counted in: the explained input, or the vectors of its tokens. */
  readonly origin: string;
  /** Name of the explained tensor. */
  readonly output: string;
}

/**
 * Follows each axis of the input through the graph; the first one whose elements meet nowhere on the way to the output is
 * the batch. Axes that the model leaves open come before fixed ones. Attention that works on [T, N, C] has it second, a
 * graph network, whose nodes exchange messages, has none.
 */
export function findBatch({ graph, siteOf, value, origin, output }: BatchRequest): Batch | undefined {
  const input = value(origin);
  if (!input) return undefined;
  const axes = input.shape.map((_, axis) => axis);
  const isOpen = (axis: number): boolean => typeof input.shape[axis] === "string";
  const ordered = [...axes.filter(isOpen), ...axes.filter((axis) => !isOpen(axis))];
  const isKnown = (name: string): boolean => value(name) !== undefined;
  for (const inputAxis of ordered) {
    const starts = new Map([[origin, wholeAxis(input, inputAxis)]]);
    for (const other of graph.inputs) {
      const axis = other.name === origin ? undefined : sampleAxis(other, input.shape[inputAxis]);
      if (axis !== undefined) starts.set(other.name, wholeAxis(other, axis));
    }
    const places = traceAxes({ graph, siteOf, isKnown }, starts);
    const place = places.get(output);
    if (place) return { inputAxis, output: place, places };
  }
  return undefined;
}

/** The batch, if every value that relevance meets on its way keeps the samples apart. */
export function batchOfAll(
  batch: Batch | undefined,
  nodes: readonly Node[],
  siteOf: (node: Node) => Site,
): Batch | undefined {
  const isApart = nodes.every((node) => {
    const site = siteOf(node);
    const relevant = new Set([...relevantInputs(node), ...relevantOutputs(node)]);
    const met = [...site.inputs, ...site.outputs].filter(
      (value) => value && relevant.has(value.name),
    ) as Value[];
    return met.every((value) =>
      site.isComputed(value) ? batch?.places.has(value.name) : isAligned(node, value, site),
    );
  });
  return isApart ? batch : undefined;
}

/** Whether the samples of a constant stand where the output's do: a constant that is scattered into others has axes of its own. */
function isAligned(node: Node, constant: Value, { outputs }: Site): boolean {
  const row = rowOf(node);
  const isOwn = row?.joins === true && row.kind === "plain" && !row.elementwise;
  return !isOwn || constant.shape.length === outputs[0]?.shape.length;
}

/** The axis of another input that has as many elements as there are samples; the first one, where both are left open. */
function sampleAxis({ shape }: Value, samples: unknown): number | undefined {
  const same = shape.indexOf(samples as never);
  if (same !== -1) return same;
  return typeof samples === "string" && typeof shape[0] === "string" ? 0 : undefined;
}
