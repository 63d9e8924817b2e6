/** .onnx bytes <-> typed graph. Knows nothing of relevance. */
export * from "./graph.ts";
export * from "./tensor.ts";
export { GraphBuilder, type Scope } from "./graph-builder.ts";
export type { AttributesOf, InputsOf, OperatorName } from "./operator-node.ts";
export { convertOpset } from "./convert-opset.ts";
export { printGraph } from "./print-graph.ts";
export type { ModelFolder } from "./model-folder.ts";
export { type Place, placeOf } from "./stored-tensor.ts";
export { type ReadModelOptions, readModel, readModelIn, readableOpsets } from "./read-model.ts";
export type { ReadExternal } from "./read/source.ts";
export {
  type ExternalView,
  type WriteModelOptions,
  type WrittenFile,
  type WrittenModel,
  concatChunks,
  externalView,
  writeModel,
} from "./write-model.ts";
