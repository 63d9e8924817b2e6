/** What comes before a plan, shared by `compile` and `inspect`: settings, the canonical graph, what is explained in it. */

import { canonicalize, type Canonical } from "./canonicalize/canonicalize.ts";
import { explainedTensor } from "./canonicalize/strip-final-softmax.ts";
import { chooseInput, chooseLayer, chooseOutput, type TensorOptions } from "./choose-tensors.ts";
import { convertOpset } from "./onnx/convert-opset.ts";
import { GraphBuilder } from "./onnx/graph-builder.ts";
import type { Graph, Model, Node, Value } from "./onnx/graph.ts";
import { isFloat } from "./onnx/tensor.ts";
import type { PlanRequest } from "./relevance/assign-rules.ts";
import { gateValues } from "./relevance/gates.ts";
import { relevantInputs, relevantOutputs } from "./relevance/op-table.ts";
import { endsRelevance } from "./relevance/other-operators.ts";
import type { Site } from "./relevance/row-kinds.ts";
import { settle, type RelevanceOptions, type Settings } from "./relevance/settings.ts";
import { nonNegativeValues } from "./relevance/signs.ts";
import { tokenEmbedding } from "./token-embedding.ts";

/** The opset of every compiled graph: the highest that all of ONNX Runtime's back ends run whole. */
export const compiledOpset = 17;

/** A model on the way to its explanation, up to the point where rules are assigned. */
export interface Prepared {
  readonly settings: Settings;
  /** The model in opset 17, its input size fixed if the caller gave one. */
  readonly converted: Graph;
  readonly canonical: Canonical;
  /** Holds the canonical graph; relevance is added to it. */
  readonly b: GraphBuilder;
  readonly input: Value;
  /** Name of the chosen output. */
  readonly outputName: string;
  /** Name of the explained tensor: the output, or what comes before its final Softmax. */
  readonly explained: string;
  /** Name of the tensor where relevance stops: the input, the vectors of its tokens, or what the option `layer` names. */
  readonly layerName: string;
  /** Whether the input holds token ids and relevance stops at their vectors, to be summed up for each token. */
  readonly isTokens: boolean;
  /** Name of the tensor that relevance is computed from, wherever it stops: the input, or the vectors of its tokens. */
  readonly origin: string;
  readonly nonNegative: ReadonlySet<string>;
  readonly isComputed: (value: Value) => boolean;
  readonly siteOf: (node: Node) => Site;
}

/**
 * Brings a model into canonical form and chooses what is explained.
 * @throws OptionError for an option with a value that is not allowed
 * @throws ModelFileError for a model that opset 17 cannot express, or whose shapes contradict each other
 */
export function prepare(source: Model, options: RelevanceOptions & TensorOptions): Prepared {
  const settings = settle(options);
  const chosen = chooseInput(convertOpset(source, compiledOpset).graph, options);
  const canonical = canonicalize(chosen.graph);
  const { graph, values } = canonical;
  const outputName = chooseOutput(graph, options.output);
  const explained = explainedTensor(graph, outputName);

  const b = new GraphBuilder();
  b.adopt(graph, values);
  const input = b.value(chosen.name);
  const layerName = chooseLayer(graph, b.values, explained, input.name, options.layer);
  const vectors = isFloat(input.dataType) ? undefined : tokenEmbedding(graph, input.name)?.vectors;
  const isDefault = options.layer === undefined || options.layer === input.name;
  const origin = vectors ?? input.name;
  const isComputed = computedValues(graph, origin);
  const nonNegative = nonNegativeValues(graph, b, b.values, isComputed);
  const gates = gateValues(graph, b.values);
  const siteOf = (node: Node): Site => ({
    b,
    node,
    inputs: node.inputs.map((name) => (name === "" ? undefined : b.value(name))),
    outputs: node.outputs.map((name) => (name === "" ? undefined : b.value(name))),
    isComputed,
    isNonNegative: (value) => nonNegative.has(value.name),
    isGate: (value) => gates.has(value.name),
  });
  return {
    settings,
    converted: chosen.graph,
    canonical,
    b,
    input,
    outputName,
    explained,
    layerName,
    isTokens: vectors !== undefined && isDefault,
    origin,
    nonNegative,
    isComputed,
    siteOf,
  };
}

/** What the plan is asked for. */
export function planRequest(prepared: Prepared, settings: Settings = prepared.settings): PlanRequest {
  const { canonical, explained, layerName, origin, siteOf, b } = prepared;
  const isKnown = (name: string): boolean => b.values.has(name);
  const notes = new Map(canonical.notes.map(({ node, why }) => [node, why]));
  return {
    graph: canonical.graph,
    output: explained,
    input: layerName,
    origin,
    settings,
    siteOf,
    isKnown,
    noteOn: ({ name }) => notes.get(name),
  };
}

/**
 * Which values depend on the explained input, or on the vectors of its tokens; for relevance the others are constants,
 * computed or not: weights, what another input gives (a mask), and what carries no relevance (a size, a comparison, the
 * indices that TopK gives).
 */
function computedValues(graph: Graph, origin: string): (value: Value) => boolean {
  const computed = new Set([origin]);
  for (const node of graph.nodes) {
    if (endsRelevance(node) || !relevantInputs(node).some((name) => computed.has(name))) continue;
    for (const name of relevantOutputs(node)) computed.add(name);
  }
  return (value) => computed.has(value.name);
}
