/** Defaults of an explanation, shared by the command and the studio. */

import { checkCompileOptions, type CompileOptions } from "./compile-options.ts";
import type { Model } from "../onnx/graph.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { prepare } from "./prepare.ts";
import type { CompositeName, SeedRelevance } from "../relevance/composites.ts";
import { compositeFor } from "./composite-for.ts";

/** The facts about a model that defaults depend on. */
export interface AnswerReading {
  /** The facts about the explained output. */
  readonly facts: OutputFacts;
  /**
   * The one that fits the network: `attnlrp` where matrices that depend on the input are multiplied with each other, as in
   * attention; `fischer` where all activations are ReLU or clipped ReLU; `epsilon-plus` elsewhere.
   */
  readonly composite: CompositeName;
}

/** Reads these facts. @throws what {@link compile} throws for options that cannot be used */
export function readAnswer(model: Model, options: CompileOptions = {}): AnswerReading {
  checkCompileOptions(options);
  const prepared = prepare(model, options);
  return { facts: prepared.facts, composite: compositeFor(prepared) };
}

/** The options that were given. */
export interface ExplanationRequest extends Pick<CompileOptions, "composite" | "seed" | "topK"> {
  /** Whether a part of the answer is named: a class, a box, a pixel. */
  readonly isTarget: boolean;
  /** Defaults from the model's card. */
  readonly usual?: { readonly composite?: string | undefined; readonly topK?: number | undefined };
}

/** The chosen options. */
export interface ExplanationChoice {
  /** The composite. */
  readonly composite: NonNullable<CompileOptions["composite"]>;
  /** Where relevance starts. */
  readonly seed: SeedRelevance;
  /** The fraction that the relevance filter keeps. */
  readonly topK: number | "input";
  /** Whether the prediction as a whole is explained, from the softmax over all classes. */
  readonly isWhole: boolean;
}

/** The target if none is named. */
export type UsualTarget =
  /** The prediction as a whole, from the softmax. */
  | "whole"
  /** The highest number of a list. */
  | "highest"
  /** A single number; for a yes-or-no question, yes. */
  | "value"
  /** The length of an embedding. */
  | "length";

/**
 * The default target:
 * - classes: the whole prediction if `isWhole`, else the highest
 * - several sigmoids, scores: the highest
 * - one value, one sigmoid: that number
 * - an embedding: its length
 * - others (several values, maps, boxes, sequences, nodes): none
 */
export function usualTarget(
  { kind, classAxis, shape }: OutputFacts,
  isWhole: boolean,
): UsualTarget | undefined {
  if (isWhole) return "whole";
  if (kind === "embedding") return "length";
  if (kind === "binary") return "value";
  if (kind === "values") return classAxis === undefined || shape[classAxis] === 1 ? "value" : undefined;
  return kind === "classes" || kind === "multi-label" || kind === "scores" ? "highest" : undefined;
}

/** The default fraction that the relevance filter keeps under `fischer`. It gives clear maps on most networks. */
export const usualFilter = 0.1;

/**
 * Chooses composite, seed and filter:
 * - Classes, no target named: `fischer` from the softmax with its filter for networks of ReLUs; for others the composite
 *   that fits them, from the highest logit.
 * - Other outputs, or a named target: signed relevance from the logit or value, unfiltered, with `epsilon-plus-ones` for
 *   networks of ReLUs.
 */
export function chooseExplanation(
  { facts, composite }: AnswerReading,
  request: ExplanationRequest,
): ExplanationChoice {
  const { usual = {} } = request;
  const isClasses = facts.kind === "classes" && !request.isTarget;
  const signed = composite === "fischer" ? "epsilon-plus-ones" : composite;
  const chosen = request.composite ?? (isClasses ? (usual.composite ?? composite) : signed);
  const isWhole = isClasses && (request.seed ?? (chosen === "fischer" ? "softmax" : "logit")) === "softmax";
  return {
    composite: chosen,
    seed: request.seed ?? (isWhole ? "softmax" : "logit"),
    topK: request.topK ?? (isWhole && chosen === "fischer" ? (usual.topK ?? usualFilter) : 0),
    isWhole,
  };
}
