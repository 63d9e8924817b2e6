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
    const beside = firstBeside(analysis, apart);
    if (beside) {
      return new UnexplainableError({
        what,
        where: `${beside.opType} "${beside.name}"`,
        why: `the input ${names} gives it only weights, places, sizes or states, which count as constants: no relevance passes`,
        fix: "choose another with --output or --input",
      });
    }
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

/** The first node on a way to the output that takes what the ends give for constant; undefined where no way leads there. */
function firstBeside({ graph, explained, operators }: Analysis, ends: readonly string[]): Node | undefined {
  const reached = new Set(ends);
  const nodes = graph.nodes.filter((node) => {
    const isReached = readBy(node).some((name) => reached.has(name));
    if (isReached) for (const name of node.outputs) reached.add(name);
    return isReached;
  });
  if (!reached.has(explained)) return undefined;
  const needed = neededFor(graph.nodes, explained);
  return nodes.find(
    (node) =>
      node.outputs.some((name) => needed.has(name)) &&
      !operators.relevantInputs(node).some((name) => reached.has(name)),
  );
}

/** The names of all that a tensor is computed from, and its own. */
function neededFor(nodes: readonly Node[], tensor: string): ReadonlySet<string> {
  const needed = new Set([tensor]);
  for (const node of nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name))) for (const name of readBy(node)) needed.add(name);
  return needed;
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
  const needed = neededFor(graph.nodes, explained);
  return cuts.toReversed().filter(({ node }) => node.outputs.some((name) => needed.has(name)));
}
