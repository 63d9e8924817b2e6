/** Outputs that no list names: names of all sorts, several outputs, other precisions and opsets, other axes. */

import { beforeAll, describe, expect, test } from "vitest";
import { int, ints, type Model, type Value } from "../../../relprop/src/onnx/index.ts";
import { floatTensor, numbersOf } from "../../../relprop/src/onnx/tensor.ts";
import { modelOf, outputModels, type OutputModel } from "../../../relprop/test/support/output-models.ts";
import { correlation } from "../support/maps.ts";
import {
  answersOf,
  expectRefusal,
  expectSound,
  pictured,
  relevanceOf,
  waysIn,
  Workshop,
  type Answer,
} from "../support/output-runs.ts";

const shop = new Workshop();
let help: string;
beforeAll(async () => {
  help = (await shop.run("explain", "--help-all")).stdout;
});

const kindOf = (name: string): OutputModel =>
  pictured(outputModels.find((each) => each.name === name) as OutputModel);
const ownModel = (build: OutputModel["build"]): Model =>
  modelOf({ name: "own", input: [1, 3, 8, 8], kind: "map", scale: "value", build });

async function answersTo(path: string, ...args: string[]): Promise<Answer[]> {
  const run = await shop.explain(path, ...args, "--json", "--save", "npy");
  expect(run.status, run.stderr).toBe(0);
  await expectSound(run);
  return answersOf(run);
}

/** Tries the first way on that a refusal offers. */
async function firstWay(path: string, ...args: string[]): Promise<readonly [way: string[], Answer]> {
  const refused = await shop.explain(path, ...args);
  expectRefusal(refused, help);
  const [way = []] = waysIn(refused);
  const [answer] = await answersTo(path, ...args, ...way);
  return [way, answer as Answer];
}

/** The softmax of a picture, and class names as options. */
const named = async (labels: readonly string[]): Promise<readonly string[]> => {
  const path = await shop.model(modelOf(kindOf("softmax")), "named");
  return [path, "--labels", await shop.file("names.json", JSON.stringify(labels))];
};

const isSingle = ({ dataType }: { readonly dataType: string }): boolean => dataType === "float32";
const halved = <V extends { readonly dataType: string }>(each: V): V =>
  isSingle(each) ? { ...each, dataType: "float16" } : each;

/** The model in half precision. */
const half = (model: Model): Model => {
  const { inputs, outputs, initializers } = model.graph;
  const weights = [...initializers].map(
    ([name, tensor]) =>
      [name, isSingle(tensor) ? floatTensor("float16", numbersOf(tensor), tensor.dims) : tensor] as const,
  );
  const graph = { ...model.graph, inputs: inputs.map(halved), outputs: outputs.map(halved) };
  return { ...model, graph: { ...graph, initializers: new Map(weights) } };
};

/** Five numbers for each column of a picture. */
const columns = (perm?: readonly number[]): Model =>
  ownModel((b, x) => {
    const mean = b.op("ReduceMean", [b.relu(b.conv(x, 3, 5))], { axes: ints([2]), keepdims: int(0) });
    return perm ? b.transpose(mean, perm) : mean;
  });

describe("class names", () => {
  test("in other writing, with commas of their own", async () => {
    const [path = "", ...labels] = await named(["猫, 家猫", "犬、狗", "Größe", "ένα δύο", "кот"]);
    const texts = ["家猫", "犬、狗", "größe", "δύο", "КОТ"];
    const answers = await answersTo(path, ...labels, ...texts.flatMap((text) => ["-c", text]));
    expect(answers.map((each) => each.class)).toEqual([0, 1, 2, 3, 4]);
    expect(answers.map(({ label }) => label)).toEqual(["猫", "犬、狗", "Größe", "ένα δύο", "кот"]);
  });

  test("that are numbers: what could be an index or a name is asked back", async () => {
    const [path = "", ...labels] = await named(["1", "2", "3", "7", "0"]);
    const refused = await shop.explain(path, ...labels, "-c", "0");
    expectRefusal(refused, help);
    expect(refused.stderr).toContain('it is the index of "1" and the name of class 4');
    expect(waysIn(refused)).toEqual([
      ["--class", "index:0"],
      ["--class", "index:4"],
    ]);
    const answers = await answersTo(path, ...labels, "-c", "index:0", "-c", "index:4", "-c", "7");
    expect(answers.map((each) => [each.class, each.label])).toEqual([
      [0, "1"],
      [4, "0"],
      [3, "7"],
    ]);
    // Where both are the same class, nothing has to be asked.
    const [digit] = await answersTo(path, "--labels", await shop.file("d.txt", "0\n1\n2\n3\n4\n"), "-c", "3");
    expect(digit).toMatchObject({ class: 3, label: "3" });
  });

  test("no name is no class", async () => {
    const [path = "", ...labels] = await named(["a", "b", "", "", "c"]);
    const refused = await shop.explain(path, ...labels, "--class=");
    expectRefusal(refused, help);
    expect(refused.stderr).toContain("the name is empty");
  });

  test.each([
    [["5", "sea"], "0"],
    [["1", "0"], "index:0"],
    [["a b, c", "sea"], "a b, c"],
    [['the "red"', "sea"], "0"],
    [["sea", "sea"], "0"],
    [["", "sea"], "0"],
  ])("of a map %j: the way on names the first one so that it is found", async (names, word) => {
    const path = await shop.model(modelOf(kindOf("a U-Net of two classes")), "map");
    const labels = ["--labels", await shop.file("map.json", JSON.stringify(names))];
    const [way, answer] = await firstWay(path, ...labels);
    expect(way).toEqual(["--class", word]);
    expect(answer.class).toBe(0);
  });

  test("of a map of one class: its name is yes", async () => {
    const path = await shop.model(modelOf(kindOf("a U-Net of one class")), "one");
    const labels = ["--labels", await shop.file("cell.txt", "cell\n")];
    const [way, answer] = await firstWay(path, ...labels);
    expect(way).toEqual(["--class", "cell"]);
    expect(answer).toMatchObject({ class: 1, label: "cell", asked: "where 1 cell wins" });
    const [no] = await answersTo(path, ...labels, "-c", "not cell");
    expect(no).toMatchObject({ class: 0, label: "not cell" });
    const [yes, against] = await answersTo(path, ...labels, "--pixel", "3,4", "-c", "cell", "-c", "0");
    expect(yes).toMatchObject({ class: 1, label: "cell at 3,4" });
    expect(against?.logit).toBeCloseTo(-(yes?.logit as number), 6);
    expect(against?.probability).toBeCloseTo(1 - (yes?.probability as number), 6);
  });
});

describe("names that do not fit", () => {
  test.each([
    ["softmax", 4, "there are 4, and the output [N, 5] has 5 numbers to name"],
    ["one sigmoid", 3, "there are 3, and the output [N, 1] has one number"],
    ["a U-Net of one class", 3, "there are 3"],
    ["a U-Net of two classes", 3, "there are 3"],
  ])("of %s: %s are refused", async (name, count, why) => {
    const path = await shop.model(modelOf(kindOf(name)), "fit");
    const list = Array.from({ length: count }, (_, i) => `name ${i}`).join("\n");
    const refused = await shop.explain(path, "--labels", await shop.file("fit.txt", list), "-c", "1");
    expectRefusal(refused, help);
    expect(refused.stderr).toContain(why);
  });

  test("the model's own are left out, and the note says so", async () => {
    const model = { ...modelOf(kindOf("softmax")), metadata: { names: '["a", "b"]' } };
    const run = await shop.explain(await shop.model(model, "own"));
    expect(run.status, run.stderr).toBe(0);
    expect(run.stderr).toContain("are not known, those of the model (2) do not fit");
    const value = await shop.explain(await shop.model(modelOf(kindOf("one value")), "value"));
    expect(value.stderr).not.toContain("are not known");
  });

  test("files of other forms are refused; a mark of byte order is none", async () => {
    const path = await shop.model(modelOf(kindOf("softmax")), "forms");
    const names = ["a", "b", "c", "d", "e"];
    for (const [file, content, why] of [
      ["n.csv", "a,b", "it is CSV"],
      ["n.yml", "- a", "it is YAML"],
      ["n.txt", Uint8Array.of(97, 0, 98, 0), "it is not UTF-8 text"],
      ["m.txt", Uint8Array.of(97, 0xe9, 10), "it is not UTF-8 text"],
    ] as const) {
      const refused = await shop.explain(path, "--labels", await shop.file(file, content));
      expect(refused.status).toBe(4);
      expect(refused.stderr).toContain(why);
    }
    const json = await shop.file("bom.json", `\uFEFF${JSON.stringify(names)}`);
    const [answer] = await answersTo(path, "--labels", json, "-c", "3");
    expect(answer?.label).toBe("d");
  });

  test("a card without names leaves the model's own", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const model = { ...modelOf(kindOf("softmax")), metadata: { names: JSON.stringify(names) } };
    const input = { size: [8, 8], resize: { shortSide: 8 }, layout: "NCHW", channels: "RGB" };
    const card = { name: "net", input: { ...input, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } };
    const file = await shop.file("no-names.json", JSON.stringify(card));
    const [answer] = await answersTo(await shop.model(model, "carded"), "--card", file, "-c", "d");
    expect(answer).toMatchObject({ class: 3, label: "d" });
  });
});

describe("yes or no", () => {
  test.each([6, -6])("with a logit near %s: ranks are by probability, what is usual is yes", async (bias) => {
    const model = ownModel((b, x) => {
      const mean = b.reshape(b.op("GlobalAveragePool", [b.relu(b.conv(x, 3, 6))]), [0, 6]);
      return b.op("Sigmoid", [
        b.op("Add", [
          b.dense(mean, 6, 1),
          b.constant(floatTensor("float32", Float32Array.of(bias), [1]), "bias"),
        ]),
      ]);
    });
    const path = await shop.model(model, `near${bias}`);
    const [usual] = await answersTo(path);
    expect(usual).toMatchObject({ class: 1 });
    const best = bias > 0 ? 1 : 0;
    const ranked = await answersTo(path, "-c", "top2");
    expect(ranked.map((each) => each.class)).toEqual([best, 1 - best]);
    const [first] = await answersTo(path, "-c", "top1");
    expect(first).toMatchObject({ class: best, asked: "top1" });
    expect(first?.probability).toBeGreaterThan(0.5);
    expect(Math.sign(usual?.logit as number)).toBe(Math.sign(bias));
  });
});

describe("two outputs of different kinds", () => {
  const two = ownModel((b, x) => {
    const h = b.relu(b.conv(x, 3, 6));
    const flat = b.reshape(b.op("GlobalAveragePool", [h]), [0, 6]);
    const probabilities = b.op("Softmax", [b.dense(flat, 6, 3)], { axis: int(1) });
    return { "head/probs:0": probabilities, "mask out": b.op("Sigmoid", [b.conv(h, 6, 1)]) };
  });

  test("what the first one has not is found in the other", async () => {
    const path = await shop.model(two, "two");
    const [way, answer] = await firstWay(path, "--pixel", "3,4");
    expect(way).toEqual(["--output", "mask out"]);
    expect(answer).toMatchObject({ kind: "map", asked: "pixel 3,4" });
    expectRefusal(await shop.explain(path, "--output", "mask out", "-c", "top1"), help);
    const [list] = await answersTo(path, "--output", "head/probs:0", "-c", "1");
    expect(list).toMatchObject({ kind: "classes", class: 1 });
    const compiled = await shop.run("compile", path, "--output", "mask out", "--target", "0,0,3,4");
    expect(compiled.status, compiled.stderr).toBe(0);
    expect(compiled.stderr).toContain('output "mask out" is read as map');
  });

  test("an output with a slash and a colon is inspected by its name", async () => {
    const { stdout } = await shop.run("inspect", await shop.model(two, "two"));
    expect(stdout).toMatch(/^read as +"head\/probs:0": classes: it ends in softmax/m);
    expect(stdout).toMatch(/^read as +"mask out": map: /m);
  });
});

describe("boxes before their scores", () => {
  const detector = ownModel((b, x) => {
    const h = b.relu(b.conv(x, 3, 6));
    const rows = (count: number): Value =>
      b.transpose(b.reshape(b.conv(h, 6, count), [0, count, 64]), [0, 2, 1]);
    return { boxes: rows(4), scores: b.op("Softmax", [rows(5)], { axis: int(2) }) };
  });

  test("boxes are offered, not places of a map; every way works", async () => {
    const path = await shop.model(detector, "apart");
    const refused = await shop.explain(path);
    expectRefusal(refused, help);
    const ways = waysIn(refused);
    expect(ways[0]).toEqual(["--box", "1"]);
    expect(ways.at(-1)?.[0]).toBe("--target");
    for (const way of ways) {
      const [answer] = await answersTo(path, ...way, "--score-threshold", "0");
      expect(answer?.kind).toBe("detections");
    }
    const [box] = await answersTo(path, "--class", "1", "--score-threshold", "0");
    expect(box).toMatchObject({ kind: "detections", class: 1, asked: "box 1 of 1 class 1" });
    for (const other of [
      ["--pixel", "3,4"],
      ["--target", "mask.png"],
    ]) {
      const misplaced = await shop.explain(path, ...other);
      expect(misplaced.status).toBe(2);
    }
    // By its indices an element of the boxes can be named.
    const [side] = await answersTo(path, "--output", "boxes", "--target", "0,9,2");
    expect(side).toMatchObject({ asked: "element 0,9,2" });
    expect(side?.kind).not.toBe("detections");
    // The other commands take the same output.
    const { plan } = JSON.parse((await shop.run("inspect", path, "--json")).stdout);
    expect(plan.output).toBe("scores");
    expect((await shop.run("compile", path)).stderr).toMatch(/output "scores" is read as detections/);
  });
});

describe("as many boxes as a run finds", () => {
  const found = ownModel((b, x) => {
    const h = b.relu(b.conv(x, 3, 6));
    const rows = (count: number): Value =>
      b.reshape(b.transpose(b.reshape(b.conv(h, 6, count), [0, count, 64]), [0, 2, 1]), [64, count]);
    const scores = b.reshape(b.op("Sigmoid", [rows(1)]), [64]);
    const good = b.op("Greater", [scores, b.op("ReduceMean", [scores], { keepdims: int(0) })]);
    const index = b.reshape(b.op("NonZero", [good]), [-1]);
    return { boxes: b.op("Gather", [rows(4), index]), scores: b.op("Gather", [scores, index]) };
  });

  test("are detections: the best box, the second, and a class that none has", async () => {
    const path = await shop.model(found, "found");
    const unnamed = await shop.explain(path);
    expectRefusal(unnamed, help);
    expect(unnamed.stderr).toContain("--box 1 (the best box)");
    const [best] = await answersTo(path, "--box", "1", "--iou", "1");
    expect(best).toMatchObject({ kind: "detections", class: 0, asked: "box 1" });
    const [second] = await answersTo(path, "--box", "2", "--iou", "1");
    expect(second?.probability).toBeLessThan(best?.probability ?? 0);
    expectRefusal(await shop.explain(path, "--box", "1", "--class", "1"), help);
    const [side] = await answersTo(path, "--output", "boxes", "--target", "0,2");
    expect(side?.value).toBeTypeOf("number");
    const refused = await shop.explain(path, "--box", "1", "--seed", "one");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("use --seed logit");
  });
});

describe("values of places", () => {
  test.each([
    "a map of two values named flow",
    "a picture behind a tanh",
    "a map of one value behind a softplus",
  ])("%s: a value is called a value, and nothing wins", async (name) => {
    const path = await shop.model(modelOf(kindOf(name)), "values");
    const isOne = name.includes("one");
    if (!isOne) expectRefusal(await shop.explain(path, "--pixel", "3,4"), help);
    const which = isOne ? [] : ["--class", "1"];
    const [answer] = await answersTo(path, "--pixel", "3,4", ...which);
    expect(answer).toMatchObject({ kind: "value-map", label: isOne ? "value at 3,4" : "value 1 at 3,4" });
    expectRefusal(await shop.explain(path, "--class", "0"), help);
    const people = await shop.explain(path, "--pixel", "3,4", ...which);
    expect(people.stderr).not.toMatch(/class/);
  });

  test("scores of places can be said to be values", async () => {
    const path = await shop.model(modelOf(kindOf("a map of logits")), "said");
    const asked = ["--pixel", "3,4", "--class", "1"];
    const [asRead] = await answersTo(path, ...asked);
    const [said] = await answersTo(path, ...asked, "--output-kind", "value-map");
    expect([asRead?.label, said?.label]).toEqual(["class 1 at 3,4", "value 1 at 3,4"]);
    expect(said?.value).toBe(asRead?.value);
  });
});

describe("twins", () => {
  test.each([13, 21, 22])("of opset %s are explained the same", async (opset) => {
    const model = modelOf(kindOf("four sigmoids"));
    const twin = { ...model, irVersion: opset > 20 ? 10 : 8, opsets: { "": opset } };
    const [own, other] = [await shop.model(model, "own"), await shop.model(twin, "twin")];
    const [[wanted], [got]] = [await answersTo(own, "-c", "1"), await answersTo(other, "-c", "1")];
    expect(got).toMatchObject({ kind: "multi-label", value: wanted?.value, logit: wanted?.logit });
    expect(await relevanceOf(got as Answer)).toEqual(await relevanceOf(wanted as Answer));
  });

  test.each(["softmax", "four sigmoids", "one value"])(
    "of half precision, %s: the same kind, composite and map",
    async (name) => {
      const model = modelOf(kindOf(name));
      const [own, other] = [await shop.model(model, "single"), await shop.model(half(model), "half")];
      const [[wanted], [got]] = [await answersTo(own, "-c", "0"), await answersTo(other, "-c", "0")];
      expect(got?.kind).toBe(wanted?.kind);
      expect(got?.value).toBeCloseTo(wanted?.value as number, 3);
      const maps = await Promise.all([relevanceOf(got as Answer), relevanceOf(wanted as Answer)]);
      expect(correlation(...maps)).toBeGreaterThan(0.9999);
    },
  );
});

describe("a text that is read from a picture", () => {
  test.each([
    ["steps before classes", [0, 2, 1], "0,3,3", "0,3,1"],
    ["the batch in the middle", [2, 0, 1], "3,0,3", "3,1"],
  ])("%s: a step's class has to be named", async (_name, perm, offered, element) => {
    const path = await shop.model(columns(perm), "steps");
    const [way, answer] = await firstWay(path);
    expect(way).toEqual(["--target", offered]);
    expect(answer).toMatchObject({ kind: "sequence", class: 3, elements: 1 });
    const [other] = await answersTo(path, "--target", element);
    expect(other).toMatchObject({ class: 1, elements: 1 });
  });

  test("a map of columns has no pixels and no pictures of places", async () => {
    const path = await shop.model(columns(), "columns");
    for (const wrong of [
      ["--pixel", "1,1"],
      ["--target", await shop.file("m.png", "")],
    ]) {
      const refused = await shop.explain(path, ...wrong);
      expectRefusal(refused, help);
      expect(refused.stderr).not.toContain("--output-kind");
    }
  });
});

test("an answer that is no number fails with its picture, and nothing is printed of it", async () => {
  const model = ownModel((b, x) => {
    const flat = b.reshape(b.op("GlobalAveragePool", [b.relu(b.conv(x, 3, 6))]), [0, 6]);
    return b.op("Log", [b.op("Sub", [b.dense(flat, 6, 3), b.scalar(100)])]);
  });
  const run = await shop.explain(await shop.model(model, "nan"), "--json", "--save", "npy");
  expect(run.status).toBe(1);
  expect(answersOf(run)).toEqual([{ v: 2, input: expect.any(String), error: expect.any(Object) }]);
  expect(run.stderr).toContain("the model puts out NaN");
});
