/** What the files of a hub beside a model say: it goes before guesses and behind a card. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GraphBuilder, int, writeModel } from "@relprop/core/onnx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel } from "../src/models/load-model.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-hub-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Global average pooling: pictures of any size to three numbers. */
async function writeNet(path: string): Promise<void> {
  const b = new GraphBuilder();
  const means = b.op("GlobalAveragePool", [b.input("x", "float32", ["N", 3, "H", "W"])]);
  b.output(b.op("Flatten", [means], { axis: int(1) }, "means"));
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
  await writeFile(path, Buffer.concat(writeModel(model).chunks));
}

const preprocessor = {
  image_processor_type: "ViTImageProcessor",
  do_resize: true,
  size: { height: 96, width: 96 },
  resample: 3,
  do_rescale: true,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};
const labels = { id2label: { "0": "red", "1": "green", "2": "blue" } };

/** A folder with some JSON files. */
async function folderOf(name: string, files: Readonly<Record<string, unknown>>): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, "onnx"), { recursive: true });
  for (const [file, json] of Object.entries(files)) {
    await writeFile(join(path, file), typeof json === "string" ? json : JSON.stringify(json));
  }
  return path;
}

describe("a model with a hub's files beside it", () => {
  test("is fed and its classes are named as they say, also from the folder above `onnx`", async () => {
    const hub = await folderOf("vit", { "preprocessor_config.json": preprocessor, "config.json": labels });
    for (const path of [join(hub, "model.onnx"), join(hub, "onnx", "model.onnx")]) {
      await writeNet(path);
      const { card, guesses } = await loadModel(path);
      expect(card).toMatchObject({
        name: "model.onnx",
        input: { size: [96, 96], resize: "exact", interpolation: "bicubic", mean: [0.5, 0.5, 0.5] },
        labels: ["red", "green", "blue"],
      });
      expect(guesses).toEqual([]);
    }
  });

  test("is fed as its card says, if it has one", async () => {
    const hub = await folderOf("carded", { "preprocessor_config.json": preprocessor });
    const input = {
      layout: "NCHW",
      size: [32, 32],
      resize: "none",
      channels: "RGB",
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    };
    await writeFile(join(hub, "model.card.json"), JSON.stringify({ name: "mine", input }));
    await writeNet(join(hub, "model.onnx"));
    expect((await loadModel(join(hub, "model.onnx"))).card).toMatchObject({ name: "mine", input });
  });

  test("is guessed where a config.json is of something else, and refused where it cannot be read", async () => {
    const other = await folderOf("other", { "config.json": "// settings of another program" });
    await writeNet(join(other, "model.onnx"));
    expect((await loadModel(join(other, "model.onnx"))).guesses).toContain("size 224×224");
    const broken = await folderOf("broken", { "config.json": '{"pretrained_cfg": {' });
    await writeNet(join(broken, "model.onnx"));
    await expect(loadModel(join(broken, "model.onnx"))).rejects.toThrow(/config\.json.*it must be JSON/);
  });
});
