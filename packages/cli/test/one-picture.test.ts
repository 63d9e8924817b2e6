/** Models that take one picture without a batch: the same numbers as with one, and boxes in the picture's own pixels. */

import { ModelRunner } from "@relprop/engine/model-runner";
import { readSource } from "@relprop/engine/read-source";
import { concatChunks, writeModel, type Dim, type Model } from "@relprop/core/onnx";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
import { glob } from "tinyglobby";
import { describe, expect, test } from "vitest";
import { int, ints, type Value } from "../../relprop/src/onnx/index.ts";
import { NetBuilder } from "../../relprop/test/support/output-models.ts";
import { answersOf, relevanceOf, Workshop, type Answer } from "./support/output-runs.ts";

const shop = new Workshop();

interface Form {
  readonly shape: readonly Dim[];
  /** The batch that the twin has. */
  readonly twin: readonly Dim[];
  readonly added: readonly number[];
  readonly args?: readonly string[];
  readonly opset?: number;
}

/** A network of [N, C, H, W] whose input has this shape; the body is the same for all. */
function netOf(
  shape: readonly Dim[],
  added: readonly number[],
  body: (b: NetBuilder, x: Value) => void,
  opset = 17,
): Model {
  const b = new NetBuilder();
  const x = b.input("input", "float32", [...shape]);
  const isOpen = shape.some((dim) => typeof dim === "string");
  const batched = (): Value =>
    isOpen
      ? b.op("Unsqueeze", [x, b.integers(added)])
      : b.reshape(x, [...added.map(() => 1), ...(shape as number[])]);
  const whole = added.length === 0 ? x : batched();
  const isLast = whole.shape.at(-1) === 3;
  body(b, isLast ? b.transpose(whole, [0, 3, 1, 2]) : whole);
  return { irVersion: 8, opsets: { "": opset }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const classes = (b: NetBuilder, x: Value): void => {
  const from = x.shape[1] as number;
  const mean = b.op("ReduceMean", [b.relu(b.conv(x, from, 6))], { axes: ints([2, 3]) });
  b.output(b.op("Softmax", [b.dense(b.reshape(mean, [1, 6]), 6, 4)]), "output");
};

/** As many boxes as a run finds, each with one score and a class, as torchvision's detectors give them. */
const boxes = (b: NetBuilder, x: Value): void => {
  const h = b.relu(b.conv(x, 3, 6));
  const rows = (count: number): Value =>
    b.reshape(b.transpose(b.reshape(b.conv(h, 6, count), [1, count, -1]), [0, 2, 1]), [-1, count]);
  const scores = b.reshape(b.op("Sigmoid", [rows(1)]), [-1]);
  const good = b.op("Greater", [scores, b.op("ReduceMean", [scores], { keepdims: int(0) })]);
  const index = b.reshape(b.op("NonZero", [good]), [-1]);
  const corner = b.op("Abs", [b.op("Gather", [rows(2), index])]);
  const far = b.op("Add", [corner, b.scalar(3)]);
  b.output(b.concat([corner, far], 1), "boxes");
  b.output(b.op("Mod", [index, b.integers([3])]), "labels");
  b.output(b.op("Gather", [scores, index]), "scores");
};

const forms: Readonly<Record<string, Form>> = {
  "[C, H, W]": { shape: [3, 32, 32], twin: [1, 3, 32, 32], added: [0] },
  "[C, H, W] of open sides": {
    shape: [3, "H", "W"],
    twin: [1, 3, "H", "W"],
    added: [0],
    args: ["--size", "32"],
  },
  "[C, H, W] in opset 11": { shape: [3, 32, 32], twin: [1, 3, 32, 32], added: [0], opset: 11 },
  "[H, W, C]": { shape: [32, 48, 3], twin: [1, 32, 48, 3], added: [0] },
  "[H, W, C] of nameless sides": {
    shape: ["s0", "s1", 3],
    twin: [1, "s0", "s1", 3],
    added: [0],
    args: ["--size", "32", "--layout", "NHWC"],
  },
  "[H, W]": { shape: [32, 32], twin: [1, 1, 32, 32], added: [0, 1] },
  "[1, H, W]": { shape: [1, 32, 32], twin: [1, 1, 32, 32], added: [0] },
};

describe("a picture without a batch", () => {
  test.each(Object.entries(forms))("%s: the numbers of its twin with a batch", async (name, form) => {
    const { shape, twin, added, args = [], opset } = form;
    const [own, other] = [netOf(shape, added, classes, opset), netOf(twin, [], classes, opset)];
    const found: [Answer, Float32Array][] = [];
    for (const model of [own, other]) {
      const path = await shop.model(model, `${name} ${model === own}`);
      const run = await shop.explain(path, "--class", "1", "--json", "--save", "npy", ...args);
      expect(run.status, run.stderr).toBe(0);
      const [answer] = answersOf(run);
      found.push([answer as Answer, await relevanceOf(answer as Answer)]);
    }
    const [[got, map], [wanted, wantedMap]] = found as [[Answer, Float32Array], [Answer, Float32Array]];
    expect(got.logit).toBe(wanted.logit);
    expect(map).toEqual(wantedMap);
    const people = await shop.explain(
      shop.path(`${`${name} true`.replaceAll(/[^\w]+/g, "-")}.onnx`),
      "--class",
      "1",
      ...args,
    );
    const whole = await shop.explain(
      shop.path(`${`${name} false`.replaceAll(/[^\w]+/g, "-")}.onnx`),
      "--class",
      "1",
      "--reduce",
      "none",
      ...args,
    );
    // Summed by hand or in the graph, colours first or last: the same picture.
    for (const kind of ["heatmap", "overlay"]) {
      const [map] = await glob(`*.${kind}.png`, { cwd: people.folder });
      const [one, two] = await Promise.all(
        [people, whole].map(({ folder }) =>
          sharp(join(folder, map ?? ""))
            .raw()
            .toBuffer(),
        ),
      );
      const other = (one as Buffer).filter((byte, at) => Math.abs(byte - (two?.[at] ?? 0)) > 2);
      expect(other).toHaveLength(0);
    }
    expect(people.stderr).toMatch(/one picture, \[.*\], at a time/);
  });

  test.each([
    ["samples of features", ["N", 30]],
    ["steps of three axes", ["N", "T", 3]],
    ["a window of one signal", [1, 1, 16000]],
    ["steps of one text", [1, "T", 80]],
  ] as const)("%s are no picture", async (_name, shape) => {
    const b = new NetBuilder();
    const x = b.input("input", "float32", [...shape]);
    b.output(b.op("ReduceMean", [b.relu(x)], { axes: ints([-1]) }), "output");
    const model: Model = {
      irVersion: 8,
      opsets: { "": 17 },
      producer: "test",
      metadata: {},
      graph: b.graph("t"),
    };
    const run = await shop.explain(await shop.model(model, `not ${shape.join(" ")}`));
    expect(run.status).toBe(2);
    expect(run.stderr).toContain("a picture needs float [N, C, H, W]");
  });

  test("of a detector: the box of its twin, in the picture's own pixels, in the studio as well", async () => {
    const made = [netOf([3, "H", "W"], [0], boxes), netOf([1, 3, "H", "W"], [], boxes)];
    const answers = [];
    for (const [i, model] of made.entries()) {
      const path = await shop.model(model, `boxes ${i}`);
      const run = await shop.explain(path, "--box", "1", "--size", "32", "--json", "--score-threshold", "0");
      expect(run.status, run.stderr).toBe(0);
      answers.push(
        answersOf(run)[0] as Answer & { box: { left: number; right: number; top: number; bottom: number } },
      );
    }
    const { outputs: _own, ...own } = answers[0] as Answer;
    const { outputs: _twin, ...twin } = answers[1] as Answer;
    expect({ ...own, ms: 0 }).toEqual({ ...twin, ms: 0 });
    expect(own).toMatchObject({ kind: "detections", label: `class ${own.class}` });
    // Boxes are 3 pixels of the input wide, and 32 of these are the longer side of the picture, which has 451.
    const { left, right } = answers[0]?.box ?? { left: 0, right: 0 };
    expect(right - left).toBeCloseTo((3 * 451) / 32, 2);
    const source = await readSource("net.onnx", concatChunks(writeModel(made[0] as Model).chunks));
    expect(source.guesses[0]).toBe("one picture, [C, H, W], at a time");
    const studio = new ModelRunner("net", source, { ort });
    expect(studio.loaded.facts.detections).toMatchObject({ boxes: "boxes", labels: "labels" });
    await studio.dispose();
  });
});
