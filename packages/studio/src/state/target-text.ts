/** Targets as text, for links and saved settings. */

import type { Target } from "@relprop/engine/engine";

/**
 *     prediction          the default
 *     3   3-5             class 3, class 3 rather than 5
 *     where:3             where class 3 wins
 *     pixel:10,20(:3)     the place at x 10, y 20 (of class 3)
 *     box:1(:3)           the best box (of class 3)
 *     at:0,6,27           elements of the output by their indices
 */
export function readTarget(text: string): Target | undefined {
  if (text === "prediction") return { kind: "prediction" };
  const [, index, against] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? [];
  if (index !== undefined) {
    if (against === undefined) return { kind: "class", index: Number(index) };
    return index === against
      ? undefined
      : { kind: "contrast", index: Number(index), against: Number(against) };
  }
  const [, where] = /^where:(\d{1,6})$/.exec(text) ?? [];
  if (where !== undefined) return { kind: "where", index: Number(where) };
  const [, x, y, ofPixel] = /^pixel:(\d{1,5}),(\d{1,5})(?::(\d{1,6}))?$/.exec(text) ?? [];
  if (x !== undefined) return { kind: "pixel", x: Number(x), y: Number(y), ...named(ofPixel) };
  const [, rank, ofBox] = /^box:([1-9]\d{0,3})(?::(\d{1,6}))?$/.exec(text) ?? [];
  if (rank !== undefined) return { kind: "box", rank: Number(rank), ...named(ofBox) };
  const [, elements] = /^at:([\d,:.+-]{1,200})$/.exec(text) ?? [];
  return elements === undefined ? undefined : { kind: "elements", text: elements };
}

export function writeTarget(target: Target): string {
  switch (target.kind) {
    case "prediction":
      return "prediction";
    case "class":
      return String(target.index);
    case "contrast":
      return `${target.index}-${target.against}`;
    case "where":
      return `where:${target.index}`;
    case "pixel":
      return `pixel:${target.x},${target.y}${ofClass(target.index)}`;
    case "box":
      return `box:${target.rank}${ofClass(target.index)}`;
    case "elements":
      return `at:${target.text}`;
  }
}

const named = (index: string | undefined): { index?: number } =>
  index === undefined ? {} : { index: Number(index) };

const ofClass = (index: number | undefined): string => (index === undefined ? "" : `:${index}`);
