/**
 * torchvision's weights that one architecture has several of, told apart by their files. The names of the files end in the
 * first eight digits of their sha256; sizes are those of the weights' transforms in torchvision 0.29.
 */

import type { GuessedCard } from "./guess-card.ts";
import type { InputCard, ModelCard } from "./model-card.ts";

/** What tells weights from the usual ones of their architecture. */
type Special = Pick<InputCard, "size" | "resize" | "interpolation">;

const form = (side: number, shortSide: number, interpolation: "bilinear" | "bicubic"): Special => ({
  size: [side, side],
  resize: { shortSide },
  interpolation,
});
const second = form(224, 232, "bilinear");

/** IMAGENET1K_V2, and for ViT IMAGENET1K_SWAG_E2E_V1 and …_LINEAR_V1. */
const special: Readonly<Record<string, Special>> = {
  "11ad3fa6": second,
  cd907fc2: second,
  f82ba261: second,
  "1a0047aa": second,
  "110c445d": second,
  "9ba9bcbe": second,
  d733dc28: second,
  "7ebf99e0": second,
  "5c1a4163": second,
  c27df63c: form(240, 255, "bilinear"),
  "9ac1b537": form(384, 384, "bicubic"),
  "4e70ced5": form(224, 224, "bicubic"),
  "4f3808c9": form(512, 512, "bicubic"),
  "4d563306": form(224, 224, "bicubic"),
};

/** The digits of IMAGENET1K_V1 for architectures that also have V2 with a shorter side of 232. */
const first: Readonly<Record<string, string>> = {
  resnet50: "0676ba61",
  resnet101: "63fe2227",
  resnet152: "394f9c45",
  resnext50_32x4d: "7cdf4587",
  resnext101_32x8d: "8ba56ff5",
  wide_resnet50_2: "95faca4d",
  wide_resnet101_2: "32ee1156",
  mobilenet_v2: "b0353104",
  mobilenet_v3_large: "8738ca79",
};

/**
 * The card of an architecture, as the file of its weights has it.
 * @param sha256 of the file, in hexadecimal
 * @returns with a guess, if other weights of the architecture are fed differently and the file is none that is known
 */
export function weightsCard(card: ModelCard, sha256: string): GuessedCard {
  const digits = sha256.slice(0, 8);
  const known = Object.hasOwn(special, digits) ? special[digits] : undefined;
  if (known) return { card: { ...card, input: { ...card.input, ...known } }, guesses: [] };
  const isOpen = Object.hasOwn(first, card.name) && first[card.name] !== digits;
  const guesses = isOpen
    ? ["shorter side 256, as of torchvision's weights V1 (V2: --resize cover --crop 0.9655)"]
    : [];
  return { card, guesses };
}
