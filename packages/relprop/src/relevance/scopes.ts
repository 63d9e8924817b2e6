/**
 * Names and owners of the nodes of an explanation: `lrp/LAYER/WORD` for relevance that crosses a layer, `lrp/STAGE/…` for
 * other stages (start, seed, ledger, relevance). Graph viewers and profiles show both.
 */

import type { Scope } from "../onnx/graph-builder.ts";
import type { Graph, Node, Owner } from "../onnx/graph.ts";
import { ownerOf } from "../onnx/owners.ts";
import type { PlanStep } from "./assign-rules.ts";
import { ruleText } from "./rule-text.ts";

const scope = (owner: Owner, ...path: readonly string[]): Scope => ({
  // Names of exporters begin with a slash: "/features/features.28/Conv".
  name: ["lrp", ...path.map((part) => part.replace(/^\/+/, ""))].join("/"),
  owner,
});

/** The crossing of a layer, or its part in a stage. */
export const ofStep = ({ node, choice }: PlanStep, ...stage: readonly string[]): Scope =>
  scope({ ...ownerOf(node), rule: ruleText(choice) }, ...stage, node.name);

/** The scope of a node in a stage without rules. */
export const ofNode = (node: Node, stage: string): Scope => scope(ownerOf(node), stage, node.name);

/** The scope of a stage at a tensor, which belongs to the node that computes it, or to the input. */
export function ofTensor(graph: Graph, name: string, ...path: readonly string[]): Scope {
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(name));
  return scope(maker ? ownerOf(maker) : { node: name }, ...path);
}
