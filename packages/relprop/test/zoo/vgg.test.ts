import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import type { Tensor } from "../../src/onnx/graph.ts";
import { float32Tensor, int64Tensor, sizeOf } from "../../src/onnx/tensor.ts";
import { bytesSource } from "../../src/zoo/bytes-source.ts";
import { readCheckpoint } from "../../src/zoo/checkpoint.ts";
import { buildVgg, recognizeVgg, vggCard, type VggName, vggNames } from "../../src/zoo/architectures/vgg.ts";
import { pixels, runModel } from "./run-model.ts";

const fixture = (file: string): Buffer => readFileSync(new URL(`fixtures/${file}`, import.meta.url));
const tiny = await readCheckpoint(bytesSource("tiny", fixture("vgg11_bn-tiny.safetensors")));
const torchOutputs = JSON.parse(fixture("vgg11_bn-tiny.json").toString("utf8")) as Record<string, number[][]>;

/** Indices of convolutions as torchvision numbers them (copied from its checkpoints, not computed). */
const convolutions: Record<VggName, string> = {
  vgg11: "0 3 6 8 11 13 16 18",
  vgg11_bn: "0 4 8 11 15 18 22 25",
  vgg13: "0 2 5 7 10 12 15 17 20 22",
  vgg13_bn: "0 3 7 10 14 17 21 24 28 31",
  vgg16: "0 2 5 7 10 12 14 17 19 21 24 26 28",
  vgg16_bn: "0 3 7 10 14 17 20 24 27 30 34 37 40",
  vgg19: "0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34",
  vgg19_bn: "0 3 7 10 14 17 20 23 27 30 33 36 40 43 46 49",
};

/** A VGG two channels wide, all weights zero. */
function blank(name: VggName, classifier: readonly number[] = [0, 3, 6], classes = 10): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const add = (key: string, ...dims: readonly number[]): void => {
    tensors.set(key, float32Tensor(new Float32Array(sizeOf(dims)), dims));
  };
  for (const [i, index] of convolutions[name].split(" ").map(Number).entries()) {
    add(`features.${index}.weight`, 2, i === 0 ? 3 : 2, 3, 3);
    add(`features.${index}.bias`, 2);
    if (!name.endsWith("_bn")) continue;
    for (const field of ["weight", "bias", "running_mean", "running_var"])
      add(`features.${index + 1}.${field}`, 2);
    tensors.set(`features.${index + 1}.num_batches_tracked`, int64Tensor([1], []));
  }
  const widths = [98, 4, 4, classes];
  for (const [i, index] of classifier.entries()) {
    add(`classifier.${index}.weight`, widths[i + 1] ?? 0, widths[i] ?? 0);
    add(`classifier.${index}.bias`, widths[i + 1] ?? 0);
  }
  return tensors;
}

/** Operators between the features and the classifier. */
const types = (size: [number, number]): string[] =>
  buildVgg(blank("vgg11"), { size })
    .graph.nodes.slice(21, -6)
    .map((node) => node.opType);

describe("a VGG", () => {
  test.each(Object.entries(torchOutputs))(
    "of %s pixels computes what torch computes",
    async (key, expected) => {
      const [height = 0, width = 0] = key.split(",").map(Number);
      const model = buildVgg(tiny.tensors, { size: [height, width] });
      const dims = [2, 3, height, width];
      const output = await runModel(model, pixels(...dims), dims);
      expect(output.dims).toEqual([2, 6]);
      for (const [i, value] of expected.flat().entries()) expect(output.data[i]).toBeCloseTo(value, 5);
    },
  );

  test.each(vggNames)("%s is recognised by the names of its weights", (name) => {
    expect(recognizeVgg(blank(name))).toEqual({ architecture: name, caffe: false });
    const { graph } = buildVgg(blank(name));
    const convs = graph.nodes.filter((node) => node.opType === "Conv").map((node) => node.name);
    expect(convs).toEqual(convolutions[name].split(" ").map((index) => `features.${index}`));
    expect(graph.nodes.filter((node) => node.opType === "MaxPool")).toHaveLength(5);
    expect(graph.nodes.some((node) => node.opType === "BatchNormalization")).toBe(name.endsWith("_bn"));
    expect(graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([["input", ["N", 3, 224, 224]]]);
    expect(graph.outputs.map(({ name, shape }) => [name, shape])).toEqual([["output", ["N", 10]]]);
  });

  test("of torchvision's size pools as torch does: not at all, in equal windows, or in slices", () => {
    expect(types([224, 224])).toEqual([]);
    expect(types([448, 224])).toEqual(["AveragePool"]);
    expect(types([224, 256])).toEqual([
      ...Array.from({ length: 7 }, () => ["Slice", "ReduceMean"]).flat(),
      "Concat",
    ]);
  });

  test("uses float32 weights as they are, without a copy", () => {
    const tensors = blank("vgg11");
    const { initializers } = buildVgg(tensors).graph;
    for (const [name, tensor] of tensors) expect(initializers.get(name)).toBe(tensor);
  });

  test("from Caffe numbers its classifier 1, 4, 6, and its card says BGR 0..255", () => {
    const tensors = blank("vgg16", [1, 4, 6]);
    expect(recognizeVgg(tensors)).toEqual({ architecture: "vgg16", caffe: true });
    expect(buildVgg(tensors).graph.nodes.at(-1)?.name).toBe("classifier.6");
    expect(vggCard({ architecture: "vgg16", caffe: true }).input).toMatchObject({
      channels: "BGR",
      scale: 1,
    });
    expect(vggCard({ architecture: "vgg16", caffe: false }).input).toMatchObject({
      channels: "RGB",
      scale: 1 / 255,
    });
  });
});

describe("weights that fit no VGG", () => {
  test("are an error that lists up to five differences", () => {
    const tensors = blank("vgg16");
    for (const index of [0, 2, 5, 7]) tensors.delete(`features.${index}.bias`);
    tensors.set("features.10.bias", float32Tensor([1], [1]));
    tensors.set("fc.weight", float32Tensor([1], [1]));
    expect(() => buildVgg(tensors, { file: "mine.pth" })).toThrow(
      /"mine.pth".*do not fit vgg16.*features.0.bias is missing.*features.10.bias is float32 \[1\], expected float32 \[2\] and 1 more/,
    );
    expect(recognizeVgg(tensors)).toBeUndefined();
  });

  test.each<[string, (tensors: Map<string, Tensor>) => unknown, RegExp]>([
    [
      "a classifier for another feature size",
      (t) => t.set("classifier.0.weight", float32Tensor(new Float32Array(4), [4, 1])),
      /expected float32 \[\?, 98\]/,
    ],
    [
      "a kernel of 1 × 1",
      (t) => t.set("features.0.weight", float32Tensor(new Float32Array(6), [2, 3, 1, 1])),
      /\[\?, 3, 3, 3\]/,
    ],
    ["integer weights", (t) => t.set("features.0.bias", int64Tensor([1, 2])), /int64 \[2\]/],
    [
      "empty weights",
      (t) => t.set("features.0.weight", float32Tensor([], [0, 3, 3, 3])),
      /float32 \[0, 3, 3, 3\]/,
    ],
    ["a bias of rank 2", (t) => t.set("features.0.bias", float32Tensor([1, 2], [1, 2])), /\[1, 2\]/],
    ["no weights at all", (t) => t.clear(), /is missing/],
  ])("%s", (_, change, message) => {
    const tensors = blank("vgg11");
    change(tensors);
    expect(() => buildVgg(tensors)).toThrow(message);
  });

  test("may be said to be a certain architecture", () => {
    expect(() => buildVgg(blank("vgg11"), { architecture: "vgg19" })).toThrow(/do not fit vgg19/);
  });

  test.each([
    [31, 224],
    [224, 0],
    [Number.NaN, 224],
    [224, 224.5],
  ])("and inputs of %s × %s pixels are refused", (...size) => {
    expect(() => buildVgg(blank("vgg11"), { size })).toThrow(OptionError);
  });
});
