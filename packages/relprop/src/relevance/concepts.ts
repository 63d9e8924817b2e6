/**
 * Concept-conditional relevance: the relevance that flows through chosen channels of one layer. A channel stands for a
 * concept; masking the others' relevance shows where in the input the concept was seen. CRP, Achtibat et al. 2023
 * (Nature Machine Intelligence 5, 1006-1019).
 *
 *     R′ = R ⊙ channels,   channel_relevance_c = Σ_space R_c
 */

import { OptionError } from "../errors.ts";
import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { suggestion } from "../suggestion.ts";
import type { Plan } from "./assign-rules.ts";

/** Asks for relevance by channel, and for the means to choose among the channels at run time. */
export interface ConceptOptions {
  /** A node, whose first output is meant, or a tensor, between the explained input and output. */
  readonly layer: string;
  /** The layer's axis of channels. @default 1, as in [N, C, H, W] */
  readonly axis?: number;
}

/** The graph input that chooses channels, float32 [N, C]: factors of their relevance, 1 to keep it, 0 to drop it. */
export const channelsInput = "channels";

/** The graph output of the channels' relevance before the mask, float32 [N, C]. */
export const channelRelevanceOutput = "channel_relevance";

/** The layer whose channels are masked: makes the input `channels` and, once relevance arrives, its sums. */
export class ConceptMask {
  readonly layer: Value;
  readonly axis: number;
  readonly #channels: Value;
  #sums: Value | undefined;

  constructor(b: GraphBuilder, layer: Value, axis: number) {
    this.layer = layer;
    this.axis = axis;
    const [samples, count] = [layer.shape[0], layer.shape[axis]] as [number | string, number | string];
    this.#channels = b.input(channelsInput, "float32", [samples, count]);
  }

  isAt(value: Value | undefined): boolean {
    return value?.name === this.layer.name;
  }

  /** R with its channels weighted; notes their sums. */
  mask(b: GraphBuilder, R: Value): Value {
    const others = this.layer.shape.flatMap((_, axis) => (axis === 0 || axis === this.axis ? [] : [axis]));
    if (others.length === 0) {
      this.#sums = R;
      return b.op("Mul", [R, this.#channels]);
    }
    const axes = b.integers(others);
    this.#sums = b.op("ReduceSum", [R, axes], { keepdims: int(0) });
    return b.op("Mul", [R, b.op("Unsqueeze", [this.#channels, axes])]);
  }

  /** Relevance of the channels before the mask, [N, C]; undefined if none reached the layer. */
  get sums(): Value | undefined {
    return this.#sums;
  }
}

/**
 * Finds the layer that the options name.
 * @throws OptionError if no relevance can arrive at it, or if it has no such axis
 */
export function chooseConcepts(b: GraphBuilder, plan: Plan, options: ConceptOptions): ConceptMask {
  const { layer: wanted, axis = 1 } = options;
  const node = plan.steps.find(
    ({ node: each }) => each.name === wanted || each.outputs.includes(wanted),
  )?.node;
  const name = node?.outputs.includes(wanted) ? wanted : node?.outputs[0];
  if (name === undefined) {
    const names = plan.steps.flatMap(({ node: each }) => [each.name, ...each.outputs]);
    throw new OptionError({
      what: `cannot take concepts from "${wanted}"`,
      why: "no node or tensor of that name lies between the explained input and output (folding may have taken it away)",
      fix: "name another node or tensor",
      ...suggestion(wanted, names),
    });
  }
  const layer = b.value(name);
  if (!Number.isInteger(axis) || axis < 1 || axis >= layer.shape.length) {
    throw new OptionError({
      what: `cannot take concepts from axis ${axis} of "${name}"`,
      why: `it has the shape [${layer.shape.join(", ")}]; its first axis is the samples'`,
      fix:
        layer.shape.length > 1
          ? `choose an axis from 1 to ${layer.shape.length - 1}`
          : "choose another layer",
    });
  }
  return new ConceptMask(b, layer, axis);
}
