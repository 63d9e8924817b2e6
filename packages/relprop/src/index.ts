/** relprop: Layer-wise Relevance Propagation compiled into ONNX graphs. Public names only. */
export { compile, compiledOpset, type Compiled, type CompileOptions, type PlanLine } from "./compile.ts";
export {
  Explainer,
  type Explanation,
  type ExplainerOptions,
  type FloatArray,
  type RankedClass,
  type RunOptions,
  type Runtime,
} from "./explainer.ts";
export {
  InputError,
  ModelFileError,
  OptionError,
  RelpropError,
  UnexplainableError,
  type ErrorParts,
  type Obstacle,
} from "./errors.ts";
export {
  compositeNames,
  compositeText,
  type CompositeName,
  type SeedRelevance,
  type Strides,
} from "./relevance/composites.ts";
export { type RelevanceOptions, type RuleOverride, type Settings } from "./relevance/settings.ts";
export { suggestComposite } from "./suggest-composite.ts";
export { version } from "./version.ts";
