/** Weights and architectures: checkpoint readers, models built from them, cards that say how to feed them. */
export { buildKerasModel, type KerasOptions } from "./build-keras-model.ts";
export { type ByteSource, bytesSource } from "./bytes-source.ts";
export { type Checkpoint, readCheckpoint, type ReadCheckpointOptions, toFloat32 } from "./checkpoint.ts";
export { guessCard, type GuessedCard, type InputOptions, overrideCard } from "./guess-card.ts";
export { type KerasLayer, type KerasModel, kerasShardPaths, readKerasLayers } from "./keras-layers.ts";
export {
  channelCount,
  type ChannelOrder,
  type InputCard,
  type ModelCard,
  parseModelCard,
  type Resize,
} from "./model-card.ts";
export {
  buildVgg,
  recognizeVgg,
  vggCard,
  type VggForm,
  type VggName,
  vggNames,
  type VggOptions,
} from "./vgg.ts";
export {
  type NpmPackage,
  type NpmWeights,
  parseLabels,
  type UrlWeights,
  zoo,
  type ZooEntry,
  zooEntry,
} from "./zoo.ts";
