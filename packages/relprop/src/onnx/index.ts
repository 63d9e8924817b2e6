/** .onnx bytes <-> typed graph. Knows nothing of relevance. */
export * from "./graph.ts";
export * from "./tensor.ts";
export { GraphBuilder } from "./graph-builder.ts";
