/** A compiled explanation in the form that sessions load. */

import type { InferenceSession } from "onnxruntime-common";
import { compile, type Compiled } from "../compile/compile.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import { compileMethod } from "../methods/compile-method.ts";
import type { MethodOptions } from "../methods/options.ts";
import type { Model, Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { externalView, type ExternalView } from "../onnx/write-model.ts";

/** A compiled explanation without its graph: plain data that can be copied and stored. */
export type CompiledFacts = Omit<Compiled, "model">;

/**
 * The model that an {@link Explainer} runs. It can be stored and reused without compiling: `facts` and `view.bytes` are
 * small, and most of `view.data` are the source model's weights.
 */
export interface SessionModel {
  /** The facts about the compiled model. */
  readonly facts: CompiledFacts;
  /** The graph, which also outputs the logits for ranking, and its weights. */
  readonly view: ExternalView;
}

/**
 * Options for a session that loads a view with its weights, from memory or from their folder.
 * @param settings ONNX Runtime session settings, which `options` override
 */
export function withWeights(
  { data, folder }: ExternalView,
  options: InferenceSession.SessionOptions = {},
  settings: Readonly<Record<string, string>> = {},
): InferenceSession.SessionOptions {
  const { session: chosen, ...extra } = (options.extra ?? {}) as { session?: object };
  const place = folder === undefined ? {} : { model_external_initializers_file_folder_path: folder };
  return {
    ...options,
    extra: { ...extra, session: { ...settings, ...place, ...chosen } },
    externalData: data,
  };
}

/** Name of the added output with the explained tensor, if that is not an output of the model. */
export const logitsName = "relprop.logits";

/**
 * Compiles a model for a session.
 * @throws what {@link compile} or {@link compileMethod} throw
 */
export function sessionModel(source: Model, options: CompileOptions | MethodOptions = {}): SessionModel {
  const compiled =
    "method" in options && options.method !== undefined
      ? compileMethod(source, options)
      : compile(source, options);
  const { model, ...facts } = compiled;
  const { output } = facts;
  const isOutput = model.graph.outputs.some(({ name }) => name === output.name);
  // Ranking needs the logits.
  const graph = isOutput ? model.graph : withOutput(model.graph, output, logitsName);
  return { facts, view: externalView({ ...model, graph }) };
}

/** The graph with one of its values as another output. */
export function withOutput(graph: Model["graph"], value: Value, name: string): Model["graph"] {
  return {
    ...graph,
    nodes: [...graph.nodes, onnxNode("Identity", [value.name], [name])],
    outputs: [...graph.outputs, { ...value, name }],
  };
}
