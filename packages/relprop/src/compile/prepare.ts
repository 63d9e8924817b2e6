/** Prepares a model for its plan: settings, canonical graph, explained tensors. Shared by `compile` and `inspect`. */

import { canonicalize, type Canonical } from "../canonicalize/canonicalize.ts";
import { float32SourceOf } from "../canonicalize/floats-to-float32.ts";
import { chooseEnds, chooseInputs, originsOf, type End, type ExplainedInput } from "./choose-inputs.ts";
import { helpfulSettings } from "./helpful-settings.ts";
import { refuseWithoutRivals } from "./contrast.ts";
import { fixInputs, type FixedInputs } from "./fix-inputs.ts";
import { chooseInput, chooseOutput, withSize, type TensorOptions } from "./choose-tensors.ts";
import { convertOpset } from "../onnx/convert-opset.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Graph, Model } from "../onnx/graph.ts";
import { logitFinder } from "../outputs/logit-finder.ts";
import { outputFacts, type OutputFacts, type Start } from "../outputs/output-facts.ts";
import { Analysis } from "../relevance/analysis.ts";
import { assignRules, type PlanRequest } from "../relevance/assign-rules.ts";
import { Operators, type OwnOperators } from "../relevance/operators.ts";
import { settle, type RelevanceOptions, type Settings } from "../relevance/settings.ts";
import { lookupsOf } from "./token-embedding.ts";

/** The opset of every compiled graph: the highest that all back ends of ONNX Runtime support completely. */
export const compiledOpset = 17;

/** Options of {@link prepare}. All are optional. */
export interface PrepareOptions extends RelevanceOptions, TensorOptions {
  /**
   * Inputs that become constants of the compiled graph, such as a sampling rate or a switch, by name. They are no longer
   * among its inputs; what depends on them alone is folded, and control flow that hangs on them is opened. @default none
   *
   * @example { sr: 16000, causal: true, scale: [1, 2] }
   */
  readonly set?: FixedInputs;
  /**
   * Shape rules and rows for operators that relprop does not have, by "domain/OpType". For model-local functions,
   * `readModel` needs the same, or it inlines them. @default none
   *
   * @example { "my.lab/SwiReLU": { shape: (node, [x]) => x && [x], row: activation((site, s) => …) } }
   */
  readonly operators?: OwnOperators;
}

/** A model that is ready for rules to be assigned. */
export interface Prepared extends Start {
  readonly settings: Settings;
  /** The model, with the inputs as constants that the options fix. */
  readonly source: Model;
  /** The model in opset 17, with the input size that the caller gave. */
  readonly converted: Graph;
  readonly canonical: Canonical;
  /** The explained inputs. The relevance of the first is the output `relevance`. */
  readonly inputs: readonly [ExplainedInput, ...ExplainedInput[]];
  /** The tensors where relevance stops: these inputs, or the layer that the options name. */
  readonly ends: readonly [End, ...End[]];
  /** Name of the explained output. */
  readonly outputName: string;
  /** The facts about the explained output. */
  readonly facts: OutputFacts;
  /** The same model with further inputs fixed. */
  readonly fixing: (set: FixedInputs) => Prepared;
}

/**
 * Brings a model into canonical form and chooses the explained tensors.
 * @throws OptionError for an option with a value that is not allowed
 * @throws ModelFileError for a model that opset 17 cannot express, or whose shapes contradict each other
 */
export function prepare(given: Model, options: PrepareOptions): Prepared {
  const settings = settle(options);
  const operators = new Operators(options.operators);
  const explained = [...(options.explain ?? []), ...(options.input === undefined ? [] : [options.input])];
  const source = fixInputs(given, options.set, explained);
  const shaped = { ...source, graph: { ...source.graph, shapes: operators.shapes } };
  const converted = withSize(convertOpset(shaped, compiledOpset).graph, options);
  const canonical = canonicalize(converted);
  const { graph, values } = canonical;
  const outputName = chooseOutput(graph, values, options.output);
  const lookups = lookupsOf(graph, values);
  const chosen = chooseInput(graph, options, () => lookups);
  const b = new GraphBuilder();
  b.adopt(graph, values);
  const whole = new Analysis({
    graph,
    b,
    operators,
    origins: [],
    lookups: new Map(lookups.map((lookup) => [lookup.vectors, lookup])),
    explained: float32SourceOf(graph, outputName),
  });
  const inputs = chooseInputs(whole, lookups, chosen.name, options);
  const origins = inputs.flatMap(originsOf);
  const start = startOf(whole.of({ origins }), outputName, options.start);
  const ends = chooseEnds(start, inputs, options.layer);
  const facts = outputFacts({ ...start, source, outputName, inputs }, options);
  const seed = options.seed === undefined ? seedFor(settings.seed, facts) : settings.seed;
  if (seed === "contrastive") refuseWithoutRivals(facts, outputName, options);
  const chosenSettings = { ...settings, seed };
  const fixing = (set: FixedInputs): Prepared =>
    prepare(given, { ...options, set: { ...options.set, ...set } });
  const found = { source, converted, canonical, inputs, ends, outputName, facts, fixing };
  return { ...start, ...found, settings: chosenSettings };
}

/** The composite's seed, unless that is a softmax and the output is not a single list of classes. */
function seedFor(seed: Settings["seed"], { kind }: OutputFacts): Settings["seed"] {
  const isList = kind === "classes" || kind === "scores";
  return seed === "softmax" && !isList ? "logit" : seed;
}

/**
 * The explained tensor of an output: in float32, and before response functions unless `where` is "output".
 * @param analysis analysis of the canonical graph
 */
export function startOf(
  analysis: Analysis,
  outputName: string,
  where: TensorOptions["start"] = "logit",
): Start {
  const { graph, b, origins } = analysis;
  const output = float32SourceOf(graph, outputName);
  const all = b.graph(graph.name);
  const before = all.nodes.length;
  const findLogits = logitFinder(analysis);
  const logits = findLogits(output);
  if (!logits || where === "output" || origins.includes(logits.value.name))
    return {
      analysis: analysis.explained === output ? analysis : analysis.of({ explained: output }),
      output,
      findLogits,
    };
  const nodes = [...graph.nodes, ...all.nodes.slice(before)];
  return {
    analysis: analysis.of({ graph: { ...graph, nodes }, explained: logits.value.name }),
    output,
    findLogits,
  };
}

/** The request for a plan. */
export function planRequest(prepared: Prepared, settings: Settings = prepared.settings): PlanRequest {
  const { canonical, analysis, ends } = prepared;
  const notes = new Map(canonical.notes.map(({ node, why }) => [node, why]));
  return {
    analysis,
    ends: ends.map(({ name }) => name),
    origins: analysis.origins,
    settings,
    noteOn: ({ name }) => notes.get(name),
    settingsBefore: (obstacles) =>
      helpfulSettings(canonical.graph, obstacles, analysis.origins, ({ input, value }) => {
        const { steps, obstacles: left } = assignRules(
          planRequest(prepared.fixing({ [input]: value }), settings),
        );
        return steps.length > 0 && left.length === 0;
      }),
  };
}
