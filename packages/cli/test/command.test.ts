import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GraphBuilder, int, ints, writeModel, float32Tensor } from "@relprop/core/onnx";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Option } from "@commander-js/extra-typings";
import { modelOptions, relevanceOptions } from "../src/commands/relevance-options.ts";
import { runCommand } from "../src/commands/run-command.ts";

const photos = fileURLToPath(new URL("../../../examples/photos", import.meta.url));
let folder: string;
let out: string;
let stdout: string[];
let stderr: string[];
let run = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-command-"));
  vi.stubEnv("RELPROP_CACHE", join(folder, "cache"));
  await writeFile(join(folder, "net.onnx"), Buffer.concat(writeModel(tinyClassifier()).chunks));
  await writeFile(join(folder, "labels.txt"), "red thing\ngreen thing\nblue thing\ngray thing\n");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  out = join(folder, `out${++run}`);
  stdout = [];
  stderr = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => stdout.push(String(text)) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => stderr.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const wave = (length: number): number[] => Array.from({ length }, (_, i) => Math.sin(7 * i + 1));

/** Conv, ReLU, global average, Gemm: 32×32 RGB pictures to four classes. */
function tinyClassifier(activation: "Relu" | "Sigmoid" = "Relu") {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 32, 32]);
  const w = b.constant(float32Tensor(wave(16 * 27), [16, 3, 3, 3]), "w");
  const v = b.constant(float32Tensor(wave(64), [4, 16]), "v");
  const c = b.constant(float32Tensor(wave(4), [4]), "c");
  const y = b.op(activation, [
    b.op("Conv", [x, w], { pads: ints([1, 1, 1, 1]), kernel_shape: ints([3, 3]) }),
  ]);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [y])], { axis: int(1) });
  b.output(b.op("Gemm", [pooled, v, c], { transB: int(1) }, "gemm"), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("tiny") };
}

const explain = (...args: string[]): Promise<number> =>
  runCommand([
    "explain",
    "--model",
    join(folder, "net.onnx"),
    "--labels",
    join(folder, "labels.txt"),
    "-o",
    out,
    ...args,
  ]);
const records = (): { [name: string]: unknown }[] =>
  stdout
    .join("")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** What a .npy file of two dimensions holds. */
const numbers = (bytes: Buffer): Float32Array =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length));

describe("explain", () => {
  test("writes three pictures for each image, a page and a line", async () => {
    expect(await explain(photos)).toBe(0);
    const files = await readdir(out);
    expect(files.filter((name) => name.startsWith("chelsea")).sort()).toEqual([
      "chelsea.heatmap.png",
      "chelsea.overlay.png",
      "chelsea.picture.png",
    ]);
    expect(files).toContain("index.html");
    expect(stdout.join("")).toMatch(/chelsea\.png {2}\w+ thing \d\.\d+ · \w+ thing/);
  });

  test("says all that was decided, and what was guessed", async () => {
    await explain(join(photos, "chelsea.png"));
    const said = stderr.join("");
    for (const part of [
      "model net.onnx",
      "[N, 3, 32, 32]",
      "output classes [N, 4] (there are 4 class names",
      "composite fischer",
      "seed softmax",
      "keeps 0.1",
      "device cpu",
      "images 1",
    ]) {
      expect(said).toContain(part);
    }
    expect(said).toMatch(/guessed, .*mean 0.485,0.456,0.406/);
  });

  test("with --class gives a signed map for each class", async () => {
    expect(await explain(join(photos, "chelsea.png"), "--class", "blue", "--class", "0", "--json")).toBe(0);
    const [blue, red, summary] = records();
    expect(blue).toMatchObject({ v: 2, class: 2, label: "blue thing" });
    expect(red).toMatchObject({ v: 2, class: 0, label: "red thing" });
    expect(summary).toMatchObject({ v: 2, summary: { done: 1, skipped: 0, failed: 0 } });
    expect(await readdir(out)).toContain("chelsea.2-blue-thing.heatmap.png");
    expect(stderr.join("")).toBe("");
    const page = await readFile(join(out, "index.html"), "utf8");
    expect(page).toContain("Red speaks for “blue thing”, blue against it.");
    expect(page).toContain("epsilon-plus-ones");
  });

  test("top3 explains the three best classes of each image of a batch", async () => {
    expect(await explain(photos, "-c", "top3", "-b", "3", "--json")).toBe(0);
    const all = records().slice(0, -1);
    expect(all).toHaveLength(12);
    for (const record of all) {
      const top = record["top"] as { index: number }[];
      expect(top.slice(0, 3).map(({ index }) => index)).toContain(record["class"]);
    }
  });

  test("a class gives the same relevance alone and in a batch", async () => {
    await explain(photos, "-c", "1", "-b", "4", "--save", "npy", "--quiet");
    const together = await readFile(join(out, "coffee.1-green-thing.relevance.npy"));
    await explain(join(photos, "coffee.png"), "-c", "1", "--save", "npy", "--quiet", "--force");
    const alone = await readFile(join(out, "coffee.1-green-thing.relevance.npy"));
    const expected = numbers(alone);
    expect(expected.length).toBe(32 * 32);
    for (const [i, value] of numbers(together).entries())
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
  });

  test("redoes only what changed", async () => {
    await explain(photos, "--quiet");
    const before = (await stat(join(out, "rocket.heatmap.png"))).mtimeMs;
    expect(await explain(photos, "--json")).toBe(0);
    expect(records().at(-1)).toMatchObject({ summary: { done: 0, skipped: 4 } });
    expect((await stat(join(out, "rocket.heatmap.png"))).mtimeMs).toBe(before);
    stdout = [];
    await explain(photos, "--json", "-k", "0.5");
    expect(records().at(-1)).toMatchObject({ summary: { done: 4, skipped: 0 } });
  });

  test("names images that fail, does the others and exits with 1", async () => {
    const broken = join(folder, "broken.png");
    await writeFile(broken, "no image");
    expect(await explain(broken, join(folder, "missing.jpg"), join(photos, "chelsea.png"))).toBe(1);
    expect(stderr.join("")).toContain(`cannot read "${broken}"`);
    expect(stderr.join("")).toContain(`missing.jpg"`);
    expect(stderr.at(-1)).toMatch(/2 images failed, .* run the same command again/);
    expect(stdout.join("")).toContain("chelsea.png");
  });

  test("never writes over an image that it explains", async () => {
    const input = join(folder, "x.picture.png");
    await writeFile(input, await readFile(join(photos, "chelsea.png")));
    await writeFile(join(folder, "x.png"), await readFile(join(photos, "chelsea.png")));
    const status = await runCommand([
      "explain",
      "--model",
      join(folder, "net.onnx"),
      "-o",
      folder,
      input,
      join(folder, "x.png"),
    ]);
    expect(status).toBe(1);
    expect(stderr.join("")).toContain("it is one of the files to explain");
    expect(await readFile(input)).toEqual(await readFile(join(photos, "chelsea.png")));
  });
});

/** Explains a picture and gives what was said of the run, on one line. */
const chosen = async (model: string, ...args: string[]): Promise<string> => {
  expect(await runCommand(["explain", "-m", model, "-o", out, join(photos, "coffee.png"), ...args])).toBe(0);
  return stderr.join("").replaceAll("\n", " ");
};

describe("what explain chooses", () => {
  test("epsilon-plus from the best class, for a network that is not made of ReLUs", async () => {
    const path = join(folder, "sigmoid.onnx");
    await writeFile(path, Buffer.concat(writeModel(tinyClassifier("Sigmoid")).chunks));
    expect(await chosen(path)).toMatch(
      /explains the best class .*composite epsilon-plus .*seed logit .*filter off .*bwr, symmetric/,
    );
  });

  test("what the options say, in place of all that", async () => {
    const args = [
      "--composite",
      "epsilon-gamma-box",
      "--low",
      "-2.2",
      "--high",
      "2.7",
      "--colormap",
      "inferno",
    ];
    const said = await chosen(join(folder, "net.onnx"), ...args, "--style", "figure", "--save", "json");
    expect(said).toMatch(/composite epsilon-gamma-box .*seed logit .*colours inferno, min-max/);
    expect((await readdir(out)).sort()).toEqual([
      ".relprop-manifest.jsonl",
      "coffee.figure.png",
      "coffee.json",
      "index.html",
    ]);
  });

  test("the bounds of a box rule from what the preprocessing makes of pixels, unless they are given", async () => {
    const args = ["--composite", "epsilon-gamma-box", "--mean", "0.5", "--std", "0.5"];
    expect(await chosen(join(folder, "net.onnx"), ...args)).toContain("bounds -1 to 1 ");
    expect(await chosen(join(folder, "net.onnx"), ...args, "--high", "2,2,3")).toContain(
      "bounds -1 to 2,2,3 ",
    );
  });

  test("the card beside the model, and then it guesses nothing", async () => {
    const path = join(folder, "carded.onnx");
    await writeFile(path, Buffer.concat(writeModel(tinyClassifier()).chunks));
    const input = {
      layout: "NCHW",
      size: [32, 32],
      resize: "exact",
      channels: "BGR",
      scale: 1,
      mean: [1, 2, 3],
      std: [1, 1, 1],
    };
    await writeFile(join(folder, "carded.card.json"), JSON.stringify({ name: "my net", input, topK: 0.3 }));
    const said = await chosen(path);
    expect(said).toMatch(/model my net .*exact, BGR, scale 1, mean 1,2,3, .*keeps 0.3/);
    expect(said).not.toContain("guessed");
  });

  test("VGG from a checkpoint, at any size", async () => {
    const path = join(folder, "vgg.safetensors");
    await writeFile(path, safetensors(tinyVgg11()));
    const said = await chosen(path, "--size", "64");
    expect(said).toMatch(
      /model vgg11 .*\[N, 3, 64, 64\].*output classes \[N, 5\] .*the whole prediction .*composite fischer .*keeps 0.02/,
    );
  });
});

/** Names and shapes of a layer's weight and bias. */
const both = (part: string, [index, dims]: [number, number[]]): [string, number[]][] => [
  [`${part}.${index}.weight`, dims],
  [`${part}.${index}.bias`, dims.slice(0, 1)],
];

/** Shapes of a VGG-11 of four channels. */
function tinyVgg11(): [name: string, dims: number[]][] {
  const convolutions = [0, 3, 6, 8, 11, 13, 16, 18].map((index): [number, number[]] => [
    index,
    [4, index === 0 ? 3 : 4, 3, 3],
  ]);
  const linear: [number, number[]][] = [
    [0, [6, 4 * 49]],
    [3, [6, 6]],
    [6, [5, 6]],
  ];
  return [
    ...convolutions.flatMap((layer) => both("features", layer)),
    ...linear.flatMap((layer) => both("classifier", layer)),
  ];
}

/** A safetensors file of waves. */
function safetensors(tensors: readonly [name: string, dims: readonly number[]][]): Buffer {
  const header: Record<string, unknown> = {};
  const data: number[] = [];
  for (const [name, shape] of tensors) {
    const start = 4 * data.length;
    data.push(...wave(shape.reduce((product, dim) => product * dim, 1)));
    header[name] = { dtype: "F32", shape, data_offsets: [start, 4 * data.length] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(Float32Array.from(data).buffer)]);
}

describe("exit codes", () => {
  test("2: options that are not there or not allowed", async () => {
    expect(await runCommand(["explain", "--colourmap", "bwr"])).toBe(2);
    expect(stderr.join("")).toMatch(/unknown option '--colourmap'.*\n.*--colormap/);
    expect(await runCommand(["explain", "-k", "2", "x.png"])).toBe(2);
    expect(await runCommand(["explian"])).toBe(2);
    expect(await explain()).toBe(2);
    expect(await explain(photos, "--class", "purple")).toBe(2);
    expect(await explain(photos, "--class", "0", "--seed", "softmax")).toBe(2);
  });

  test("3: a model that relevance cannot cross", async () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 3, 32, 32]);
    b.output(b.op("Flatten", [b.op("Hardmax", [x])], { axis: int(1) }), "y");
    const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("no") };
    await writeFile(join(folder, "no.onnx"), Buffer.concat(writeModel(model).chunks));
    expect(await runCommand(["compile", join(folder, "no.onnx"), "-o", join(folder, "no.lrp.onnx")])).toBe(3);
    expect(stderr.join("")).toContain("Hardmax");
  });

  test("4: a model that cannot be had", async () => {
    expect(await runCommand(["explain", photos, "--model", "resnet5000"])).toBe(4);
    expect(stderr.join("")).toMatch(/no model "resnet5000".*resnet50/);
    expect(await runCommand(["explain", photos, "--model", join(folder, "labels.txt")])).toBe(4);
  });

  test("0: help", async () => {
    expect(await runCommand([])).toBe(0);
    expect(stdout.join("").trim().split("\n")).toHaveLength(12);
    expect(await runCommand(["explain", "--help"])).toBe(0);
    expect(await runCommand(["--version"])).toBe(0);
  });
});

const helpOf = async (...args: string[]): Promise<string> => {
  stdout = [];
  expect(await runCommand(args)).toBe(0);
  return stdout.join("");
};

describe("help", () => {
  test.each(["explain", "concepts", "compile", "inspect"])(
    "of %s fits on one screen, and all of it is there",
    async (name) => {
      const [short, all] = [await helpOf(name, "--help"), await helpOf(name, "--help-all")];
      const lines = short.trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(40);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
      expect(short).toContain("--help-all");
      expect(short).not.toContain("--gamma <g>");
      expect(all).toContain("--gamma <g>");
      for (const flag of short.match(/^ {2}(-\w, )?--[\w-]+/gm) ?? []) expect(all).toContain(flag);
    },
  );

  test("is given also where arguments are missing, and options are read by the names they have in code", async () => {
    expect(await helpOf("compile", "--help-all")).toContain("How relevance is computed:");
    const all = await helpOf("explain", "--help-all");
    for (const [name, { flag }] of Object.entries({ ...relevanceOptions, ...modelOptions })) {
      expect(new Option(flag).attributeName()).toBe(name);
      expect(all).toContain(flag.replace(/^-\w, /, ""));
    }
  });
});

describe("compile", () => {
  test("writes a model that runs and also outputs its relevance", async () => {
    const path = join(folder, "net.lrp.onnx");
    expect(
      await runCommand([
        "compile",
        join(folder, "net.onnx"),
        "-o",
        path,
        "--reduce",
        "channels",
        "--seed",
        "one",
      ]),
    ).toBe(0);
    const { InferenceSession, Tensor } = await import("onnxruntime-node");
    const session = await InferenceSession.create(path);
    expect(session.outputNames).toEqual(["logits", "relevance"]);
    const result = await session.run({
      x: new Tensor("float32", new Float32Array(3 * 1024).fill(0.5), [1, 3, 32, 32]),
      target: new Tensor("float32", Float32Array.of(1, 0, 0, 0), [1, 4]),
    });
    expect(result["relevance"]?.dims).toEqual([1, 32, 32]);
    await session.release();
  });

  test("puts weights into a file of their own if it is told so", async () => {
    const path = join(folder, "ext.onnx");
    expect(
      await runCommand(["compile", join(folder, "net.onnx"), "-o", path, "--external-data", "--quiet"]),
    ).toBe(0);
    expect((await stat(`${path}.data`)).size).toBeGreaterThanOrEqual(4 * 16 * 27);
    const { InferenceSession } = await import("onnxruntime-node");
    await (await InferenceSession.create(path)).release();
  });

  test("does not write over its input", async () => {
    const path = join(folder, "net.onnx");
    expect(await runCommand(["compile", path, "-o", path])).toBe(2);
  });
});

describe("models", () => {
  test("are listed with their sizes, and found in the cache folder", async () => {
    expect(await runCommand(["models"])).toBe(0);
    expect(stdout.join("")).toMatch(/^resnet50 +95\.1 MB/m);
    expect(stdout.join("")).toMatch(/^mobilenet_v3 +your file +MobileNetV3 small and large/m);
    stdout = [];
    expect(await runCommand(["models", "path", "vgg16"])).toBe(0);
    expect(stdout.join("").trim()).toBe(join(folder, "cache", "models", "vgg16-397923af.pth"));
    expect(await runCommand(["models", "pull", "lenet"])).toBe(4);
    expect(await runCommand(["models", "pull", "alexnet"])).toBe(4);
    expect(stderr.join("")).toMatch(
      /"lenet": the zoo has none.*"alexnet": its weights are read from your own file/s,
    );
  });
});
