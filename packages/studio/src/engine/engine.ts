/**
 * What the app asks of whatever runs the network: ONNX Runtime Web in this browser, or onnxruntime-node on this
 * machine behind a WebSocket. Everything that crosses this border is structured-cloneable.
 */

import type { CompositeName, InspectedNode, Ledger, RankedClass } from "relprop";
import type { ModelCard } from "relprop/zoo";

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
  readonly classes: number;
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
  /** The whole prediction, from the softmax. */
  | { readonly kind: "prediction" }
  | { readonly kind: "class"; readonly index: number }
  /** Why `index` rather than `against`. */
  | { readonly kind: "contrast"; readonly index: number; readonly against: number };

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

export interface ExplainResult {
  /** In the model's size of pictures. */
  readonly relevance: PlaceRelevance;
  /** All outputs before softmax. */
  readonly logits: Float32Array;
  /** Best first, at most ten. */
  readonly top: readonly RankedClass[];
  /** Time of the run itself. */
  readonly milliseconds: number;
}

/** Where relevance stayed on its way through the model, and what the model's nodes are. */
export interface LedgerResult {
  /** All nodes of the model, in its order. */
  readonly nodes: readonly InspectedNode[];
  readonly ledger: Ledger;
  /** The ledger in a sentence. */
  readonly verdict: string;
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
  /** Outputs only, in batches: for occlusion sweeps. Returns [pictures][classes] logits. */
  classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]>;
  /** Relevance per node; its session is kept until another composite, target kind or model is asked for. */
  ledger(request: ExplainRequest): Promise<LedgerResult>;
  /** Relevance at one layer and through its strongest channels; the sessions of the newest layer are kept. */
  layer(request: LayerRequest): Promise<LayerResult>;
  /** Models that a {@link ModelSource} of kind `zoo` may name. */
  models(): Promise<readonly OfferedModel[]>;
  status(): Promise<EngineStatus>;
  dispose(): Promise<void>;
}
