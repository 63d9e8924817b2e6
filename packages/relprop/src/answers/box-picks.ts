/** Picks a detected box of one sample. */

import { bestScore, findDetections, type DetectionOptions, type DetectionOutputs } from "./detections.ts";
import { namesItsClass } from "../outputs/found-layout.ts";
import { InputError } from "../errors.ts";
import { oneSample, pickWeights, type Pick, type PickSource } from "./picks.ts";
import { regionTarget } from "../run/targets.ts";
import type { AxisRange } from "../relevance/target-text.ts";

/**
 * Picks the box of a rank, counted from 1, after thresholds and suppression.
 * @throws InputError if there are fewer boxes
 */
export function pickBox(
  source: PickSource,
  outputs: DetectionOutputs,
  sample: number,
  rank: number,
  options: DetectionOptions,
): Pick {
  const { facts } = source;
  const found = findDetections(facts, outputs, sample, options);
  const box = found[rank - 1];
  if (!box || !facts.detections)
    throw tooFew(found.length, rank, bestScore(facts, outputs, sample, options.classIndex), options);
  const { featureAxis, boxAxis, firstClass, objectness } = facts.detections;
  const dims = oneSample(source);
  const at = (feature: number): AxisRange[] =>
    dims.map((_, axis) => {
      if (axis === boxAxis) return { from: box.index, to: box.index };
      return axis === featureAxis ? { from: feature, to: feature } : undefined;
    });
  const feature = firstClass + (namesItsClass(facts.detections) ? 0 : box.classIndex);
  const features = objectness === undefined ? [feature] : [objectness, feature];
  const target = regionTarget(dims, features.map(at));
  const { numbers } = pickWeights(source, sample, target);
  return {
    target,
    numbers: {
      index: box.classIndex,
      probability: box.score,
      ...(numbers.logit === undefined ? {} : { logit: numbers.logit }),
    },
    elements: features.length,
    box,
  };
}

function tooFew(
  count: number,
  rank: number,
  best: number,
  { threshold = 0.25, classIndex }: DetectionOptions,
): InputError {
  const which = classIndex === undefined ? "" : ` of class ${classIndex}`;
  return new InputError({
    what: `there is no box ${rank}${which}`,
    why:
      best === -Infinity
        ? `the network finds no box${which} in it`
        : `${count === 0 ? "none has" : `${count} ${count === 1 ? "has" : "have"}`} a score of at least ${threshold}; the best score is ${Number(best.toPrecision(3))}`,
    fix:
      best === -Infinity
        ? "choose another box or class, or check how the picture is fed (relprop inspect)"
        : "lower --score-threshold, or choose another box",
  });
}
