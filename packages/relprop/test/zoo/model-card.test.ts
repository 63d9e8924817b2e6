import { describe, expect, test } from "vitest";
import { ModelFileError, OptionError } from "../../src/errors.ts";
import { type ModelCard, parseModelCard } from "../../src/cards/model-card.ts";
import { vggNames } from "../../src/zoo/architectures/vgg.ts";
import { parseLabels, zoo, zooEntry } from "../../src/zoo/zoo.ts";

const card: ModelCard = {
  name: "mine",
  input: {
    layout: "NCHW",
    size: [200, 100],
    resize: { shortSide: 256 },
    channels: "RGB",
    scale: 1 / 255,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  },
  labels: ["cat", "dog"],
};

describe("a model card", () => {
  test("is read as it was written", () => {
    const full = {
      ...card,
      output: "logits",
      composite: "fischer",
      topK: 0.1,
      source: "s",
      license: "MIT",
      notes: "n",
    };
    expect(parseModelCard(JSON.parse(JSON.stringify(card)))).toEqual(card);
    expect(parseModelCard(JSON.parse(JSON.stringify(full)))).toEqual(full);
    expect(parseModelCard({ ...card, labels: undefined }).labels).toEqual([]);
  });

  test.each(["none", "exact"] as const)("may resize by %s", (resize) => {
    expect(parseModelCard({ ...card, input: { ...card.input, resize } }).input.resize).toBe(resize);
  });

  test.each([
    { shortSide: 256, round: "nearest", keepSize: true },
    { cover: 0.875 },
    { letterbox: [114, 114, 114] },
    { contain: [0, 255, 12] },
  ])("may resize by %j", (resize) => {
    expect(parseModelCard({ ...card, input: { ...card.input, resize } }).input.resize).toEqual(resize);
  });

  test.each<[unknown, RegExp]>([
    ["letterbox", /input.resize\): expected "exact", "none", or an object with shortSide, stretch, cover/],
    [[1], /input.resize\): expected "exact", "none"/],
    [{}, /input.resize\): expected .*found an object/],
    [{ cover: 0 }, /input.resize.cover\): expected a number from 0.05 to 1/],
    [{ cover: 1, shortSide: 5 }, /input.resize.cover\): there is no such field; the fields are shortSide/],
    [{ letterbox: "#fff" }, /input.resize.letterbox\): expected a list/],
    [{ letterbox: [0, 0, 256] }, /input.resize.letterbox\[2\]\): expected a whole number from 0 to 255/],
    [{ contain: [0, 0] }, /input.resize.contain\): expected a list of 3/],
    [{ shortSide: 5, keepSize: "yes" }, /input.resize.keepSize\): expected true or false/],
  ])("says what is wrong with %j", (resize, message) => {
    expect(() => parseModelCard({ ...card, input: { ...card.input, resize } })).toThrow(message);
  });

  test("may stretch before the crop, and name a filter", () => {
    const input = { ...card.input, resize: { stretch: [256, 128] }, interpolation: "bicubic" };
    expect(parseModelCard({ ...card, input }).input).toEqual(input);
  });

  test.each<[string, unknown, RegExp]>([
    ["a list", [], /expected an object/],
    ["no name", { ...card, name: undefined }, /name.*expected text/],
    ["no input", { name: "x" }, /input.*missing/],
    ["a misspelt field", { ...card, topk: 0.1 }, /topk.*no such field/],
    ["a filter above 1", { ...card, topK: 2 }, /topK.*from 0 to 1/],
    ["labels that are not text", { ...card, labels: ["cat", 3] }, /labels\[1\]/],
    [
      "an unknown layout",
      { ...card, input: { ...card.input, layout: "NWHC" } },
      /input.layout.*"NCHW" or "NHWC"/,
    ],
    ["one size", { ...card, input: { ...card.input, size: [224] } }, /input.size.*list of 2/],
    ["a size of 0", { ...card, input: { ...card.input, size: [0, 224] } }, /input.size\[0\]/],
    ["an unknown resize", { ...card, input: { ...card.input, resize: "crop" } }, /input.resize/],
    [
      "a short side of text",
      { ...card, input: { ...card.input, resize: { shortSide: "256" } } },
      /input.resize.shortSide/,
    ],
    [
      "a stretch to one side",
      { ...card, input: { ...card.input, resize: { stretch: [256] } } },
      /input.resize.stretch.*list of 2/,
    ],
    [
      "an unknown filter",
      { ...card, input: { ...card.input, interpolation: "cubic" } },
      /input.interpolation.*"nearest" or "bilinear"/,
    ],
    [
      "three means for gray",
      { ...card, input: { ...card.input, channels: "gray" } },
      /input.mean.*list of 1/,
    ],
    ["a deviation of 0", { ...card, input: { ...card.input, std: [1, 1, 0] } }, /input.std\[2\].*above 0/],
    ["a scale that is null", { ...card, input: { ...card.input, scale: null } }, /input.scale/],
  ])("with %s is an error that names the field", (_, json, message) => {
    expect(() => parseModelCard(json, "x.card.json")).toThrow(OptionError);
    expect(() => parseModelCard(json, "x.card.json")).toThrow(message);
  });
});

describe("the zoo", () => {
  test("has ResNet-50 and every VGG, each with a valid card", () => {
    expect(zoo.map((entry) => entry.name).sort()).toEqual(["resnet50", ...vggNames].sort());
    for (const { name, card } of zoo) {
      expect(parseModelCard(JSON.parse(JSON.stringify(card)))).toEqual(card);
      expect(card.name).toBe(name);
    }
    expect(zooEntry("vgg16")?.card.topK).toBe(0.02);
    expect(zooEntry("resnet50")?.card).toMatchObject({ topK: 0.1, input: { channels: "BGR" } });
    expect(zooEntry("__proto__")).toBeUndefined();
  });

  test("names files by the start of their hash, as torch does", () => {
    for (const { weights } of zoo) {
      if (weights.kind !== "url") continue;
      expect(weights.file).toMatch(new RegExp(`-${weights.sha256.slice(0, 8)}\\.pth$`));
      expect(weights.bytes).toBeGreaterThan(5e8);
    }
  });

  test("reads labels from a list or by index", () => {
    expect(parseLabels({ "1": "gold_fish", "0": "tench" })).toEqual(["tench", "gold fish"]);
    expect(parseLabels(["a", "b"])).toEqual(["a", "b"]);
    for (const json of [{}, [], { "0": "a", "2": "c" }, ["a", 1], "x"]) {
      expect(() => parseLabels(json)).toThrow(ModelFileError);
    }
  });
});
