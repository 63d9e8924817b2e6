import { describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import type { Model, Shape } from "../../src/onnx/index.ts";
import { hubCard, parseModelCard, readHubConfig, type HubConfig } from "../../src/zoo/index.ts";

const preprocessor = (json: unknown): HubConfig =>
  readHubConfig({ preprocessor: { json, file: "preprocessor_config.json" } });
const config = (json: unknown): HubConfig => readHubConfig({ config: { json, file: "config.json" } });

const [mean, std] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
const half = [0.5, 0.5, 0.5];
const normalized = { do_normalize: true, image_mean: half, image_std: half };

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
/** As published: google/vit-base-patch16-224, facebook/deit-…, facebook/convnext-…, google/efficientnet-b3, apple/mobilevit-…. */
describe("preprocessor_config.json", () => {
  test.each<[name: string, json: unknown, input: unknown]>([
    [
      "ViT: stretched",
      { ...normalized, do_resize: true, resample: 2, size: { height: 224, width: 224 } },
      { size: [224, 224], resize: "exact", interpolation: "bilinear", mean: half, channels: "RGB" },
    ],
    [
      "ViT of 2021: one number",
      { ...normalized, do_resize: true, resample: 2, size: 384 },
      { size: [384, 384], resize: "exact", scale: 1 / 255 },
    ],
    [
      "DeiT: stretched and cropped",
      {
        do_center_crop: true,
        crop_size: { height: 224, width: 224 },
        image_mean: mean,
        image_std: std,
        resample: 3,
        size: { height: 256, width: 256 },
      },
      { size: [224, 224], resize: { stretch: [256, 256] }, interpolation: "bicubic", mean, std },
    ],
    [
      "shorter side and crop",
      { ...normalized, do_center_crop: true, crop_size: 224, size: { shortest_edge: 256 }, resample: 1 },
      { size: [224, 224], resize: { shortSide: 256 }, interpolation: "lanczos" },
    ],
    [
      "ConvNeXt below 384: cropped",
      { ...normalized, crop_pct: 0.875, size: { shortest_edge: 224 }, resample: 3 },
      { size: [224, 224], resize: { shortSide: 256 } },
    ],
    [
      "ConvNeXt of 384: stretched",
      { ...normalized, crop_pct: 0.875, size: { shortest_edge: 384 } },
      { size: [384, 384], resize: "exact" },
    ],
    [
      "EfficientNet: normalised twice",
      {
        ...normalized,
        do_rescale: true,
        rescale_factor: 1 / 255,
        include_top: true,
        rescale_offset: false,
        resample: 0,
        size: { height: 300, width: 300 },
      },
      { std: [0.25, 0.25, 0.25], interpolation: "nearest" },
    ],
    [
      "MobileViT: BGR, 0..1",
      {
        do_flip_channel_order: true,
        do_rescale: true,
        do_resize: true,
        do_center_crop: true,
        crop_size: { height: 256, width: 256 },
        size: { shortest_edge: 288 },
      },
      { channels: "BGR", mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255, resize: { shortSide: 288 } },
    ],
    [
      "nothing resized, nothing scaled",
      { ...normalized, do_resize: false, do_rescale: false, size: 32 },
      { size: [32, 32], resize: "none", scale: 1 },
    ],
  ])("%s", (_, json, input) => {
    const read = preprocessor(json);
    expect(read).toMatchObject({ input, guesses: [] });
    const card = { name: "x", input: { layout: "NCHW", ...read.input }, labels: [] };
    expect(parseModelCard(JSON.parse(JSON.stringify(card)))).toEqual(card);
  });

  test("a shorter side alone leaves the crop to a guess", () => {
    const { guesses } = preprocessor({ ...normalized, size: { shortest_edge: 224 } });
    expect(guesses).toEqual(["centre crop to a square"]);
  });

  test("of something else than pictures says nothing", () => {
    const speech = { feature_extractor_type: "WhisperFeatureExtractor", feature_size: 80 };
    expect(preprocessor(speech)).toEqual({ labels: [], guesses: [] });
  });

  test.each<[string, unknown, RegExp]>([
    ["another filter", { ...normalized, size: 224, resample: 5 }, /resample.*expected 0, 1, 2 or 3, found 5/],
    ["an offset", { ...normalized, size: 224, rescale_offset: true }, /rescale_offset.*expected false/],
    ["no size", normalized, /size.*missing/],
    ["two means", { ...normalized, size: 224, image_mean: [0, 0] }, /image_mean.*list of 3/],
    ["a deviation of 0", { ...normalized, size: 224, image_std: [1, 0, 1] }, /image_std\[1\].*above 0/],
    ["a list", [], /expected an object/],
  ])("with %s is refused, with the field and the way on", (_, json, message) => {
    expect(() => preprocessor(json)).toThrow(ModelFileError);
    expect(() => preprocessor(json)).toThrow(message);
    expect(() => preprocessor(json)).toThrow(/"preprocessor_config\.json".*--card/);
  });
});

describe("config.json", () => {
  const trained = {
    input_size: [3, 224, 224],
    crop_pct: 0.9,
    interpolation: "bicubic",
    mean: half,
    std: half,
  };

  test("of timm is its evaluation", () => {
    expect(config({ architecture: "vit_tiny_patch16_224", pretrained_cfg: trained }).input).toEqual({
      size: [224, 224],
      resize: { shortSide: 248 },
      interpolation: "bicubic",
      channels: "RGB",
      scale: 1 / 255,
      mean: half,
      std: half,
    });
    const squashed = config({ pretrained_cfg: { ...trained, crop_pct: 1, crop_mode: "squash" } });
    expect(squashed.input?.resize).toEqual({ stretch: [224, 224] });
    const least = config({ pretrained_cfg: { input_size: [3, 288, 288] } });
    expect(least.input).toMatchObject({ resize: { shortSide: 329 }, interpolation: "bicubic", mean, std });
  });

  test("of timm may name the classes", () => {
    const named = { label_names: ["n1", "n2"], label_descriptions: { n1: "tench" } };
    expect(config({ ...named, pretrained_cfg: trained }).labels).toEqual(["tench", "n2"]);
  });

  test("of transformers names the classes, if anybody did", () => {
    expect(config({ id2label: { "0": "tench", "1": "gold fish" } })).toEqual({
      labels: ["tench", "gold fish"],
      guesses: [],
    });
    expect(config({ id2label: { "0": "LABEL_0", "1": "LABEL_1" } }).labels).toEqual([]);
    expect(config({ model_type: "bert" })).toEqual({ labels: [], guesses: [] });
  });

  test("of timm with a border around the picture is refused", () => {
    expect(() => config({ pretrained_cfg: { ...trained, crop_mode: "border" } })).toThrow(
      /pretrained_cfg\.crop_mode.*"center" or "squash", found "border"/,
    );
    expect(() => config({ pretrained_cfg: { ...trained, input_size: [3, 224, 112] } })).toThrow(
      /pretrained_cfg\.input_size.*a square/,
    );
  });
});

describe("the card of a model with such files", () => {
  const hub = readHubConfig({
    preprocessor: {
      json: { ...normalized, do_center_crop: true, crop_size: 224, size: { shortest_edge: 256 } },
      file: "p",
    },
    config: { json: { id2label: { "0": "cat" } }, file: "c" },
  });

  test("takes the files' word, and guesses nothing", () => {
    const { card, guesses } = hubCard("net", model(["N", 3, "H", "W"]), hub, {});
    expect(card).toMatchObject({
      input: { layout: "NCHW", size: [224, 224], resize: { shortSide: 256 }, mean: half },
      labels: ["cat"],
    });
    expect(guesses).toEqual([]);
  });

  test("has the size that the model fixes, and what the user says", () => {
    const { card } = hubCard("net", model(["N", 112, 112, 3]), hub, { scale: 1 });
    expect(card.input).toMatchObject({
      layout: "NHWC",
      size: [112, 112],
      resize: { shortSide: 128 },
      scale: 1,
    });
  });

  test("is guessed where only the classes are named", () => {
    const { card, guesses } = hubCard("net", model(["N", 3, 32, 32]), { labels: ["cat"], guesses: [] }, {});
    expect(card.labels).toEqual(["cat"]);
    expect(guesses).toContain("channels RGB");
  });
});
