/**
 * The interface between the app and the engine that runs the network: ONNX Runtime Web in this browser, or
 * onnxruntime-node on this machine behind a WebSocket. All requests and answers are structured-cloneable.
 */

import type {
  CompositeName,
  Detection,
  InspectedNode,
  Ledger,
  OutputFacts,
  PickRequest,
  RankedClass,
} from "@relprop/core";
import type { ModelCard } from "@relprop/core/zoo";

/** Pixels, row-major RGBA, 8 bits. */
export interface Picture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Where the model comes from. */
export type ModelSource =
  | { readonly kind: "shipped"; readonly name: string }
  | { readonly kind: "file"; readonly name: string; readonly bytes: Uint8Array; readonly card?: ModelCard }
  /** By name; only the local engine has these. */
  | { readonly kind: "zoo"; readonly name: string };

/** A model that the engine knows by name. */
export interface OfferedModel {
  readonly name: string;
  /** Named on the command line, or part of the zoo. */
  readonly from: "command" | "zoo";
  /** Its path, or whether it must be downloaded first. */
  readonly about: string;
}

/** A model that was loaded, compiled and warmed up. */
export interface LoadedModel {
  readonly name: string;
  readonly card: ModelCard;
  /** What was guessed about the card, in words. */
  readonly guesses: readonly string[];
  /** How many of its numbers have names, usually classes; a yes-or-no output has two. */
  readonly classes: number;
  /** The names of those numbers, by index. */
  readonly names: readonly string[];
  /** What its output is. */
  readonly facts: OutputFacts;
  /** Height and width that pictures are resized to. */
  readonly size: readonly [height: number, width: number];
  /** What happens at each node: name, operator, rule, why. */
  readonly plan: readonly {
    readonly node: string;
    readonly operator: string;
    readonly rule: string;
    readonly why: string;
  }[];
  /** The composite that fits the model by default. */
  readonly composite: CompositeName;
}

/** What is explained. */
export type Target =
  /** The model's default: the whole prediction, the best class, or its only value. */
  | { readonly kind: "prediction" }
  /** Why `index` rather than `against`. */
  | { readonly kind: "contrast"; readonly index: number; readonly against: number }
  /** One number of a list, a place of a map, where a class wins, a box, elements by their indices. */
  | Exclude<PickRequest, { readonly kind: "length" }>;

export interface ExplainRequest {
  /** Already resized for the model. */
  readonly picture: Picture;
  readonly composite: CompositeName;
  readonly target: Target;
  /** The fraction the relevance filter keeps at each layer; 0 is off. */
  readonly keep: number;
}

/** Relevance by place: [height, width], summed over channels, unitless. */
export interface PlaceRelevance {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** The numbers of an answer that is one list, by index, as far as the model has them. Maps, boxes and sequences have none. */
export interface AnswerNumbers {
  /** The model's output. */
  readonly values?: Float32Array;
  /** Before softmax or sigmoid. */
  readonly logits?: Float32Array;
  /** A softmax over all classes or a sigmoid, if the output stands for probabilities. */
  readonly probabilities?: Float32Array;
}

/** What was explained of an answer. */
export interface Explained {
  /** Whether the whole prediction is explained, starting at the softmax. */
  readonly isWhole: boolean;
  /** Whether the length of an embedding is explained. */
  readonly isLength: boolean;
  /** The class, if there is one, and its numbers; sums if several elements are explained. */
  readonly numbers: Partial<RankedClass>;
  /** The number of explained output elements. */
  readonly elements: number;
  /** ΣR that relevance started with, unitless. */
  readonly start: number;
  readonly box?: Detection;
}

export interface ExplainResult {
  /** At the model's picture size. */
  readonly relevance: PlaceRelevance;
  readonly explained: Explained;
  readonly numbers: AnswerNumbers;
  /** Best first, at most ten; empty where the answer is no list. */
  readonly top: readonly RankedClass[];
  /** Duration of the run itself. */
  readonly milliseconds: number;
}

/** Asks for the scores of several pictures. */
export interface ScoreRequest {
  readonly pictures: readonly Picture[];
  readonly target: Target;
  /** The target is resolved in this picture's answer; the scores of all pictures then measure the same elements. */
  readonly reference: Picture;
}

/** Where relevance stayed on its way through the model, and what the model's nodes are. */
export interface LedgerResult {
  /** All nodes of the model, in graph order. */
  readonly nodes: readonly InspectedNode[];
  readonly ledger: Ledger;
  /** The ledger in a sentence. */
  readonly verdict: string;
  readonly explained: Explained;
  /** Best first, at most ten. */
  readonly top: readonly RankedClass[];
  readonly milliseconds: number;
}

/** Asks for the relevance of a layer. */
export interface LayerRequest extends ExplainRequest {
  /** A row of the ledger: the name of a node that relevance reached, or the model's input. */
  readonly node: string;
  /** The number of channels to explain, strongest first. */
  readonly count: number;
}

/** A channel of a layer, or a unit of a dense one. */
export interface LayerChannel {
  readonly channel: number;
  /** ΣR of the channel, unitless. */
  readonly relevance: number;
  /** The channel's ΣR as a part of Σ|ΣR| over all channels, in [−1, 1]; below 0 it speaks against the target. */
  readonly share: number;
  /** The picture's relevance that flowed through this channel alone. */
  readonly map: PlaceRelevance;
}

/** Relevance of the tensor that a node makes. */
export interface LayerResult {
  readonly node: string;
  /** Shape for one picture, usually [1, C, h, w]. */
  readonly shape: readonly number[];
  /** ΣR of the layer, unitless. */
  readonly total: number;
  /** Relevance at each place, summed over channels; absent if the layer has no places, such as a dense layer. */
  readonly map?: PlaceRelevance;
  /** ΣR of each channel; empty if the layer has none. */
  readonly channelRelevance: Float32Array;
  /** The channels of largest |ΣR|, strongest first; empty for the model's input. */
  readonly channels: readonly LayerChannel[];
  /** ΣR at the output. What `total` lacks flowed around the layer, or stayed above it. */
  readonly start: number;
  readonly explained: Explained;
  readonly milliseconds: number;
}

/** What runs the network, for the status line: "WASM, 2 threads", "WebGPU", "this machine, native". */
export interface EngineStatus {
  readonly provider: "wasm" | "webgpu" | "local";
  readonly words: string;
}

export interface Engine {
  /** Loads and compiles; reports progress in [0, 1] with a word for the current step. Error messages are fit for the page. */
  load(source: ModelSource, onProgress?: (fraction: number, what: string) => void): Promise<LoadedModel>;
  /** The caller waits for each answer before it asks again. A new composite, target kind or model recompiles. */
  explain(request: ExplainRequest): Promise<ExplainResult>;
  /**
   * The maps of a picture's best classes, best first, from one pass: as {@link explain} for each. None where they cannot be had
   * together, or would take too much memory. The request's target is not read.
   */
  explainBest(request: ExplainRequest): Promise<readonly ExplainResult[]>;
  /** A picture's numbers without relevance. */
  answer(picture: Picture): Promise<AnswerNumbers>;
  /** The sum of the explained elements for each picture, for occlusion sweeps. The whole prediction counts as logits weighted by the softmax. */
  scores(request: ScoreRequest): Promise<Float32Array>;
  /** Relevance per node; its session is kept until another composite, target kind or model is asked for. */
  ledger(request: ExplainRequest): Promise<LedgerResult>;
  /** Relevance at one layer and through its strongest channels; the sessions of the newest layer are kept. */
  layer(request: LayerRequest): Promise<LayerResult>;
  /** Models that a {@link ModelSource} of kind `zoo` may name. */
  models(): Promise<readonly OfferedModel[]>;
  status(): Promise<EngineStatus>;
  dispose(): Promise<void>;
}
