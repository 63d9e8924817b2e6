/**
 * Recognises activations that an exporter spelled out as result(x, e) with e = inner(argument(x)), where result and
 * argument are polynomials and inner is a chain of unary operators. The nodes become the body of one node.
 */

import type { Attributes, Graph, Node, Value } from "../onnx/graph.ts";
import { isScalar, sameShape } from "./constants.ts";
import { Fusions } from "./fusions.ts";
import type { PatternContext } from "./pattern-context.ts";
import { type Terms, isArithmetic, polynomialOf, samePolynomial } from "./polynomial.ts";
import { type Refuse, type Rewrite, isOnnx } from "./rewrite.ts";
import { type Pattern, Unquantized } from "./unquantized.ts";

/** An activation as exporters spell it out, and the node that replaces it. */
export interface ActivationPattern {
  readonly opType: string;
  readonly domain: string;
  readonly attributes: Attributes;
  /** Tests of the operators from the argument to e, in order. */
  readonly inner: readonly ((node: Node, graph: Graph) => boolean)[];
  /** A polynomial in x. */
  readonly argument: Terms;
  /** A polynomial in x and e. */
  readonly result: Terms;
}

const maxSteps = 7;

/** Values that the argument may be a polynomial in: the argument itself, and all values that it is computed from. */
function candidates(around: PatternContext, value: string, steps: number = maxSteps): string[] {
  const node = around.uses.producer.get(value);
  const deeper = node && steps > 0 && isArithmetic(node) ? node.inputs : [];
  return [...new Set([value, ...deeper.flatMap((input) => candidates(around, input, steps - 1))])];
}

/** The inner chain that ends in `last`, from the argument on; undefined if it does not match. */
function chainTo(
  { graph, uses }: PatternContext,
  last: Node,
  { inner }: ActivationPattern,
): Node[] | undefined {
  const chain: Node[] = [];
  let node: Node | undefined = last;
  for (const test of inner.toReversed()) {
    if (!node || !test(node, graph)) return undefined;
    chain.unshift(node);
    node = uses.producer.get(node.inputs[0] ?? "");
  }
  return chain;
}

/** The first node, at most {@link maxSteps} after e, whose output is the result. */
function rootFrom(around: PatternContext, x: string, e: string, result: Terms): Node | undefined {
  const seen = new Set([e]);
  let latest = [e];
  for (let step = 0; step < maxSteps; step++) {
    const next: string[] = [];
    for (const node of latest.flatMap((name) => around.uses.consumers.get(name) ?? [])) {
      const [output] = node.outputs;
      if (!isArithmetic(node) || output === undefined || seen.has(output)) continue;
      seen.add(output);
      const polynomial = polynomialOf(around, output, [x, e]);
      if (!polynomial) continue;
      if (samePolynomial(polynomial, result)) return node;
      next.push(output);
    }
    latest = next;
  }
  return undefined;
}

/** All nodes between x and the root. */
function nodesBetween(around: PatternContext, x: string, root: Node, into: Set<Node>): Set<Node> {
  into.add(root);
  for (const name of root.inputs) {
    const node = around.uses.producer.get(name);
    if (name !== x && node && !into.has(node)) nodesBetween(around, x, node, into);
  }
  return into;
}

/** Whether the result is e itself. */
const isInnerAlone = (result: Terms): boolean => result.size === 1 && result.get("0,1") === 1;

function matchAt(around: PatternContext, last: Node, pattern: ActivationPattern): Pattern | undefined {
  const chain = chainTo(around, last, pattern);
  const start = chain?.[0]?.inputs[0];
  const [e] = last.outputs;
  if (!chain || start === undefined || e === undefined) return undefined;
  for (const x of candidates(around, start)) {
    const argument = polynomialOf(around, start, [x]);
    if (!argument || !samePolynomial(argument, pattern.argument)) continue;
    const root = isInnerAlone(pattern.result) ? last : rootFrom(around, x, e, pattern.result);
    if (root) return { x, root, nodes: nodesBetween(around, x, root, new Set()) };
  }
  return undefined;
}

/** Replaces each activation that matches a pattern by one node with a body. */
export function recognizeActivations(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  patterns: readonly ActivationPattern[],
  refuse: Refuse,
): Graph {
  const seen = new Unquantized(graph);
  const fusions = new Fusions(graph, seen, refuse);
  for (const last of seen.graph.nodes) {
    if (!isOnnx(last, last.opType)) continue;
    for (const pattern of patterns) {
      const match = matchAt(seen, last, pattern);
      // A constant of shape [1, 1, 1] broadcasts a vector: then the pattern is no activation.
      const isElementwise = match && sameShape(values.get(match.x), values.get(match.root.outputs[0] ?? ""));
      if (isElementwise && fusions.add(match, pattern)) break;
    }
  }
  return fusions.applied();
}

/** A rewrite that recognises activations by their patterns. */
export const activationRewrite = (
  name: string,
  about: string,
  patterns: readonly ActivationPattern[],
): Rewrite => ({
  name,
  about,
  removes: "merged nodes",
  apply: (graph, values, refuse) => recognizeActivations(graph, values, patterns, refuse),
});

/** Tests an inner operator by its type alone. */
export const operatorOf =
  (opType: string): ((node: Node) => boolean) =>
  (node) =>
    isOnnx(node, opType);

/** Tests for a Clip between 0 and this number. */
export const clipTo =
  (high: number) =>
  (node: Node, graph: Graph): boolean =>
    isOnnx(node, "Clip") && isScalar(graph, node.inputs[1], 0) && isScalar(graph, node.inputs[2], high);
