/**
 * Finds activations that an exporter spelled out: result(x, e) with e = inner(argument(x)), where result and argument
 * are polynomials and inner is a chain of unary operators. The nodes become the body of one node.
 */

import type { Attributes, Graph, Node, Value } from "../onnx/graph.ts";
import { sameShape } from "./constants.ts";
import {
  type Polynomial,
  type Surroundings,
  isArithmetic,
  polynomialOf,
  samePolynomial,
} from "./polynomial.ts";
import { type Refuse, allUses, edited, isOnnx } from "./rewrite.ts";

export interface SpelledOut {
  readonly opType: string;
  readonly domain: string;
  readonly attributes: Attributes;
  /** Operators from the argument to e, with what their attributes and constants must be. */
  readonly inner: readonly ((node: Node, graph: Graph) => boolean)[];
  /** In x. */
  readonly argument: Polynomial;
  /** In x and e. */
  readonly result: Polynomial;
}

interface Match {
  readonly x: string;
  readonly root: Node;
  readonly nodes: ReadonlySet<Node>;
}

const maxSteps = 7;

/** Values that the argument may be a polynomial of: itself, and what its arithmetic starts from. */
function candidates(around: Surroundings, value: string, steps: number = maxSteps): string[] {
  const node = around.uses.producer.get(value);
  const deeper = node && steps > 0 && isArithmetic(node) ? node.inputs : [];
  return [...new Set([value, ...deeper.flatMap((input) => candidates(around, input, steps - 1))])];
}

/** The inner chain that ends in `last`, from the argument on, or undefined. */
function chainTo({ graph, uses }: Surroundings, last: Node, { inner }: SpelledOut): Node[] | undefined {
  const chain: Node[] = [];
  let node: Node | undefined = last;
  for (const test of inner.toReversed()) {
    if (!node || !test(node, graph)) return undefined;
    chain.unshift(node);
    node = uses.producer.get(node.inputs[0] ?? "");
  }
  return chain;
}

/** The node, at most `steps` after e, whose output is the result. */
function rootFrom(
  around: Surroundings,
  from: string,
  x: string,
  e: string,
  result: Polynomial,
  steps: number,
): Node | undefined {
  if (steps === 0) return undefined;
  for (const node of around.uses.consumers.get(from) ?? []) {
    const [output] = node.outputs;
    if (!isArithmetic(node) || output === undefined) continue;
    const polynomial = polynomialOf(around, output, [x, e]);
    if (!polynomial) continue;
    if (samePolynomial(polynomial, result)) return node;
    const root = rootFrom(around, output, x, e, result, steps - 1);
    if (root) return root;
  }
  return undefined;
}

/** All nodes between x and the root. */
function nodesBetween(around: Surroundings, x: string, root: Node, into: Set<Node>): Set<Node> {
  into.add(root);
  for (const name of root.inputs) {
    const node = around.uses.producer.get(name);
    if (name !== x && node && !into.has(node)) nodesBetween(around, x, node, into);
  }
  return into;
}

function matchAt(around: Surroundings, last: Node, pattern: SpelledOut): Match | undefined {
  const chain = chainTo(around, last, pattern);
  const start = chain?.[0]?.inputs[0];
  const [e] = last.outputs;
  if (!chain || start === undefined || e === undefined) return undefined;
  for (const x of candidates(around, start)) {
    const argument = polynomialOf(around, start, [x]);
    if (!argument || !samePolynomial(argument, pattern.argument)) continue;
    const root = rootFrom(around, e, x, e, pattern.result, maxSteps);
    if (root) return { x, root, nodes: nodesBetween(around, x, root, new Set()) };
  }
  return undefined;
}

/** A node of the pattern whose output somebody else needs too, or undefined. */
function leak({ uses }: Surroundings, { root, nodes }: Match): Node | undefined {
  return [...nodes].find(
    (node) =>
      node !== root &&
      node.outputs.some(
        (output) => uses.isOutput(output) || uses.consumers.get(output)?.some((user) => !nodes.has(user)),
      ),
  );
}

/** Replaces each spelled-out activation by one node with a body. */
export function recognize(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  patterns: readonly SpelledOut[],
  refuse: Refuse,
): Graph {
  const around = { graph, uses: allUses(graph) };
  const replace = new Map<Node, readonly Node[]>();
  for (const last of graph.nodes) {
    if (!isOnnx(last, last.opType)) continue;
    for (const pattern of patterns) {
      const match = matchAt(around, last, pattern);
      if (!match || [...match.nodes].some((node) => replace.has(node))) continue;
      // A constant of shape [1, 1, 1] would stretch a vector: then it is no activation.
      if (!sameShape(values.get(match.x), values.get(match.root.outputs[0] ?? ""))) continue;
      const leaking = leak(around, match);
      if (leaking) {
        refuse(
          match.root,
          `it ends a ${pattern.opType} spelled out, but "${leaking.name}" inside of it is used elsewhere`,
        );
        continue;
      }
      const { opType, domain, attributes } = pattern;
      for (const node of match.nodes) replace.set(node, []);
      const { name, outputs } = match.root;
      const body = graph.nodes.filter((node) => match.nodes.has(node));
      replace.set(match.root, [{ name, opType, domain, inputs: [match.x], outputs, attributes, body }]);
      break;
    }
  }
  return replace.size === 0 ? graph : edited(graph, { replace });
}

/** A test of an inner operator by its type alone. */
export const anyOf =
  (opType: string): ((node: Node) => boolean) =>
  (node) =>
    isOnnx(node, opType);
