/** Options of `compile`. */

import { refuseUnknown, type OptionNames } from "../option-names.ts";
import type { RuleOptions } from "../relevance/rules/rule.ts";
import type { RelevanceOptions } from "../relevance/settings.ts";
import type { ConceptOptions } from "../relevance/concepts.ts";
import type { LedgerPrecision } from "../relevance/ledger.ts";
import type { PrepareOptions } from "./prepare.ts";
import type { TensorOptions } from "./choose-tensors.ts";

/** Options of {@link compile}. All are optional. */
export interface CompileOptions extends PrepareOptions {
  /** SHA-256 of the source model in hexadecimal, for the metadata. */
  readonly sourceSha256?: string;
  /**
   * Adds the output `ledger`, float32 [N, rows, columns]: for each node, how much relevance arrived, how much left, and
   * where the rest stayed. `Compiled.ledger` names rows and columns; {@link readLedger} reads it. @default false
   */
  readonly ledger?: boolean;
  /**
   * The precision of the ledger's sums. `float32` rounds each to 1e-6 of Σ|R| and runs everywhere; ONNX Runtime
   * Web's builds with WebGPU (1.30) have no float64. @default "float64"
   */
  readonly ledgerPrecision?: LedgerPrecision;
  /**
   * Adds the output `channel_relevance` [N, C] of one layer, and the input `channels` [N, C], which multiplies the
   * relevance of its channels. {@link conceptHeatmaps} uses both.
   */
  readonly concepts?: ConceptOptions;
  /**
   * Tensors or nodes between input and output, by name, whose relevance becomes an output `relevance.TENSOR` in the shape of
   * the tensor, beside that of the inputs: relevance at many layers in one pass. `Compiled.layers` names the outputs. Not
   * together with `concepts`. @default none
   */
  readonly layers?: readonly string[];
  /**
   * How many maps, K, each sample gets in one run, for as many targets. The forward pass and all denominators are computed once.
   * `target` and relevance are [K·N, …], map after map; with the target "top1" the K best classes are explained, the best first.
   * Needs a batch axis of open size. @default 1
   */
  readonly maps?: number;
}

const ofRules: OptionNames<Omit<RuleOptions, "input">> = {
  epsilon: true,
  stabilizer: true,
  gamma: true,
  alpha: true,
  beta: true,
  low: true,
  high: true,
  bias: true,
  split: true,
};

const ofRelevance: OptionNames<Omit<RelevanceOptions, keyof RuleOptions>> = {
  composite: true,
  dialect: true,
  rules: true,
  seed: true,
  target: true,
  reduce: true,
  topK: true,
  filterBy: true,
  strides: true,
  activations: true,
  fallback: true,
  without: true,
};

const ofTensors: OptionNames<TensorOptions> = {
  input: true,
  explain: true,
  output: true,
  outputKind: true,
  labelCount: true,
  layer: true,
  start: true,
  size: true,
};

const names: OptionNames<CompileOptions> = {
  ...ofRelevance,
  ...ofRules,
  ...ofTensors,
  ledger: true,
  ledgerPrecision: true,
  operators: true,
  set: true,
  concepts: true,
  layers: true,
  maps: true,
  sourceSha256: true,
};

/** The names that options of `compile` may have. */
export const compileOptionNames: readonly string[] = Object.keys(names);

/** @throws OptionError for an option that {@link CompileOptions} does not have */
export const checkCompileOptions = (options: CompileOptions): void =>
  refuseUnknown("compile", options, names);
