/** What an architecture's file says of itself. */

import type { Model } from "../../onnx/graph.ts";
import {
  imageNetPixels,
  type InputCard,
  type Interpolation,
  type ModelCard,
} from "../../cards/model-card.ts";
import type { StateDict } from "./net-builder.ts";

export interface BuildOptions {
  /** [height, width] of the input in pixels; those of the card unless given. */
  readonly size?: readonly [number, number];
  /** What to call the weights in errors. */
  readonly file?: string;
}

/** A state dict whose names are those of an architecture. */
export interface RecognizedNet {
  /** How it is fed, as its publisher says; class names left empty. */
  readonly card: ModelCard;
  /** What of the card the weights do not tell and several publishers do differently, in words. */
  readonly guesses: readonly string[];
  /**
   * Builds it as an ONNX model (opset 17): input `input` [N, C, H, W], output `output`, the logits [N, K]. Weights are
   * the tensors given, under their own names, as float32; those of layers over tokens are transposed, and a class token
   * is added to the first position. Dropout and stochastic depth, which do nothing at inference,
   * are left out.
   * @throws ModelFileError naming up to five weights that are missing, unknown or of a wrong shape.
   * @throws OptionError if the network does not take the size.
   */
  build(options?: BuildOptions): Model;
}

/** Architectures that share a file here. */
export interface Family {
  /** What they are called together. */
  readonly name: string;
  /** Its members and where they were published, in one line. */
  readonly summary: string;
  /** What a state dict is, if the names of its weights are of this family; weights that do not fit show when it is built. */
  recognize(state: StateDict): RecognizedNet | undefined;
}

/** How a member of a family differs from torchvision's most usual preprocessing. */
export interface CardParts {
  /** Side of the input in pixels; 224 unless given. */
  readonly size?: number;
  /** What a picture's shorter side is resized to; 256 unless given. */
  readonly shortSide?: number;
  readonly interpolation?: Interpolation;
  readonly mean?: InputCard["mean"];
  readonly std?: InputCard["std"];
}

/**
 * The card of torchvision's IMAGENET1K_V1 weights of an architecture (of their transforms, torchvision 0.29).
 * @param name as in `torchvision.models`, or another where torchvision has none such.
 */
export function imageNetCard(name: string, parts: CardParts = {}, published = true): ModelCard {
  const { size = 224, shortSide = 256, ...rest } = parts;
  const source = `https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.${name}.html`;
  return {
    name,
    input: { layout: "NCHW", size: [size, size], resize: { shortSide }, ...imageNetPixels, ...rest },
    labels: [],
    output: "output",
    ...(published ? { source } : {}),
  };
}

/** How many of the names `name(0)`, `name(1)`, … a state dict has before the first that it has not. */
export function countOf(state: StateDict, name: (index: number) => string, first = 0): number {
  let count = 0;
  while (state.has(name(first + count))) count++;
  return count;
}

/** The row of a table whose numbers are these. */
export function rowOf<T extends { readonly blocks: readonly number[] }>(
  rows: readonly T[],
  blocks: readonly number[],
  fits: (row: T) => boolean = () => true,
): T | undefined {
  return rows.find(
    (row) => row.blocks.length === blocks.length && row.blocks.every((n, i) => n === blocks[i]) && fits(row),
  );
}
