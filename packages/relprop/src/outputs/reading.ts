/** The facts from which the kind of an output is decided. */

import type { Model, Value } from "../onnx/graph.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Logits, FindLogits } from "./logits.ts";

/** The tensor where relevance starts. */
export interface Start {
  /** The canonical graph, with the nodes that compute the explained tensor. */
  readonly analysis: Analysis;
  /** Name of the output in float32. */
  readonly output: string;
  readonly findLogits: FindLogits;
}

/** The output to be read. */
export interface OutputRequest extends Start {
  readonly source: Model;
  readonly outputName: string;
  /** The explained inputs, the chosen one first. */
  readonly inputs: readonly { readonly input: Value; readonly origin: string; readonly words?: number }[];
}

/** The output with its axes. */
export interface Reading extends OutputRequest {
  readonly shape: Value["shape"];
  readonly batchAxis: number | undefined;
  /** All axes except the batch. */
  readonly axes: readonly number[];
  readonly logits: Logits | undefined;
  readonly labels: number;
}
