/** Facts about a canonical graph, shared by all stages and computed when first needed. */

import type { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { findBatch, type Batch } from "./batch.ts";
import { gateValues } from "./gates.ts";
import type { Operators } from "./operators.ts";
import type { MovedIds } from "./moved-ids.ts";
import { nonNegativeValues } from "./signs.ts";
import { siteOf, type Site } from "./site.ts";
import { rectifiedValues, type Rectified } from "./zeros.ts";

/** The subject of an analysis. */
interface Subject {
  /** The canonical graph, with added nodes for the logits where relevance starts. */
  readonly graph: Graph;
  /** The builder of that graph, which relevance is added to. */
  readonly b: GraphBuilder;
  readonly operators: Operators;
  /** Names of the explained inputs, or of the vectors of their tokens, the chosen one first. */
  readonly origins: readonly string[];
  /** How ids get to the lookups that give these vectors, by the name of the vectors. */
  readonly lookups: ReadonlyMap<string, MovedIds>;
  /** Name of the explained tensor. */
  readonly explained: string;
}

export class Analysis implements Subject {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly operators: Operators;
  readonly origins: readonly string[];
  readonly lookups: ReadonlyMap<string, MovedIds>;
  readonly explained: string;
  readonly #once = new Map<unknown, unknown>();

  constructor({ graph, b, operators, origins, lookups, explained }: Subject) {
    this.graph = graph;
    this.b = b;
    this.operators = operators;
    this.origins = origins;
    this.lookups = lookups;
    this.explained = explained;
  }

  /** An analysis of another graph, other inputs or another explained tensor. */
  of(changes: Partial<Subject>): Analysis {
    const { graph, b, operators, origins, lookups, explained } = this;
    return new Analysis({ graph, b, operators, origins, lookups, explained, ...changes });
  }

  #found<T>(find: (analysis: this) => T): T {
    if (!this.#once.has(find)) this.#once.set(find, find(this));
    return this.#once.get(find) as T;
  }

  /** A value by its name; undefined if its type and shape are unknown. */
  value = (name: string): Value | undefined => this.b.values.get(name);

  /** Whether the types and shapes of all inputs and outputs of a node are known. */
  isKnown = (node: Node): boolean =>
    [...node.inputs, ...node.outputs].every((name) => name === "" || this.b.values.has(name));

  /** A node as rows see it. All its values have to be known. */
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

  /** Whether a value depends on the explained inputs. To relevance, all other values are constants. */
  isComputed = ({ name }: Value): boolean => this.#found(computedValues).has(name);

  isNonNegative = ({ name }: Value): boolean => this.nonNegative.has(name);

  isGate = ({ name }: Value): boolean => this.#found(gateValues).has(name);

  /** Names of the values that cannot be negative. */
  get nonNegative(): ReadonlySet<string> {
    return this.#found(nonNegativeValues);
  }

  /** The positions of samples; undefined if the graph does not keep them apart. */
  get batch(): Batch | undefined {
    return this.#found(findBatch);
  }

  /** Where relevance vanishes. Only for nodes on the way, since shapes of others may be unknown. */
  rectified(nodes: readonly Node[]): Rectified {
    return rectifiedValues(nodes, this);
  }

  /**
   * Nodes on paths from the inputs to a value, in the model's order. Nodes that carry no relevance (Shape, comparisons) end
   * a path, so computing a size or an index is not on the way.
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
 * Names of the values that depend on the explained inputs, or on the vectors of their tokens. The others are weights,
 * values of other inputs (a mask), and values without relevance (sizes, comparisons, indices of TopK).
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
