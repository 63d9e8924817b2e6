import { expect, test } from "vitest";
import type { Target } from "@relprop/engine/engine";
import { readTarget, writeTarget } from "../../src/state/target-text.ts";

const targets: readonly Target[] = [
  { kind: "prediction" },
  { kind: "class", index: 0 },
  { kind: "class", index: 999_999 },
  { kind: "contrast", index: 3, against: 5 },
  { kind: "where", index: 3 },
  { kind: "pixel", x: 10, y: 0 },
  { kind: "pixel", x: 99_999, y: 20, index: 3 },
  { kind: "box", rank: 1 },
  { kind: "box", rank: 9999, index: 0 },
  { kind: "elements", text: "0,6,27" },
  { kind: "elements", text: ":,3..5+0,-1" },
];

test.each(targets.map((target) => [writeTarget(target), target] as const))(
  "%s is read as it was written",
  (text, target) => {
    expect(readTarget(text)).toEqual(target);
  },
);

test.each([
  "",
  "predictions",
  "3-3",
  "-3",
  "3-",
  "1.5",
  "1e3",
  "1234567",
  "where:",
  "where:-1",
  "pixel:1",
  "pixel:1,2,3",
  "pixel:-1,2",
  "pixel:1,2:",
  "box:0",
  "box:1:x",
  "at:",
  "at:<b>",
  `at:${"1,".repeat(200)}`,
  "__proto__",
  "3 ",
  "NaN",
])("“%s” is no target", (text) => {
  expect(readTarget(text)).toBeUndefined();
});
