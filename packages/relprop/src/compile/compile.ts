/**
 * The stages in order:
 *
 *     model ─▶ opset 17 ─▶ canonicalize ─▶ assign rules ─▶ emit relevance ─▶ tidy ─▶ model that also outputs relevance
 */

import { float32SourceOf } from "../canonicalize/floats-to-float32.ts";
import type { End } from "./choose-inputs.ts";
import { chooseLayer } from "./choose-tensors.ts";
import { checkCompileOptions, type CompileOptions } from "./compile-options.ts";
import { OptionError, UnexplainableError } from "../errors.ts";
import type { GraphBuilder, Scope } from "../onnx/graph-builder.ts";
import type { Model, Value } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { withStoredWeights } from "../onnx/write-stored-weights.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { shouldPackWeights } from "./packing.ts";
import { inputsOf, mapsAsked, severalMaps } from "./several-maps.ts";
import { compiledOpset, planRequest, prepare, type Prepared } from "./prepare.ts";
import { assignRules, type Plan } from "../relevance/assign-rules.ts";
import type { Analysis } from "../relevance/analysis.ts";
import { batchOfAll, samplesIn } from "../relevance/batch.ts";
import {
  channelRelevanceOutput,
  channelsInput,
  chooseConcepts,
  type ConceptMask,
} from "../relevance/concepts.ts";
import { emitRelevance } from "../relevance/emit.ts";
import { ledgerOutput, LedgerWriter, type LedgerLayout } from "../relevance/ledger.ts";
import { unmoved } from "../relevance/moved-ids.ts";
import { ruleText } from "../relevance/rule-text.ts";
import { filled } from "../relevance/ops/shapes.ts";
import { ofTensor } from "../relevance/scopes.ts";
import { channelAxis, lengthOver, seedRelevance, sumOver } from "../relevance/seed.ts";
import { givesSensitivities, type Settings } from "../relevance/settings.ts";
import { startWord } from "../run/start-sum.ts";
import { version } from "../version.ts";

/** The output with the relevance of the first input. Those of others are called `relevance.NAME`. */
export const relevanceOutput = "relevance";

/** An explained input. */
export interface ExplainedOutput {
  /** The model's own. */
  readonly input: Value;
  /** Name of the output with its relevance. */
  readonly relevance: string;
}

/** A tensor between input and output whose relevance is an output. */
export interface LayerOutput {
  /** The tensor or node, as the option `layers` names it. */
  readonly name: string;
  /** The tensor. */
  readonly layer: Value;
  /** Name of the output with its relevance, in its shape. */
  readonly relevance: string;
}

/** The rule of a node, as text. */
export interface PlanLine {
  /** The node's name. */
  readonly node: string;
  /** Its operator. */
  readonly operator: string;
  /** The rule with its parameters. */
  readonly rule: string;
  /** The reason for the rule. */
  readonly why: string;
  /** Patterns of `rules` that match the node, and whose rules are for other layers. */
  readonly passedOver?: readonly string[];
}

/** A model that also outputs its relevance. */
export interface Compiled {
  /** The source model with the output `relevance`, and inputs `target` and `keep` if requested. */
  readonly model: Model;
  /** The input whose relevance is the output `relevance`: usually [N, C, H, W]. */
  readonly input: Value;
  /** All explained inputs, `input` first. Only one if relevance stops at a layer. */
  readonly inputs: readonly ExplainedOutput[];
  /** The tensors between input and output whose relevance the option `layers` asked for, in its order. */
  readonly layers: readonly LayerOutput[];
  /** The tensor that relevance belongs to: the input, or the tensor that the option `layer` names. */
  readonly layer: Value;
  /** False if relevance is a length and never negative, as for gradients of tokens. */
  readonly isSigned: boolean;
  /** The vectors [N, T, features] of token ids, whose relevance is summed for each token. */
  readonly tokens?: Value;
  /** Whether ids are moved before they are looked up, or looked up in several tables: relevance is put together from these. */
  readonly isGathered: boolean;
  /** The explained tensor, in the shape of the output and before its response function: usually [N, classes]. */
  readonly output: Value;
  /** Name of the explained output. */
  readonly outputName: string;
  /** The tensor that ranks classes: `output`, or the model's own output if probabilities have another order. */
  readonly ranked: Value;
  /** The facts about that output. */
  readonly facts: OutputFacts;
  /** The batch axis of the input; undefined if samples are not kept apart, as in graph networks. */
  readonly batchAxis: number | undefined;
  /** How many maps each sample gets. */
  readonly maps: number;
  /** Inputs of the source model that a run needs besides `input`. */
  readonly others: readonly Value[];
  /** Inputs that compiling added: `target`, `keep`, and those of methods. */
  readonly added: readonly Value[];
  /** All settings. */
  readonly settings: Settings;
  /** The rule of each node, from the input to the output. */
  readonly plan: readonly PlanLine[];
  /** Whether a session should keep packed copies of weights: ONNX Runtime's prepacking. */
  readonly packsWeights: boolean;
  /** The rows of the output `ledger`, if requested. */
  readonly ledger?: LedgerLayout;
  /** The layer whose channels the input `channels` masks, its channel axis, and the node that computes it. */
  readonly concepts?: { readonly layer: Value; readonly axis: number; readonly node: string };
}

/**
 * Compiles a model's explanation into its graph. The result is an ordinary ONNX model (opset 17) with one more
 * output, `relevance`: [N, C, H, W] like the input, or [N, H, W] with `reduce: "channels"`; [N, T] for token ids.
 *
 * @throws UnexplainableError listing every node that relevance cannot cross
 * @throws OptionError for an option with a value that is not allowed
 *
 * @example
 *     const { model, plan } = compile(readModel(bytes), { composite: "epsilon-plus", reduce: "channels" });
 *     const file = concatChunks(writeModel(model).chunks); // inputs: the source model's and `target`
 */
export function compile(source: Model, options: CompileOptions = {}): Compiled {
  checkCompileOptions(options);
  refuseCompiled(source);
  const prepared = prepare(source, options);
  const plan = assignRules(planRequest(prepared));
  if (plan.refusal) throw plan.refusal;
  return compilePrepared(source, options, prepared, plan);
}

/** Compiles a plan without obstacles. It adds to the analysis' graph, so it can run only once. */
export function compilePrepared(
  source: Model,
  options: CompileOptions,
  prepared: Prepared,
  plan: Plan,
): Compiled {
  const { settings, analysis, ends, outputName, facts } = prepared;
  const { graph, b, batch } = analysis;
  const [first] = ends;
  const { input } = first;
  const explained = [...new Set(ends.map((end) => end.input))];
  const relevanceName = (of: Value): string =>
    of === input ? relevanceOutput : `${relevanceOutput}.${of.name}`;
  const layers = layersAsked(prepared, options);
  reserveNames(b, [
    ...explained.map(relevanceName),
    ...new Set(layers.map(({ relevance }) => relevance)),
    ...(settings.seed !== "softmax" && settings.target === "input" ? ["target"] : []),
    ...(settings.topK === "input" ? ["keep"] : []),
    ...(options.ledger ? [ledgerOutput] : []),
    ...(options.concepts ? [channelsInput, channelRelevanceOutput] : []),
  ]);
  const output = b.value(analysis.explained);
  const keep = settings.topK === "input" ? b.input("keep", "float32", []) : undefined;
  const ranked = facts.isOrdered ? output : b.value(float32SourceOf(graph, outputName));
  const maps = mapsAsked(prepared, options);
  const seed = b.within(ofTensor(graph, analysis.explained, "seed"), () =>
    seedRelevance(
      b,
      output,
      maps && !options.concepts ? { ...settings, target: "input" } : settings,
      facts,
      ranked,
    ),
  );
  const origin = b.value(samplesIn(analysis.lookups, first.origin));
  const ofConcepts = {
    analysis,
    plan,
    source: prepared.converted,
    samples: (batch && origin.shape[batch.inputAxis]) ?? 1,
    ends: new Map(ends.map((end) => [end.name, channelAxisOf(end, b.value(end.name))])),
  };
  const concepts = options.concepts && chooseConcepts(ofConcepts, options.concepts);
  refuseSignedSensitivities(ends, settings, options);
  const nodes = plan.steps.map(({ node }) => node);
  const apart = options.ledger ? batchOfAll(analysis, nodes) : undefined;
  const ledger = options.ledger
    ? new LedgerWriter(b, origin, apart, options.ledgerPrecision ?? "float64")
    : undefined;
  const relevance = emitRelevance({ analysis, plan, settings, keep, ledger, concepts }, seed, [
    ...ends.map(({ name }) => name),
    ...layers.map(({ layer }) => layer.name),
  ]);
  const sums = concepts && sumsOf(concepts, settings);
  if (relevance.slice(0, ends.length).every((R) => R === undefined)) {
    throw new UnexplainableError({
      what: `cannot explain the output "${outputName}"`,
      why: `with composite ${settings.composite} no relevance reaches "${ends.map(({ name }) => name).join('", "')}"`,
      fix: "choose another composite",
    });
  }
  const results: Result[] = [];
  const arrived = ends.map((end, i) => {
    const value = b.value(end.name);
    return b.within(ofTensor(graph, end.name, "relevance", end.name), () => {
      const R = relevance[i] ?? filled(b, 0, value.shape, value);
      return { value, R, isInput: isInput(end), inShape: ofEnd(analysis, R, end, settings) };
    });
  });
  for (const each of explained) {
    const own = ends.filter((end) => end.input === each);
    const parts = arrived.flatMap(({ inShape }, i) => (ends[i]?.input === each ? [inShape] : []));
    const of = own[0]?.name ?? each.name;
    const scope = ofTensor(graph, of, "relevance", of);
    const value = b.within(scope, () => ofInput(b, parts, own, settings));
    results.push({ value, name: relevanceName(each), scope });
  }
  for (const [i, { layer, relevance: name }] of layers.entries()) {
    if (results.some((each) => each.name === name)) continue;
    const scope = ofTensor(graph, layer.name, "relevance", layer.name);
    const value = b.within(scope, () => relevance[ends.length + i] ?? filled(b, 0, layer.shape, layer));
    results.push({ value, name, scope });
  }
  if (concepts && sums)
    results.push({
      value: sums,
      name: channelRelevanceOutput,
      scope: ofTensor(graph, concepts.layer.name, "concepts"),
    });
  const ofLedger = ofTensor(graph, analysis.explained, "ledger");
  const written = b.within(ofLedger, () => ledger?.finish(arrived));
  if (written) results.push({ value: written.value, name: ledgerOutput, scope: ofLedger });
  const ranks = maps && sums ? b.within(ofLedger, () => b.op("Abs", [sums])) : ranked;
  const mapsOf = maps ? severalMaps(maps, ranks) : (value: Value): Value => value;
  for (const { value, name, scope } of results) b.within(scope, () => b.output(mapsOf(value), name));
  // A gradient does not need its explained numbers, but users of the model do.
  const whole = b.graph(graph.name);
  const explanation = withStoredWeights(
    prune(maps ? { ...whole, inputs: inputsOf(whole.inputs, maps) } : whole, [output, ranked]),
  );
  // The relevance of an id is that of its vector.
  const layer = isInput(first) ? input : b.value(first.name);

  return {
    model: {
      irVersion: 8,
      opsets: { ...source.opsets, "": compiledOpset },
      producer: `relprop ${version}`,
      metadata: { ...source.metadata, ...metadataOf(settings, { input, layer, outputName }, options) },
      graph: explanation,
      ...(source.functions && { functions: source.functions }),
    },
    input,
    inputs: explained.map((each) => ({ input: each, relevance: relevanceName(each) })),
    layers,
    layer,
    isSigned: !(first.lookup && givesSensitivities(settings)),
    ...(first.lookup && { tokens: b.value(first.name) }),
    isGathered: ends.some(
      (end) => end.input === input && (end !== first || (end.lookup?.moves.length ?? 0) > 0),
    ),
    output,
    ranked,
    outputName,
    facts,
    batchAxis: batch?.inputAxis,
    maps: maps?.count ?? 1,
    others: graph.inputs.filter(({ name }) => name !== input.name && !graph.initializers.has(name)),
    added: explanation.inputs.filter((each) => !graph.inputs.some(({ name }) => name === each.name)),
    settings,
    plan: planLines(plan),
    packsWeights: shouldPackWeights(analysis),
    ...(written && { ledger: { seed: settings.seed, word: startWord(settings, facts), rows: written.rows } }),
    ...(concepts && { concepts: { layer: concepts.layer, axis: concepts.axis, node: concepts.node } }),
  };
}

/** The tensors of the option `layers`. @throws OptionError for a name that is not on the way, or beside `concepts` */
function layersAsked({ ends, ...start }: Prepared, { layers = [], concepts }: CompileOptions): LayerOutput[] {
  if (layers.length > 0 && concepts) {
    throw new OptionError({
      what: "layers and concepts do not go together",
      why: "concepts restart relevance at their own layer, and what flows around it is dropped",
      fix: "compile twice",
    });
  }
  const origins = ends.map(({ name }) => name);
  return layers.map((name) => {
    const layer = start.analysis.b.value(chooseLayer(start, origins, name));
    return { name, layer, relevance: `${relevanceOutput}.${layer.name}` };
  });
}

/** What becomes an output. */
interface Result {
  readonly value: Value;
  readonly name: string;
  readonly scope: Scope;
}

/** Refuses gradients that are summed over a token's features, since these sums mean nothing. */
function refuseSignedSensitivities(
  ends: readonly End[],
  settings: Settings,
  { reduce }: CompileOptions,
): void {
  if (reduce !== "channels" || !givesSensitivities(settings) || !ends.some(({ lookup }) => lookup)) return;
  throw new OptionError({
    what: `cannot sum ${settings.composite} over the features of tokens`,
    why: "behind a normalisation of its features a token's gradient sums to 0, whatever the token means",
    fix: "leave reduce out: each token gets the length of its gradient, which has no sign; or take input-x-gradient or an LRP composite, which have one",
  });
}

/** Whether the tensor is an input, or the vectors of its tokens. */
const isInput = ({ name, input, lookup }: End): boolean => lookup !== undefined || name === input.name;

/**
 * Relevance of an end, in the shape of its input or of the layer. Features of vectors are summed, and ids are put back where
 * the input has them. Sensitivities of a token become their length over features, since their sum is 0 after a LayerNorm.
 */
function ofEnd(analysis: Analysis, R: Value, { name, lookup }: End, settings: Settings): Value {
  const { b } = analysis;
  if (!lookup) return R;
  const axis = b.value(name).shape.length - 1;
  const measure = givesSensitivities(settings) ? lengthOver : sumOver;
  return unmoved(analysis, lookup, lookup.features === 0 ? R : measure(b, R, axis));
}

/** Relevance of an input, from all of its ends: channels are summed on request. */
function ofInput(b: GraphBuilder, parts: readonly Value[], ends: readonly End[], settings: Settings): Value {
  const total = parts.reduce((sum, part) => b.op("Add", [sum, part]));
  const whole = settings.reduce === "channels" ? ends.find(({ lookup }) => !lookup) : undefined;
  const axis = whole && channelAxisOf(whole, b.value(whole.name));
  return axis !== undefined && axis < total.shape.length ? sumOver(b, total, axis) : total;
}

/** The channel axis of a tensor where relevance ends: features of tokens, colours of a picture. */
const channelAxisOf = ({ lookup, name, input }: End, { shape }: Value): number => {
  if (lookup) return shape.length - 1;
  return name === input.name ? channelAxis(input) : 1;
};

/** Reserves the names of added inputs and outputs. @throws OptionError if the model uses one of them */
function reserveNames(b: GraphBuilder, names: readonly string[]): void {
  for (const name of names) {
    if (b.values.has(name)) {
      throw new OptionError({
        what: `cannot add "${name}" to the graph`,
        why: "the model has a tensor of that name",
        fix: "rename it in the model",
      });
    }
    b.reserve(name);
  }
}

function sumsOf({ sums, layer }: ConceptMask, { composite }: Settings): Value {
  if (sums) return sums;
  throw new UnexplainableError({
    what: `cannot take concepts from "${layer.name}"`,
    why: `with composite ${composite} no relevance arrives there: it lies in a gate, or in what is taken as constant`,
    fix: "choose another layer, or a composite that gives gates relevance",
  });
}

function refuseCompiled(source: Model): void {
  if (source.metadata["relprop.composite"] === undefined) return;
  throw new OptionError({
    what: "cannot compile this model",
    why: `it is a compiled explanation already (composite ${source.metadata["relprop.composite"]})`,
    fix: "compile the model it was made from",
  });
}

/** The `metadata_props` of a compiled model. */
export function metadataOf(
  settings: Settings,
  { input, layer, outputName }: Pick<Compiled, "input" | "layer" | "outputName">,
  options: Pick<CompileOptions, "sourceSha256" | "ledger" | "concepts" | "set">,
): Readonly<Record<string, string>> {
  const { composite, seed, reduce, topK, strides, target, overrides } = settings;
  return {
    "relprop.version": version,
    "relprop.composite": composite,
    "relprop.options": JSON.stringify({
      ...(options.set && { set: options.set }),
      seed,
      reduce,
      topK,
      strides,
      target,
      rules: settings.rules,
      overrides,
      ...(options.ledger && { ledger: true }),
      ...(options.concepts && { concepts: options.concepts }),
    }),
    "relprop.input": input.name,
    "relprop.output": outputName,
    ...(layer.name === input.name ? {} : { "relprop.layer": layer.name }),
    ...(options.sourceSha256 === undefined ? {} : { "relprop.source-sha256": options.sourceSha256 }),
  };
}

const planLines = (plan: Plan): PlanLine[] =>
  plan.steps.map(({ node, choice, why, passedOver }) => ({
    node: node.name,
    operator: node.opType,
    rule: ruleText(choice),
    why,
    ...(passedOver.length > 0 && { passedOver }),
  }));
