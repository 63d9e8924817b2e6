/** Detectors whose boxes and scores are outputs of their own, as non-maximum suppression, DETR and their kin leave them. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, Explainer, pickAnswer, type CompileOptions, type PickRequest } from "../../src/index.ts";
import { AnswerSession } from "../../src/run/answer-session.ts";
import { float32Tensor, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { NetBuilder } from "../support/output-models.ts";
import { modelOf } from "../support/inspected-models.ts";
import { randomNumbers, relativeDistance, type Array32 } from "../support/run.ts";

const input = { data: randomNumbers(3 * 8 * 8, 4), dims: [1, 3, 8, 8] };
const places = 64;
const classes = 3;

/** A network with boxes [64, 4] and logits [64, classes] of its places, and what a test makes of them. */
function detector(
  build: (b: NetBuilder, logits: Value, boxes: Value) => Readonly<Record<string, Value>>,
  of: number = classes,
): Model {
  const b = new NetBuilder();
  const x = b.input("x", "float32", [1, 3, 8, 8]);
  const h = b.relu(b.conv(x, 3, 6));
  const rows = (count: number): Value => b.transpose(b.reshape(b.conv(h, 6, count), [count, places]), [1, 0]);
  const centres = b.random([places, 2], 20);
  const extent = b.op("Exp", [rows(2)]);
  const boxes = b.concat([b.op("Sub", [centres, extent]), b.op("Add", [centres, extent])], 1);
  for (const [name, value] of Object.entries(build(b, rows(of), boxes))) b.output(value, name);
  return modelOf(b.graph("detector"));
}

/** Boxes after suppression, as torchvision writes it: the picks of NonMaxSuppression, gathered. */
const suppressed = (least: number): Model =>
  detector((b, logits, boxes) => {
    const scores = b.op("Softmax", [logits], { axis: int(1) });
    const best = b.op("ReduceMax", [scores], { axes: ints([1]), keepdims: int(0) });
    const labels = b.op("ArgMax", [scores], { axis: int(1), keepdims: int(0) });
    const picks = b.op("NonMaxSuppression", [
      b.reshape(boxes, [1, places, 4]),
      b.reshape(best, [1, 1, places]),
      b.integer(places),
      b.scalar(0.5),
      b.scalar(least),
    ]);
    const index = b.reshape(b.slice(picks, 1, 2, 3), [-1]);
    const pick = (v: Value): Value => b.op("Gather", [v, index]);
    return { boxes: pick(boxes), labels: pick(labels), scores: pick(best), logits };
  });

const options = { composite: "gradient", output: "scores" } as const;

/** What is picked of the model's own answer, and the relevance of it. */
async function picked(model: Model, request: PickRequest, chosen: CompileOptions = options) {
  const session = new AnswerSession({ ort, model, ...chosen });
  const explainer = new Explainer({ ort, model, ...chosen });
  try {
    const source = await session.answer(input);
    const detection = { threshold: 0 };
    const pick = pickAnswer(source, 0, request, { size: [8, 8], detection, nameOf: String });
    const { relevance, outputs } = await explainer.explain(input, { target: pick.target });
    return { facts: source.facts, pick, relevance, outputs };
  } finally {
    await session.dispose();
    await explainer.dispose();
  }
}

describe("one score for each box, and classes in a third output", () => {
  const model = suppressed(0);

  it("are detections of as many boxes as a run finds, without a name for the scores", () => {
    const { facts, outputName } = compile(model, { composite: "epsilon" });
    expect(outputName).toBe("scores");
    expect(facts.kind).toBe("detections");
    expect(facts.detections).toMatchObject({ boxes: "boxes", labels: "labels", featureAxis: undefined });
  });

  it("the best box has the class that the model names, and the gradient of its logit there", async () => {
    const { pick, relevance, outputs } = await picked(model, { kind: "box", rank: 1 });
    expect(pick.numbers.index).toBe(outputs["labels"]?.data[pick.box?.index ?? -1]);
    expect(pick.numbers.probability).toBe(Math.max(...(outputs["scores"]?.data ?? [])));
    // The same logit, where nothing is picked.
    const session = new Explainer({ ort, model, composite: "gradient", output: "logits" });
    const box = pick.box?.left ?? 0;
    const row = await rowOf(session, box);
    const target = new Float32Array(places * classes);
    target[row * classes + (pick.numbers.index ?? 0)] = 1;
    const plain = await session.explain(input, { target: { data: target, dims: [places, classes] } });
    await session.dispose();
    expect(relativeDistance(relevance.data, plain.relevance.data)).toBeLessThan(1e-6);
    expect(relevance.data.some((n) => n !== 0)).toBe(true);
  });

  it("of a class, only boxes of that class", async () => {
    const { pick: best, outputs } = await picked(model, { kind: "box", rank: 1 });
    const { labels, scores } = outputs as { labels: Array32; scores: Array32 };
    const other = labels.data.find((label) => label !== best.numbers.index);
    expect(other).toBeDefined();
    const { pick } = await picked(model, { kind: "box", rank: 1, index: other });
    expect(pick.numbers.index).toBe(other);
    const ofOther = scores.data.filter((_, i) => labels.data[i] === other);
    expect(pick.numbers.probability).toBe(Math.max(...ofOther));
    await expect(picked(model, { kind: "box", rank: 1, index: 7 })).rejects.toThrow("no box of class 7");
  });

  it("where none is found, that is an error and no map of zeros", async () => {
    await expect(picked(suppressed(1.5), { kind: "box", rank: 1 })).rejects.toThrow("finds no box");
    const explainer = new Explainer({ ort, model: suppressed(1.5), ...options });
    const none = { data: new Float32Array(), dims: [0] };
    await expect(explainer.explain(input, { target: none })).rejects.toThrow("there is nothing to explain");
    await explainer.dispose();
  });
});

/** The place whose logit is picked: the one whose box has this left side. */
async function rowOf(session: Explainer, left: number): Promise<number> {
  const target = { data: new Float32Array(places * classes), dims: [places, classes] };
  const { outputs } = await session.explain(input, { target });
  const kept = outputs["boxes"]?.data ?? [];
  const all = await allBoxes();
  const found = Array.from({ length: places }, (_, i) => i).find((i) => all[4 * i] === left);
  expect(kept.length).toBeGreaterThan(0);
  return found ?? -1;
}

async function allBoxes(): Promise<Float32Array> {
  const model = detector((_b, logits, boxes) => ({ logits, boxes }));
  const explainer = new Explainer({ ort, model, composite: "gradient", output: "logits" });
  const target = { data: new Float32Array(places * classes), dims: [places, classes] };
  const { outputs } = await explainer.explain(input, { target });
  await explainer.dispose();
  return outputs["boxes"]?.data ?? new Float32Array();
}

/** Boxes and one score for each, by these names, and their classes if a third is given. */
const list = (names: readonly [string, string], extra?: string): Model =>
  detector((b, logits, boxes) => {
    const best = b.op("Sigmoid", [b.reshape(b.slice(logits, 1, 0, 1), [1, places])]);
    const label = extra !== undefined && b.op("Cast", [best], { to: int(7) });
    return {
      [names[0]]: b.reshape(boxes, [1, places, 4]),
      [names[1]]: best,
      ...(label && { [extra]: label }),
    };
  });

describe("what boxes belong to", () => {
  it.each([
    ["a fixed number of boxes, with classes", list(["a", "b"], "c"), "detections", "c"],
    ["a fixed number of boxes, by their names", list(["bboxes", "scores"]), "detections", undefined],
    ["numbers without any hint stay a list", list(["a", "b"]), "multi-label", undefined],
  ] as const)("%s", (_name, model, kind, labels) => {
    const output = model.graph.outputs[1]?.name ?? "";
    const { facts } = compile(model, { composite: "epsilon", output });
    expect(facts.kind, facts.why).toBe(kind);
    expect(facts.detections?.labels).toBe(labels);
  });

  it("boxes of a classifier's own classes are none of its scores", () => {
    const model = list(["a", "b"], "c");
    const { facts } = compile(model, { composite: "epsilon", output: "b", outputKind: "multi-label" });
    expect(facts).toMatchObject({ kind: "multi-label", placeAxes: [] });
  });

  it("TensorFlow's boxes have y first", () => {
    const model = list(["detection_boxes", "detection_scores"], "detection_classes");
    expect(compile(model, { composite: "epsilon" }).facts.detections?.format).toBe("yxyx");
  });

  it("scores [N, K, A] of boxes [N, A, 4]", async () => {
    const model = detector((b, logits, boxes) => ({
      boxes: b.reshape(boxes, [1, places, 4]),
      scores: b.reshape(b.op("Sigmoid", [b.transpose(logits, [1, 0])]), [1, classes, places]),
    }));
    const { facts, pick, outputs } = await picked(model, { kind: "box", rank: 1 });
    expect(facts.detections).toMatchObject({
      boxAxis: 2,
      featureAxis: 1,
      inBoxes: { boxAxis: 1, featureAxis: 2 },
    });
    const scores = outputs["scores"]?.data ?? new Float32Array();
    const best = scores.indexOf(Math.max(...scores));
    expect([pick.numbers.index, pick.box?.index]).toEqual([Math.floor(best / places), best % places]);
    expect(pick.box?.left).toBe((await allBoxes())[4 * (best % places)]);
  });
});

const scaled = (labelCount: number) => ({ composite: "gradient", labelCount }) as const;

describe("logits beside boxes", () => {
  const names = ["logits", "pred_boxes"] as const;
  const raw = (of: number): Model =>
    detector(
      (b, logits, boxes) => ({
        [names[0]]: b.reshape(b.op("Add", [logits, b.constant(float32Tensor([-3], [1]), "shift")]), [
          1,
          places,
          of,
        ]),
        [names[1]]: b.reshape(boxes, [1, places, 4]),
      }),
      of,
    );

  it("as many as names are sigmoids", async () => {
    const { facts, pick } = await picked(raw(3), { kind: "box", rank: 1 }, scaled(3));
    expect(facts.scale).toEqual({ kind: "logit", by: "sigmoid" });
    const { logit = 0, probability = 0 } = pick.numbers;
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 6);
  });

  it("one more than names are a softmax, whose last class is no object", async () => {
    const { facts, pick, outputs } = await picked(raw(4), { kind: "box", rank: 1 }, scaled(3));
    expect(facts.detections?.background).toBe(3);
    expect(pick.numbers.index).toBeLessThan(3);
    const all = outputs["logits"]?.data ?? new Float32Array();
    const row = all.subarray(4 * (pick.box?.index ?? 0), 4 * (pick.box?.index ?? 0) + 4);
    const powers = Array.from(row, Math.exp);
    const total = powers.reduce((a, n) => a + n, 0);
    expect(pick.numbers.probability).toBeCloseTo((powers[pick.numbers.index ?? 0] ?? 0) / total, 6);
  });

  it("without names are never taken for probabilities", async () => {
    await expect(picked(raw(3), { kind: "box", rank: 1 }, { composite: "gradient" })).rejects.toThrow();
  });
});
