/**
 * Recognises Softmax, LogSoftmax and Sigmoid spelled out with exponentials, with or without subtracting the maximum first:
 *
 *     exp(z) / Σ exp(z)         ->  `Softmax`(z), also with a small ε added to the sum
 *     z − log Σ exp(z)          ->  `LogSoftmax`(z)
 *     1 / (1 + exp(−z))         ->  `Sigmoid`(z)
 */

import { type Attributes, type Graph, type Node, type Value, int } from "../onnx/graph.ts";
import { isScalar, sameShape, scalarOf } from "./constants.ts";
import { Fusions } from "./fusions.ts";
import { type TypedPatternContext, producerOf, reductionOf } from "./pattern-context.ts";
import { type Refuse, type Rewrite, isOnnx } from "./rewrite.ts";
import { Unquantized } from "./unquantized.ts";

/** Part of a pattern: the value that it is a function of, and its nodes. */
interface Found {
  readonly x: string;
  readonly nodes: readonly Node[];
}
/** A part that works along one axis. */
interface FoundAlong extends Found {
  readonly axis: number;
}
/** A whole pattern, and the operator that it is. */
interface Match extends Found {
  readonly opType: string;
  readonly attributes: Attributes;
}

/** x of a reduction of x over one axis. */
function reduced(
  context: TypedPatternContext,
  name: string | undefined,
  opType: string,
): FoundAlong | undefined {
  const reduction = reductionOf(context, name, opType);
  const [axis, ...others] = reduction?.axes ?? [];
  if (!reduction || axis === undefined || others.length > 0) return undefined;
  return { x: reduction.x, axis, nodes: reduction.nodes };
}

/** z of u = z − max z, else u itself. */
function withoutMaximum(around: TypedPatternContext, u: string, axis: number): Found {
  const sub = producerOf(around, u, "Sub");
  const [z = "", m] = sub?.inputs ?? [];
  const maximum = reduced(around, m, "ReduceMax");
  if (!sub || maximum?.x !== z || maximum.axis !== axis) return { x: u, nodes: [] };
  return { x: z, nodes: [sub, ...maximum.nodes] };
}

/** u of Σ exp(u). */
function sumOfPowers(around: TypedPatternContext, name: string | undefined): FoundAlong | undefined {
  const sum = reduced(around, name, "ReduceSum");
  const exp = producerOf(around, sum?.x, "Exp");
  const [u] = exp?.inputs ?? [];
  return sum && exp && u !== undefined ? { x: u, axis: sum.axis, nodes: [...sum.nodes, exp] } : undefined;
}

/** The largest ε that is negligible in a sum of powers, the largest of which is 1. */
const maxEpsilon = 1e-5;

/** s of s + ε; empty if no ε is added. */
function withoutEpsilon(around: TypedPatternContext, name: string | undefined): Partial<Found> {
  const add = producerOf(around, name, "Add");
  const epsilon = add?.inputs.find((each) => scalarOf(around.graph, each) !== undefined);
  const value = epsilon === undefined ? undefined : scalarOf(around.graph, epsilon);
  const x = add?.inputs.find((each) => each !== epsilon);
  return add && x !== undefined && value !== undefined && value > 0 && value <= maxEpsilon
    ? { x, nodes: [add] }
    : {};
}

/** exp(u) / Σ exp(u); if the maximum is subtracted, also exp(u) / (Σ exp(u) + ε). */
function softmaxAt(around: TypedPatternContext, node: Node): Match | undefined {
  const [e, s] = node.inputs;
  const exp = isOnnx(node, "Div") ? producerOf(around, e, "Exp") : undefined;
  const added = withoutEpsilon(around, s);
  const sum = sumOfPowers(around, added.x ?? s);
  if (!exp || !sum || exp.inputs[0] !== sum.x) return undefined;
  const { x, nodes } = withoutMaximum(around, sum.x, sum.axis);
  if (added.nodes && nodes.length === 0) return undefined;
  return {
    opType: "Softmax",
    attributes: { axis: int(sum.axis) },
    x,
    nodes: [node, exp, ...(added.nodes ?? []), ...sum.nodes, ...nodes],
  };
}

/** u − log Σ exp(u). */
function logSoftmaxAt(around: TypedPatternContext, node: Node): Match | undefined {
  const [u = "", l] = node.inputs;
  const found = isOnnx(node, "Sub") ? logSumExp(around, l) : undefined;
  if (!found) return undefined;
  const match = (x: string, nodes: readonly Node[]): Match => ({
    opType: "LogSoftmax",
    attributes: { axis: int(found.axis) },
    x,
    nodes: [node, ...found.nodes, ...nodes],
  });
  // The maximum may be subtracted on both sides, or on one only.
  const { x, nodes } = withoutMaximum(around, u, found.axis);
  return x === found.x || u === found.x ? match(x, nodes) : undefined;
}

/** z of log Σ exp(z), also written as max z + log Σ exp(z − max z). */
function logSumExp(around: TypedPatternContext, name: string | undefined): FoundAlong | undefined {
  const whole = reduced(around, name, "ReduceLogSumExp");
  if (whole) return whole;
  const log = producerOf(around, name, "Log");
  const sum = log && sumOfPowers(around, log.inputs[0]);
  if (log && sum) return { ...sum, nodes: [log, ...sum.nodes] };
  const add = producerOf(around, name, "Add");
  for (const [m, other] of [add?.inputs ?? [], add?.inputs.toReversed() ?? []]) {
    const maximum = reduced(around, m, "ReduceMax");
    const rest = maximum && producerOf(around, other, "Log") ? logSumExp(around, other) : undefined;
    const shifted = rest && withoutMaximum(around, rest.x, rest.axis);
    if (!add || !maximum || !rest || !shifted || shifted.x !== maximum.x || rest.axis !== maximum.axis)
      continue;
    return { x: shifted.x, axis: rest.axis, nodes: [add, ...maximum.nodes, ...rest.nodes, ...shifted.nodes] };
  }
  return undefined;
}

/** 1 / (1 + exp(−z)). */
function sigmoidAt(around: TypedPatternContext, node: Node): Match | undefined {
  const { graph } = around;
  const [first, second] = node.inputs;
  const isInverse =
    isOnnx(node, "Reciprocal") ||
    (isOnnx(node, "Div") && isScalar(graph, first, 1)) ||
    (isOnnx(node, "Pow") && isScalar(graph, second, -1));
  const add = isInverse ? producerOf(around, isOnnx(node, "Div") ? second : first, "Add") : undefined;
  const power = add?.inputs.find((name) => scalarOf(graph, name) === undefined);
  const isOneMore = add?.inputs.some((name) => isScalar(graph, name, 1));
  const exp = isOneMore ? producerOf(around, power, "Exp") : undefined;
  const minus = exp && producerOf(around, exp.inputs[0], "Neg", "Mul");
  if (!add || !exp || !minus) return undefined;
  const x = minus.inputs.find((name) => scalarOf(graph, name) === undefined);
  const isNegative = isOnnx(minus, "Neg") || minus.inputs.some((name) => isScalar(graph, name, -1));
  if (x === undefined || !isNegative) return undefined;
  return { opType: "Sigmoid", attributes: {}, x, nodes: [node, add, exp, minus] };
}

export const recognizeExponentials: Rewrite = {
  name: "recognize-exponentials",
  about: "exp(z)/Σ exp(z), z − log Σ exp(z) and 1/(1 + exp(−z)) become Softmax, LogSoftmax and Sigmoid",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const seen = new Unquantized(graph);
    const around = { graph: seen.graph, values, uses: seen.uses };
    const fusions = new Fusions(graph, seen, refuse);
    for (const last of seen.graph.nodes) {
      const match = softmaxAt(around, last) ?? logSoftmaxAt(around, last) ?? sigmoidAt(around, last);
      if (!match || !sameShape(values.get(match.x), values.get(last.outputs[0] ?? ""))) continue;
      const { x, nodes, opType, attributes } = match;
      fusions.add({ x, root: last, nodes: new Set(nodes) }, { opType, domain: "", attributes });
    }
    return fusions.applied();
  },
};
