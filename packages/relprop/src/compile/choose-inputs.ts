/** Chooses the explained inputs, and the tensors where relevance stops. */

import { chooseLayer, type TensorOptions } from "./choose-tensors.ts";
import { ModelFileError, OptionError } from "../errors.ts";
import type { Value } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Family } from "../relevance/row-kinds.ts";
import type { Start } from "../outputs/output-facts.ts";
import { suggestion } from "../suggestion.ts";
import { isCache } from "./caches.ts";
import { countsPlaces, vocabulary, type TokenEmbedding } from "./token-embedding.ts";

/** An explained input. */
export interface ExplainedInput {
  readonly input: Value;
  /** Name of the first tensor with relevance: the input, or the token vectors if the input holds ids. */
  readonly origin: string;
  /** The lookups of its ids: that of `origin` first. */
  readonly lookups: readonly TokenEmbedding[];
  /** Rows of the embedding table, if the input holds token ids. */
  readonly words?: number;
}

/** A tensor where relevance stops. */
export interface End {
  readonly name: string;
  /** The input that it is, or depends on, and the first tensor with relevance after that. */
  readonly input: Value;
  readonly origin: string;
  /** The lookup that gives the tensor, if that is token vectors: relevance is summed for each token. */
  readonly lookup?: TokenEmbedding;
}

/**
 * The explained inputs, the chosen one first: those that `explain` names, else all floating-point inputs on the way to the
 * output. Settings are explained only if named: a single number for the whole batch (a rate, a temperature), attention
 * masks, a number for each token beside token ids (also a mask), and the cache of earlier tokens.
 * @param lookups the token embeddings
 * @param chosen name of the input whose relevance is the output `relevance`
 * @throws OptionError for a name that the model does not have, or an input that relevance cannot go to
 */
export function chooseInputs(
  analysis: Analysis,
  lookups: readonly TokenEmbedding[],
  chosen: string,
  { input: wanted, explain, layer }: TensorOptions,
): [ExplainedInput, ...ExplainedInput[]] {
  const { graph, b } = analysis;
  const given = b.value(chosen);
  const explained = (input: Value): ExplainedInput => explainedInput(analysis, lookups, input, layer);
  const named = (name: string): ExplainedInput => {
    const input = graph.inputs.find((each) => each.name === name);
    if (input) return explained(b.value(name));
    const names = graph.inputs.map((each) => each.name);
    throw new OptionError({
      what: `the model has no input "${name}"`,
      why: `its inputs are ${names.join(", ")}`,
      ...suggestion(name, names),
    });
  };
  if (explain) {
    const others = explain.filter((name) => name !== chosen).map(named);
    return [explained(given), ...others];
  }
  const isOnTheWay = ({ name }: Value): boolean => analysis.between([name]).length > 0;
  const others = graph.inputs
    .map(({ name }) => b.value(name))
    .filter((input) => input.name !== chosen && !isSetting(analysis, input, given))
    .filter((input) => {
      if (isFloat(input.dataType))
        return isOnTheWay(input) && !isCache(input) && !isMask(analysis, input.name);
      return (isOnTheWay(input) && isFeature(analysis, input)) || isCategory(analysis, lookups, input);
    });
  // The caller chooses the first of several inputs; the default is the first one that is explained.
  const isElsewhere =
    wanted === undefined && isFloat(given.dataType) && others.length > 0 && !isOnTheWay(given);
  const [first = given, ...rest] = isElsewhere ? others : [given, ...others];
  return [explained(first), ...rest.map(explained)];
}

/** Families that keep a mask a mask on its way to a softmax. */
const keepMasks: ReadonlySet<Family | undefined> = new Set(["routing", "affine", "activation", "sum"]);

/** Whether an input is only added to the scores of a softmax: an attention mask, −∞ where attention is blocked. */
function isMask(analysis: Analysis, input: string): boolean {
  const met = familiesMet(analysis, [input]);
  return met.size === 1 && met.has("softmax");
}

/**
 * Whether whole numbers are features, as floating-point ones are: a layer with weights takes them. Masks are multiplied with
 * something, and a number for each sample is a setting.
 */
function isFeature(analysis: Analysis, { name, shape }: Value): boolean {
  const floats = floatsOf(analysis, name);
  if (!floats || shape.length < 2) return false;
  const met = [...familiesMet(analysis, floats)];
  return met.length > 0 && met.every((family) => family === "dense" || family === "convolution");
}

/** The families of operators, besides those that keep a mask a mask, that values meet first. */
function familiesMet({ graph, operators }: Analysis, values: Iterable<string>): Set<Family | undefined> {
  const reached = new Set(values);
  const met = new Set<Family | undefined>();
  for (const node of graph.nodes) {
    if (!operators.relevantInputs(node).some((name) => reached.has(name))) continue;
    const family = operators.rowOf(node)?.family;
    if (keepMasks.has(family)) for (const name of node.outputs) reached.add(name);
    else met.add(family);
  }
  return met;
}

/**
 * Where whole numbers (bytes of pixels, counts, yes and no) become floating-point ones before anything but moves is done with
 * them: relevance goes back through the moves. Undefined where something else is done with them.
 */
function floatsOf(analysis: Analysis, input: string): ReadonlySet<string> | undefined {
  const { operators, value } = analysis;
  const whole = new Set([input]);
  const floats = new Set<string>();
  for (const node of analysis.between([input])) {
    if (!operators.relevantInputs(node).some((name) => whole.has(name))) continue;
    if (operators.rowOf(node)?.family !== "routing") return undefined;
    for (const name of operators.relevantOutputs(node))
      (isFloat(value(name)?.dataType ?? "float32") ? floats : whole).add(name);
  }
  return floats.size > 0 ? floats : undefined;
}

/** Whether ids are looked up on the way, and are no numbers of positions or segments. */
function isCategory(analysis: Analysis, lookups: readonly TokenEmbedding[], { name }: Value): boolean {
  const own = lookups.filter(({ ids }) => ids === name && !countsPlaces(name));
  return own.some(({ vectors }) => analysis.between([vectors]).length > 0);
}

/** A number for the whole batch, or for each token. */
function isSetting(analysis: Analysis, { shape }: Value, { name, dataType, shape: first }: Value): boolean {
  const isOneForAll = shape.every((dim) => dim === 1) && (shape.length === 0 || typeof first[0] === "string");
  const areTokens = dataType.startsWith("int") && floatsOf(analysis, name) === undefined;
  return isOneForAll || (areTokens && shape.length === first.length);
}

function explainedInput(
  analysis: Analysis,
  lookups: readonly TokenEmbedding[],
  input: Value,
  layer: string | undefined,
): ExplainedInput {
  if (input.shape.includes(0)) {
    throw new ModelFileError({
      what: "cannot explain the model",
      where: `input "${input.name}"`,
      why: `it declares the shape [${input.shape.join(", ")}], which has no elements`,
      fix: "export the model again with that size open, or set it in the file",
    });
  }
  const itself = { input, origin: input.name, lookups: [] };
  const own = lookups.filter(
    ({ ids, vectors }) => ids === input.name && analysis.between([vectors]).length > 0,
  );
  const isOnTheWay = isFloat(input.dataType)
    ? analysis.between([input.name]).length > 0
    : floatsOf(analysis, input.name) !== undefined;
  if (own.length > 0 && isOnTheWay) return { ...itself, lookups: own };
  const embedding = vocabulary(own.length > 0 ? own : lookups, input.name);
  if (embedding) {
    const others = own.filter((each) => each !== embedding);
    return { input, origin: embedding.vectors, lookups: [embedding, ...others], words: embedding.rows };
  }
  if (isFloat(input.dataType) || isOnTheWay) return itself;
  // Relevance may reach a layer, but not the input.
  if (layer !== undefined && layer !== input.name) return itself;
  throw new OptionError({
    what: `relevance cannot reach the input "${input.name}"`,
    why:
      input.dataType === "string"
        ? "it holds texts, and relevance has no rule for what encodes them"
        : "it holds whole numbers, which no Cast turns into floating-point ones first, and which are looked up in no table of vectors (Gather, OneHot), so they are no token ids",
    fix: "choose another input (--input NAME), or a tensor where relevance stops (--layer NAME)",
  });
}

/** All first tensors with relevance of an input. */
export const originsOf = ({ origin, lookups }: ExplainedInput): readonly string[] => [
  ...new Set([origin, ...lookups.map(({ vectors }) => vectors)]),
];

/** The tensors where relevance stops: the explained inputs, or the layer that the caller names. */
export function chooseEnds(
  start: Start,
  inputs: readonly [ExplainedInput, ...ExplainedInput[]],
  layer: string | undefined,
): [End, ...End[]] {
  const [first, ...others] = inputs;
  if (layer !== undefined && layer !== first.input.name)
    return [{ ...first, name: chooseLayer(start, inputs.flatMap(originsOf), layer) }];
  const endsOf = (explained: ExplainedInput): [End, ...End[]] => {
    const { input, origin, lookups } = explained;
    const ends = lookups.map((lookup): End => ({ name: lookup.vectors, input, origin, lookup }));
    const [looked, ...more] = ends;
    return origin === input.name || !looked ? [{ name: origin, input, origin }, ...ends] : [looked, ...more];
  };
  return [...endsOf(first), ...others.flatMap(endsOf)];
}
