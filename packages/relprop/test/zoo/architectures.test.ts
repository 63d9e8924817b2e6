/**
 * Networks built from state dicts against torchvision's and timm's own (logits in float64). Made by
 * bench/peers/torchvision_checkpoints.py: weights are not stored, but filled in by the same hash as there.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelFileError, OptionError } from "../../src/errors.ts";
import { compile } from "../../src/index.ts";
import type { Tensor } from "../../src/onnx/graph.ts";
import { float32Tensor, sizeOf } from "../../src/onnx/tensor.ts";
import { families, parseModelCard, recognizeNet } from "../../src/zoo/index.ts";
import { fill } from "../support/fill.ts";
import { relativeDistance, runModel } from "../support/run.ts";

interface Case {
  readonly name: string;
  readonly size: number;
  readonly logits: readonly number[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

const cases = JSON.parse(
  readFileSync(new URL("architectures.json", import.meta.url), "utf8"),
) as readonly Case[];

function caseOf(name: string): Case {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return found;
}

/** The ranges of the script's `bounds`. */
function bounds(name: string, dims: readonly number[]): [low: number, high: number] {
  if (name.endsWith("running_var")) return [0.8, 1.2];
  if (/(?:running_mean|bias|cls_token|class_token|pos_embed|pos_embedding)$/.test(name)) return [-0.1, 0.1];
  if (/(?:layer_scale|gamma)$/.test(name)) return [0.1, 0.3];
  if (dims.length === 1) return [0.8, 1.2];
  const limit = Math.round(Math.sqrt(6 / sizeOf(dims.slice(1))) * 1e4) / 1e4;
  return [-limit, limit];
}

const stateOf = ({ state }: Case): Map<string, Tensor> =>
  new Map(
    Object.entries(state).map(([name, dims], i) => [
      name,
      float32Tensor(fill(sizeOf(dims), i, ...bounds(name, dims)), dims),
    ]),
  );

/** Zeros in the shapes of a network, to be refused. */
function blank(name: string): Map<string, Tensor> {
  return new Map(
    Object.entries(caseOf(name).state).map(([key, dims]) => [
      key,
      float32Tensor(new Float32Array(sizeOf(dims)), dims),
    ]),
  );
}

async function distance({ size, logits }: Case, state: ReadonlyMap<string, Tensor>): Promise<number> {
  const model = recognizeNet(state).build({ size: [size, size] });
  const input = { data: fill(3 * size * size, 7777, -1, 1), dims: [1, 3, size, size] };
  const { output } = await runModel(model, { input });
  return relativeDistance(output?.data ?? [], logits);
}

describe("a network built from a state dict", () => {
  test.each(cases.map((each) => [each.name, each] as const))(
    "%s computes what its publisher's code does, and can be explained",
    async (_, each) => {
      const state = stateOf(each);
      expect(await distance(each, state)).toBeLessThan(1e-5);
      const net = recognizeNet(state);
      const model = net.build({ size: [each.size, each.size] });
      expect(model.graph.name).toBe(net.card.name);
      expect(model.graph.outputs.map(({ shape }) => shape)).toEqual([["N", 10]]);
      expect(compile(model).model.graph.outputs.map((output) => output.name)).toEqual([
        "output",
        "relevance",
      ]);
    },
  );

  test("is the same under the names that torchvision's older files have", async () => {
    const renamed = (name: string, rename: (key: string) => string): Map<string, Tensor> =>
      new Map([...stateOf(caseOf(name))].map(([key, tensor]) => [rename(key), tensor]));
    const densenet = renamed("densenet", (key) => key.replace(/(denselayer\d+\.(?:norm|conv))(\d)/, "$1.$2"));
    expect(await distance(caseOf("densenet"), densenet)).toBeLessThan(1e-5);
    const vit = renamed("vit", (key) =>
      key.replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2"),
    );
    expect(await distance(caseOf("vit"), vit)).toBeLessThan(1e-5);
  });

  test("has a card that can be written and read", () => {
    for (const { name } of cases) {
      const { card } = recognizeNet(blank(name));
      expect(parseModelCard(JSON.parse(JSON.stringify(card)))).toEqual(card);
    }
    expect(recognizeNet(blank("efficientnet_b0")).card).toMatchObject({
      name: "efficientnet_b0",
      input: { size: [224, 224], resize: { shortSide: 256 }, interpolation: "bicubic" },
      source:
        "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.efficientnet_b0.html",
    });
    expect(recognizeNet(blank("vit of timm"))).toMatchObject({
      card: { input: { size: [48, 48], mean: [0.5, 0.5, 0.5] } },
      guesses: [expect.stringMatching(/DeiT's are ImageNet's/)],
    });
  });

  test("is told from those of the other families", () => {
    for (const { name } of cases) {
      const state = blank(name);
      expect(families.filter((family) => family.recognize(state)).length).toBe(name === "alexnet" ? 2 : 1);
    }
  });
});

const zeros = (...dims: readonly number[]): Tensor => float32Tensor(new Float32Array(sizeOf(dims)), dims);

describe("weights that do not fit", () => {
  test.each<[why: string, name: string, change: (state: Map<string, Tensor>) => unknown, message: RegExp]>([
    [
      "a missing weight",
      "resnet18",
      (s) => s.delete("layer2.0.bn1.bias"),
      /do not fit resnet18, .*: layer2\.0\.bn1\.bias is missing;/,
    ],
    [
      "a weight that nothing takes",
      "resnet18",
      (s) => s.set("layer1.0.se.fc1.weight", zeros(4, 64, 1, 1)),
      /: layer1\.0\.se\.fc1\.weight is unknown;/,
    ],
    [
      "a wrong shape",
      "resnet18",
      (s) => s.set("layer4.1.conv2.weight", zeros(512, 512, 1, 1)),
      /: layer4\.1\.conv2\.weight is float32 \[512, 512, 1, 1\], expected float32 \[\?, 512, 3, 3\];/,
    ],
    [
      "groups that do not divide",
      "resnet of bottlenecks in groups",
      (s) => s.set("layer1.0.conv2.weight", zeros(32, 5, 3, 3)),
      /layer1\.0\.conv2\.weight takes 5 channels per group, which does not divide 32 channels/,
    ],
    [
      "a kernel without a centre",
      "mobilenet_v3_small",
      (s) => s.set("features.1.block.0.0.weight", zeros(16, 1, 4, 4)),
      /features\.1\.block\.0\.0\.weight has a kernel of 4, expected an odd one/,
    ],
    [
      "fewer blocks than it has",
      "mobilenet_v2",
      (s) => [...s.keys()].filter((key) => key.startsWith("features.17.")).forEach((key) => s.delete(key)),
      /features\.17\.conv\.\d.*is missing/,
    ],
    [
      "blocks of no known size",
      "efficientnet_b0",
      (s) => [...s.keys()].filter((key) => key.startsWith("features.2.1.")).forEach((key) => s.delete(key)),
      /: 1, 1, 2, 3, 3, 4, 1 blocks and a classifier of 1280 channels are none of b0, b1,/,
    ],
    [
      "a shortcut that is needed",
      "resnet18",
      (s) => [...s.keys()].filter((key) => key.includes("downsample")).forEach((key) => s.delete(key)),
      /layer2\.0\.downsample\.0\.weight is missing; .* and \d+ more/,
    ],
    [
      "a transformer of unknown width",
      "vit of timm",
      (s) => s.set("patch_embed.proj.weight", zeros(200, 3, 16, 16)),
      /patch_embed\.proj\.weight is 200 wide, expected 192, 384, 768, 1024, 1280/,
    ],
    [
      "a norm without statistics",
      "densenet",
      (s) => s.delete("features.norm5.running_var"),
      /norm5\.running_var is missing/,
    ],
    [
      "a missing class token's shape",
      "vit",
      (s) => s.set("class_token", zeros(1, 2, 192)),
      /class_token is float32 \[1, 2, 192\]/,
    ],
    [
      "a layer scale of another shape",
      "convnext",
      (s) => s.set("features.1.0.layer_scale", zeros(24)),
      /expected float32 \[24, 1, 1\]/,
    ],
  ])("%s: an error that says which", (_, name, change, message) => {
    const state = blank(name);
    change(state);
    const net = recognizeNet(state, "mine.pth");
    expect(() => net.build({ file: "mine.pth" })).toThrow(ModelFileError);
    expect(() => net.build({ file: "mine.pth" })).toThrow(message);
  });

  test("a transformer takes the size of its position embedding", () => {
    const net = recognizeNet(blank("vit"));
    expect(net.card.input.size).toEqual([48, 48]);
    expect(() => net.build({ size: [64, 64] })).toThrow(OptionError);
    expect(() => net.build({ size: [64, 64] })).toThrow(
      /cannot build vit_ti_16 .*: its position embedding is for 48 × 48 pixels, not 64 × 64;/,
    );
    const distilled = blank("vit of timm")
      .set("pos_embed", zeros(1, 11, 192))
      .set("dist_token", zeros(1, 1, 192));
    expect(() => recognizeNet(distilled).build()).toThrow(
      /pos_embed has 10 positions beside the class token, not a square of patches; dist_token is unknown/,
    );
  });

  test("sizes that the strides use up are refused", () => {
    expect(() => recognizeNet(blank("alexnet")).build({ size: [62, 64] })).toThrow(OptionError);
    expect(() => recognizeNet(blank("alexnet")).build({ size: [62, 64] })).toThrow(/give a size from 63/);
  });

  test("names of no architecture: an error that lists those that are known", () => {
    const state = new Map([["encoder.embed.weight", zeros(2, 2)]]);
    expect(() => recognizeNet(state, "mine.pth")).toThrow(
      /"mine\.pth".*encoder\.embed\.weight.*relprop builds: resnet, densenet, .*export the model to ONNX/,
    );
  });
});
