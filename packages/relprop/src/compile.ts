/**
 * The stages in order:
 *
 *     model ─▶ opset 17 ─▶ canonicalize ─▶ assign rules ─▶ emit relevance ─▶ tidy ─▶ model that also outputs relevance
 */

import { canonicalize } from "./canonicalize/canonicalize.ts";
import { chooseInput, chooseOutput, type TensorOptions } from "./choose-tensors.ts";
import { finalSoftmax } from "./canonicalize/strip-final-softmax.ts";
import { OptionError, UnexplainableError } from "./errors.ts";
import { convertOpset } from "./onnx/convert-opset.ts";
import { GraphBuilder } from "./onnx/graph-builder.ts";
import type { Graph, Model, Node, Value } from "./onnx/graph.ts";
import { prune } from "./onnx/prune.ts";
import { assignRules, type Plan } from "./relevance/assign-rules.ts";
import { ruleText } from "./relevance/composites.ts";
import { emitRelevance } from "./relevance/emit.ts";
import type { Site } from "./relevance/row-kinds.ts";
import { seedRelevance, sumChannels } from "./relevance/seed.ts";
import { settle, type RelevanceOptions, type Settings } from "./relevance/settings.ts";
import { nonNegativeValues } from "./relevance/signs.ts";
import { version } from "./version.ts";

/** The opset of every compiled graph: the highest that all of ONNX Runtime's back ends run whole. */
export const compiledOpset = 17;

/** Everything that can be chosen; all of it has defaults. */
export interface CompileOptions extends RelevanceOptions, TensorOptions {
  /** SHA-256 of the source model in hexadecimal, to be written into the metadata. */
  readonly sourceSha256?: string;
}

/** What happens at one node, in words. */
export interface PlanLine {
  readonly node: string;
  readonly operator: string;
  readonly rule: string;
  readonly why: string;
}

/** A model that also outputs its relevance. */
export interface Compiled {
  /** Inputs and outputs of the source model, and: output `relevance`; inputs `target` and `keep` if asked for. */
  readonly model: Model;
  /** The input that relevance goes to: [N, C, H, W] mostly. */
  readonly input: Value;
  /** The explained tensor, before a final Softmax: [N, classes] mostly. It is an output of the model or of the compiled graph. */
  readonly output: Value;
  /** Name of the model's output that was chosen to be explained. */
  readonly outputName: string;
  readonly settings: Settings;
  readonly plan: readonly PlanLine[];
}

/**
 * Compiles a model's explanation into its graph. The result is an ordinary ONNX model (opset 17) with one more
 * output, `relevance`: [N, C, H, W] like the input, or [N, H, W] with `reduce: "channels"`.
 *
 * @throws UnexplainableError listing every node that relevance cannot cross
 * @throws OptionError for an option with a value that is not allowed
 */
export function compile(source: Model, options: CompileOptions = {}): Compiled {
  const settings = settle(options);
  refuseCompiled(source);
  const chosen = chooseInput(convertOpset(source, compiledOpset).graph, options);
  const { graph, values } = canonicalize(chosen.graph);
  const outputName = chooseOutput(graph, options.output);
  const explained = finalSoftmax(graph, outputName) ?? outputName;

  const b = new GraphBuilder();
  for (const name of ["relevance", "target", "keep"]) b.reserve(name);
  b.adopt(graph, values);
  const isComputed = computedValues(graph);
  const nonNegative = nonNegativeValues(graph, b, b.values, isComputed);
  const siteOf = (node: Node): Site => ({
    b,
    node,
    inputs: node.inputs.map((name) => (name === "" ? undefined : b.value(name))),
    outputs: node.outputs.map((name) => b.value(name)),
    isComputed,
    isNonNegative: (value) => nonNegative.has(value.name),
  });

  const input = b.value(chosen.name);
  const plan = assignRules(graph, explained, input.name, settings, siteOf);
  const output = b.value(explained);
  const keep = settings.topK === "input" ? b.input("keep", "float32", []) : undefined;
  const seed = seedRelevance(b, output, settings);
  const relevance = emitRelevance(
    { b, graph, plan, settings, nonNegative, siteOf, keep },
    explained,
    seed,
    input.name,
  );
  if (!relevance) {
    throw new UnexplainableError({
      what: `cannot explain the output "${outputName}"`,
      why: `with composite ${settings.composite} no relevance reaches the input "${input.name}"`,
      fix: "choose another composite",
    });
  }
  const result = settings.reduce === "channels" ? sumChannels(b, relevance, input) : relevance;
  b.output(result, "relevance");

  return {
    model: {
      irVersion: 8,
      opsets: { ...source.opsets, "": compiledOpset },
      producer: `relprop ${version}`,
      metadata: { ...source.metadata, ...metadataOf(settings, input, outputName, options) },
      graph: prune(b.graph(graph.name)),
    },
    input,
    output,
    outputName,
    settings,
    plan: planLines(plan),
  };
}

function refuseCompiled(source: Model): void {
  if (source.metadata["relprop.composite"] === undefined) return;
  throw new OptionError({
    what: "cannot compile this model",
    why: `it is a compiled explanation already (composite ${source.metadata["relprop.composite"]})`,
    fix: "compile the model it was made from",
  });
}

/** Which values depend on an input of the model; the others are constants, computed or not. */
function computedValues(graph: Graph): (value: Value) => boolean {
  const computed = new Set(graph.inputs.map((input) => input.name));
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => computed.has(name))) for (const name of node.outputs) computed.add(name);
  }
  return (value) => computed.has(value.name);
}

function metadataOf(
  settings: Settings,
  input: Value,
  output: string,
  options: CompileOptions,
): Readonly<Record<string, string>> {
  const { composite, seed, reduce, topK, strides, target, overrides } = settings;
  return {
    "relprop.version": version,
    "relprop.composite": composite,
    "relprop.options": JSON.stringify({
      seed,
      reduce,
      topK,
      strides,
      target,
      rules: settings.rules,
      overrides,
    }),
    "relprop.input": input.name,
    "relprop.output": output,
    ...(options.sourceSha256 === undefined ? {} : { "relprop.source-sha256": options.sourceSha256 }),
  };
}

const planLines = (plan: Plan): PlanLine[] =>
  plan.steps.map(({ node, choice, why }) => ({
    node: node.name,
    operator: node.opType,
    rule: ruleText(choice),
    why,
  }));
