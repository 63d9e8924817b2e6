/**
 * `@relprop/core/rules`: what rules and rows are made of, for a rule of one's own or an operator that relprop does not
 * have. docs/extending.md shows both.
 *
 * A rule is a function `(layer, R, m) => R_in` that adds nodes to the graph: `layer` gives its input and weights, its
 * forward pass and its transpose, `m` the arithmetic. Zero is `undefined`, so that what vanishes is not computed.
 *
 * A row says how an operator's output depends on its inputs; the constructors name the kinds that there are.
 */
export {
  Algebra,
  stabilizerKinds,
  type Stabilizer,
  type StabilizerKind,
  type Term,
} from "../relevance/algebra.ts";
export { Calculus, slope, type Operand, type Slope } from "../relevance/ops/calculus.ts";
export { likeFirstInput, type OwnOperator, type OwnOperators } from "../relevance/operators.ts";
export type { OwnComposite, OwnRules } from "../relevance/read-composite.ts";
export {
  activation,
  always,
  average,
  falling,
  forms,
  gate,
  ifInputsAre,
  ifPartsAre,
  linear,
  matrixProduct,
  maximum,
  measure,
  normalization,
  quotient,
  rising,
  routing,
  softmax,
  splitting,
  sum,
  type Family,
  type Forms,
  type LinearRow,
  type PlainRow,
  type Response,
  type Row,
  type RowOptions,
  type SplittingRow,
  type StandIn,
} from "../relevance/row-kinds.ts";
export {
  aligned,
  x,
  y,
  type AxisPlace,
  type KeepsAxis,
  type LinearOperator,
  type PullBack,
  type Site,
} from "../relevance/site.ts";
export {
  alphaBeta,
  betaSmooth,
  constant,
  deconvnet,
  defaultEpsilon,
  epsilon,
  flat,
  gamma,
  gradient,
  guidedBackprop,
  norm,
  pass,
  passLinear,
  plainGradient,
  signal,
  uniform,
  wsquare,
  zbox,
  zplus,
  type LinearLayer,
  type LinearRule,
  type Part,
  type PlainLayer,
  type PlainRule,
  type RuleName,
  type RuleOptions,
} from "../relevance/rules/index.ts";
