/**
 * Decides whether ONNX Runtime should keep packed copies of the weights of matrix products. It makes a copy for every
 * operator that uses a weight, and an explanation uses each several times. Products of one row (VGG-16's classifier) read
 * their weights once, and run as fast unpacked, with 0.6 GB less and a sixth of the loading time. A transformer's products
 * have a row for each token, and run an eighth faster packed, with 0.1 GB more (ViT-B/16, two cores).
 */

import { sizeOf } from "../onnx/tensor.ts";
import type { Analysis } from "../relevance/analysis.ts";

/** Whether most weights of the graph's matrix products multiply more than one row of a sample. */
export function shouldPackWeights({ graph, operators, value }: Analysis): boolean {
  let [one, many] = [0, 0];
  for (const node of graph.nodes) {
    const { inputs } = node;
    const weights = graph.initializers.get(inputs[1] ?? "");
    const x = value(inputs[0] ?? "");
    if (operators.rowOf(node)?.family !== "dense" || !weights || !x) continue;
    const isOne = x.shape
      .slice(0, -1)
      .every((dim, axis) => dim === 1 || (axis === 0 && typeof dim === "string"));
    if (isOne) one += sizeOf(weights.dims);
    else many += sizeOf(weights.dims);
  }
  return many > one;
}
