/**
 * Softmax and its kin spelled out with exponentials, with or without the maximum taken off first:
 *
 *     exp(z) / Σ exp(z)         ->  `Softmax`(z), also with a small ε in the sum
 *     z − log Σ exp(z)          ->  `LogSoftmax`(z)
 *     1 / (1 + exp(−z))         ->  `Sigmoid`(z)
 */

import { wrapped } from "../onnx/axis.ts";
import {
  type Attributes,
  type Graph,
  type Node,
  type Uses,
  type Value,
  int,
  intsAttribute,
  numberAttribute,
} from "../onnx/graph.ts";
import { integersOf, isScalar, sameShape, scalarOf } from "./constants.ts";
import { Fusions } from "./fusions.ts";
import { type Refuse, type Rewrite, isOnnx } from "./rewrite.ts";
import { Unquantized } from "./unquantized.ts";

interface Around {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, Value>;
  readonly uses: Uses;
}

/** What a pattern is a function of, and its nodes. */
interface Found {
  readonly x: string;
  readonly nodes: readonly Node[];
}
/** The same along an axis. */
interface FoundAlong extends Found {
  readonly axis: number;
}
interface Match extends Found {
  readonly opType: string;
  readonly attributes: Attributes;
}

function made({ uses }: Around, name: string | undefined, ...opTypes: readonly string[]): Node | undefined {
  const node = uses.producer.get(name ?? "");
  return node && isOnnx(node, ...opTypes) ? node : undefined;
}

/** What a reduction over one axis that keeps its axes reduces. */
function reduced(around: Around, name: string | undefined, opType: string): FoundAlong | undefined {
  const node = made(around, name, opType);
  const [x = "", given] = node?.inputs ?? [];
  const rank = around.values.get(x)?.shape.length;
  if (!node || rank === undefined || numberAttribute(node, "keepdims", 1) !== 1) return undefined;
  const axes = intsAttribute(node, "axes") ?? integersOf(around.graph, given);
  const [axis, ...others] = axes ?? [];
  if (axis === undefined || others.length > 0) return undefined;
  return { x, axis: wrapped(axis, rank), nodes: [node] };
}

/** z of u = z − max z, else u itself. */
function withoutMaximum(around: Around, u: string, axis: number): Found {
  const sub = made(around, u, "Sub");
  const [z = "", m] = sub?.inputs ?? [];
  const maximum = reduced(around, m, "ReduceMax");
  if (!sub || maximum?.x !== z || maximum.axis !== axis) return { x: u, nodes: [] };
  return { x: z, nodes: [sub, ...maximum.nodes] };
}

/** u of Σ exp(u). */
function sumOfPowers(around: Around, name: string | undefined): FoundAlong | undefined {
  const sum = reduced(around, name, "ReduceSum");
  const exp = made(around, sum?.x, "Exp");
  const [u] = exp?.inputs ?? [];
  return sum && exp && u !== undefined ? { x: u, axis: sum.axis, nodes: [...sum.nodes, exp] } : undefined;
}

/** What may be added to a sum of powers, the largest of which is 1, and change nothing that counts. */
const mostAdded = 1e-5;

/** s of s + ε, else itself. */
function withoutEpsilon(around: Around, name: string | undefined): Partial<Found> {
  const add = made(around, name, "Add");
  const epsilon = add?.inputs.find((each) => scalarOf(around.graph, each) !== undefined);
  const value = epsilon === undefined ? undefined : scalarOf(around.graph, epsilon);
  const x = add?.inputs.find((each) => each !== epsilon);
  return add && x !== undefined && value !== undefined && value > 0 && value <= mostAdded
    ? { x, nodes: [add] }
    : {};
}

/** exp(u) / Σ exp(u), where the maximum is taken off also exp(u) / (Σ exp(u) + ε) */
function softmaxAt(around: Around, node: Node): Match | undefined {
  const [e, s] = node.inputs;
  const exp = isOnnx(node, "Div") ? made(around, e, "Exp") : undefined;
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

/** u − log Σ exp(u) */
function logSoftmaxAt(around: Around, node: Node): Match | undefined {
  const [u = "", l] = node.inputs;
  const found = isOnnx(node, "Sub") ? logSumExp(around, l) : undefined;
  if (!found) return undefined;
  const match = (x: string, nodes: readonly Node[]): Match => ({
    opType: "LogSoftmax",
    attributes: { axis: int(found.axis) },
    x,
    nodes: [node, ...found.nodes, ...nodes],
  });
  // The maximum may be taken off on both sides, or on one only.
  const { x, nodes } = withoutMaximum(around, u, found.axis);
  return x === found.x || u === found.x ? match(x, nodes) : undefined;
}

/** z of log Σ exp(z), also as max z + log Σ exp(z − max z). */
function logSumExp(around: Around, name: string | undefined): FoundAlong | undefined {
  const whole = reduced(around, name, "ReduceLogSumExp");
  if (whole) return whole;
  const log = made(around, name, "Log");
  const sum = log && sumOfPowers(around, log.inputs[0]);
  if (log && sum) return { ...sum, nodes: [log, ...sum.nodes] };
  const add = made(around, name, "Add");
  for (const [m, other] of [add?.inputs ?? [], add?.inputs.toReversed() ?? []]) {
    const maximum = reduced(around, m, "ReduceMax");
    const rest = maximum && made(around, other, "Log") ? logSumExp(around, other) : undefined;
    const shifted = rest && withoutMaximum(around, rest.x, rest.axis);
    if (!add || !maximum || !rest || !shifted || shifted.x !== maximum.x || rest.axis !== maximum.axis)
      continue;
    return { x: shifted.x, axis: rest.axis, nodes: [add, ...maximum.nodes, ...rest.nodes, ...shifted.nodes] };
  }
  return undefined;
}

/** 1 / (1 + exp(−z)) */
function sigmoidAt(around: Around, node: Node): Match | undefined {
  const { graph } = around;
  const [first, second] = node.inputs;
  const isInverse =
    isOnnx(node, "Reciprocal") ||
    (isOnnx(node, "Div") && isScalar(graph, first, 1)) ||
    (isOnnx(node, "Pow") && isScalar(graph, second, -1));
  const add = isInverse ? made(around, isOnnx(node, "Div") ? second : first, "Add") : undefined;
  const power = add?.inputs.find((name) => scalarOf(graph, name) === undefined);
  const isOneMore = add?.inputs.some((name) => isScalar(graph, name, 1));
  const exp = isOneMore ? made(around, power, "Exp") : undefined;
  const minus = exp && made(around, exp.inputs[0], "Neg", "Mul");
  if (!add || !exp || !minus) return undefined;
  const x = minus.inputs.find((name) => scalarOf(graph, name) === undefined);
  const isNegative = isOnnx(minus, "Neg") || minus.inputs.some((name) => isScalar(graph, name, -1));
  if (x === undefined || !isNegative) return undefined;
  return { opType: "Sigmoid", attributes: {}, x, nodes: [node, add, exp, minus] };
}

export const recognizeExponentials: Rewrite = {
  name: "recognize-exponentials",
  about: "exp(z)/Σ exp(z), z − log Σ exp(z) and 1/(1 + exp(−z)) become Softmax, LogSoftmax and Sigmoid",
  takesAway: "what a neighbour does",
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
