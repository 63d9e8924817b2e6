/** What comes before a plan, shared by `compile` and `inspect`: settings, the canonical graph, what is explained in it. */

import { canonicalize, type Canonical } from "../canonicalize/canonicalize.ts";
import { float32SourceOf } from "../canonicalize/floats-to-float32.ts";
import { chooseEnds, chooseInputs, type End, type ExplainedInput } from "./choose-inputs.ts";
import { chooseOutput, sizedInput, type TensorOptions } from "./choose-tensors.ts";
import { convertOpset } from "../onnx/convert-opset.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Graph, Model, Node, Value } from "../onnx/graph.ts";
import { logitFinder } from "../outputs/logit-finder.ts";
import type { LogitsBehind } from "../outputs/logits.ts";
import { outputFacts, type OutputFacts, type OutputOptions, type Start } from "../outputs/output-facts.ts";
import type { PlanRequest } from "../relevance/assign-rules.ts";
import { findBatch, type Batch } from "../relevance/batch.ts";
import { gateValues } from "../relevance/gates.ts";
import { relevantInputs, relevantOutputs } from "../relevance/op-table.ts";
import { endsRelevance } from "../relevance/other-operators.ts";
import type { Site } from "../relevance/row-kinds.ts";
import { settle, type RelevanceOptions, type Settings } from "../relevance/settings.ts";
import { nonNegativeValues } from "../relevance/signs.ts";

/** The opset of every compiled graph: the highest that all of ONNX Runtime's back ends run whole. */
export const compiledOpset = 17;

/** A model on the way to its explanation, up to the point where rules are assigned. */
export interface Prepared {
  readonly settings: Settings;
  /** The model in opset 17, its input size fixed if the caller gave one. */
  readonly converted: Graph;
  readonly canonical: Canonical;
  /** The canonical graph and, where relevance starts before a response function, what leads to the logits. */
  readonly graph: Graph;
  /** Holds that graph; relevance is added to it. */
  readonly b: GraphBuilder;
  /** The explained inputs; the first one's relevance is the output `relevance`. */
  readonly inputs: readonly [ExplainedInput, ...ExplainedInput[]];
  /** Where relevance stops: at these inputs, or at the one tensor that the option `layer` names. */
  readonly ends: readonly [End, ...End[]];
  /** Name of the chosen output. */
  readonly outputName: string;
  /** Name of the explained tensor, in the output's shape: the output, or its logits. */
  readonly explained: string;
  /** What stands before the response functions of a value. */
  readonly behind: LogitsBehind;
  /** What the chosen output is. */
  readonly facts: OutputFacts;
  /** Where samples stand; undefined where the graph does not keep them apart. */
  readonly batch: Batch | undefined;
  readonly nonNegative: ReadonlySet<string>;
  readonly siteOf: (node: Node) => Site;
}

/**
 * Brings a model into canonical form and chooses what is explained.
 * @throws OptionError for an option with a value that is not allowed
 * @throws ModelFileError for a model that opset 17 cannot express, or whose shapes contradict each other
 */
export function prepare(source: Model, options: RelevanceOptions & TensorOptions): Prepared {
  const settings = settle(options);
  const sized = sizedInput(convertOpset(source, compiledOpset).graph, options);
  const canonical = canonicalize(sized.graph);
  const outputName = chooseOutput(canonical.graph, canonical.values, options.output);
  const b = new GraphBuilder();
  b.adopt(canonical.graph, canonical.values);
  const output = float32SourceOf(canonical.graph, outputName);
  const inputs = chooseInputs(canonical.graph, b.values, output, sized.name, options);
  const plain = analyse(canonical.graph, b, inputs);
  const start = startOf({ ...plain, graph: canonical.graph, b, inputs }, outputName, options.start);
  const ends = chooseEnds(start, b.values, inputs, options.layer);
  const { siteOf, nonNegative } = start.graph === canonical.graph ? plain : analyse(start.graph, b, inputs);
  const { graph, explained } = start;
  const { facts, batch } = readOutput({ source, b, siteOf, inputs, start, outputName }, options);
  return {
    settings: options.seed === undefined ? { ...settings, seed: seedFor(settings.seed, facts) } : settings,
    converted: sized.graph,
    canonical,
    graph,
    b,
    inputs,
    ends,
    outputName,
    explained,
    behind: start.behind,
    facts,
    batch,
    nonNegative,
    siteOf,
  };
}

/** What an output is read from. */
type ReadingRequest = Pick<Prepared, "b" | "siteOf" | "inputs" | "outputName"> & {
  readonly source: Model;
  readonly start: Start;
};

/** Where samples stand, and what the output is. */
export function readOutput(
  { source, b, siteOf, inputs, start, outputName }: ReadingRequest,
  options: OutputOptions,
): Pick<Prepared, "facts" | "batch"> {
  const value = (name: string): Value | undefined => b.values.get(name);
  const { graph, explained } = start;
  const batch = findBatch({ graph, siteOf, value, origin: inputs[0].origin, output: explained });
  return { batch, facts: outputFacts({ source, outputName, start, siteOf, value, batch, inputs }, options) };
}

/** The composite's seed; but a softmax has a meaning only over the classes of one answer. */
function seedFor(seed: Settings["seed"], { kind }: OutputFacts): Settings["seed"] {
  const isList = kind === "classes" || kind === "scores";
  return seed === "softmax" && !isList ? "logit" : seed;
}

/** What is known when relevance's start is chosen. */
export type BeforeStart = Pick<Prepared, "graph" | "b" | "inputs" | "siteOf">;

/** The tensor that is explained for an output: in float32, and before its response functions unless it is wanted as it is. */
export function startOf(
  { graph, b, inputs, siteOf }: BeforeStart,
  outputName: string,
  where: TensorOptions["start"] = "logit",
): Start {
  const output = float32SourceOf(graph, outputName);
  const all = b.graph(graph.name);
  const before = all.nodes.length;
  const behind = logitFinder({ graph, b, siteOf });
  const logits = behind(output);
  const isInput = inputs.some(({ origin }) => origin === logits?.value.name);
  if (!logits || where === "output" || isInput) return { graph, explained: output, output, behind };
  const nodes = [...graph.nodes, ...all.nodes.slice(before)];
  return { graph: { ...graph, nodes }, explained: logits.value.name, output, behind };
}

/** What rows ask about the values of a graph. */
function analyse(
  graph: Graph,
  b: GraphBuilder,
  inputs: readonly ExplainedInput[],
): Pick<Prepared, "siteOf" | "nonNegative"> {
  const isComputed = computedValues(graph, inputs);
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
  return { siteOf, nonNegative };
}

/** What the plan is asked for. */
export function planRequest(prepared: Prepared, settings: Settings = prepared.settings): PlanRequest {
  const { canonical, graph, explained, ends, inputs, siteOf, b } = prepared;
  const notes = new Map(canonical.notes.map(({ node, why }) => [node, why]));
  return {
    graph,
    output: explained,
    ends: ends.map(({ name }) => name),
    origins: inputs.map(({ origin }) => origin),
    settings,
    siteOf,
    isKnown: (name) => b.values.has(name),
    noteOn: ({ name }) => notes.get(name),
  };
}

/**
 * Which values depend on the explained inputs, or on the vectors of their tokens; for relevance the others are constants,
 * computed or not: weights, what another input gives (a mask), and what carries no relevance (a size, a comparison, the
 * indices that TopK gives).
 */
function computedValues(graph: Graph, inputs: readonly ExplainedInput[]): (value: Value) => boolean {
  const computed = new Set(inputs.map(({ origin }) => origin));
  for (const node of graph.nodes) {
    if (endsRelevance(node) || !relevantInputs(node).some((name) => computed.has(name))) continue;
    for (const name of relevantOutputs(node)) computed.add(name);
  }
  return (value) => computed.has(value.name);
}
