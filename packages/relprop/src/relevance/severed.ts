/** Why an output has no relevance to send to an input: nothing leads there, or what leads there carries none. */

import { UnexplainableError } from "../errors.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { relevantInputs, relevantOutputs } from "./op-table.ts";
import { carriesNone, endsRelevance } from "./other-operators.ts";

/**
 * The refusal of an output that relevance does not leave for some of its ends.
 * @param apart names of the tensors that no relevance would reach
 */
export function severed(graph: Graph, output: string, apart: readonly string[]): UnexplainableError {
  const what = `cannot explain the output "${output}"`;
  const names = `"${apart.join('", "')}"`;
  const cut = cutsBefore(graph, output, apart)[0];
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
    why: `it ${carriesNone.get(opType) ?? "carries none"}, which no small change of the input ${names} moves: no relevance passes`,
    ...(before !== undefined && { fix: `explain the tensor before it (--output ${before})` }),
  });
}

interface Cut {
  readonly node: Node;
  /** What could be explained in place of the output; undefined if nothing lies between the node and the ends. */
  readonly before: string | undefined;
}

/** Where all ways from the ends to the output are cut, last ones first. */
function cutsBefore(graph: Graph, output: string, ends: readonly string[]): Cut[] {
  const reached = new Set(ends);
  const cuts: Cut[] = [];
  for (const node of graph.nodes) {
    const carrying = relevantInputs(node).filter((name) => reached.has(name));
    if (carrying.length === 0) continue;
    if (endsRelevance(node)) cuts.push({ node, before: carrying.find((name) => !ends.includes(name)) });
    else for (const name of relevantOutputs(node)) reached.add(name);
  }
  const needed = new Set([output]);
  for (const node of graph.nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name))) for (const name of node.inputs) needed.add(name);
  return cuts.toReversed().filter(({ node }) => node.outputs.some((name) => needed.has(name)));
}
