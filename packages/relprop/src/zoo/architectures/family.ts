/** The interface of the architectures in this folder, and helpers that they share. */

import type { Model } from "../../onnx/graph.ts";
import {
  imageNetPixels,
  type InputCard,
  type Interpolation,
  type ModelCard,
} from "../../cards/model-card.ts";
import type { BuildOptions, StateDict } from "./net-builder.ts";

/** A state dict with the names of an architecture. */
export interface RecognizedNet {
  /** Its card as the publisher describes it, without class names. */
  readonly card: ModelCard;
  /** Guessed parts of the card, in words: those that the weights do not determine and publishers differ in. */
  readonly guesses: readonly string[];
  /**
   * Builds an ONNX model (opset 17) with the input `input` [N, C, H, W] and the output `output`, the logits [N, K]. Weights
   * keep their names and become float32; those of layers over tokens are transposed, and a class token is added to the
   * embedding of the first position. Dropout and stochastic depth do nothing at inference and are left out.
   * @throws ModelFileError if weights are missing, unknown or of a wrong shape; it names up to five
   * @throws OptionError if the network does not take the size
   */
  build(options?: BuildOptions): Model;
}

/** A family of architectures. */
export interface Family {
  /** Name of the family. */
  readonly name: string;
  /** Its members and their publication, in one line. */
  readonly summary: string;
  /** The network of a state dict, if its names are those of this family; weights of a wrong shape fail when it is built. */
  recognize(state: StateDict): RecognizedNet | undefined;
}

/** Preprocessing that differs from torchvision's usual one. */
export interface CardParts {
  /** Side of the input in pixels. @default 224 */
  readonly size?: number;
  /** Pixels that the shorter side of a picture is resized to. @default 256 */
  readonly shortSide?: number;
  readonly interpolation?: Interpolation;
  readonly mean?: InputCard["mean"];
  readonly std?: InputCard["std"];
}

/**
 * The card of torchvision's IMAGENET1K_V1 weights of an architecture, after their transforms in torchvision 0.29.
 * @param name as in `torchvision.models`, if torchvision has the architecture
 * @param published whether torchvision has it
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

/** Counts the names `name(first)`, `name(first + 1)`, … up to the first that a state dict does not have. */
export function countOf(state: StateDict, name: (index: number) => string, first = 0): number {
  let count = 0;
  while (state.has(name(first + count))) count++;
  return count;
}

/** The member with these numbers of blocks that also `fits`. */
export function memberWith<T extends { readonly blocks: readonly number[] }>(
  rows: readonly T[],
  blocks: readonly number[],
  fits: (row: T) => boolean = () => true,
): T | undefined {
  return rows.find(
    (row) => row.blocks.length === blocks.length && row.blocks.every((n, i) => n === blocks[i]) && fits(row),
  );
}
