/** .onnx bytes <-> typed graph. Knows nothing of relevance. */
export {
  float,
  floats,
  int,
  ints,
  intsAttribute,
  numberAttribute,
  string,
  stringAttribute,
  tensorAttribute,
  type Attribute,
  type Attributes,
  type AttributeValues,
  type DataType,
  type Dim,
  type Graph,
  type Model,
  type ModelFunction,
  type Node,
  type OperatorShapes,
  type Owner,
  type Shape,
  type ShapeOf,
  type Subgraph,
  type SubgraphValue,
  type Tensor,
  type TensorInfo,
  type Value,
} from "./graph.ts";
export {
  constantIntegers,
  float32Tensor,
  floatTensor,
  int64Tensor,
  numbersOf,
  type FloatType,
} from "./tensor.ts";
export { GraphBuilder, type Scope } from "./graph-builder.ts";
export type { AttributesOf, InputsOf, OperatorName } from "./operator-node.ts";
export { convertOpset } from "./convert-opset.ts";
export { printGraph } from "./print-graph.ts";
export { type ReadModelOptions, readModel, readableOpsets } from "./read-model.ts";
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
