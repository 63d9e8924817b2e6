/** Targets of every shape: classes, contrasts, masks; outputs that are no list of classes. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  compile,
  contrastTarget,
  Explainer,
  maskTarget,
  OptionError,
  ratherThanTarget,
  type ExplainerOptions,
  type RunOptions,
} from "../../src/index.ts";
import { ints, type Model } from "../../src/onnx/index.ts";
import { relativeDistance } from "../support/run.ts";
import { classes, convnet, image, images, modelOf, pixels, sampleOf, session, sum, weights } from "./nets.ts";

async function relevanceOf(
  options: Omit<ExplainerOptions, "ort">,
  run: RunOptions = {},
): Promise<Float32Array> {
  const explainer = new Explainer({ ort, composite: "gradient", ...options } as ExplainerOptions);
  const { relevance } = await explainer.explain(images(2), run);
  await explainer.dispose();
  return relevance.data;
}

const net = convnet("Tanh", true);

const split = (data: Float32Array, sample: number): Float32Array =>
  sampleOf({ data, dims: [2, ...image] }, sample);

describe("targets of classes", () => {
  it("contrasts a class with the mean of the others", async () => {
    expect(contrastTarget(4, 1, 2)).toEqual({
      data: Float32Array.from([-1 / 3, 1, -1 / 3, -1 / 3, -1 / 3, 1, -1 / 3, -1 / 3]),
      dims: [2, 4],
    });
    const each = await Promise.all(
      Array.from({ length: classes }, (_, target) => relevanceOf({ model: net }, { target })),
    );
    const expected = Float64Array.from(each[1]!, (n, i) => {
      const others = [0, 2, 3].map((c) => each[c]![i] as number);
      return n - sum(others) / 3;
    });
    const contrast = await relevanceOf({ model: net }, { target: contrastTarget(classes, 1, 2) });
    expect(relativeDistance(contrast, expected)).toBeLessThan(1e-5);
    const rather = await relevanceOf({ model: net }, { target: ratherThanTarget(classes, 1, 3, 2) });
    const difference = each[1]!.map((n, i) => n - (each[3]![i] as number));
    expect(relativeDistance(rather, difference)).toBeLessThan(1e-5);
  });

  it("gives each sample of a batch its own", async () => {
    const [mixed, ones, threes] = await Promise.all(
      [[1, 3], 1, 3].map((target) => relevanceOf({ model: net }, { target })),
    );
    expect(split(mixed!, 0)).toEqual(split(ones!, 0));
    expect(split(mixed!, 1)).toEqual(split(threes!, 1));
  });

  it("refuses classes that are none", () => {
    expect(() => contrastTarget(4, 4)).toThrow("there is no class 4");
    expect(() => contrastTarget(1, 0)).toThrow("there is only 1");
    expect(() => ratherThanTarget(4, 2, 2)).toThrow("they are the same");
    expect(() => maskTarget([2, 3], [[0, 3]])).toThrow("there is no output [0, 3]");
    expect(() => maskTarget([2, 3], [[0, 0, 0]])).toThrow(OptionError);
  });
});

describe("maskTarget", () => {
  it("is 1 at the places, and below places with fewer numbers", () => {
    expect(
      maskTarget(
        [2, 2, 2],
        [
          [0, 1],
          [1, 0, 1],
        ],
      ).data,
    ).toEqual(Float32Array.from([0, 0, 1, 1, 0, 1, 0, 0]));
    expect(maskTarget([2, 2], [[]]).data).toEqual(Float32Array.from([1, 1, 1, 1]));
  });
});

/** A segmentation: [N, 2, 8, 6] logits, with or without Softmax over the classes. */
const segmentation = (softmax: boolean, size: readonly (number | string)[] = [8, 6]): Model =>
  modelOf(
    (b, x) => {
      const hidden = b.op(
        "Tanh",
        [b.op("Conv", [x, weights(b, [4, 3, 3, 3], 1, 0.4)], { pads: ints([1, 1, 1, 1]) })],
        {},
      );
      const logits = b.op("Conv", [hidden, weights(b, [2, 4, 1, 1], 2)], {}, "logits");
      return softmax ? b.op("Softmax", [logits], { axis: { type: "int", value: 1 } }) : logits;
    },
    ["N", 3, ...size],
  );

/** A regression, [N, 1] or [N]. */
const head = (squeeze: boolean): Model =>
  modelOf((b, x) => {
    const y = b.op("MatMul", [b.op("Tanh", [b.op("Flatten", [x])]), weights(b, [pixels, 1], 4)]);
    return squeeze ? b.op("Squeeze", [y, b.integers([1])]) : y;
  });

describe("outputs that are no list of classes", () => {
  it("explains a class of a segmentation, all pixels or some, with Softmax at the end or without", async () => {
    const plane = await relevanceOf({ model: segmentation(false) }, { target: 1 });
    const mask = maskTarget(
      [2, 2, 8, 6],
      [
        [0, 1],
        [1, 1],
      ],
    );
    expect(await relevanceOf({ model: segmentation(false) }, { target: mask })).toEqual(plane);
    expect(await relevanceOf({ model: segmentation(true) }, { target: mask })).toEqual(plane);
    // One pixel sees its 3 × 3 neighbourhood and nothing else.
    const pixel = maskTarget([2, 2, 8, 6], [[0, 1, 4, 3]]);
    const one = await relevanceOf({ model: segmentation(false) }, { target: pixel });
    for (const [i, n] of one.entries()) {
      const [sample, y, x] = [Math.floor(i / pixels), Math.floor(i / 6) % 8, i % 6];
      const isNear = sample === 0 && Math.abs(y - 4) <= 1 && Math.abs(x - 3) <= 1;
      expect(n !== 0).toBe(isNear);
    }
  });

  it("takes a target tensor where only a run knows the output's size, and asks for one", async () => {
    const target = maskTarget(
      [2, 2, 8, 6],
      [
        [0, 1],
        [1, 1],
      ],
    );
    const model = segmentation(false, ["H", "W"]);
    const fixed = await relevanceOf({ model: segmentation(false) }, { target });
    expect(relativeDistance(await relevanceOf({ model }, { target }), fixed)).toBeLessThan(1e-6);
    await expect(relevanceOf({ model }, { target: 1 })).rejects.toThrow("maskTarget");
    await expect(relevanceOf({ model })).rejects.toThrow("cannot tell what to explain");
  });

  it("does not guess a class where there are none", async () => {
    await expect(relevanceOf({ model: segmentation(false) })).rejects.toThrow(OptionError);
    await expect(
      relevanceOf({ model: segmentation(false) }, { target: maskTarget([2, 2], []) }),
    ).rejects.toThrow("it has the shape [2, 2], the output has [2, 2, 8, 6]");
  });

  it("explains a regression, [N] or [N, 1], without being told what", async () => {
    const given = await relevanceOf({ model: head(false) }, { target: 0 });
    expect(await relevanceOf({ model: head(false) })).toEqual(given);
    expect(await relevanceOf({ model: head(true) })).toEqual(given);
    expect(await relevanceOf({ model: head(true) }, { target: maskTarget([2], [[0], [1]]) })).toEqual(given);
    expect(await relevanceOf({ model: head(true), target: "top1" })).toEqual(given);
    expect(compile(head(true), { composite: "fischer" }).settings.seed).toBe("logit");
    expect(() => compile(head(true), { seed: "softmax" })).toThrow("the softmax of one number is always 1");
  });
});

describe("Explainer with a method", () => {
  it("runs it, and takes a baseline of one sample for all", async () => {
    const start = images(1, 50);
    const explainer = new Explainer({
      ort,
      model: net,
      method: "integrated-gradients",
      steps: 16,
      baseline: "input",
    });
    const { relevance, top, outputs } = await explainer.explain(images(2), { target: 1, baseline: start });
    expect(relevance.dims).toEqual([2, ...image]);
    expect(top.map((ranked) => ranked.length)).toEqual([classes, classes]);
    const forward = await session(net);
    expect(outputs["output"]).toEqual((await forward.run({ input: images(2) }))["output"]);
    const before = (await forward.run({ input: start }))["output"]!.data[1] as number;
    for (const sample of [0, 1]) {
      const difference = (outputs["output"]!.data[sample * classes + 1] as number) - before;
      expect(sum(sampleOf(relevance, sample))).toBeCloseTo(difference, 2);
    }
    await expect(explainer.explain(images(2), { target: 1 })).rejects.toThrow("cannot use this baseline");
    const wrong = { data: new Float32Array(3), dims: [1, 3] };
    await expect(explainer.explain(images(2), { target: 1, baseline: wrong })).rejects.toThrow(
      "it has the shape [1, 3]",
    );
    await explainer.dispose();
    await forward.release();
  });

  it("explains each sample's highest class where none is given, by any method", async () => {
    for (const method of ["input-x-gradient", "grad-cam"] as const) {
      const free = new Explainer({ ort, model: net, method });
      const fixed = new Explainer({ ort, model: net, method, target: "top1" });
      const [a, c] = await Promise.all([free, fixed].map((each) => each.explain(images(2))));
      expect(a!.relevance).toEqual(c!.relevance);
      await free.dispose();
      await fixed.dispose();
    }
    const free = new Explainer({ ort, model: net, method: "integrated-gradients", steps: 4 });
    const fixed = new Explainer({
      ort,
      model: net,
      method: "integrated-gradients",
      steps: 4,
      target: "top1",
    });
    const [a, c] = await Promise.all([free, fixed].map((each) => each.explain(images(2))));
    expect(a!.relevance).toEqual(c!.relevance);
    await free.dispose();
    await fixed.dispose();
  });
});
