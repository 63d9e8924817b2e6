/** Why an output has no relevance to send to an input: nothing leads there, or what leads there carries none. */

import { UnexplainableError } from "../errors.ts";
import type { Node } from "../onnx/graph.ts";
import type { Analysis } from "./analysis.ts";
import { carriesNone } from "./other-operators.ts";

/**
 * The refusal of an output that relevance does not leave for some of its ends.
 * @param apart names of the tensors that no relevance would reach
 */
export function severed(analysis: Analysis, apart: readonly string[]): UnexplainableError {
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
  const { opType, name, inputs } = cut;
  return new UnexplainableError({
    what,
    where: `${opType} "${name}"`,
    why: `it ${carriesNone.get(opType) ?? "carries none"}, which no small change of the input ${names} moves: no relevance passes`,
    fix: `explain the tensor before it (--output ${inputs[0] ?? ""})`,
  });
}

/** The nodes where all ways from the ends to the output are cut, last ones first. */
function cutsBefore({ graph, explained, operators }: Analysis, ends: readonly string[]): Node[] {
  const { relevantInputs, relevantOutputs, endsRelevance } = operators;
  const reached = new Set(ends);
  const cuts: Node[] = [];
  for (const node of graph.nodes) {
    if (!relevantInputs(node).some((name) => reached.has(name))) continue;
    if (endsRelevance(node)) cuts.push(node);
    else for (const name of relevantOutputs(node)) reached.add(name);
  }
  const needed = new Set([explained]);
  for (const node of graph.nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name))) for (const name of node.inputs) needed.add(name);
  return cuts.toReversed().filter(({ outputs }) => outputs.some((name) => needed.has(name)));
}
