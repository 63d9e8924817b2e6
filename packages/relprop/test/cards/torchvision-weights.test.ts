import { expect, test } from "vitest";
import { chooseResize } from "../../src/cards/choose-resize.ts";
import { weightsCard } from "../../src/cards/torchvision-weights.ts";
import { resizePlan } from "../../src/preprocess/index.ts";
import { imageNetCard } from "../../src/zoo/architectures/family.ts";

const rest = "0".repeat(56);
const resnet50 = imageNetCard("resnet50");

test("the second weights of ResNet-50 have a shorter side of 232", () => {
  const { card, guesses } = weightsCard(resnet50, `11ad3fa6${rest}`);
  expect(card).toEqual({
    ...resnet50,
    input: { ...resnet50.input, resize: { shortSide: 232 }, interpolation: "bilinear" },
  });
  expect(guesses).toEqual([]);
});

test.each([
  ["efficientnet_b1", "c27df63c", 240, 255, "bilinear"],
  ["vit_b_16", "9ac1b537", 384, 384, "bicubic"],
  ["vit_l_16", "4d563306", 224, 224, "bicubic"],
])("those of %s with %s", (name, digits, side, shortSide, interpolation) => {
  const { input } = weightsCard(imageNetCard(name), `${digits}${rest}`).card;
  expect(input).toMatchObject({ size: [side, side], resize: { shortSide }, interpolation });
});

test("the first weights stay as they are, and so do networks that have no others", () => {
  expect(weightsCard(resnet50, `0676ba61${rest}`)).toEqual({ card: resnet50, guesses: [] });
  const resnet18 = imageNetCard("resnet18");
  expect(weightsCard(resnet18, `12345678${rest}`)).toEqual({ card: resnet18, guesses: [] });
});

test("of unknown weights it is a guess, and the options it names are those of the second", () => {
  const { card, guesses } = weightsCard(resnet50, `12345678${rest}`);
  expect(card).toEqual(resnet50);
  expect(guesses).toEqual([
    "shorter side 256, as of torchvision's weights V1 (V2: --resize cover --crop 0.9655)",
  ]);
  const resize = chooseResize(card.input, { resize: "cover", crop: 0.9655 });
  for (const [width, height] of [
    [451, 300],
    [300, 451],
  ] as const) {
    expect(resizePlan(width, height, { ...card.input, resize })).toEqual(
      resizePlan(width, height, { ...card.input, resize: { shortSide: 232 } }),
    );
  }
});
