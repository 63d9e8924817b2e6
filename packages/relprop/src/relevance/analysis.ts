/** What is known of a model's canonical graph: found out once, when it is first asked for, and handed to all stages. */

import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { findBatch, type Batch } from "./batch.ts";
import { gateValues } from "./gates.ts";
import type { Operators } from "./operators.ts";
import { nonNegativeValues } from "./signs.ts";
import { siteOf, type Site } from "./site.ts";
import { rectifiedValues, type Rectified } from "./zeros.ts";

/** What an analysis is of. */
interface Subject {
  /** The canonical graph and, where relevance starts before a response function, what leads to the logits. */
  readonly graph: Graph;
  /** Holds that graph; relevance is added to it. */
  readonly b: GraphBuilder;
  readonly operators: Operators;
  /** Names of the explained inputs, or of the vectors of their tokens, the chosen one first. */
  readonly origins: readonly string[];
  /** Name of the explained tensor. */
  readonly explained: string;
}

export class Analysis implements Subject {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly operators: Operators;
  readonly origins: readonly string[];
  readonly explained: string;
  readonly #once = new Map<unknown, unknown>();

  constructor({ graph, b, operators, origins, explained }: Subject) {
    this.graph = graph;
    this.b = b;
    this.operators = operators;
    this.origins = origins;
    this.explained = explained;
  }

  /** The same of something else: of a graph with more nodes in it, from other inputs. */
  of(changes: Partial<Subject>): Analysis {
    const { graph, b, operators, origins, explained } = this;
    return new Analysis({ graph, b, operators, origins, explained, ...changes });
  }

  #found<T>(find: (analysis: this) => T): T {
    if (!this.#once.has(find)) this.#once.set(find, find(this));
    return this.#once.get(find) as T;
  }

  /** What is known of a value by its name; undefined where that is nothing. */
  value = (name: string): Value | undefined => this.b.values.get(name);

  /** Whether types and shapes of all that a node reads and makes are known. */
  isKnown = (node: Node): boolean =>
    [...node.inputs, ...node.outputs].every((name) => name === "" || this.b.values.has(name));

  /** A node as the rows see it; asked only of nodes whose values are all known. */
  siteOf = (node: Node): Site =>
    siteOf({
      b: this.b,
      node,
      inputs: node.inputs.map((name) => (name === "" ? undefined : this.b.value(name))),
      outputs: node.outputs.map((name) => (name === "" ? undefined : this.b.value(name))),
      isComputed: this.isComputed,
      isNonNegative: this.isNonNegative,
      isGate: this.isGate,
    });

  /** Whether a value depends on the explained inputs; for relevance the others are constants, computed or not. */
  isComputed = ({ name }: Value): boolean => this.#found(computedValues).has(name);

  isNonNegative = ({ name }: Value): boolean => this.nonNegative.has(name);

  isGate = ({ name }: Value): boolean => this.#found(gateValues).has(name);

  /** Names of the values that cannot be negative. */
  get nonNegative(): ReadonlySet<string> {
    return this.#found(nonNegativeValues);
  }

  /** Where samples stand; undefined where the graph does not keep them apart. */
  get batch(): Batch | undefined {
    return this.#found(findBatch);
  }

  /** Where relevance vanishes, among nodes on the way: of others not even the shapes may be known. */
  rectified(nodes: readonly Node[]): Rectified {
    return rectifiedValues(nodes, this);
  }

  /**
   * Nodes from which a value can be reached and which one of the inputs reaches, in the model's order. What carries no
   * relevance (Shape, comparisons) reaches nothing, so that computing a size or an index is not on the way.
   */
  between(inputs: readonly string[] = this.origins, output: string = this.explained): Node[] {
    return nodesBetween(this, output, inputs);
  }
}

/** {@link Analysis.between} of any graph. */
export function nodesBetween(
  { graph, operators }: Pick<Subject, "graph" | "operators">,
  output: string,
  inputs: readonly string[],
): Node[] {
  const { relevantInputs, relevantOutputs, endsRelevance } = operators;
  const reached = new Set(inputs);
  const after = graph.nodes.filter((node) => {
    const isReached = !endsRelevance(node) && relevantInputs(node).some((name) => reached.has(name));
    if (isReached) for (const name of relevantOutputs(node)) reached.add(name);
    return isReached;
  });
  const needed = new Set([output]);
  const between = after.toReversed().filter((node) => {
    const isNeeded = relevantOutputs(node).some((name) => needed.has(name));
    if (isNeeded) for (const name of relevantInputs(node)) needed.add(name);
    return isNeeded;
  });
  return between.toReversed();
}

/**
 * Names of the values that depend on the explained inputs, or on the vectors of their tokens; the others are weights, what
 * another input gives (a mask), and what carries no relevance (a size, a comparison, the indices that TopK gives).
 */
function computedValues({ graph, origins, operators }: Subject): Set<string> {
  const computed = new Set(origins);
  for (const node of graph.nodes) {
    if (operators.endsRelevance(node)) continue;
    if (!operators.relevantInputs(node).some((name) => computed.has(name))) continue;
    for (const name of operators.relevantOutputs(node)) computed.add(name);
  }
  return computed;
}
