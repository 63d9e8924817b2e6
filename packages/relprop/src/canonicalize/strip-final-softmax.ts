/**
 * A classifier may end in Softmax or LogSoftmax. Relevance starts at what comes before it (the logits), since the
 * softmax mixes all classes; the graph itself stays as it is, because its outputs are kept.
 */

import { type Graph, usesOf } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { sameShape } from "./constants.ts";
import { singleOf } from "./half-to-single.ts";
import { isOnnx } from "./rewrite.ts";

/** The tensor at which relevance starts for an output: in float32, and before a final Softmax. */
export function explainedTensor(graph: Graph, output: string): string {
  const single = singleOf(graph, output);
  return finalSoftmax(graph, single) ?? single;
}

/**
 * The value before the Softmax or LogSoftmax that ends the graph at this output (also through Identity, and through
 * moves that keep the shape), or undefined if none does.
 */
export function finalSoftmax(graph: Graph, output: string): string | undefined {
  const { producer } = usesOf(graph);
  let values: ReturnType<typeof inferGraph> | undefined;
  for (let name = output; ;) {
    const node = producer.get(name);
    const [input = ""] = node?.inputs ?? [];
    if (!node) return undefined;
    if (isOnnx(node, "Softmax", "LogSoftmax")) return input;
    if (isOnnx(node, "Reshape", "Flatten", "Squeeze", "Unsqueeze")) {
      values ??= inferGraph(graph);
      if (!sameShape(values.get(input), values.get(name))) return undefined;
    } else if (!isOnnx(node, "Identity")) {
      return undefined;
    }
    name = input;
  }
}
