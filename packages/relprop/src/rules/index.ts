/**
 * `@relprop/core/rules`: the building blocks of rules and rows, for custom rules and operators. docs/extending.md shows both.
 *
 * A rule is a function `(layer, R, m) => R_in` that adds nodes to the graph. `layer` has its input, weights, forward pass and
 * transpose; `m` is the arithmetic. Zero is `undefined`, and is not computed.
 *
 * A row describes how an operator's output depends on its inputs. There is a constructor for each kind.
 */
export { Algebra, type Term } from "../relevance/algebra.ts";
export type { CellRule, Factor, GatedProduct } from "../relevance/cells.ts";
export { stabilizerKinds, type Stabilizer, type StabilizerKind } from "../relevance/stabilizer.ts";
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
  lstmAll,
  lstmHalf,
  lstmProp,
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
  type RecurrentRule,
  type RuleName,
  type RuleOptions,
} from "../relevance/rules/index.ts";
