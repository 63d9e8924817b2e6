import { canonicalize } from "./canonicalize/canonicalize.ts";
import { convertOpset } from "./onnx/convert-opset.ts";
import type { Model } from "./onnx/graph.ts";
import type { CompositeName } from "./relevance/composites.ts";
import { rowOf } from "./relevance/op-table.ts";

/**
 * The composite for a model about which nothing else is known: `attnlrp` where matrices that
 * depend on the input are multiplied with each other, as in attention, `fischer` where all activations are ReLU or clipped
 * ReLU, as in VGG and ResNet, `epsilon-plus` elsewhere.
 */
export function suggestComposite(model: Model): CompositeName {
  const { graph } = canonicalize(convertOpset(model, 17).graph);
  const families = graph.nodes.map((node) => rowOf(node)?.family);
  if (families.includes("product")) return "attnlrp";
  const activations = graph.nodes.map((node) => rowOf(node)).filter((row) => row?.family === "activation");
  return activations.length > 0 && activations.every((row) => row?.rectifier) ? "fischer" : "epsilon-plus";
}
