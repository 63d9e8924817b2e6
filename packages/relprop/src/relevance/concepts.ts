/**
 * Concept-conditional relevance: only relevance that flows through chosen channels of one layer. A channel stands for a
 * concept. Relevance restarts at the layer with that of the chosen channels, and what flows around the layer by skip
 * connections is dropped. CRP, Achtibat et al. 2023 (Nature Machine Intelligence 5, 1006-1019).
 *
 *     R′ = R_layer ⊙ channels,   channel_relevance_c = Σ_space R_c,   Σ R′_input = Σ R′ − what stays below the layer
 */

import { OptionError } from "../errors.ts";
import { int, ints, type Dim, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Analysis } from "./analysis.ts";
import { findConceptLayer, type LayerRequest } from "./concept-layer.ts";
import { featureAxisOf } from "./feature-axis.ts";
import type { AxisPlace } from "./site.ts";

/** Options for relevance by channel, with channels chosen at run time. */
export interface ConceptOptions {
  /** Name of a node (its first output) or a tensor, between the explained input and the explained tensor. */
  readonly layer: string;
  /** The layer's channel axis. @default the feature axis of the layer, or of the last layer before it */
  readonly axis?: number;
  /**
   * Which channels relevance goes through: those of the input `channels`, or the strongest of each sample, one for each map
   * (`maps: K`), that of the largest |ΣR| first. @default "input"
   */
  readonly channels?: "input" | "strongest";
}

/** The graph input that chooses channels, float32 [N, C]: factors of their relevance, 1 to keep and 0 to drop. */
export const channelsInput = "channels";

/** The graph output of the channels' relevance before the mask, float32 [N, C]. */
export const channelRelevanceOutput = "channel_relevance";

/** The samples in a layer. */
interface SampleAxis {
  /** Undefined if there are none: the layer has one row of channels. */
  readonly axis?: number | undefined;
  readonly count: Dim;
  /** Where samples share their axis, with windows or tokens: the layer's sizes with it in three parts, and as they are; −1 is open. */
  readonly apart?: readonly number[];
  readonly whole: readonly number[];
}

const isKnown = (dims: readonly Dim[]): dims is number[] => dims.every((dim) => typeof dim === "number");

/** @returns undefined if telling samples apart needs sizes that are unknown before a run */
function samplesIn({ shape }: Value, place: AxisPlace | undefined, count: Dim): SampleAxis | undefined {
  if (!place) return { count: 1, whole: [] };
  const { axis, outer, inner } = place;
  if (outer === 1 && inner === 1) return { axis, count: shape[axis] as Dim, whole: [] };
  const part = (...sizes: number[]): Dim[] => shape.flatMap((dim, each) => (each === axis ? sizes : [dim]));
  if (typeof outer !== "number" || typeof inner !== "number") return undefined;
  const [apart, whole] = [part(outer, -1, inner), part(-1)];
  return isKnown(apart) && isKnown(whole) ? { axis, count, apart, whole } : undefined;
}

/** Masks the channels of a layer: adds the input `channels` and sums the relevance of channels. */
export class ConceptMask {
  readonly layer: Value;
  /** The node that makes the layer; an input's own name. */
  readonly node: string;
  readonly axis: number;
  readonly #samples: SampleAxis;
  readonly #channels: Value;
  #sums: Value | undefined;

  /** @param samples where the samples stand in the layer, and how many there are */
  constructor(b: GraphBuilder, layer: Value, node: string, axis: number, samples: SampleAxis) {
    this.layer = layer;
    this.node = node;
    this.axis = axis;
    this.#samples = samples;
    this.#channels = b.input(channelsInput, "float32", [samples.count, layer.shape[axis] as Dim]);
  }

  isAt(value: Value | undefined): boolean {
    return value?.name === this.layer.name;
  }

  /** R with weighted channels. Stores their sums. */
  mask(b: GraphBuilder, R: Value): Value {
    return b.within("mask", () => this.#masked(b, R));
  }

  #masked(b: GraphBuilder, R: Value): Value {
    const { apart, whole, axis: batchAxis } = this.#samples;
    if (apart === undefined) return this.#weigh(b, R, this.axis, batchAxis);
    // The axis that samples share is split in three, one of which is theirs.
    const shared = whole.indexOf(-1);
    const axis = this.axis > shared ? this.axis + 2 : this.axis;
    const weighted = this.#weigh(b, b.op("Reshape", [R, b.integers(apart)]), axis, shared + 1);
    return b.op("Reshape", [weighted, b.integers(whole)]);
  }

  #weigh(b: GraphBuilder, R: Value, axis: number, batchAxis: number | undefined): Value {
    const isTurned = batchAxis !== undefined && batchAxis > axis;
    const turned = (v: Value): Value => (isTurned ? b.op("Transpose", [v], { perm: ints([1, 0]) }) : v);
    const others = R.shape.flatMap((_, each) => (each === batchAxis || each === axis ? [] : [each]));
    const axes = b.integers(others);
    const summed = others.length === 0 ? R : b.op("ReduceSum", [R, axes], { keepdims: int(0) });
    this.#sums = batchAxis === undefined ? b.op("Unsqueeze", [summed, b.integers([0])]) : turned(summed);
    const row =
      batchAxis === undefined ? b.op("Squeeze", [this.#channels, b.integers([0])]) : turned(this.#channels);
    return b.op("Mul", [R, others.length === 0 ? row : b.op("Unsqueeze", [row, axes])]);
  }

  /** Relevance of the channels before the mask, [N, C]; undefined if none reached the layer. */
  get sums(): Value | undefined {
    return this.#sums;
  }
}

/** The model to search. */
export interface ConceptRequest extends Omit<LayerRequest, "ends" | "explained"> {
  readonly analysis: Analysis;
  /** How many samples there are. */
  readonly samples: Dim;
  /** The tensors where relevance ends, and the axis of their channels. */
  readonly ends: ReadonlyMap<string, number>;
}

/**
 * Finds the layer that the options name.
 * @throws OptionError if no relevance can arrive at it, or if it has no such axis
 */
export function chooseConcepts(request: ConceptRequest, options: ConceptOptions): ConceptMask {
  const { analysis, ends } = request;
  const { b, batch, explained } = analysis;
  const { tensor: name, node } = findConceptLayer(options.layer, {
    ...request,
    explained,
    ends: [...ends.keys()],
  });
  const layer = b.value(name);
  const shown = `"${name}" [${layer.shape.join(", ")}]`;
  const place = batch?.places.get(name);
  const samples = batch && !place ? undefined : samplesIn(layer, place, request.samples);
  if (!samples) {
    throw new OptionError({
      what: `cannot take concepts from ${shown}`,
      why: place
        ? `its axis ${place.axis} counts samples together with ${place.outer === 1 ? place.inner : place.outer} others, and only a run knows its sizes`
        : "it does not keep samples apart",
      fix: "choose another layer",
    });
  }
  const axes = layer.shape.flatMap((_, each) => (each === place?.axis ? [] : [each]));
  const axis = options.axis ?? ends.get(name) ?? featureAxisOf(analysis, name) ?? axes[0];
  if (axis === undefined || !axes.includes(axis)) {
    throw new OptionError({
      what: `cannot take concepts from axis ${axis ?? "none"} of ${shown}`,
      why: place
        ? `axis ${place.axis} counts samples, and there are ${layer.shape.length} axes`
        : "it has no such axis",
      fix: axes.length > 0 ? `choose one of the axes ${axes.join(", ")}` : "choose another layer",
    });
  }
  return new ConceptMask(b, layer, node, axis, samples);
}
