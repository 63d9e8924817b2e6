/** relprop: Layer-wise Relevance Propagation compiled into ONNX graphs. Public names only. */
export {
  compile,
  type Compiled,
  type ExplainedOutput,
  type LayerOutput,
  type PlanLine,
} from "./compile/compile.ts";
export { type CompileOptions } from "./compile/compile-options.ts";
export { type FixedInputs, type FixedValue } from "./compile/fix-inputs.ts";
export {
  inspect,
  type Inspection,
  type InspectedNode,
  type InspectedObstacle,
  type InspectedOutput,
  type InspectedTensor,
  type Alternative,
  type NodeState,
} from "./inspect/inspect.ts";
export { inspectionText } from "./inspect/inspection-text.ts";
export type { Note } from "./canonicalize/rewrite.ts";
export { Explainer, type ExplainerOptions, type PreparedOptions } from "./run/explainer.ts";
export { type Explanation, type RunOptions } from "./run/explanation.ts";
export { type FloatArray, type InputArray } from "./run/float-array.ts";
export { type NamedTensors, type Runtime, type Session } from "./run/runtime.ts";
export { sessionModel, type CompiledFacts, type SessionModel } from "./run/session-model.ts";
export {
  conceptHeatmaps,
  type Concept,
  type ConceptHeatmapOptions,
  type LayerConcepts,
} from "./run/concept-heatmaps.ts";
export { type KeptShares } from "./run/concept-ledger.ts";
export { type Channels } from "./run/channels.ts";
export { readLedger, verdict, type Ledger, type LedgerEntry } from "./run/read-ledger.ts";
export { type ConceptOptions } from "./relevance/concepts.ts";
export {
  ledgerColumns,
  shareColumns,
  type LedgerColumn,
  type LedgerLayout,
  type LedgerPrecision,
  type LedgerRow,
  type ShareColumn,
} from "./relevance/ledger.ts";
export {
  InputError,
  ModelFileError,
  OptionError,
  RelpropError,
  UnexplainableError,
  type ErrorParts,
  type Obstacle,
} from "./errors.ts";
export { stabilizerKinds, type StabilizerKind } from "./relevance/stabilizer.ts";
export { optimizations, type Optimization } from "./relevance/optimizations.ts";
export { searches, type Search } from "./relevance/filter.ts";
export { starts } from "./compile/choose-tensors.ts";
export {
  activationModes,
  compositeNames,
  compositeText,
  layerKinds,
  seeds,
  type Activations,
  type Composite,
  type CompositeName,
  type LayerKind,
  type SeedRelevance,
} from "./relevance/composites.ts";
export { strideModes, type Strides } from "./relevance/stride-modes.ts";
export { dialectNames, dialectText, type DialectName } from "./relevance/dialects.ts";
export { parseComposite, type OwnComposite } from "./relevance/read-composite.ts";
export type { OwnOperator, OwnOperators } from "./relevance/operators.ts";
export { ruleNames } from "./relevance/rule-choice.ts";
export { ruleText, type Choice, type OwnRule, type RuleChoice } from "./relevance/rule-text.ts";
export {
  compileMethod,
  methodNames,
  occlusion,
  rankCorrelation,
  type GradCamOptions,
  type InputXGradientOptions,
  type IntegratedGradientsOptions,
  type MethodName,
  type MethodOptions,
  type OcclusionOptions,
  type SharedMethodOptions,
  type SmoothGradOptions,
} from "./methods/index.ts";
export {
  baselineNames,
  baselines,
  evaluate,
  metricNames,
  metrics,
  type BaselineName,
  type Comparison,
  type Curve,
  type EvaluateOptions,
  type Evaluation,
  type First,
  type Interval,
  type LeftOut,
  type MapMaker,
  type MeasuredInput,
  type MeasuredMap,
  type MeasureOptions,
  type MetricName,
  type MetricRow,
  type Summary,
} from "./evaluate/index.ts";
export { type RelevanceOptions, type RuleOverride, type Settings } from "./relevance/settings.ts";
export { outputKinds, type OutputKind } from "./outputs/output-kinds.ts";
export { boxFormats, type BoxFormat, type DetectionLayout } from "./outputs/found-layout.ts";
export { type OutputFacts, type OutputOptions, type OutputScale } from "./outputs/output-facts.ts";
export {
  chooseExplanation,
  readAnswer,
  usualTarget,
  type AnswerReading,
  type ExplanationChoice,
  type ExplanationRequest,
  type UsualTarget,
} from "./compile/choose-explanation.ts";
export { AnswerSession, type AnswerSessionOptions } from "./run/answer-session.ts";
export {
  answersOf,
  pickAnswer,
  sourceOf,
  type PickOptions,
  type PickRequest,
  type RunSource,
} from "./answers/pick-answer.ts";
export type { Pick, PickSource } from "./answers/picks.ts";
export {
  findDetections,
  type Box,
  type Detection,
  type DetectionOptions,
  type DetectionOutputs,
} from "./answers/detections.ts";
export { contrastTarget, maskTarget, ratherThanTarget, regionTarget, type Target } from "./run/targets.ts";
export { parseTarget, regionsOf, type TargetRegion, type TargetSelection } from "./relevance/target-text.ts";
export { rankAnswers, type AnswerPlace, type Answers, type RankedClass } from "./answers/rank-classes.ts";
export { version } from "./version.ts";
