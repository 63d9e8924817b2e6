import { describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import { buildKerasModel } from "../../src/zoo/build-keras-model.ts";
import { kerasShardPaths, readKerasLayers } from "../../src/zoo/keras-layers.ts";
import { replica } from "./keras-replica.ts";
import { runModel } from "./run-model.ts";

interface Layer {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes: unknown[];
}

const layer = (name: string, type: string, config: Record<string, unknown>, ...inputs: string[]): Layer => ({
  name,
  class_name: type,
  config: { name, data_format: "channels_last", ...config },
  inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
});

const conv = {
  kernel_size: [2, 3],
  strides: [2, 1],
  dilation_rate: [1, 1],
  padding: "valid",
  use_bias: true,
  activation: "relu",
};
const norm = { axis: [3], epsilon: 0.25, center: true, scale: true };

/** A residual block on a 4 × 5 image of 2 channels. */
function model(): { layers: Layer[]; weights: [string, number[]][]; json: () => unknown; paths: string[] } {
  const parts = {
    paths: ["a.bin", "b.bin"],
    layers: [
      layer("in", "InputLayer", { batch_input_shape: [null, 4, 5, 2] }),
      layer(
        "pad",
        "ZeroPadding2D",
        {
          padding: [
            [1, 0],
            [2, 1],
          ],
        },
        "in",
      ),
      layer("conv", "Conv2D", { ...conv, filters: 3 }, "pad"),
      layer(
        "same",
        "Conv2D",
        { ...conv, filters: 3, strides: [1, 1], padding: "same", activation: "linear", use_bias: false },
        "conv",
      ),
      layer("norm", "BatchNormalization", norm, "same"),
      layer("add", "Add", {}, "norm", "conv"),
      layer("relu", "Activation", { activation: "relu" }, "add"),
      layer(
        "poolpad",
        "ZeroPadding2D",
        {
          padding: [
            [1, 1],
            [1, 1],
          ],
        },
        "relu",
      ),
      layer("pool", "MaxPooling2D", { pool_size: [3, 3], strides: [2, 2], padding: "valid" }, "poolpad"),
      layer("mean", "GlobalAveragePooling2D", {}, "pool"),
      layer("fc", "Dense", { units: 4, use_bias: true, activation: "softmax" }, "mean"),
    ],
    weights: [
      ["conv/kernel", [2, 3, 2, 3]],
      ["conv/bias", [3]],
      ["same/kernel", [2, 3, 3, 3]],
      ["norm/gamma", [3]],
      ["norm/beta", [3]],
      ["norm/moving_mean", [3]],
      ["norm/moving_variance", [3]],
      ["fc/kernel", [3, 4]],
      ["fc/bias", [4]],
    ] as [string, number[]][],
  };
  const json = (): unknown => ({
    format: "layers-model",
    modelTopology: {
      model_config: {
        class_name: "Model",
        config: { layers: parts.layers, input_layers: [["in", 0, 0]], output_layers: [["fc", 0, 0]] },
      },
    },
    weightsManifest: [
      {
        paths: parts.paths,
        weights: parts.weights.map(([name, shape]) => ({ name, shape, dtype: "float32" })),
      },
    ],
  });
  return { ...parts, json };
}

const number = (i: number): number => ((i * 37) % 23) / 23 - 0.3;
const weightBytes = (weights: readonly [string, number[]][]): Uint8Array => {
  const count = weights.reduce((sum, [, dims]) => sum + dims.reduce((a, b) => a * b, 1), 0);
  return new Uint8Array(
    Float32Array.from({ length: count }, (_, i) => Math.abs(number(i)) - 0.2 + 0.1 * (i % 3)).buffer,
  );
};

describe("a Keras model", () => {
  const input = Array.from({ length: 2 * 4 * 5 }, (_, i) => number(i + 5));

  test("computes what its layers say, its softmax left out", async () => {
    const { json, weights } = model();
    const bytes = weightBytes(weights);
    const built = buildKerasModel(readKerasLayers(json(), bytes));
    expect(built.graph.nodes.map((node) => node.opType)).toEqual([
      "Conv",
      "Relu",
      "Conv",
      "BatchNormalization",
      "Add",
      "Relu",
      "MaxPool",
      "GlobalAveragePool",
      "Flatten",
      "Gemm",
    ]);
    expect(built.graph.inputs[0]).toMatchObject({ name: "input", shape: ["N", 2, 4, 5] });
    expect(built.graph.outputs[0]).toMatchObject({ name: "logits", shape: ["N", 4] });
    const output = await runModel(built, Float32Array.from(input), [1, 2, 4, 5]);
    for (const [i, value] of replica(input, bytes).entries()) expect(output.data[i]).toBeCloseTo(value, 5);
  });

  test("may have weights that cross from shard to shard", () => {
    const { json, weights } = model();
    const bytes = weightBytes(weights);
    const cut = [0, 3, 3, 50, 51, 200, bytes.length];
    const shards = cut.slice(1).map((end, i) => bytes.subarray(cut[i], end));
    const [whole, split] = [readKerasLayers(json(), bytes), readKerasLayers(json(), shards)];
    for (const [name, tensor] of whole.weights) {
      expect(Buffer.compare(split.weights.get(name)?.bytes ?? Buffer.of(), tensor.bytes)).toBe(0);
    }
  });

  test("may be built for another image size", () => {
    const { json, weights } = model();
    const built = buildKerasModel(readKerasLayers(json(), weightBytes(weights)), { size: [20, 30] });
    expect(built.graph.inputs[0]?.shape).toEqual(["N", 2, 20, 30]);
  });

  test("names its shards in order", () => {
    expect(kerasShardPaths(model().json())).toEqual(["a.bin", "b.bin"]);
  });
});

type Change = (parts: ReturnType<typeof model>) => unknown;
const config = (parts: ReturnType<typeof model>, name: string): Record<string, unknown> =>
  parts.layers.find((candidate) => candidate.name === name)?.config ?? {};

const set =
  (name: string, field: string, value: unknown): Change =>
  (parts) =>
    (config(parts, name)[field] = value);

describe("a Keras model is refused, in one line naming the place,", () => {
  test.each<[string, Change, RegExp]>([
    [
      "with an unknown layer",
      (p) => (p.layers[6] = layer("relu", "LSTM", {}, "add")),
      /LSTM "relu".*does not know this layer/,
    ],
    ["with an unknown activation", set("conv", "activation", "swish"), /activation.*"swish"/],
    ["with channels first", set("conv", "data_format", "channels_first"), /channels_first/],
    ["with grouped convolutions", set("conv", "groups", 2), /groups/],
    ["with a softmax inside", set("relu", "activation", "softmax"), /softmax is not the model's output/],
    ["that normalises another axis", set("norm", "axis", [1]), /axis/],
    ["with an epsilon of text", set("norm", "epsilon", "0.1"), /epsilon/],
    ["with strides of 0", set("conv", "strides", [0, 1]), /strides\[0\]/],
    ["with padding that pools negative values", set("relu", "activation", "linear"), /may be negative/],
    [
      "that pads before an addition",
      (p) =>
        (p.layers[6] = layer(
          "relu",
          "ZeroPadding2D",
          {
            padding: [
              [1, 1],
              [1, 1],
            ],
          },
          "add",
        )),
      /ZeroPadding2D comes before/,
    ],
    ["that pads twice", set("conv", "padding", "same"), /pads by "same"/],
    [
      "with a layer before its input",
      (p) => p.layers.push(...p.layers.splice(0, 1)),
      /does not come before it/,
    ],
    ["with a layer twice", (p) => p.layers.push(p.layers[2] as Layer), /same name/],
    [
      "with two inputs",
      (p) => p.layers.push(layer("more", "InputLayer", { batch_input_shape: [null, 4, 5, 2] })),
      /it is not the first layer/,
    ],
    ["with a layer that is used twice", (p) => p.layers[2]?.inbound_nodes.push([["pad", 0, 0]]), /used once/],
    ["with a layer without inputs", (p) => (p.layers[2] = layer("conv", "Conv2D", conv)), /no input/],
    ["with an output that isn't there", (p) => p.layers.pop(), /output "fc"/],
    ["with shapes that do not add", set("same", "padding", "valid"), /adds values of shapes/],
    [
      "with a missing weight",
      (p) => (p.weights[0] = ["conv/kernels", [2, 3, 2, 3]]),
      /conv\/kernel" is missing/,
    ],
    [
      "with a weight of the wrong shape",
      (p) => (p.weights[0] = ["conv/kernel", [3, 2, 2, 3]]),
      /\[3, 2, 2, 3\], expected \[2, 3, 2, 3\]/,
    ],
    ["with a weight twice", (p) => p.weights.push(["fc/bias", [4]]), /occurs twice/],
    ["with a weight of negative size", (p) => (p.weights[0] = ["conv/kernel", [-1]]), /shape\[0\]/],
    ["with a shard outside of its folder", (p) => (p.paths[0] = "../a.bin"), /same folder/],
    ["with a shard that is hidden", (p) => (p.paths[0] = ".."), /same folder/],
    [
      "with a dense layer on an image",
      (p) => (p.layers[9] = layer("mean", "Activation", { activation: "linear" }, "pool")),
      /not a vector/,
    ],
  ])("%s", (_, change, message) => {
    const parts = model();
    change(parts);
    const run = (): unknown => {
      const count = parts.weights.every(([, dims]) => dims.every((dim) => dim > 0))
        ? weightBytes(parts.weights)
        : new Uint8Array(0);
      return buildKerasModel(readKerasLayers(parts.json(), count, "m.json"));
    };
    expect(run).toThrow(ModelFileError);
    expect(run).toThrow(message);
    expect(run).toThrow(/^cannot read "m.json"[^\n]*$/);
  });

  test.each([null, [], "x", {}, { format: "graph-model" }, { format: "layers-model", modelTopology: [] }])(
    "%j",
    (json) => {
      expect(() => readKerasLayers(json, new Uint8Array(0))).toThrow(ModelFileError);
    },
  );

  test("with fewer or more bytes than its weights need", () => {
    const { json, weights } = model();
    const bytes = weightBytes(weights);
    expect(() => readKerasLayers(json(), bytes.subarray(1))).toThrow(/weights take \d+ bytes/);
    expect(() => readKerasLayers(json(), [bytes, bytes])).toThrow(/weights take \d+ bytes/);
  });
});
