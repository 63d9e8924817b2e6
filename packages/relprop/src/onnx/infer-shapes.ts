import type { Node, TensorInfo } from "./graph.ts";
export function inferNode(_node: Node, _inputs: readonly (TensorInfo | undefined)[]): TensorInfo[] {
  throw new Error("being written");
}
