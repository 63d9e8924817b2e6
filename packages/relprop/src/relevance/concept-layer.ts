/** Finds the layer of concepts by a name in the model or in its canonical form. */

import { OptionError } from "../errors.ts";
import { readBy } from "../onnx/captures.ts";
import type { Graph } from "../onnx/graph.ts";
import { suggestion } from "../suggestion.ts";
import type { Plan } from "./assign-rules.ts";

/** The model to search. */
export interface LayerRequest {
  readonly plan: Plan;
  /** The model before canonicalization, which has the names of folded nodes. */
  readonly source: Pick<Graph, "nodes">;
  /** Names of the tensors where relevance ends: the explained inputs, or the vectors of their tokens. */
  readonly ends: readonly string[];
  /** Name of the explained tensor, where relevance starts. */
  readonly explained: string;
}

/** A tensor that relevance reaches, and its name in the ledger. */
export interface ConceptLayer {
  readonly tensor: string;
  readonly node: string;
}

/**
 * Finds a layer by the name of a tensor, or of a node (its first output). Folded nodes lead to the node they are part of:
 * for both a batch norm and its convolution, the output of the folded convolution.
 * @throws OptionError with the reason if no relevance can reach it
 */
export function findConceptLayer(wanted: string, request: LayerRequest): ConceptLayer {
  const { source, ends } = request;
  const found = onTheWay(wanted, request);
  if (found) return found;
  const node = source.nodes.find((each) => each.name === wanted || each.outputs.includes(wanted));
  const names = node ? [...node.outputs, node.name] : [];
  for (const name of names) {
    const folded = name === "" ? undefined : onTheWay(name, request);
    if (folded) return folded;
  }
  throw notOnTheWay(wanted, node?.outputs ?? [], ends, request);
}

function onTheWay(wanted: string, { plan, ends }: LayerRequest): ConceptLayer | undefined {
  if (ends.includes(wanted)) return { tensor: wanted, node: wanted };
  const step = plan.steps.find(({ node }) => node.name === wanted || node.outputs.includes(wanted));
  if (!step) return undefined;
  const { name: node, outputs } = step.node;
  const tensor = outputs.includes(wanted) ? wanted : outputs[0];
  return tensor === undefined ? undefined : { tensor, node };
}

function notOnTheWay(
  wanted: string,
  outputs: readonly string[],
  ends: readonly string[],
  { plan, source, explained }: LayerRequest,
): OptionError {
  const what = `cannot take concepts from "${wanted}"`;
  const names = [...ends, ...plan.steps.flatMap(({ node }) => [node.name, ...node.outputs])];
  if (outputs.length === 0) {
    const why = "the model has no node or tensor of that name that relevance goes through";
    return new OptionError({
      what,
      why,
      fix: "name another node or tensor; `relprop inspect` lists them",
      ...suggestion(wanted, names),
    });
  }
  const isBehind = outputs.some((output) => comesFrom(source, output, explained));
  const why = isBehind
    ? `it lies behind "${explained}", where relevance starts`
    : "no relevance goes through it: it does not depend on the explained input, or what is explained does not depend on it";
  return new OptionError({ what, why, fix: "name a layer before what is explained" });
}

/** Whether a tensor is computed from another one. */
function comesFrom({ nodes }: LayerRequest["source"], tensor: string, origin: string): boolean {
  const reached = new Set([origin]);
  for (const node of nodes) {
    if (readBy(node).some((name) => reached.has(name)))
      for (const output of node.outputs) reached.add(output);
  }
  return tensor !== origin && reached.has(tensor);
}
