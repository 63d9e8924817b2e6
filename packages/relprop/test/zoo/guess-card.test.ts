import { OptionError } from "../../src/index.ts";
import type { Model, Shape } from "../../src/onnx/index.ts";
import { describe, expect, test } from "vitest";
import {
  guessCard,
  type Explained,
  type InputCard,
  type InputOptions,
  type ModelCard,
} from "../../src/zoo/index.ts";
import { overrideCard } from "../../src/cards/guess-card.ts";
import { modelOf, outputModels, type OutputModel } from "../support/output-models.ts";

const model = (shape: Shape): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph: {
    name: "net",
    inputs: [{ name: "x", dataType: "float32", shape }],
    outputs: [],
    initializers: new Map(),
    nodes: [],
  },
});

describe("a card that is guessed", () => {
  test("takes layout, size and channels from the input's shape", () => {
    const { card } = guessCard("net", model(["N", 3, 64, 96]), {});
    expect(card.input).toMatchObject({
      layout: "NCHW",
      size: [64, 96],
      channels: "RGB",
      resize: "exact",
    });
    expect(guessCard("net", model(["N", 32, 32, 1]), {}).card.input).toMatchObject({
      layout: "NHWC",
      channels: "gray",
      mean: [0],
    });
  });

  test("says what it guessed, and no more than that", () => {
    const { guesses } = guessCard("net", model(["N", 3, "H", "W"]), {
      channels: "RGB",
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(guesses).toEqual([
      "size 224×224",
      "scale 1/255",
      "shorter side 256, centre crop of pictures that are not 224×224 (its input is square)",
    ]);
  });

  test.each<[Shape, readonly [number, number], readonly string[]]>([
    [["N", 3, 48, "W"], [48, 224], ["size 48×224"]],
    [["N", 3, "H", 320], [320, 320], ["size 320×320"]],
    [[1, "H", "W", 3], [224, 224], ["size 224×224"]],
    [["N", 3, 48, 192], [48, 192], []],
  ])("keeps the sides that %j fixes", (shape, size, guessed) => {
    const { card, guesses } = guessCard("net", model(shape), {});
    expect(card.input.size).toEqual(size);
    expect(guesses.filter((text) => text.startsWith("size"))).toEqual(guessed);
    const [height, width] = guessCard("net", model(["N", 3, 48, "W"]), { size: [32, 100] }).card.input.size;
    expect([height, width]).toEqual([48, 100]);
  });

  test.each<[string, Shape, Explained["outputKind"], InputCard["resize"]]>([
    ["a square input", ["N", 3, 224, 224], undefined, { shortSide: 256, keepSize: true }],
    ["a line of text", ["N", 1, 48, 192], undefined, { contain: [0, 0, 0] }],
    ["steps of a line", ["N", 3, 64, 100], "sequence", { contain: [124, 116, 104] }],
    ["a person, taller than wide", ["N", 3, 256, 128], "embedding", "exact"],
    ["a detector", ["N", 3, 640, 640], "detections", { letterbox: [114, 114, 114] }],
    ["a wide detector", ["N", 3, 384, 1280], "detections", { letterbox: [114, 114, 114] }],
    ["a segmenter", ["N", 3, 512, 512], "map", "exact"],
    ["depth", ["N", 3, 384, 672], "value-map", "exact"],
  ])("fits the geometry to %s", (_, shape, outputKind, resize) => {
    const explained = outputKind === undefined ? {} : { outputKind };
    expect(guessCard("net", model(shape), {}, explained).card.input.resize).toEqual(resize);
  });

  test.each([
    ["a map of logits", "exact"],
    ["boxes beside scores, anchors last", { letterbox: [114, 114, 114] }],
    ["boxes and scores apart", { letterbox: [114, 114, 114] }],
  ])("reads what a model of %s is for", (name, resize) => {
    const built = outputModels.find((each) => each.name === name);
    const { card } = guessCard("net", modelOf(built as OutputModel), {});
    expect(card.input.resize).toEqual(resize);
  });

  test("is refused for inputs that are no pictures", () => {
    expect(() => guessCard("net", model(["N", 10]), {})).toThrow(/its inputs are "x" \[N, 10\]/);
  });
});

const override = (of: ModelCard, options: InputOptions): ModelCard => overrideCard(of, options).card;

describe("what the user says", () => {
  const { card } = guessCard("net", model(["N", 3, 224, 224]), {});

  test("goes before the card, and the crop grows with the size", () => {
    const { input } = override(card, { size: [448, 448], channels: "BGR", scale: 1 });
    expect(input).toMatchObject({ size: [448, 448], channels: "BGR", scale: 1, resize: { shortSide: 512 } });
  });

  test("must fit the number of channels", () => {
    expect(() => override(card, { mean: [0.5, 1] })).toThrow(OptionError);
    expect(() => override(card, { mean: [0.5, 1] })).toThrow(
      /--mean cannot be 0.5,1: RGB has 3 channels; give 3 numbers, or one for all/,
    );
  });

  test.each<[InputOptions, InputCard["resize"]]>([
    [{ resize: "cover" }, { cover: 1 }],
    [{ resize: "cover", crop: 0.9 }, { cover: 0.9 }],
    [{ crop: 0.875 }, { cover: 0.875 }],
    [{ resize: "letterbox" }, { letterbox: [114, 114, 114] }],
    [{ resize: "letterbox", padColour: [1, 2, 3] }, { letterbox: [1, 2, 3] }],
    [{ resize: "contain" }, { contain: [124, 116, 104] }],
    [{ resize: "contain", mean: [104, 117, 123], scale: 1, channels: "BGR" }, { contain: [123, 117, 104] }],
    [{ resize: "stretch" }, "exact"],
    [{ resize: "stretch", crop: 0.875 }, { stretch: [256, 256] }],
    [{ resize: "stretch", crop: 1 }, "exact"],
    [{ resize: "none" }, "none"],
    [{ size: [448, 448], crop: 0.875 }, { cover: 0.875 }],
  ])("%j is how pictures are resized, with a card or without", (options, resize) => {
    expect(override(card, options).input.resize).toEqual(resize);
    const guessed = guessCard("net", model(["N", 3, 224, 224]), options);
    expect(guessed.card.input.resize).toEqual(resize);
    expect(Object.keys(guessed.card.input)).not.toContain("crop");
  });

  test("keeps a card's own way where only its colour or share is said", () => {
    const boxed = override(card, { resize: "letterbox" });
    expect(override(boxed, { padColour: [0, 0, 0] }).input.resize).toEqual({ letterbox: [0, 0, 0] });
    expect(override(boxed, { size: [640, 640] }).input.resize).toEqual({ letterbox: [114, 114, 114] });
    const stretched = override(card, { resize: "stretch" });
    expect(override(stretched, { crop: 0.875 }).input.resize).toEqual({ stretch: [256, 256] });
  });

  test("is refused where nothing is padded or cropped", () => {
    expect(() => override(card, { padColour: [0, 0, 0] })).toThrow(
      /--pad-colour: pictures are fed cover, which pads nothing; add --resize letterbox/,
    );
    expect(() => override(card, { resize: "letterbox", crop: 0.9 })).toThrow(
      /--crop: --resize says letterbox, which crops nothing/,
    );
    expect(() => override(card, { resize: "none", crop: 1 })).toThrow(OptionError);
  });
});
