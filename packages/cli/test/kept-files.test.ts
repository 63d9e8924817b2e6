/** What relprop did not write, it does not write over. */

import { execFile } from "node:child_process";
import {
  appendFile,
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { OptionError } from "@relprop/core";
import { float32Tensor, GraphBuilder, int, writeModel } from "@relprop/core/onnx";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commandRuns } from "./support/command-runs.ts";
import { runCommand } from "../src/commands/run-command.ts";
import { writeGuarded } from "../src/files/write-file.ts";

const photos = fileURLToPath(new URL("../../../examples/photos", import.meta.url));
const mine = "this is mine";
const manifest = ".relprop-manifest.jsonl";
const runs = commandRuns("kept");
let net: string;

beforeAll(async () => {
  net = join(runs.folder, "net.onnx");
  await writeFile(net, Buffer.concat(writeModel(tinyNet()).chunks));
});
beforeEach(() => mkdir(runs.out));

const wave = (length: number): number[] => Array.from({ length }, (_, i) => Math.sin(5 * i + 1));

/** Conv, ReLU, mean, Gemm: 8×8 RGB pictures to three classes. */
function tinyNet() {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 8, 8]);
  const w = b.constant(float32Tensor(wave(16 * 27), [16, 3, 3, 3]), "w");
  const v = b.constant(float32Tensor(wave(48), [3, 16]), "v");
  const y = b.op("GlobalAveragePool", [b.op("Relu", [b.op("Conv", [x, w], {}, "conv")])]);
  b.output(b.op("Gemm", [b.op("Flatten", [y], { axis: int(1) }), v], { transB: int(1) }), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("tiny") };
}

const at = (name: string): string => join(runs.out, name);
const cat = join(photos, "chelsea.png");
const cup = join(photos, "coffee.png");
const text = (name: string): Promise<string> => readFile(at(name), "utf8");
const explain = (...args: string[]): Promise<number> =>
  runCommand(["explain", "--model", net, "-o", runs.out, ...args]);
const own = async (name: string, content = mine): Promise<void> => {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
};

describe("explain keeps", () => {
  test("a page of somebody else, and says so before it loads anything", async () => {
    await own("index.html", "<!doctype html><title>my site</title>");
    const missing = ["explain", "--model", join(runs.folder, "missing.onnx"), "-o", runs.out, cat];
    expect(await runCommand(missing)).toBe(2);
    expect(runs.stderr).toMatch(
      /will not write ".*index\.html": relprop did not write it; move it away, .*-o.*--force/,
    );
    expect(await readdir(runs.out)).toEqual(["index.html"]);
    expect(await text("index.html")).toContain("my site");
    expect(await explain(cat, "--force")).toBe(0);
    expect(await text("index.html")).toMatch(/<meta name="generator" content="relprop \d/);
  });

  test("pictures, and the rest is done; nothing of that image is written", async () => {
    await copyFile(cup, at("chelsea.overlay.png"));
    expect(await explain(cat, cup)).toBe(1);
    expect(runs.stderr).toContain('chelsea.overlay.png": relprop did not write it');
    expect(runs.stderr).toContain("1 image failed");
    expect(await readFile(at("chelsea.overlay.png"))).toEqual(await readFile(cup));
    expect((await readdir(runs.out)).sort()).toEqual([
      manifest,
      "chelsea.overlay.png",
      "coffee.heatmap.png",
      "coffee.overlay.png",
      "coffee.picture.png",
      "index.html",
    ]);
    expect(await explain(cat, "--force")).toBe(0);
    expect(await readFile(at("chelsea.overlay.png"))).not.toEqual(await readFile(cup));
  });

  test("pictures whose names only the network's answer gives, and nothing of that image is written", async () => {
    expect(await explain(cat, "-c", "top2", "--json")).toBe(0);
    const second = (await readdir(runs.out)).filter((name) => name.endsWith(".heatmap.png"))[1] ?? "";
    await rm(runs.out, { recursive: true });
    await own(second);
    expect(await explain(cat, "-c", "top2")).toBe(1);
    expect(await text(second)).toBe(mine);
    expect(await readdir(runs.out)).toEqual([second]);
  });

  test.each(["json", "npy", "svg"])("notes of somebody else that are called as its %s", async (kind) => {
    const name =
      { json: "chelsea.json", npy: "chelsea.relevance.npy", svg: "chelsea.figure.svg" }[kind] ?? "";
    await own(name);
    expect(await explain(cat, "--save", kind)).toBe(1);
    expect(await text(name)).toBe(mine);
    await rm(at(name));
    expect(await explain(cat, "--save", kind)).toBe(0);
    expect(await explain(cat, "--save", kind, "-k", "0.5")).toBe(0);
    expect((await readFile(at(name))).length).toBeGreaterThan(mine.length);
  });

  test("a folder where a file would be, whatever is said", async () => {
    await mkdir(at("index.html"));
    expect(await explain(cat)).toBe(2);
    expect(runs.stderr).toMatch(/index\.html": it is a folder; choose another place with -o$/m);
    expect(await explain(cat, "--force")).toBe(2);
    await rm(at("index.html"), { recursive: true });
    await mkdir(at("chelsea.heatmap.png"));
    expect(await explain(cat, "--force")).toBe(1);
  });

  test("a file where the folder would be", async () => {
    await own("taken");
    expect(await runCommand(["explain", "--model", net, "-o", at("taken"), cat])).toBe(2);
    expect(runs.stderr).toMatch(/taken" is no folder/);
    expect(await runCommand(["explain", "--model", net, "-o", at("taken/deep"), cat, "--force"])).toBe(2);
    expect(await text("taken")).toBe(mine);
  });

  test("links, and what they lead to even if it is forced", async () => {
    await own("elsewhere/notes.html");
    await symlink(at("elsewhere/notes.html"), at("index.html"));
    expect(await explain(cat)).toBe(2);
    expect(runs.stderr).toContain("it is a link to another file");
    expect(await explain(cat, "--force")).toBe(0);
    expect(await text("elsewhere/notes.html")).toBe(mine);
    expect((await lstat(at("index.html"))).isSymbolicLink()).toBe(false);
    await rm(at("index.html"));
    await symlink(at("nothing"), at("index.html"));
    expect(await explain(cat)).toBe(2);
  });

  test("what is read-only, though it wrote it", async () => {
    expect(await explain(cat)).toBe(0);
    await chmod(at("chelsea.heatmap.png"), 0o444);
    const before = await readFile(at("chelsea.heatmap.png"));
    expect(await explain(cat, "--colormap", "inferno")).toBe(1);
    expect(runs.stderr).toContain("it is read-only");
    expect(await readFile(at("chelsea.heatmap.png"))).toEqual(before);
    expect(await explain(cat, "--colormap", "inferno", "--force")).toBe(0);
  });

  test("names that differ by case", async () => {
    for (const name of ["INDEX.HTML", "Chelsea.Heatmap.PNG"]) await own(name);
    // Where case does not count, they are in the way.
    const isSame = await lstat(at("index.html")).then(
      () => true,
      () => false,
    );
    expect(await explain(cat)).toBe(isSame ? 2 : 0);
    for (const name of ["INDEX.HTML", "Chelsea.Heatmap.PNG"]) expect(await text(name)).toBe(mine);
  });

  test("a manifest of somebody else", async () => {
    await own(manifest, '{"mine":true}\n');
    expect(await explain(cat)).toBe(2);
    expect(runs.stderr).toContain(`${manifest}": relprop did not write it`);
    expect(await text(manifest)).toBe('{"mine":true}\n');
    expect(await readdir(runs.out)).toEqual([manifest]);
    expect(await explain(cat, cup, "--force")).toBe(0);
    const lines = (await text(manifest)).split("\n").filter(Boolean);
    expect(lines.map((line) => JSON.parse(line).result.key)).toEqual(["chelsea", "coffee"]);
  });

  test("what a manifest's link leads to", async () => {
    await own("notes.txt");
    await symlink(at("notes.txt"), at(manifest));
    expect(await explain(cat)).toBe(2);
    expect(await text("notes.txt")).toBe(mine);
  });

  test("what took the place of its own files", async () => {
    expect(await explain(cat)).toBe(0);
    await copyFile(cup, at("chelsea.heatmap.png"));
    expect(await explain(cat, "-k", "0.5")).toBe(1);
    expect(await readFile(at("chelsea.heatmap.png"))).toEqual(await readFile(cup));
  });
});

describe("explain knows for its own", () => {
  test("files that were copied elsewhere without the manifest", async () => {
    expect(await explain(cat, "--save", "json,svg")).toBe(0);
    await rm(at(manifest));
    expect(await explain(cat, "--save", "json,svg", "-k", "0.5")).toBe(0);
  });

  test("files of versions that did not mark them, by their manifest", async () => {
    expect(await explain(cat)).toBe(0);
    const line = (await text(manifest)).trim();
    const { by: _, ...old } = JSON.parse(line) as Record<string, unknown>;
    await writeFile(at(manifest), `\n${JSON.stringify(old)}\n`);
    for (const kind of ["picture", "heatmap", "overlay"]) await copyFile(cup, at(`chelsea.${kind}.png`));
    expect(await explain(cat, "-k", "0.5")).toBe(0);
    expect(await readFile(at("chelsea.heatmap.png"))).not.toEqual(await readFile(cup));
  });

  test("numbers that a killed run left", async () => {
    await own(
      manifest,
      '\n{"v":1,"by":"relprop 0.1.0","announced":["chelsea.relevance.npy"]}\n{"v":1,"by":"rel',
    );
    await own("chelsea.relevance.npy");
    expect(await explain(cat, "--save", "npy")).toBe(0);
    expect((await readFile(at("chelsea.relevance.npy"))).subarray(1, 6).toString()).toBe("NUMPY");
  });
});

const names = async (): Promise<string[]> =>
  (await readdir(runs.out)).filter((name) => name.endsWith(".png")).sort();

describe("results are not explained again", () => {
  test("in a folder with the output folder in it, nor in the output folder itself", async () => {
    await copyFile(cat, at("cat.png"));
    for (const where of [join(runs.out, "heatmaps"), runs.out]) {
      const again = ["explain", "--model", net, "-o", where, runs.out];
      expect(await runCommand(again)).toBe(0);
      const before = await names();
      [runs.stdout, runs.stderr] = ["", ""];
      expect(await runCommand([...again, "-k", "0.5"])).toBe(0);
      expect(runs.stdout.trim().split("\n")).toHaveLength(1);
      expect(runs.stderr).toMatch(
        /left out [36] pictures that relprop wrote, or that lie in the output folder/,
      );
      expect(await names()).toEqual(before);
    }
  });

  test("where a shell names them beside a picture; but where they alone are named", async () => {
    await copyFile(cat, at("cat.png"));
    expect(await explain(at("cat.png"), "--style", "picture")).toBe(0);
    runs.stdout = "";
    const all = (await names()).map(at);
    expect(await explain(...all, "--force")).toBe(0);
    expect(runs.stdout.trim().split("\n")).toHaveLength(1);
    const elsewhere = ["explain", "--model", net, "-o", join(runs.out, "other"), at("cat.picture.png")];
    expect(await runCommand(elsewhere)).toBe(0);
  });

  test("and a folder of nothing else is an error", async () => {
    expect(await explain(cat)).toBe(0);
    expect(await explain(runs.out)).toBe(2);
    expect(runs.stderr).toContain("all files there were written by relprop");
  });
});

describe("texts and concepts keep", () => {
  test("a page of texts, before the model is loaded", async () => {
    await own("texts.html");
    const missing = ["explain", join(runs.folder, "missing.onnx"), "--text", "a film", "-o", runs.out];
    expect(await runCommand(missing)).toBe(2);
    expect(runs.stderr).toContain("texts.html");
    expect(await runCommand([...missing, "--force"])).toBe(4);
    expect(await text("texts.html")).toBe(mine);
  });

  test("lists of concepts and their heatmaps", async () => {
    const concepts = (...args: string[]): Promise<number> =>
      runCommand(["concepts", "-m", net, "--layer", "conv", "-o", runs.out, cat, ...args]);
    await own("concepts.json", '{"concepts": []}');
    expect(await concepts()).toBe(2);
    expect(await text("concepts.json")).toBe('{"concepts": []}');
    await rm(at("concepts.json"));
    await own("concepts.html");
    expect(await concepts()).toBe(2);
    expect(await readdir(runs.out)).toEqual(["concepts.html"]);
    expect(await text("concepts.html")).toBe(mine);
    expect(await concepts("--force")).toBe(0);
    expect(await concepts()).toBe(0);
    const heatmap = (await readdir(runs.out)).find((name) => name.endsWith(".heatmap.png")) ?? "";
    await own(heatmap);
    expect(await concepts()).toBe(1);
    expect(await text(heatmap)).toBe(mine);
  });
});

const compile = (...args: string[]): Promise<number> => runCommand(["compile", net, "--quiet", ...args]);

describe("compile keeps", () => {
  test("models of others, not its own", async () => {
    await copyFile(net, at("user.onnx"));
    expect(await compile("-o", at("user.onnx"))).toBe(2);
    expect(runs.stderr).toMatch(/user\.onnx": relprop did not write it; .*--force/);
    expect(await readFile(at("user.onnx"))).toEqual(await readFile(net));
    await own("notes.onnx");
    expect(await compile("-o", at("notes.onnx"))).toBe(2);
    expect(await compile("-o", at("net.lrp.onnx"))).toBe(0);
    const first = await readFile(at("net.lrp.onnx"));
    expect(await compile("-o", at("net.lrp.onnx"), "--composite", "gradient")).toBe(0);
    expect(await readFile(at("net.lrp.onnx"))).not.toEqual(first);
    expect(await compile("-o", at("user.onnx"), "--force")).toBe(0);
  });

  test("the model itself under any name, whatever is said", async () => {
    const before = await readFile(net);
    await symlink(net, at("soft.onnx"));
    await link(net, at("hard.onnx"));
    for (const name of [net, at("soft.onnx"), at("hard.onnx"), join(runs.out, "..", basename(net))]) {
      expect(await compile("-o", name, "--force")).toBe(2);
      expect(await readFile(net)).toEqual(before);
    }
    expect(runs.stderr).toContain("it is the model to compile");
  });

  test("weights of others beside its model, not its own", async () => {
    await own("a.onnx.data");
    expect(await compile("-o", at("a.onnx"), "--external-data")).toBe(2);
    expect(await readdir(runs.out)).toEqual(["a.onnx.data"]);
    expect(await compile("-o", at("b.onnx"), "--external-data")).toBe(0);
    expect(await compile("-o", at("b.onnx"), "--external-data", "--composite", "gradient")).toBe(0);
    // A model of ours without such weights does not make the file ours.
    expect(await compile("-o", at("c.onnx"))).toBe(0);
    await own("c.onnx.data");
    expect(await compile("-o", at("c.onnx"), "--external-data")).toBe(2);
    expect(await text("c.onnx.data")).toBe(mine);
  });

  test("the model's weights, whatever is said", async () => {
    const { chunks, external } = writeModel(tinyNet(), { external: { location: "d.onnx.data" } });
    await writeFile(at("weighty.onnx"), Buffer.concat(chunks));
    await writeFile(at("d.onnx.data"), Buffer.concat(external?.chunks ?? []));
    const before = await readFile(at("d.onnx.data"));
    const args = ["compile", at("weighty.onnx"), "-o", at("d.onnx"), "--external-data", "--force"];
    expect(await runCommand(args)).toBe(2);
    expect(await readFile(at("d.onnx.data"))).toEqual(before);
    expect((await readdir(runs.out)).sort()).toEqual(["d.onnx.data", "weighty.onnx"]);
  });

  test.skipIf(process.platform === "win32")("what is no file at all", async () => {
    await promisify(execFile)("mkfifo", [at("pipe")]);
    expect(await compile("-o", at("pipe"), "--force")).toBe(2);
    expect(runs.stderr).toContain("it is no ordinary file");
    expect((await lstat(at("pipe"))).isFIFO()).toBe(true);
    expect(await compile("-o", runs.out, "--force")).toBe(2);
  });
});

describe("a file that comes into being meanwhile", () => {
  const guard = { force: false, isOurs: () => false, Refusal: OptionError };

  test("is kept: of many who write it at once one does, whole", async () => {
    const writers = Array.from({ length: 40 }, (_, i) => String(i).repeat(50_000));
    const done = await Promise.allSettled(writers.map((each) => writeGuarded(at("page"), each, guard)));
    const won = done.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
    expect(won).toHaveLength(1);
    expect(await text("page")).toBe(writers[won[0] ?? -1]);
    expect(await readdir(runs.out)).toEqual(["page"]);
  });

  test("is written over if it is ours by then", async () => {
    const ours = { ...guard, isOurs: () => true };
    await Promise.all(["a", "b", "c"].map((each) => writeGuarded(at("page"), each, ours)));
    expect(["a", "b", "c"]).toContain(await text("page"));
    await appendFile(at("page"), "d");
    await writeGuarded(at("page"), "e", ours);
    expect(await text("page")).toBe("e");
  });

  test("has a name as long as the system allows", async () => {
    const long = `${"n".repeat(251)}.png`;
    await writeGuarded(at(long), "x", guard);
    expect(await readdir(runs.out)).toEqual([long]);
  });
});
