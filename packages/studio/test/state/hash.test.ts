import * as fc from "fast-check";
import { compositeNames, type RankedClass } from "@relprop/core";
import { colormapNames, normalizations } from "@relprop/core/heatmap";
import { expect, test } from "vitest";
import type { Target } from "@relprop/engine/engine";
import type { ViewSettings } from "../../src/state/view-settings.ts";
import type { AppState, Comparison, CompositeChoice } from "../../src/state/fields.ts";
import { initialState, readHash, writeHash } from "../../src/state/hash.ts";
import { comparedView, mustBeNamed, possibleTarget, viewOf, type ViewedModel } from "../../src/state/view.ts";

const facts = { kind: "classes", classAxis: 1, placeAxes: [], shape: [1, 10] } as const;
const model: ViewedModel = { composite: "fischer", classes: 10, facts, card: {} };
const index = fc.integer({ min: 0, max: 99_999 });
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constant<Target>({ kind: "prediction" }),
  index.map((each): Target => ({ kind: "class", index: each })),
  fc
    .tuple(index, index)
    .filter(([a, b]) => a !== b)
    .map(([a, b]): Target => ({ kind: "contrast", index: a, against: b })),
  index.map((each): Target => ({ kind: "where", index: each })),
  fc.tuple(fc.nat(16_384), fc.nat(16_384)).map(([x, y]): Target => ({ kind: "pixel", x, y })),
  fc.tuple(fc.nat(999), index).map(([x, each]): Target => ({ kind: "pixel", x, y: 0, index: each })),
  fc.integer({ min: 1, max: 9999 }).map((rank): Target => ({ kind: "box", rank })),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), index)
    .map(([rank, each]): Target => ({ kind: "box", rank, index: each })),
  fc.constantFrom("0,6,27", "0,:,3..5", "-1,2+0,4").map((text): Target => ({ kind: "elements", text })),
);
const rule = fc.constantFrom("auto" as const, ...compositeNames);
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);

const auto = fc.constant("auto" as const);

const tabs = ["images", "draw"];
const states: fc.Arbitrary<AppState> = fc.record({
  tab: fc.constantFrom(...tabs),
  model: fc.string(),
  picture: fc.string(),
  rule,
  target,
  keep: fc.oneof(share, auto),
  map: fc.constantFrom("auto", ...colormapNames),
  normalize: fc.constantFrom("auto", ...normalizations),
  clip: fc.oneof(fc.double({ min: 50, max: 100, noNaN: true }), auto),
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
      expect(readHash(writeHash(state), tabs)).toEqual(state);
    }),
  );
});

test("the state of a fresh app needs no hash", () => {
  expect(writeHash(initialState())).toBe("");
  expect(readHash("", tabs)).toEqual(initialState());
});

test("what a link gets wrong has its default", () => {
  const state = readHash("#tab=cooking&target=3-3&keep=7&clip=&map=jet&rule=fischer&unknown=1", tabs);
  expect(state).toEqual({ ...initialState(), rule: "fischer" });
});

test("any text after the # is survived", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(Object.keys(readHash(text, tabs))).toHaveLength(17);
    }),
  );
});

test("a class gets a rule that tells classes apart, the prediction the model's own", () => {
  expect(viewOf(initialState(), model).composite).toBe("fischer");
  const state: AppState = { ...initialState(), target: { kind: "class", index: 3 } };
  expect(viewOf(state, model).composite).toBe("epsilon-plus-ones");
  expect(viewOf({ ...state, rule: "fischer" }, model).composite).toBe("fischer");
});

test("a class that the model does not have is not asked for", () => {
  expect(possibleTarget({ kind: "contrast", index: 3, against: 10 }, model)).toEqual({ kind: "prediction" });
  expect(possibleTarget({ kind: "class", index: 9 }, model)).toEqual({ kind: "class", index: 9 });
});

/** What targets a model of some kind has, of one of each. */
const offered: readonly Target[] = [
  { kind: "class", index: 1 },
  { kind: "contrast", index: 1, against: 0 },
  { kind: "where", index: 1 },
  { kind: "pixel", x: 3, y: 4 },
  { kind: "box", rank: 1 },
  { kind: "elements", text: "0,1" },
];
test.each([
  ["classes", [], ["class", "contrast", "elements"], false],
  ["multi-label", [], ["class", "contrast", "elements"], false],
  ["binary", [], ["class", "elements"], false],
  ["values", [], ["class", "contrast", "elements"], true],
  ["embedding", [], ["elements"], false],
  ["map", [2, 3], ["where", "pixel", "elements"], true],
  ["detections", [2], ["box", "elements"], true],
  ["sequence", [1], ["elements"], true],
  ["nodes", [0], ["elements"], true],
] as const)(
  "a model of %s has its targets, and a default only where one number is the answer",
  (kind, placeAxes, kinds, isUnnamed) => {
    const own: ViewedModel = { ...model, facts: { ...facts, kind, placeAxes } };
    const possible = offered.filter((each) => possibleTarget(each, own).kind === each.kind);
    expect(possible.map((each) => each.kind)).toEqual(kinds);
    expect(mustBeNamed(viewOf(initialState(), own), own)).toBe(isUnnamed);
  },
);

test("filter and colours are those of the command, until somebody chooses others", () => {
  const whole = viewOf(initialState(), model, undefined, false);
  expect(whole).toMatchObject({
    isWhole: true,
    keep: 0.1,
    colormap: "afmhot",
    normalize: "min-max",
    clip: 100,
  });
  const one = viewOf({ ...initialState(), target: { kind: "class", index: 1 } }, model, undefined, false);
  expect(one).toMatchObject({ isWhole: false, keep: 0, colormap: "bwr", normalize: "symmetric", clip: 99.5 });
  expect(viewOf(initialState(), { ...model, composite: "epsilon-plus" }).isWhole).toBe(false);
  expect(viewOf({ ...initialState(), keep: 0, map: "turbo" }, model)).toMatchObject({
    keep: 0,
    colormap: "turbo",
  });
});

/** Classes in this order, best first. */
const ranked = (...indices: readonly number[]): readonly RankedClass[] =>
  indices.map((index, rank) => ({ index, logit: -rank, probability: 0.5 ** (rank + 1) }));
const compared = (change: Partial<AppState>, top = ranked(3, 5, 8)): ViewSettings | undefined => {
  const state = { ...initialState(), ...change };
  return comparedView(state, viewOf(state, model), model, top);
};

test("a comparison differs in the rule or in the class only", () => {
  const state = { ...initialState(), rule2: "gamma", target2: { kind: "class", index: 4 } } as const;
  expect(compared(state)).toBeUndefined();
  expect(compared({ ...state, compare: "rule" })).toEqual(viewOf({ ...state, rule: "gamma" }, model));
  expect(compared({ ...state, compare: "class" })?.target).toEqual({ kind: "class", index: 4 });
});

test("what nobody chose to compare with is another rule and the next best class", () => {
  const first = { target: { kind: "class", index: 3 } } as const;
  expect(compared({ compare: "class" })?.target).toEqual({ kind: "class", index: 5 });
  expect(compared({ ...first, compare: "class" })?.target).toEqual({ kind: "class", index: 5 });
  const second = { target: { kind: "class", index: 5 }, compare: "class" } as const;
  expect(compared(second)?.target).toEqual({ kind: "class", index: 3 });
  // Chosen, and then explained as the first one, too.
  expect(compared({ ...second, target2: second.target })?.target).toEqual({ kind: "class", index: 3 });
  // Chosen with another model, which had more classes.
  expect(compared({ ...second, target2: { kind: "class", index: 900 } })?.target).toEqual({
    kind: "class",
    index: 3,
  });
  // A network of one class has no other.
  expect(compared({ ...first, compare: "class" }, ranked(3))).toBeUndefined();
});

test("no two equal maps are compared, whatever is chosen", () => {
  const targets = fc.oneof(
    fc.constant<Target>({ kind: "prediction" }),
    fc.nat(9).map((index): Target => ({ kind: "class", index })),
    fc
      .tuple(fc.nat(9), fc.nat(9))
      .filter(([index, against]) => index !== against)
      .map(([index, against]): Target => ({ kind: "contrast", index, against })),
  );
  const rules = fc.constantFrom<CompositeChoice>("auto", ...compositeNames);
  fc.assert(
    fc.property(
      fc.record({ compare: fc.constantFrom<Comparison>("rule", "class"), target: targets, target2: targets }),
      fc.record({ rule: rules, rule2: rules }),
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 2 }),
      (targets, rules, top) => {
        const state: AppState = { ...initialState(), ...targets, ...rules };
        const first = viewOf(state, model);
        const second = comparedView(state, first, model, ranked(...top));
        expect(second).toBeDefined();
        expect([second?.composite, second?.target]).not.toEqual([first.composite, first.target]);
        if (state.compare === "rule") expect(second?.target).toEqual(first.target);
        else expect(second?.target).not.toEqual(first.target);
      },
    ),
  );
});
