/** What of a map is explained in one sample: a place, or all places where a class wins. */

import { InputError } from "../errors.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { isYesOrNo } from "../outputs/yes-or-no.ts";
import { pickClass, pickWeights, sampleOf, type Pick, type PickSource } from "./picks.ts";
import { rankAnswers } from "./rank-classes.ts";

/**
 * The places of a map where a class wins: where its number is the highest, and no other is equal; of classes that do not exclude each other
 * where it is likelier than not. Where there is one number for each place, 1 is for it and 0 against it.
 * @throws InputError if it wins nowhere
 */
export function pickWhereWins(source: PickSource, sample: number, index: number, name: string): Pick {
  const { facts } = source;
  const ranked = facts.isOrdered ? source.explained : (source.values ?? source.explained);
  const { data, dims } = sampleOf(ranked, facts.batchAxis, sample);
  // A logit speaks for a class above 0, a probability above one half.
  const boundary = ranked === source.explained ? 0 : 1 / 2;
  const isEachItsOwn = facts.scale.by === "sigmoid";
  const target = new Float32Array(data.length);
  const { classAxis } = facts;
  const classes = classAxis === undefined ? 1 : (dims[classAxis] as number);
  const stride = classAxis === undefined ? 1 : sizeOf(dims.slice(classAxis + 1));
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / stride) % classes !== 0) continue;
    const at = (k: number): number => data[start + k * stride] as number;
    if (classes === 1) {
      if (at(0) > boundary === (index === 1)) target[start] = index === 1 ? 1 : -1;
      continue;
    }
    if (isEachItsOwn) {
      if (at(index) > boundary) target[start + index * stride] = 1;
      continue;
    }
    // Where several are equal, none of them wins: all zeros are no answer.
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

/** What is explained of one place where nothing is said: yes, the only value, the class that wins there. */
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
 * The place of a map that lies at a pixel of the picture, for one class or the one that wins there.
 * @throws InputError if there is none
 */
export function pickPixel(
  source: PickSource,
  sample: number,
  { x, y, size: [height, width] }: PixelPlace,
  index?: number,
): Pick {
  const { facts, explained } = source;
  const [rows, columns] = facts.placeAxes.slice(-2) as [number, number];
  if (facts.placeAxes.length < 2 || x >= width || y >= height) {
    throw new InputError({
      what: `there is no pixel ${x},${y}`,
      why: `the network sees ${width}×${height} pixels, and its answer has the shape [${explained.dims.join(", ")}]`,
    });
  }
  const at = (position: number, axis: number, length: number): number =>
    Math.floor((position * (explained.dims[axis] as number)) / length);
  const place = facts.placeAxes.map((axis) => {
    if (axis === rows) return at(y, rows, height);
    return axis === columns ? at(x, columns, width) : 0;
  });
  return pickClass(source, sample, index ?? usualAt(source, sample, place), place);
}
