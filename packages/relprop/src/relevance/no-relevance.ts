/** The error for an output without relevance for an input: no path connects them, or no path carries relevance. */

import { UnexplainableError } from "../errors.ts";
import { readBy } from "../onnx/captures.ts";
import type { Node } from "../onnx/graph.ts";
import type { Analysis } from "./analysis.ts";
import { operatorsWithoutRelevance } from "./other-operators.ts";

/**
 * The error for an output whose relevance cannot reach some ends.
 * @param apart names of the ends that relevance cannot reach
 */
export function noRelevanceError(analysis: Analysis, apart: readonly string[]): UnexplainableError {
  const output = analysis.explained;
  const what = `cannot explain the output "${output}"`;
  const names = `"${apart.join('", "')}"`;
  const cut = cutsBefore(analysis, apart)[0];
  if (!cut) {
    return new UnexplainableError({
      what,
      why: `it does not depend on the input ${names}`,
      fix: "choose another with --output or --input",
    });
  }
  const { node, before } = cut;
  const { opType, name } = node;
  return new UnexplainableError({
    what,
    where: `${opType} "${name}"`,
    why: `it ${operatorsWithoutRelevance.get(opType) ?? "carries none"}, which no small change of the input ${names} moves: no relevance passes`,
    ...(before !== undefined && { fix: `explain the tensor before it (--output ${before})` }),
  });
}

interface Cut {
  readonly node: Node;
  /** A tensor before the node that can be explained instead; undefined if there is none between it and the ends. */
  readonly before: string | undefined;
}

/** The nodes that end relevance on all paths from the output to the ends, last node first. */
function cutsBefore({ graph, explained, operators }: Analysis, ends: readonly string[]): Cut[] {
  const { relevantInputs, relevantOutputs, endsRelevance } = operators;
  const reached = new Set(ends);
  const cuts: Cut[] = [];
  for (const node of graph.nodes) {
    const carrying = relevantInputs(node).filter((name) => reached.has(name));
    if (carrying.length === 0) continue;
    if (endsRelevance(node)) cuts.push({ node, before: carrying.find((name) => !ends.includes(name)) });
    else for (const name of relevantOutputs(node)) reached.add(name);
  }
  const needed = new Set([explained]);
  for (const node of graph.nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name))) for (const name of readBy(node)) needed.add(name);
  return cuts.toReversed().filter(({ node }) => node.outputs.some((name) => needed.has(name)));
}
