import { OptionError } from "../../src/index.ts";
import type { Model, Shape } from "../../src/onnx/index.ts";
import { describe, expect, test } from "vitest";
import { guessCard } from "../../src/zoo/index.ts";
import { overrideCard } from "../../src/cards/guess-card.ts";

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
      resize: { shortSide: 110 },
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
    expect(guesses).toEqual(["size 224×224", "scale 1/255", "shorter side to 256, centre crop"]);
  });

  test("is refused for inputs that are no pictures", () => {
    expect(() => guessCard("net", model(["N", 10]), {})).toThrow(/its inputs are "x" \[N, 10\]/);
  });
});

describe("what the user says", () => {
  const { card } = guessCard("net", model(["N", 3, 224, 224]), {});

  test("goes before the card, and the crop grows with the size", () => {
    const { input } = overrideCard(card, { size: [448, 448], channels: "BGR", scale: 1 });
    expect(input).toMatchObject({ size: [448, 448], channels: "BGR", scale: 1, resize: { shortSide: 512 } });
  });

  test("must fit the number of channels", () => {
    expect(() => overrideCard(card, { mean: [0.5] })).toThrow(OptionError);
    expect(() => overrideCard(card, { mean: [0.5] })).toThrow(
      /--mean cannot be 0.5: RGB has 3 channels; give 3 numbers/,
    );
  });
});
