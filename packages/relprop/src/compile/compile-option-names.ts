import { refuseUnknown, type OptionNames } from "../option-names.ts";
import type { RuleOptions } from "../relevance/rules/rule.ts";
import type { RelevanceOptions } from "../relevance/settings.ts";
import type { CompileOptions } from "./compile.ts";
import type { TensorOptions } from "./choose-tensors.ts";

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
  concepts: true,
  sourceSha256: true,
};

/** @throws OptionError for an option that {@link CompileOptions} does not have */
export const checkCompileOptions = (options: CompileOptions): void =>
  refuseUnknown("compile", options, names);
