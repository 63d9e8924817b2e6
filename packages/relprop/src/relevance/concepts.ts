/**
 * Concept-conditional relevance: the relevance that flows through chosen channels of one layer, and nothing else. A channel
 * stands for a concept; relevance starts again at the layer with that of the chosen channels, so that what flows around the
 * layer by skip connections is left out. CRP, Achtibat et al. 2023 (Nature Machine Intelligence 5, 1006-1019).
 *
 *     R′ = R_layer ⊙ channels,   channel_relevance_c = Σ_space R_c,   Σ R′_input = Σ R′ − what stays below the layer
 */

import { OptionError } from "../errors.ts";
import { int, ints, type Dim, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Batch } from "./batch.ts";
import { findConceptLayer, type LayerRequest } from "./concept-layer.ts";
import { featureAxisOf, type AxisRequest } from "./feature-axis.ts";

/** Asks for relevance by channel, and for the means to choose among the channels at run time. */
export interface ConceptOptions {
  /** A node, whose first output is meant, or a tensor, from the explained input to what is explained. */
  readonly layer: string;
  /** The layer's axis of channels. @default that of the features which the layer, or the last one before it, makes */
  readonly axis?: number;
}

/** The graph input that chooses channels, float32 [N, C]: factors of their relevance, 1 to keep it, 0 to drop it. */
export const channelsInput = "channels";

/** The graph output of the channels' relevance before the mask, float32 [N, C]. */
export const channelRelevanceOutput = "channel_relevance";

/** The layer whose channels are masked: makes the input `channels` and, once relevance arrives, its sums. */
export class ConceptMask {
  readonly layer: Value;
  /** The node that makes the layer; an input's own name. */
  readonly node: string;
  readonly axis: number;
  readonly #batchAxis: number | undefined;
  readonly #channels: Value;
  #sums: Value | undefined;

  /** @param batchAxis the axis of the samples; undefined where there is none: then there is one row of channels */
  constructor(b: GraphBuilder, layer: Value, node: string, axis: number, batchAxis: number | undefined) {
    this.layer = layer;
    this.node = node;
    this.axis = axis;
    this.#batchAxis = batchAxis;
    const samples = batchAxis === undefined ? 1 : (layer.shape[batchAxis] as Dim);
    this.#channels = b.input(channelsInput, "float32", [samples, layer.shape[axis] as Dim]);
  }

  isAt(value: Value | undefined): boolean {
    return value?.name === this.layer.name;
  }

  /** R with its channels weighted; notes their sums. */
  mask(b: GraphBuilder, R: Value): Value {
    const batchAxis = this.#batchAxis;
    const isTurned = batchAxis !== undefined && batchAxis > this.axis;
    const turned = (v: Value): Value => (isTurned ? b.op("Transpose", [v], { perm: ints([1, 0]) }) : v);
    const others = this.layer.shape.flatMap((_, axis) =>
      axis === batchAxis || axis === this.axis ? [] : [axis],
    );
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

/** What the layer is looked for in. */
export interface ConceptRequest extends AxisRequest, Omit<LayerRequest, "ends"> {
  readonly batch: Batch | undefined;
  /** The tensors where relevance ends, and the axis of their channels. */
  readonly ends: ReadonlyMap<string, number>;
}

/**
 * Finds the layer that the options name.
 * @throws OptionError if no relevance can arrive at it, or if it has no such axis
 */
export function chooseConcepts(
  b: GraphBuilder,
  request: ConceptRequest,
  options: ConceptOptions,
): ConceptMask {
  const { tensor: name, node } = findConceptLayer(options.layer, {
    ...request,
    ends: [...request.ends.keys()],
  });
  const { batch, ends } = request;
  const layer = b.value(name);
  const shown = `"${name}" [${layer.shape.join(", ")}]`;
  const place = batch?.places.get(name);
  if (batch && (place?.outer !== 1 || place.inner !== 1)) {
    throw new OptionError({
      what: `cannot take concepts from ${shown}`,
      why: "none of its axes counts samples alone",
      fix: "choose another layer",
    });
  }
  const axes = layer.shape.flatMap((_, each) => (each === place?.axis ? [] : [each]));
  const axis = options.axis ?? ends.get(name) ?? featureAxisOf(request, name) ?? axes[0];
  if (axis === undefined || !axes.includes(axis)) {
    throw new OptionError({
      what: `cannot take concepts from axis ${axis ?? "none"} of ${shown}`,
      why: place
        ? `axis ${place.axis} counts samples, and there are ${layer.shape.length} axes`
        : "it has no such axis",
      fix: axes.length > 0 ? `choose one of the axes ${axes.join(", ")}` : "choose another layer",
    });
  }
  return new ConceptMask(b, layer, node, axis, place?.axis);
}
