import * as fc from "fast-check";
import { compositeNames } from "relprop";
import { colormapNames, normalizations } from "relprop/heatmap";
import { expect, test } from "vitest";
import type { Target } from "../../src/engine/engine.ts";
import { tabs, type AppState } from "../../src/state/fields.ts";
import { initialState, readHash, writeHash } from "../../src/state/hash.ts";
import { comparedView, possibleTarget, viewOf } from "../../src/state/view.ts";

const index = fc.integer({ min: 0, max: 99_999 });
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constant<Target>({ kind: "prediction" }),
  index.map((each): Target => ({ kind: "class", index: each })),
  fc
    .tuple(index, index)
    .filter(([a, b]) => a !== b)
    .map(([a, b]): Target => ({ kind: "contrast", index: a, against: b })),
);
const rule = fc.constantFrom("auto" as const, ...compositeNames);
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);

const states: fc.Arbitrary<AppState> = fc.record({
  tab: fc.constantFrom(...tabs),
  model: fc.string(),
  picture: fc.string(),
  rule,
  target,
  keep: share,
  map: fc.constantFrom(...colormapNames),
  normalize: fc.constantFrom(...normalizations),
  clip: fc.double({ min: 50, max: 100, noNaN: true }),
  opacity: share,
  sign: fc.constantFrom("both", "for", "against"),
  mode: fc.constantFrom("overlay", "side", "heatmap"),
  compare: fc.constantFrom("none", "rule", "class"),
  rule2: rule,
  target2: target,
  layer: fc.string(),
  engine: fc.constantFrom("auto", "wasm", "webgpu", "local"),
});

test("any state comes back from the URL", () => {
  fc.assert(
    fc.property(states, (state) => {
      expect(readHash(writeHash(state))).toEqual(state);
    }),
  );
});

test("the state of a fresh app needs no hash", () => {
  expect(writeHash(initialState())).toBe("");
  expect(readHash("")).toEqual(initialState());
});

test("what a link gets wrong has its default", () => {
  const state = readHash("#tab=cooking&target=3-3&keep=7&clip=&map=jet&rule=fischer&unknown=1");
  expect(state).toEqual({ ...initialState(), rule: "fischer" });
});

test("any text after the # is survived", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(Object.keys(readHash(text))).toHaveLength(17);
    }),
  );
});

test("a class gets a rule that tells classes apart, the prediction the model's own", () => {
  const model = { composite: "fischer", classes: 10 } as const;
  expect(viewOf(initialState(), model).composite).toBe("fischer");
  const state: AppState = { ...initialState(), target: { kind: "class", index: 3 } };
  expect(viewOf(state, model).composite).toBe("epsilon-plus-ones");
  expect(viewOf({ ...state, rule: "fischer" }, model).composite).toBe("fischer");
});

test("a class that the model does not have is not asked for", () => {
  expect(possibleTarget({ kind: "contrast", index: 3, against: 10 }, 10)).toEqual({ kind: "prediction" });
  expect(possibleTarget({ kind: "class", index: 9 }, 10)).toEqual({ kind: "class", index: 9 });
});

test("a comparison differs in the rule or in the class only", () => {
  const model = { composite: "fischer", classes: 10 } as const;
  const state: AppState = { ...initialState(), rule2: "gamma", target2: { kind: "class", index: 4 } };
  expect(comparedView(state, model)).toBeUndefined();
  expect(comparedView({ ...state, compare: "rule" }, model)).toEqual({
    ...viewOf(state, model),
    composite: "gamma",
  });
  expect(comparedView({ ...state, compare: "class" }, model)?.target).toEqual({ kind: "class", index: 4 });
});
