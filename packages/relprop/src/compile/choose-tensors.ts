/** Chooses the input, the explained output, and the layer where relevance stops. */

import { OptionError } from "../errors.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { isFloat } from "../onnx/tensor.ts";
import { usesOf } from "../onnx/captures.ts";
import type { Graph, Node, Shape, Value } from "../onnx/graph.ts";
import type { OutputOptions, Start } from "../outputs/output-facts.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Family } from "../relevance/row-kinds.ts";
import { channelAxis } from "../relevance/seed.ts";
import { suggestion } from "../suggestion.ts";
import { lookupsOf, vocabulary, type TokenEmbedding } from "./token-embedding.ts";
import { scoresOfBoxes } from "../outputs/boxes-apart.ts";
import { sure } from "../sure.ts";

/** The choices of where relevance starts. */
export const starts = ["logit", "output"] as const;

/** The part of {@link CompileOptions} about tensors. */
export interface TensorOptions extends OutputOptions {
  /** The input whose relevance is the output `relevance`. @default the first floating-point input, else the token ids */
  readonly input?: string;
  /**
   * Names of all explained inputs. Those other than `input` get an output `relevance.NAME`. @default all floating-point
   * inputs on the way to the output
   */
  readonly explain?: readonly string[];
  /**
   * The explained output. @default the first floating-point output (for a detector, the scores rather than the boxes), else
   * the first
   */
  readonly output?: string;
  /**
   * The tensor or node where relevance stops, by name, or "last-map", the last feature map [N, C, h, w] before pooling,
   * flattening or the answer. The relevance is that of this tensor, in its shape.
   * @default the input
   */
  readonly layer?: string;
  /**
   * Where relevance starts: at the logits before a final response function (softmax, sigmoid …), or at the output itself.
   * @default "logit"
   */
  readonly start?: (typeof starts)[number];
  /** Height and width of the input, in elements, for models with open sizes. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * The input whose relevance is the output `relevance`.
 * @param lookups the token embeddings
 */
export function chooseInput(
  graph: Graph,
  options: TensorOptions,
  lookups: () => readonly TokenEmbedding[],
): Value {
  const names = graph.inputs.map((input) => input.name);
  const wanted =
    options.input ??
    graph.inputs.find((input) => input.dataType.startsWith("float"))?.name ??
    vocabulary(lookups())?.ids ??
    names[0];
  const chosen = graph.inputs.find((input) => input.name === wanted);
  if (!chosen) {
    throw new OptionError({
      what: `the model has no input "${wanted}"`,
      why: `its inputs are ${names.join(", ")}`,
      ...suggestion(wanted ?? "", names),
    });
  }
  return chosen;
}

/** The graph with the size of the chosen input fixed, if the caller gave one. */
export function withSize(graph: Graph, options: TensorOptions): Graph {
  if (!options.size) return graph;
  const chosen = chooseInput(graph, options, () => lookupsOf(graph, inferGraph(graph)));
  if (chosen.shape.length !== 4) {
    throw new OptionError({
      what: "cannot fix the image size",
      why: `the input "${chosen.name}" has the shape [${chosen.shape.join(", ")}], which has no height and width`,
    });
  }
  const spatial = channelAxis(chosen) === 1 ? [2, 3] : [1, 2];
  const shape = chosen.shape.map((dim, axis) => {
    const size = options.size?.[spatial.indexOf(axis)];
    if (size === undefined) return dim;
    if (!Number.isInteger(size) || size < 1 || (typeof dim === "number" && dim !== size)) {
      throw new OptionError({
        what: `the image size cannot be ${options.size?.join(" × ")}`,
        why: `the model takes [${chosen.shape.join(", ")}]`,
        fix: "leave the size out, or give the model's own",
      });
    }
    return size;
  });
  const inputs = graph.inputs.map((input) => (input === chosen ? { ...input, shape } : input));
  // The file's hints use the input's names of the sizes.
  const sizes = new Map(chosen.shape.map((dim, axis) => [dim, shape[axis] ?? dim]));
  const hints = new Map(
    [...(graph.hints ?? [])].map(([name, hint]) => {
      const known = hint.shape.map((dim) => (typeof dim === "string" ? (sizes.get(dim) ?? dim) : dim));
      return [name, { ...hint, shape: known }] as const;
    }),
  );
  return { ...graph, inputs, hints };
}

/** The explained output: one of the model's, or any tensor by name. */
export function chooseOutput(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  wanted: string | undefined,
): string {
  const names = graph.outputs.map((output) => output.name);
  if (wanted === undefined) {
    // A classifier may output the index of the class before its probabilities.
    const outputs = graph.outputs.map((output) => values.get(output.name) ?? output);
    const samples = graph.inputs.map(({ shape }) => shape[0]);
    const usual = scoresOfBoxes(outputs, samples) ?? outputs.find(({ dataType }) => isFloat(dataType));
    return usual?.name ?? sure(names[0]);
  }
  if (names.includes(wanted) || usesOf(graph).producer.has(wanted)) return wanted;
  throw new OptionError({
    what: `the model has no output "${wanted}"`,
    why: `its outputs are ${names.join(", ")}`,
    ...suggestion(wanted, names),
  });
}

/**
 * A tensor between the explained inputs and the explained tensor, where relevance stops.
 * @param origins names of the explained inputs, or of their token vectors
 */
export function chooseLayer({ analysis, output }: Start, origins: readonly string[], wanted: string): string {
  const { explained } = analysis;
  const between = analysis.between(origins);
  if (wanted === "last-map") return lastMap(analysis, between, origins);
  if (origins.includes(wanted)) return wanted;
  const named = (nodes: readonly Node[]): string | undefined => {
    const node = nodes.find(({ name, outputs }) => name === wanted || outputs.includes(wanted));
    return node?.outputs.includes(wanted) ? wanted : node?.outputs[0];
  };
  const layer = named(between);
  if (layer !== undefined && layer !== explained) return layer;
  const isBehind = layer === undefined && named(analysis.between(origins, output)) !== undefined;
  const why = (): string => {
    if (layer === output) return "it is the explained output itself";
    if (layer === explained) return "it holds the logits, where relevance starts";
    if (isBehind) return "it comes after the logits, where relevance starts";
    return `no tensor or node of that name lies between "${origins.join('", "')}" and "${explained}" (folding may have taken it away)`;
  };
  const names = between.flatMap(({ outputs }) => outputs).filter((name) => name !== explained);
  throw new OptionError({
    what: `relevance cannot stop at "${wanted}"`,
    why: why(),
    fix: 'name another tensor or node, or take "last-map"',
    ...(isBehind ? {} : suggestion(wanted, names)),
  });
}

/** Whether a tensor has several channels and several places. */
const isMap = (shape: Shape): boolean =>
  shape.length === 4 && shape[1] !== 1 && !(shape[2] === 1 && shape[3] === 1);

/**
 * The last feature map [N, C, h, w] of convolutions that all relevance passes, or the last one if there is none. Maps of the
 * explained numbers themselves do not count.
 */
function lastMap(analysis: Analysis, between: readonly Node[], origins: readonly string[]): string {
  const { explained, operators, value } = analysis;
  const answers = answersIn(analysis, between);
  const laidOut = new Set<string>();
  const maps = new Set<string>();
  for (const node of between) {
    const family = operators.rowOf(node)?.family;
    const from = value(node.inputs.find((name) => laidOut.has(name)) ?? "");
    for (const name of node.outputs) {
      const shape = value(name)?.shape ?? [];
      const keepsPlace = family !== "routing" || (shape[2] === from?.shape[2] && shape[3] === from?.shape[3]);
      const isLaidOut = family === "convolution" || (from !== undefined && keepsPlace);
      if (!isLaidOut || shape.length !== 4) continue;
      laidOut.add(name);
      if (isMap(shape) && !answers.has(name)) maps.add(name);
    }
  }
  const passed = passedByAll(analysis, between, origins).filter((name) => maps.has(name));
  const last = passed.at(-1) ?? [...maps].at(-1);
  if (last !== undefined) return last;
  throw new OptionError({
    what: "the model has no last feature map",
    why: `no convolution between "${origins.join('", "')}" and "${explained}" makes a tensor [N, C, h, w] of several channels and places, other than the explained numbers themselves`,
    fix: "name the tensor or node where relevance is to stop",
  });
}

/** Families that only move, scale or add up the explained numbers. */
const keepAnswers: ReadonlySet<Family | undefined> = new Set(["routing", "affine", "activation", "sum"]);

/** The explained tensor, and the tensors with its numbers before nodes move, scale, add or resize them. */
function answersIn({ operators, explained }: Analysis, between: readonly Node[]): Set<string> {
  const answers = new Set([explained]);
  for (const node of between.toReversed()) {
    const row = operators.rowOf(node);
    const isKept = keepAnswers.has(row?.family) || row?.resizes === true;
    if (isKept && node.outputs.some((name) => answers.has(name)))
      for (const name of operators.relevantInputs(node)) answers.add(name);
  }
  return answers;
}

/** Tensors on every path from the origins to the explained tensor, in the order of the graph. */
function passedByAll(
  { operators, explained }: Analysis,
  between: readonly Node[],
  origins: readonly string[],
): string[] {
  const lastUse = new Map(
    between.flatMap((node, i) => operators.relevantInputs(node).map((name) => [name, i] as const)),
  );
  lastUse.set(explained, between.length);
  const made = new Set(origins);
  const passed: string[] = [];
  for (const [i, node] of between.entries()) {
    for (const name of operators.relevantOutputs(node)) made.add(name);
    // Unused tensors end a path.
    for (const name of made) if ((lastUse.get(name) ?? -1) <= i) made.delete(name);
    const [only] = made;
    if (made.size === 1 && only !== undefined && node.outputs.includes(only)) passed.push(only);
  }
  return passed;
}
