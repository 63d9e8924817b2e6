/**
 * What the app asks of whatever runs the network: ONNX Runtime Web in this browser, or onnxruntime-node on this
 * machine behind a WebSocket. Everything that crosses this border is structured-cloneable.
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
  /** By name, through the local engine only. */
  | { readonly kind: "zoo"; readonly name: string };

/** A model that the engine knows by name. */
export interface OfferedModel {
  readonly name: string;
  /** Named on the command line, or of the zoo. */
  readonly from: "command" | "zoo";
  /** Its path, or whether it has to be fetched. */
  readonly about: string;
}

/** A model that was loaded, compiled and warmed up. */
export interface LoadedModel {
  readonly name: string;
  readonly card: ModelCard;
  /** What of the card was guessed, in words. */
  readonly guesses: readonly string[];
  /** How many of its numbers, classes mostly, can be named; of a yes-or-no question there are two. */
  readonly classes: number;
  /** What those numbers are called, by index. */
  readonly names: readonly string[];
  /** What its output is. */
  readonly facts: OutputFacts;
  /** Height and width that pictures are brought to. */
  readonly size: readonly [height: number, width: number];
  /** What happens at each node: name, operator, rule, why. */
  readonly plan: readonly {
    readonly node: string;
    readonly operator: string;
    readonly rule: string;
    readonly why: string;
  }[];
  /** The composite that fits the model if none is asked for. */
  readonly composite: CompositeName;
}

/** What is explained. */
export type Target =
  /** What is usual for the model: the whole prediction, the best class, the one value that there is. */
  | { readonly kind: "prediction" }
  /** Why `index` rather than `against`. */
  | { readonly kind: "contrast"; readonly index: number; readonly against: number }
  /** One number of a list, a place of a map, where a class wins, a box, elements by their indices. */
  | Exclude<PickRequest, { readonly kind: "length" }>;

export interface ExplainRequest {
  /** Of the model's size already. */
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

/** The numbers of an answer that is one list, by index; each as far as the model has it. None for maps, boxes, sequences. */
export interface AnswerNumbers {
  /** What the model puts out. */
  readonly values?: Float32Array;
  /** Before softmax or sigmoid. */
  readonly logits?: Float32Array;
  /** A softmax over all classes or a sigmoid, where the model means one. */
  readonly probabilities?: Float32Array;
}

/** What of an answer was explained. */
export interface Explained {
  /** Whether it is the prediction as a whole, from the softmax. */
  readonly isWhole: boolean;
  /** Whether it is the length of an embedding. */
  readonly isLength: boolean;
  /** Its class, if it is of one, and its numbers; of several elements sums. */
  readonly numbers: Partial<RankedClass>;
  /** How many elements of the output it is. */
  readonly elements: number;
  /** ΣR that relevance started with, unitless. */
  readonly start: number;
  readonly box?: Detection;
}

export interface ExplainResult {
  /** In the model's size of pictures. */
  readonly relevance: PlaceRelevance;
  readonly explained: Explained;
  readonly numbers: AnswerNumbers;
  /** Best first, at most ten; empty where the answer is no list. */
  readonly top: readonly RankedClass[];
  /** Time of the run itself. */
  readonly milliseconds: number;
}

/** Asks what several pictures score. */
export interface ScoreRequest {
  readonly pictures: readonly Picture[];
  readonly target: Target;
  /** What is explained is found in this picture's answer, so that all pictures are measured alike. */
  readonly reference: Picture;
}

/** Where relevance stayed on its way through the model, and what the model's nodes are. */
export interface LedgerResult {
  /** All nodes of the model, in its order. */
  readonly nodes: readonly InspectedNode[];
  readonly ledger: Ledger;
  /** The ledger in a sentence. */
  readonly verdict: string;
  readonly explained: Explained;
  /** Best first, at most ten. */
  readonly top: readonly RankedClass[];
  readonly milliseconds: number;
}

/** Asks what a layer was relevant for. */
export interface LayerRequest extends ExplainRequest {
  /** A node that relevance reached, by name, or the model's input: a row of the ledger. */
  readonly node: string;
  /** How many of its strongest channels are explained. */
  readonly count: number;
}

/** A channel of a layer, or a unit of a dense one. */
export interface LayerChannel {
  readonly channel: number;
  /** ΣR of the channel, unitless. */
  readonly relevance: number;
  /** The channel's ΣR as a part of Σ|ΣR| over all channels, in [−1, 1]; below 0 it speaks against the target. */
  readonly share: number;
  /** Where in the picture the channel found what it is relevant for: relevance that flowed through it alone. */
  readonly map: PlaceRelevance;
}

/** Relevance of the tensor that a node makes. */
export interface LayerResult {
  readonly node: string;
  /** The tensor's, for one picture: [1, C, h, w] mostly. */
  readonly shape: readonly number[];
  /** ΣR of the layer, unitless. */
  readonly total: number;
  /** Relevance at each place, summed over channels; absent where the layer has no places, as dense layers. */
  readonly map?: PlaceRelevance;
  /** ΣR of each channel; empty where the layer has none. */
  readonly channelRelevance: Float32Array;
  /** The channels of largest |ΣR|, strongest first; empty for the model's input. */
  readonly channels: readonly LayerChannel[];
  /** ΣR that relevance started with at the output; what is not in `total` flowed around the layer, or stayed above. */
  readonly start: number;
  readonly explained: Explained;
  readonly milliseconds: number;
}

/** What runs the network, in words for the status line: "WASM, 2 threads", "WebGPU", "this machine, native". */
export interface EngineStatus {
  readonly provider: "wasm" | "webgpu" | "local";
  readonly words: string;
}

export interface Engine {
  /** Loads and compiles; reports progress in [0, 1] with a word for what is being done. Throws errors whose message is fit to be shown. */
  load(source: ModelSource, onProgress?: (fraction: number, what: string) => void): Promise<LoadedModel>;
  /** One at a time; the caller waits (newest frame wins, no queue). A new composite, target kind or model recompiles. */
  explain(request: ExplainRequest): Promise<ExplainResult>;
  /** A picture's numbers without relevance. */
  answer(picture: Picture): Promise<AnswerNumbers>;
  /** The sum of what is explained, for each picture: for occlusion sweeps. Of the whole prediction logits, weighted by the softmax. */
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
