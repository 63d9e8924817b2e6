import { planRequest, type Prepared } from "./prepare.ts";
import { assignRules } from "../relevance/assign-rules.ts";
import type { CompositeName } from "../relevance/composites.ts";
import { settle } from "../relevance/settings.ts";

/**
 * The default composite of a model: `attnlrp` if it multiplies computed matrices, as attention does; `fischer` if all
 * activations are ReLU or clipped ReLU, as in VGG and ResNet; else `epsilon-plus`. If the last two stop at a product
 * without a known gate, `attnlrp`, which shares between the factors.
 */
export function compositeFor(prepared: Prepared): CompositeName {
  const plan = (name: CompositeName) => assignRules(planRequest(prepared, settle({ composite: name })));
  const { analysis, ends } = prepared;
  // Response functions after the logits do not count.
  const names = ends.map(({ name }) => name);
  const rows = analysis.between(names).map((node) => analysis.operators.rowOf(node));
  if (rows.some((row) => row?.family === "product")) return "attnlrp";
  const activations = rows.filter((row) => row?.family === "activation");
  const isRectified = activations.length > 0 && activations.every((row) => row?.rectifier);
  const composite = isRectified ? "fischer" : "epsilon-plus";
  const canUse = (name: CompositeName): boolean => plan(name).refusal === undefined;
  return !canUse(composite) && canUse("attnlrp") ? "attnlrp" : composite;
}
