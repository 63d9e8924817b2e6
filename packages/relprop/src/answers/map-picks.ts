/** Picks places of a map: one pixel, or all places where a class wins. */

import { InputError } from "../errors.ts";
import { sizeAlong, strideAlong } from "../onnx/axis.ts";
import { isYesOrNo } from "../outputs/yes-or-no.ts";
import { pickClass, pickWeights, sampleOf, type Pick, type PickSource } from "./picks.ts";
import { rankAnswers } from "./rank-classes.ts";
import { elementAt } from "../sure.ts";

/**
 * Picks the places of a map where a class wins. Among exclusive classes, its number has to be the only highest; otherwise
 * it has to be likelier than not. If a place has one number, class 1 wins where it is high and class 0 where it is low.
 * @throws InputError if the class wins nowhere
 */
export function pickWhereWins(source: PickSource, sample: number, index: number, name: string): Pick {
  const { facts } = source;
  const ranked = facts.isOrdered ? source.explained : (source.values ?? source.explained);
  const { data, dims } = sampleOf(ranked, facts.batchAxis, sample);
  // A class is likelier than not above logit 0, or probability 1/2.
  const boundary = ranked === source.explained ? 0 : 1 / 2;
  const isEachItsOwn = facts.scale.by === "sigmoid";
  const target = new Float32Array(data.length);
  const { classAxis } = facts;
  const classes = sizeAlong(dims, classAxis);
  const stride = classAxis === undefined ? 1 : strideAlong(dims, classAxis);
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / stride) % classes !== 0) continue;
    const at = (k: number): number => elementAt(data, start + k * stride);
    if (classes === 1) {
      if (at(0) > boundary === (index === 1)) target[start] = index === 1 ? 1 : -1;
      continue;
    }
    if (isEachItsOwn) {
      if (at(index) > boundary) target[start + index * stride] = 1;
      continue;
    }
    // Ties have no winner, so that all zeros are no answer.
    let isHighest = true;
    for (let k = 0; k < classes; k++) if (k !== index && at(k) >= at(index)) isHighest = false;
    if (isHighest) target[start + index * stride] = 1;
  }
  const pick = pickWeights(source, sample, { data: target, dims });
  if (pick.elements > 0) return pick;
  throw new InputError({
    what: `cannot explain where "${name}" wins`,
    why: "it wins at no place of this answer",
    fix: "name another class, or a place with --pixel or --target",
  });
}

/** The default for one place: yes, the first value, or the class that wins there. */
function usualAt(source: PickSource, sample: number, place: readonly number[]): number {
  const { facts } = source;
  if (isYesOrNo(facts)) return 1;
  if (facts.kind === "value-map") return 0;
  return rankAnswers(facts, source, { sample, place })[0]?.index ?? 0;
}

/** A place of a map, in pixels of the picture that the network sees. */
export interface PixelPlace {
  readonly x: number;
  readonly y: number;
  /** Height and width of that picture. */
  readonly size: readonly [height: number, width: number];
}

/**
 * Picks the place of a map at a pixel of the picture, for one class or the one that wins there.
 * @throws InputError if there is no such pixel
 */
export function pickPixel(
  source: PickSource,
  sample: number,
  { x, y, size: [height, width] }: PixelPlace,
  index?: number,
): Pick {
  const { facts, explained } = source;
  const [rows, columns] = facts.placeAxes.slice(-2);
  if (rows === undefined || columns === undefined || x >= width || y >= height) {
    throw new InputError({
      what: `there is no pixel ${x},${y}`,
      why: `the network sees ${width}×${height} pixels, and its answer has the shape [${explained.dims.join(", ")}]`,
    });
  }
  const at = (position: number, axis: number, length: number): number =>
    Math.floor((position * sizeAlong(explained.dims, axis)) / length);
  const place = facts.placeAxes.map((axis) => {
    if (axis === rows) return at(y, rows, height);
    return axis === columns ? at(x, columns, width) : 0;
  });
  return pickClass(source, sample, index ?? usualAt(source, sample, place), place);
}
