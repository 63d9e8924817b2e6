/**
 * What the app asks of whatever runs the network: ONNX Runtime Web in this browser, or onnxruntime-node on this
 * machine behind a WebSocket. Everything that crosses this border is structured-cloneable.
 */

import type { CompositeName, RankedClass } from "relprop";
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

export interface ExplainResult {
  /** [height, width], summed over channels, unitless. */
  readonly relevance: { readonly data: Float32Array; readonly height: number; readonly width: number };
  /** All outputs before softmax. */
  readonly logits: Float32Array;
  /** Best first, at most ten. */
  readonly top: readonly RankedClass[];
  /** Time of the run itself. */
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
  status(): Promise<EngineStatus>;
  dispose(): Promise<void>;
}
