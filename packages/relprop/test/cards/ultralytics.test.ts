import { describe, expect, test } from "vitest";
import type { Model, Shape } from "../../src/onnx/index.ts";
import { guessCard } from "../../src/zoo/index.ts";

/** As the exporter writes them: each value as Python prints it. */
const exported = {
  description: "Ultralytics YOLO11n model trained on coco.yaml",
  author: "Ultralytics",
  version: "8.3.0",
  stride: "32",
  task: "detect",
  batch: "1",
  imgsz: "[640, 480]",
  names: "{0: 'person', 1: \"driver's seat\"}",
  args: "{'batch': 1, 'dynamic': True}",
  channels: "3",
};

const model = (metadata: Readonly<Record<string, string>>, shape: Shape = ["N", 3, "H", "W"]): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "pytorch",
  metadata,
  graph: {
    name: "net",
    inputs: [{ name: "images", dataType: "float32", shape }],
    outputs: [],
    initializers: new Map(),
    nodes: [],
  },
});

describe("what Ultralytics' exporter writes", () => {
  test.each(["detect", "segment", "pose", "obb"])("of the task %s is a letterbox of pixels 0..1", (task) => {
    const { card, guesses } = guessCard("net", model({ ...exported, task }), {});
    expect(guesses).toEqual([]);
    expect(card.labels).toEqual(["person", "driver's seat"]);
    expect(card.input).toEqual({
      layout: "NCHW",
      size: [640, 480],
      resize: { letterbox: [114, 114, 114] },
      interpolation: "bilinear",
      channels: "RGB",
      scale: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  });

  test("of classifiers is the shorter side and a crop", () => {
    const { card } = guessCard("net", model({ ...exported, task: "classify", imgsz: "[224, 224]" }), {});
    expect(card.input).toMatchObject({ size: [224, 224], resize: { shortSide: 224 }, mean: [0, 0, 0] });
  });

  test("gives way to the shape of the input and to the user", () => {
    const fixed = guessCard("net", model(exported, [1, 1, 320, 320]), { mean: [0.5] }).card.input;
    expect(fixed).toMatchObject({ size: [320, 320], channels: "gray", mean: [0.5], std: [1] });
  });

  test.each(["640", "(640, 640)"])("may have its size as %s", (imgsz) => {
    expect(guessCard("net", model({ ...exported, imgsz }), {}).card.input.size).toEqual([640, 640]);
  });

  test.each(["None", "[]", "[640, 640, 3]", "[0, 640]", "[-1, 5]", "[99999, 640]"])(
    "is not believed where the size is %s, and that is said",
    (imgsz) => {
      const { card, guesses } = guessCard("net", model({ ...exported, imgsz }), {});
      expect(card.input.size).toEqual([640, 640]);
      expect(guesses).toEqual([`size 640×640, since imgsz in the metadata is no size: ${imgsz}`]);
    },
  );

  test.each([{ task: "detect" }, { stride: "32", names: "['a']" }, { ...exported, task: "translate" }])(
    "is not seen in %j",
    (metadata) => {
      expect(guessCard("net", model(metadata), {}).card.input.mean).toEqual([0.485, 0.456, 0.406]);
    },
  );
});
