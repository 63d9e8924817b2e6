/** A compiled explanation in the form that a session is made of. */

import type { InferenceSession } from "onnxruntime-common";
import { compile, type Compiled } from "../compile/compile.ts";
import type { CompileOptions } from "../compile/compile-options.ts";
import { compileMethod } from "../methods/compile-method.ts";
import type { MethodOptions } from "../methods/options.ts";
import type { Model, Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { externalView, type ExternalView } from "../onnx/write-model.ts";

/** All that is known of a compiled explanation but its graph: plain values, which can be copied and kept. */
export type CompiledFacts = Omit<Compiled, "model">;

/**
 * What an {@link Explainer} runs. It can be kept, and used again without compiling: `facts` and `view.bytes` are small,
 * and most of `view.data` are the source model's own weights.
 */
export interface SessionModel {
  /** What was compiled, without its graph. */
  readonly facts: CompiledFacts;
  /** The graph, which also outputs the logits that classes are ranked by, and its weights. */
  readonly view: ExternalView;
}

/**
 * The options of a session that is made of a view: it finds the weights in memory or in their folder.
 * @param settings of the session, in ONNX Runtime's words, where `options` don't say otherwise
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

/** Name of the output that the logits before a final softmax get. */
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
  // The logits before a final softmax are what is ranked, so they are asked for too.
  const graph = isOutput ? model.graph : withOutput(model.graph, output, logitsName);
  return { facts, view: externalView({ ...model, graph }) };
}

/** A graph with one of its values as an output more. */
export function withOutput(graph: Model["graph"], value: Value, name: string): Model["graph"] {
  return {
    ...graph,
    nodes: [...graph.nodes, onnxNode("Identity", [value.name], [name])],
    outputs: [...graph.outputs, { ...value, name }],
  };
}
