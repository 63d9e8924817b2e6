/** What a kind of output is decided from. */

import type { Model, Value } from "../onnx/graph.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Logits, FindLogits } from "./logits.ts";

/** Where relevance starts. */
export interface Start {
  /** Of the canonical graph and what leads to the explained tensor. */
  readonly analysis: Analysis;
  /** Name of the output in float32. */
  readonly output: string;
  readonly findLogits: FindLogits;
}

/** What is known of an output. */
export interface OutputRequest extends Start {
  readonly source: Model;
  readonly outputName: string;
  /** The explained inputs, the chosen one first. */
  readonly inputs: readonly { readonly input: Value; readonly origin: string; readonly words?: number }[];
}

/** What a kind is decided from, once the axes are known. */
export interface Reading extends OutputRequest {
  readonly shape: Value["shape"];
  readonly batchAxis: number | undefined;
  /** Axes that are no batch. */
  readonly axes: readonly number[];
  readonly logits: Logits | undefined;
  readonly labels: number;
}
