/**
 * What the nodes of an explanation are called and whose they are: `lrp/LAYER/WORD` where relevance crosses a layer,
 * `lrp/STAGE/…` before, after and beside that (start, seed, ledger, relevance). A graph viewer and a profile show both.
 */

import type { Scope } from "../onnx/graph-builder.ts";
import type { Graph, Node, Owner } from "../onnx/graph.ts";
import { ownerOf } from "../onnx/owners.ts";
import type { PlanStep } from "./assign-rules.ts";
import { ruleText } from "./rule-choice.ts";

const scope = (owner: Owner, ...path: readonly string[]): Scope => ({
  // Names of exporters begin with a slash: "/features/features.28/Conv".
  name: ["lrp", ...path.map((part) => part.replace(/^\/+/, ""))].join("/"),
  owner,
});

/** The crossing of a layer, or its part in a stage. */
export const ofStep = ({ node, choice }: PlanStep, ...stage: readonly string[]): Scope =>
  scope({ ...ownerOf(node), rule: ruleText(choice) }, ...stage, node.name);

/** A node's part in a stage that knows no rules. */
export const ofNode = (node: Node, stage: string): Scope => scope(ownerOf(node), stage, node.name);

/** A stage that starts or ends at a tensor: it belongs to the node that makes it, or to the input. */
export function ofTensor(graph: Graph, name: string, ...path: readonly string[]): Scope {
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(name));
  return scope(maker ? ownerOf(maker) : { node: name }, ...path);
}
