/** Readers of checkpoints, models built from them, and model cards. */
export { buildKerasModel, type KerasOptions } from "./build-keras-model.ts";
export { type ByteSource, bytesSource } from "./bytes-source.ts";
export { type Checkpoint, readCheckpoint, type ReadCheckpointOptions } from "./checkpoint.ts";
export { resizeModes, resizeText, type ResizeMode, type ResizeOptions } from "../cards/choose-resize.ts";
export {
  type Explained,
  guessCard,
  type GuessedCard,
  hubCard,
  type InputOptions,
} from "../cards/guess-card.ts";
export { type HubConfig, type HubFile, type PictureInput, readHubConfig } from "../cards/hub-config.ts";
export { type KerasLayer, type KerasModel, kerasShardPaths, readKerasLayers } from "./keras-layers.ts";
export {
  type ChannelOrder,
  type Colour,
  leastCover,
  type InputCard,
  type Interpolation,
  type ModelCard,
  parseArrayCard,
  parseModelCard,
  type AnswerCard,
  type ArrayCard,
  type SoundCard,
  type Resize,
} from "../cards/model-card.ts";
export type { Family, RecognizedNet } from "./architectures/family.ts";
export type { BuildOptions, StateDict } from "./architectures/net-builder.ts";
export { families, recognizeNet } from "./architectures/recognize.ts";
export {
  type NpmPackage,
  type NpmWeights,
  parseLabels,
  type UrlWeights,
  zoo,
  type ZooEntry,
  zooEntry,
} from "./zoo.ts";
