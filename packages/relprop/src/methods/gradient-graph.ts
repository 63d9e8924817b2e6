/** The model with its gradient, to which a method adds nodes: all methods start and end here. */

import { compile, metadataOf, type Compiled } from "../compile/compile.ts";
import { OptionError } from "../errors.ts";
import { int, type Graph, type Model, type Shape, type Value } from "../onnx/graph.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { prune } from "../onnx/prune.ts";
import { Operators } from "../relevance/operators.ts";
import { ofTensor } from "../relevance/scopes.ts";
import { chooseTarget } from "../relevance/settings.ts";
import { channelAxis, sumOver } from "../relevance/seed.ts";
import type { MethodName, SharedMethodOptions } from "./options.ts";

/** A model with its gradient in a builder that takes more nodes. */
export interface GradientGraph {
  readonly b: GraphBuilder;
  readonly compiled: Compiled;
  /** The explained input, in float32. */
  readonly x: Value;
  /** The graph that `b` has adopted. */
  readonly graph: Graph;
  /** ∂(target · output)/∂layer, in the layer's shape. */
  readonly gradient: Value;
}

/**
 * Compiles the plain gradient and removes the output `relevance`.
 * @param layer the layer that the gradient is taken at, see {@link TensorOptions.layer}
 * @param method what the nodes that are added are called after
 * @param target "later" leaves the graph without its input `target`, which the caller declares or computes
 */
export function gradientGraph(
  source: Model,
  options: SharedMethodOptions,
  {
    method,
    layer,
    target,
  }: { readonly method: MethodName; readonly layer?: string | undefined; readonly target?: "later" },
): GradientGraph {
  const { reduce: _reduced, ...shared } = options;
  const compiled = compile(source, {
    ...shared,
    // Methods treat the other inputs as constants.
    explain: [],
    composite: "gradient",
    seed: "one",
    ...(layer === undefined ? {} : { layer }),
    ...(target === "later" ? { target: "input" } : {}),
  });
  if (compiled.isGathered && layer === undefined) {
    throw new OptionError({
      what: `cannot compute ${method} of the input "${compiled.input.name}"`,
      why: "its ids are moved before they are looked up, or looked up in several tables, so it has no vectors of its own",
      fix: "choose a composite, or the vectors of one table as the layer",
    });
  }
  const whole = compiled.model.graph;
  const last = whole.nodes.find((node) => node.outputs.includes("relevance"));
  const isOpen = (input: Value): boolean =>
    target === "later" && compiled.added.some(({ name }) => name === input.name);
  const graph: Graph = {
    ...whole,
    shapes: new Operators(options.operators).shapes,
    inputs: whole.inputs.filter((input) => !isOpen(input)),
    outputs: whole.outputs.filter(({ name }) => name !== "relevance"),
    nodes: whole.nodes.filter((node) => node !== last),
  };
  const b = new GraphBuilder(ofTensor(whole, compiled.layer.name, method));
  b.reserve("relevance");
  b.adopt(graph, inferGraph({ ...graph, inputs: whole.inputs }));
  const given = b.value(compiled.input.name);
  const x = given.dataType === "float32" ? given : b.op("Cast", [given], { to: int(1) });
  return { b, compiled, x, graph, gradient: b.value(last?.inputs[0] ?? "") };
}

/**
 * Declares an input that the method needs.
 * @throws OptionError if the model has a tensor of that name
 */
export function methodInput({ b, graph }: GradientGraph, name: string, shape: Shape): Value {
  if (!graph.inputs.some((input) => input.name === name) && !b.values.has(name))
    return b.input(name, "float32", shape);
  throw new OptionError({
    what: `cannot add the input "${name}"`,
    why: "the model has a tensor of that name",
    fix: "rename it in the model",
  });
}

/**
 * The graph as a compiled explanation with `relevance` as its last output.
 * @param chosen the method's own settings, for the metadata
 * @param isReduced whether `relevance` has no channels already
 */
export function finish(
  { b, compiled, graph }: GradientGraph,
  relevance: Value,
  options: SharedMethodOptions & { readonly method: string },
  chosen: Readonly<Record<string, unknown>>,
  isReduced = false,
): Compiled {
  const { input } = compiled;
  const settings = {
    ...compiled.settings,
    target: chooseTarget(options.target),
    reduce: isReduced ? "channels" : (options.reduce ?? "none"),
  };
  const sums = settings.reduce === "channels" && !isReduced;
  b.output(sums ? sumOver(b, relevance, channelAxis(input)) : relevance, "relevance");
  const explanation = prune(b.graph(graph.name), [compiled.output, compiled.ranked]);
  const original = new Set(compiled.added.map(({ name }) => name));
  const isOwn = ({ name }: Value): boolean =>
    graph.inputs.some((each) => each.name === name) && !original.has(name);
  return {
    ...compiled,
    model: {
      ...compiled.model,
      metadata: {
        ...compiled.model.metadata,
        ...metadataOf(settings, compiled, options),
        "relprop.method": JSON.stringify({ method: options.method, ...chosen }),
      },
      graph: explanation,
    },
    layer: input,
    added: explanation.inputs.filter((each) => !isOwn(each)),
    settings,
  };
}
