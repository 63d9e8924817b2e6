import { expect, test } from "vitest";
import { initialState } from "../../src/state/hash.ts";
import { isSettings, readSettings, settled, writeSettings } from "../../src/state/settings-file.ts";

const tabs = ["images", "interact"];

const seen = {
  picture: "Ärger 日本 🐈.png",
  composite: "epsilon-plus",
  milliseconds: 3,
  relevanceSum: 1.5,
  top: [{ index: 3, logit: 9, probability: 0.9 }],
};

test("what was written is read again, and is ASCII whatever the picture is called", () => {
  const state = {
    ...initialState(),
    tab: "interact",
    target: { kind: "contrast", index: 3, against: 5 },
    keep: 0.02,
    map: "coldnhot",
  } as const;
  const text = writeSettings(state, seen);
  expect(text).toMatch(/^[\n -~]*$/);
  expect(readSettings(text, tabs)).toEqual({ state, picture: seen.picture });
  expect(isSettings(JSON.parse(text))).toBe(true);
});

test("defaults are written out, and what is missing has its default", () => {
  const { settings } = JSON.parse(writeSettings(initialState())) as { settings: Record<string, string> };
  expect(settings).toMatchObject({ map: "auto", target: "prediction", clip: "auto" });
  const text = JSON.stringify({ relprop: "0.0.1", settings: { map: "hot" } });
  expect(readSettings(text, tabs)).toEqual({ state: { ...initialState(), map: "hot" }, picture: "" });
});

test("what the app chose is written as it was seen", () => {
  const seenAs = {
    composite: "epsilon-plus",
    target: { kind: "prediction" },
    isWhole: false,
    keep: 0.1,
    colormap: "bwr",
    normalize: "symmetric",
    clip: 99.5,
    opacity: 0.5,
    sign: "both",
    mode: "overlay",
  } as const;
  const { state } = readSettings(writeSettings(settled(initialState(), seenAs)), tabs);
  expect(state).toEqual({
    ...initialState(),
    rule: "epsilon-plus",
    keep: 0.1,
    map: "bwr",
    normalize: "symmetric",
    clip: 99.5,
  });
});

test("what is no settings, or from a version that knows more, is refused in words", () => {
  expect(() => readSettings("no json", tabs)).toThrow("they are no JSON");
  expect(() => readSettings('{"name": "a card"}', tabs)).toThrow("the button Settings");
  expect(() => readSettings('{"relprop": "9", "settings": {"map": "new"}}', tabs)).toThrow('“map” is "new"');
  expect(() => readSettings('{"relprop": "9", "settings": {"keep": 3}}', tabs)).toThrow("“keep” is 3");
  expect(isSettings({ name: "a card", input: {} })).toBe(false);
});
