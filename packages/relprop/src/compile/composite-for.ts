import { planRequest, type Prepared } from "./prepare.ts";
import { assignRules } from "../relevance/assign-rules.ts";
import type { CompositeName } from "../relevance/composites.ts";
import { settle } from "../relevance/settings.ts";

/**
 * The composite for a model about which nothing else is known: `attnlrp` where matrices that depend on the input are
 * multiplied with each other, as in attention, `fischer` where all activations are ReLU or clipped ReLU, as in VGG and
 * ResNet, `epsilon-plus` elsewhere. Where these two stop at a product of which no factor is known to be the gate,
 * `attnlrp` again, which shares between them.
 */
export function compositeFor(prepared: Prepared): CompositeName {
  const plan = (name: CompositeName) => assignRules(planRequest(prepared, settle({ composite: name })));
  const { analysis, ends } = prepared;
  // What turns logits into the answer is not on the way, and says nothing of the network.
  const names = ends.map(({ name }) => name);
  const rows = analysis.between(names).map((node) => analysis.operators.rowOf(node));
  if (rows.some((row) => row?.family === "product")) return "attnlrp";
  const activations = rows.filter((row) => row?.family === "activation");
  const isRectified = activations.length > 0 && activations.every((row) => row?.rectifier);
  const composite = isRectified ? "fischer" : "epsilon-plus";
  const canUse = (name: CompositeName): boolean => plan(name).refusal === undefined;
  return !canUse(composite) && canUse("attnlrp") ? "attnlrp" : composite;
}
