import type { OutputKind } from "@relprop/core";
import { expect, test } from "vitest";
import type { Target } from "@relprop/engine/engine";
import { initialState } from "../../src/state/hash.ts";
import { writeTarget } from "../../src/state/target-text.ts";
import {
  comparedView,
  mustBeNamed,
  possibleTarget,
  targetOfClass,
  viewOf,
  type ViewedModel,
} from "../../src/state/view.ts";

const placeAxes: Partial<Record<OutputKind, readonly number[]>> = {
  map: [2, 3],
  "value-map": [2, 3],
  detections: [2],
  sequence: [1],
  nodes: [0],
};
const model = (kind: OutputKind, classes = 4): ViewedModel => ({
  classes,
  composite: "epsilon-plus",
  card: {},
  facts: { kind, classAxis: 1, placeAxes: placeAxes[kind] ?? [], shape: [1, classes] },
});

const everyTarget: readonly Target[] = [
  { kind: "prediction" },
  { kind: "class", index: 1 },
  { kind: "contrast", index: 1, against: 0 },
  { kind: "where", index: 1 },
  { kind: "pixel", x: 1, y: 2 },
  { kind: "box", rank: 1 },
  { kind: "elements", text: "0,1" },
];
const possible = (kind: OutputKind, classes = 4): string =>
  everyTarget
    .filter((target) => possibleTarget(target, model(kind, classes)) === target)
    .map(({ kind }) => kind)
    .join(" ");

test("a model has the targets of its kind; others fall back to what is usual", () => {
  const list = "prediction class contrast elements";
  for (const kind of ["classes", "multi-label", "values", "scores"] as const)
    expect(possible(kind)).toBe(list);
  expect(possible("binary", 2)).toBe("prediction class elements");
  expect(possible("embedding", 0)).toBe("prediction elements");
  expect(possible("map")).toBe("prediction where pixel elements");
  expect(possible("value-map")).toBe("prediction pixel elements");
  expect(possible("detections")).toBe("prediction box elements");
  for (const kind of ["sequence", "nodes"] as const) expect(possible(kind)).toBe("prediction elements");
});

test("a class that the model does not have is none of its targets", () => {
  const fallback = { kind: "prediction" };
  expect(possibleTarget({ kind: "class", index: 4 }, model("classes"))).toEqual(fallback);
  expect(possibleTarget({ kind: "contrast", index: 0, against: 4 }, model("classes"))).toEqual(fallback);
  expect(possibleTarget({ kind: "where", index: 4 }, model("map"))).toEqual(fallback);
  expect(possibleTarget({ kind: "pixel", x: 0, y: 0, index: 4 }, model("map"))).toEqual(fallback);
  expect(possibleTarget({ kind: "box", rank: 1, index: 4 }, model("detections"))).toEqual(fallback);
});

test("a class as a target is possible wherever classes have names", () => {
  for (const kind of ["classes", "multi-label", "values", "scores", "binary", "map", "detections"] as const) {
    const target = targetOfClass({ kind }, 1);
    expect(possibleTarget(target, model(kind)), kind).toBe(target);
  }
});

const isOpen = (kind: OutputKind, classes = 4, target: Target = { kind: "prediction" }): boolean => {
  const viewed = model(kind, classes);
  return mustBeNamed(viewOf(initialState(), viewed, target, false), viewed);
};

test("maps, boxes, sequences, nodes and several values must be named, and then they are", () => {
  for (const kind of ["map", "value-map", "detections", "sequence", "nodes", "values"] as const) {
    expect(isOpen(kind), kind).toBe(true);
    expect(isOpen(kind, 4, { kind: "elements", text: "0" }), kind).toBe(false);
  }
  for (const kind of ["classes", "multi-label", "scores", "binary", "embedding"] as const) {
    expect(isOpen(kind), kind).toBe(false);
  }
  expect(isOpen("values", 1)).toBe(false);
});

test("the second heatmap is of the next best class, as the model's kind has it", () => {
  const top = [2, 0, 1].map((index) => ({ index }));
  const second = (kind: OutputKind, target: Target, best = top): string => {
    const viewed = model(kind);
    const state = { ...initialState(), compare: "class", target } as const;
    const other = comparedView(state, viewOf(state, viewed), viewed, best);
    return other ? writeTarget(other.target) : "none";
  };
  expect(second("classes", { kind: "prediction" })).toBe("0");
  expect(second("multi-label", { kind: "class", index: 0 })).toBe("2");
  // Places and boxes have no list of the best.
  expect(second("map", { kind: "pixel", x: 1, y: 1 }, [])).toBe("none");
  expect(second("embedding", { kind: "prediction" }, [])).toBe("none");
});
