/** Whether nodes have what their operators ask for, as onnx.checker does: whoever reads them later can rely on it. */

import { ModelFileError } from "../errors.ts";
import { type Node, subgraphsOf } from "./graph.ts";
import { operatorForms } from "./operator-forms.generated.ts";

/**
 * Checks inputs and attributes of all nodes of ai.onnx, those of graphs inside of them too.
 * @throws ModelFileError naming the node that lacks an input or an attribute, or has an attribute of another type
 */
export function checkNodes(nodes: readonly Node[]): void {
  for (const node of nodes) {
    const why = node.domain === "" ? flawOf(node) : undefined;
    if (why !== undefined) throw malformed(node, why);
    for (const inner of subgraphsOf(node)) checkNodes(inner.nodes);
  }
}

/** The error of a node that is not as its operator's specification has it. */
export function malformed(node: Node, why: string): ModelFileError {
  return new ModelFileError({
    what: "cannot explain the model",
    where: `${node.opType} "${node.name}"`,
    why,
    fix: "check the model with onnx.checker.check_model",
  });
}

/** Why a node lacks an input or output that its operator must have. */
export const lacks = (what: "input" | "output", index: number): string =>
  `it has no ${what} ${index}, which its operator cannot do without`;

function flawOf({ opType, inputs, attributes }: Node): string | undefined {
  const form = Object.hasOwn(operatorForms, opType) ? operatorForms[opType] : undefined;
  if (!form) return undefined;
  const [required, list] = form;
  for (let index = 0; index < required; index++) if (!inputs[index]) return lacks("input", index);
  for (const each of list === "" ? [] : list.split(" ")) {
    const [label = "", types = ""] = each.split(":");
    const name = label.replace("!", "");
    const type = Object.hasOwn(attributes, name) ? attributes[name]?.type : undefined;
    if (type === undefined && name !== label)
      return `it has no attribute "${name}", which its operator cannot do without`;
    if (type !== undefined && !types.split("|").includes(type))
      return `its attribute "${name}" is of type ${type}, not ${types.replace("|", " or ")}`;
  }
  return undefined;
}
