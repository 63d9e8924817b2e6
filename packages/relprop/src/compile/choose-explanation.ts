/** What is chosen about an explanation where nothing is said: the same for the command, the studio and everyone else. */

import { checkCompileOptions, type CompileOptions } from "./compile-options.ts";
import type { Model } from "../onnx/graph.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";
import { prepare } from "./prepare.ts";
import type { CompositeName, SeedRelevance } from "../relevance/composites.ts";
import { compositeFor } from "./suggest-composite.ts";

/** What of a model a choice depends on. */
export interface AnswerReading {
  /** What the explained output is. */
  readonly facts: OutputFacts;
  /** The composite that fits the network: {@link suggestComposite}. */
  readonly composite: CompositeName;
}

/** Reads a model once for all choices. @throws what `compile` throws for options that cannot be used */
export function readAnswer(model: Model, options: CompileOptions = {}): AnswerReading {
  checkCompileOptions(options);
  const prepared = prepare(model, options);
  return { facts: prepared.facts, composite: compositeFor(prepared) };
}

/** What is asked for. */
export interface ExplanationRequest extends Pick<CompileOptions, "composite" | "seed" | "topK"> {
  /** Whether something of the answer is named: a class, a box, a pixel. */
  readonly isTarget: boolean;
  /** What a model's card says is usual for it. */
  readonly usual?: { readonly composite?: string | undefined; readonly topK?: number | undefined };
}

/** What is chosen. */
export interface ExplanationChoice {
  /** Which rules. */
  readonly composite: NonNullable<CompileOptions["composite"]>;
  /** Where relevance starts. */
  readonly seed: SeedRelevance;
  /** What the filter keeps. */
  readonly topK: number | "input";
  /** Whether the prediction as a whole is explained, from the softmax over all classes. */
  readonly isWhole: boolean;
}

/** What is explained where nothing is named. */
export type UsualTarget =
  /** The prediction as a whole, from the softmax. */
  | "whole"
  /** The highest of a list of numbers. */
  | "highest"
  /** The one number that there is; of a yes-or-no question, yes. */
  | "value"
  /** The length of an embedding. */
  | "length";

/**
 * - classes: the prediction as a whole where `isWhole`, else the best one
 * - several sigmoids, numbers of unknown meaning: the highest
 * - one value, one sigmoid: that number, signed
 * - an embedding: its length
 * - anything else (several values, maps, boxes, sequences, nodes): nothing, it has to be named
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

/** The fraction that the relevance filter keeps under `fischer`, where a card says nothing: on most networks clear maps. */
export const usualFilter = 0.1;

/**
 * - Classes of a softmax, nothing named, a network of ReLUs: `fischer` from the softmax with its filter: where the network
 *   looked. Other networks: what fits them, from the highest logit.
 * - Anything else, or something named: signed relevance from that logit or value, unfiltered; `epsilon-plus-ones` for
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
