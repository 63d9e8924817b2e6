/** Finds the requested part of an answer in the numbers of a run. */

import { pickBox } from "./box-picks.ts";
import type { DetectionOptions } from "./detections.ts";
import type { Explainer } from "../run/explainer.ts";
import type { Explanation } from "../run/explanation.ts";
import { pickPixel, pickWhereWins } from "./map-picks.ts";
import { binaryAnswer, pickClass, pickElements, pickLength, type Pick, type PickSource } from "./picks.ts";
import { rankAnswers, type RankedClass } from "./rank-classes.ts";
import { sure } from "../sure.ts";
import { parseTarget, type TargetSelection } from "../relevance/target-text.ts";

/** One thing to explain in each sample. */
export type PickRequest =
  /** One number of a list. */
  | { readonly kind: "class"; readonly index: number }
  /** Elements of the output by their indices: {@link parseTarget}. */
  | { readonly kind: "elements"; readonly text: string }
  /** One place of a map, in pixels of the network's input; without a class, the winning one there. */
  | { readonly kind: "pixel"; readonly x: number; readonly y: number; readonly index?: number | undefined }
  /** All places of a map where a class wins. */
  | { readonly kind: "where"; readonly index: number }
  /** The n-th best box, of one class or of any. */
  | { readonly kind: "box"; readonly rank: number; readonly index?: number | undefined }
  /** The length of an embedding. */
  | { readonly kind: "length" };

/** The numbers of a run and all outputs. */
export interface RunSource extends PickSource {
  /** The model's own outputs by name, since boxes and scores may be separate outputs. */
  readonly outputs: Explanation["outputs"];
}

/** The source for picks, from an explanation and its explainer. */
export function sourceOf(
  { compiled }: { readonly compiled: Explainer["compiled"] },
  {
    outputs,
    explained,
  }: { readonly outputs: Explanation["outputs"]; readonly explained: Explanation["explained"] },
): RunSource {
  return { facts: compiled.facts, values: outputs[compiled.outputName], explained, outputs };
}

/**
 * All numbers of a sample's answer, best first. A yes-or-no question has the two answers yes (1) and no (0). Empty for
 * embeddings, and for outputs with several places.
 */
export function answersOf(source: PickSource, sample: number): RankedClass[] {
  const { kind, placeAxes } = source.facts;
  if (placeAxes.length > 0 || kind === "embedding") return [];
  const ranked = rankAnswers(source.facts, source, { sample });
  if (kind !== "binary") return ranked;
  const both = [1, 0].map((index) => binaryAnswer(sure(ranked[0]), index));
  return both.toSorted((a, c) => (c.logit ?? 0) - (a.logit ?? 0));
}

/** How requests are read. */
export interface PickOptions {
  /** Height and width of the picture that the network sees, in pixels. */
  readonly size: readonly [height: number, width: number];
  /** How boxes are selected. */
  readonly detection?: DetectionOptions;
  /** The name of a class, for messages. */
  readonly nameOf: (index: number) => string;
}

/**
 * Finds the requested part of one sample's answer.
 * @throws InputError if it does not exist
 */
export function pickAnswer(
  source: RunSource,
  sample: number,
  request: PickRequest,
  { size, detection, nameOf }: PickOptions,
): Pick {
  switch (request.kind) {
    case "class":
      return pickClass(source, sample, request.index);
    case "elements":
      return pickElements(source, sample, ownSample(request.text, source));
    case "pixel":
      return pickPixel(source, sample, { ...request, size }, request.index);
    case "where":
      return pickWhereWins(source, sample, request.index, nameOf(request.index));
    case "length":
      return pickLength(source, sample);
    case "box": {
      const scores = source.values ?? source.explained;
      const { detections } = source.facts;
      const boxes = source.outputs[detections?.boxes ?? ""] ?? scores;
      const labels = source.outputs[detections?.labels ?? ""];
      const options = { ...detection, ...(request.index !== undefined && { classIndex: request.index }) };
      return pickBox(source, { scores, boxes, labels, size }, sample, request.rank, options);
    }
  }
}

/** Reads a target text for one sample. Index 0 on the batch axis applies to every sample. */
function ownSample(text: string, { facts, explained }: PickSource): TargetSelection {
  const selection = parseTarget(text);
  const { batchAxis } = facts;
  if (!("regions" in selection) || batchAxis === undefined) return selection;
  return {
    regions: selection.regions.map((region) => {
      const range = region[batchAxis];
      const isOwn = range?.from === range?.to && (range?.from === 0 || range?.from === -1);
      return region.length === explained.dims.length && isOwn ? region.with(batchAxis, undefined) : region;
    }),
  };
}
