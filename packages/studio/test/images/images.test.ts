import { expect, test } from "vitest";
import { cosine } from "../../src/modes/images/cosine.ts";
import { targetAfterClick, targetLabel } from "../../src/parts/target-names.ts";

test("maps that are alike but for a factor have cosine 1, opposite ones −1, unrelated ones 0", () => {
  expect(cosine([1, 2, 3], [2, 4, 6])).toBeCloseTo(1);
  expect(cosine([1, 2], [-1, -2])).toBeCloseTo(-1);
  expect(cosine([1, 0], [0, 1])).toBe(0);
  expect(cosine([0, 0], [1, 1])).toBe(0);
});

test("a click explains a class, a second one the whole prediction again", () => {
  const shown = targetAfterClick({ kind: "prediction" }, 3, false, 8);
  expect(shown).toEqual({ kind: "class", index: 3 });
  expect(targetAfterClick(shown, 3, false, 8)).toEqual({ kind: "prediction" });
});

test("Shift-click asks why this class rather than the one shown, or the best one", () => {
  expect(targetAfterClick({ kind: "class", index: 3 }, 5, true, 8)).toEqual({
    kind: "contrast",
    index: 5,
    against: 3,
  });
  expect(targetAfterClick({ kind: "prediction" }, 5, true, 8)).toEqual({
    kind: "contrast",
    index: 5,
    against: 8,
  });
  expect(targetAfterClick({ kind: "prediction" }, 8, true, 8)).toEqual({ kind: "class", index: 8 });
});

test("targets are called by their classes' names, or their numbers", () => {
  expect(targetLabel({ kind: "prediction" }, [])).toBeUndefined();
  expect(targetLabel({ kind: "contrast", index: 0, against: 1 }, ["cat"])).toBe("cat rather than class 1");
});
