/** What a kind of output is decided from. */

import type { Graph, Model, Node, Value } from "../onnx/graph.ts";
import type { Batch } from "../relevance/batch.ts";
import type { Site } from "../relevance/row-kinds.ts";
import type { Logits, LogitsBehind } from "./logits.ts";

/** Where relevance starts. */
export interface Start {
  /** The canonical graph and what leads to the explained tensor. */
  readonly graph: Graph;
  /** Name of the explained tensor. */
  readonly explained: string;
  /** Name of the output in float32. */
  readonly output: string;
  readonly behind: LogitsBehind;
}

/** What is known of an output. */
export interface OutputRequest {
  readonly source: Model;
  readonly outputName: string;
  readonly start: Start;
  readonly siteOf: (node: Node) => Site;
  readonly value: (name: string) => Value | undefined;
  readonly batch: Batch | undefined;
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
