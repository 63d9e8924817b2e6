/** Films through the whole command. */

import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32Tensor, GraphBuilder, int, writeModel } from "@relprop/core/onnx";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runCommand } from "../../src/commands/run-command.ts";
import { FilmWriter } from "../../src/films/film-writer.ts";
import type { FilmFrame } from "../../src/films/film.ts";
import { openFilm } from "../../src/films/open-film.ts";
import { filmFile, frameAt, soundFile } from "../support/media-files.ts";

let folder: string;
let [stdout, stderr] = ["", ""];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-film-run-"));
  vi.stubEnv("RELPROP_CACHE", join(folder, "cache"));
  await writeFile(at("net.onnx"), Buffer.concat(writeModel(whiteNet()).chunks));
  await writeFile(at("clip.mp4"), await filmFile("mp4", { sound: "aac" }));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  [stdout, stderr] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => (stdout += String(text)) !== "");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => (stderr += String(text)) !== "");
});
afterEach(() => {
  vi.restoreAllMocks();
});

const at = (...names: string[]): string => join(folder, ...names);

/** Whether a whole square is white: [N, 3, 48, 64] to two classes, 0 if it is. In frame 7 of ten it is cut in half. */
function whiteNet() {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 48, 64]);
  // After preprocessing white is 7.3 in sum, red and blue are less than 0.
  const w = b.constant(float32Tensor([1, 1, 1], [1, 3, 1, 1]), "w");
  const bias = b.constant(float32Tensor([-2], [1]), "bias");
  const white = b.op("GlobalAveragePool", [b.op("Relu", [b.op("Conv", [x, w, bias])])]);
  const flat = b.op("Flatten", [white], { axis: int(1) });
  const v = b.constant(float32Tensor([9, -9], [2, 1]), "v");
  const c = b.constant(float32Tensor([0, 5], [2]), "c");
  b.output(b.op("Gemm", [flat, v, c], { transB: int(1) }), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("white") };
}

const explain = (sources: string[], out: string, ...args: string[]): Promise<number> =>
  runCommand(["explain", ...sources, "--model", at("net.onnx"), "-o", at(out), ...args]);

async function framesOf(...path: string[]): Promise<FilmFrame[]> {
  const frames: FilmFrame[] = [];
  for await (const frame of (await openFilm(at(...path))).frames) frames.push(frame);
  return frames;
}

const timesOf = (frames: readonly FilmFrame[]): number[] =>
  frames.map(({ time }) => Math.round(1000 * time) / 1000);

const endOf = (frames: readonly FilmFrame[]): number => {
  const { time = 0, duration = 0 } = frames.at(-1) ?? {};
  return time + duration;
};

interface Record {
  readonly input?: string;
  readonly outputs?: { readonly film: string };
  readonly unexplained?: number;
  readonly frames?: { readonly time: number; readonly answer?: { readonly label: string } }[];
  readonly error?: { readonly what: string; readonly why: string; readonly fix?: string };
  readonly summary?: { readonly done: number; readonly skipped: number; readonly failed: number };
}
const records = (): Record[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record);

/** Strength of red over blue in a part of a frame. */
function redness({ picture: { data, width } }: FilmFrame, left: number, top: number): number {
  let sum = 0;
  for (let y = top + 2; y < top + 14; y++)
    for (let x = left + 2; x < left + 14; x++) {
      const i = 4 * (y * width + x);
      sum += (data[i] ?? 0) - (data[i + 2] ?? 0);
    }
  return sum / 144;
}

describe("a film is explained", () => {
  test("into a film of that name, with its sound; the map is where the square is", async () => {
    expect(await explain([at("clip.mp4")], "named/out.mp4", "--class", "0", "--raw")).toBe(0);
    const frames = await framesOf("named", "out.mp4");
    expect(timesOf(frames)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    for (const [i, frame] of frames.entries()) {
      if (8 * i > 48) continue;
      expect(redness(frame, 8 * i, 8)).toBeGreaterThan(60);
      const other = (8 * i + 32) % 48;
      if (Math.abs(other - 8 * i) > 16) expect(Math.abs(redness(frame, other, 8))).toBeLessThan(25);
    }
    expect((await readFile(at("named", "out.mp4"))).includes("mp4a")).toBe(true);
    expect(await readdir(at("named"))).toEqual([".relprop-manifest.jsonl", "out.mp4"]);
    expect(stdout).toMatch(/clip\.mp4 {2}10 frames · .* in 100 % · .*out\.mp4/);
    expect(stderr).toMatch(/films 1 · view overlay · maps of each frame alone/);
  });

  test("is skipped once it is done, and not taken for an input", async () => {
    await mkdir(at("twice"));
    await copyFile(at("clip.mp4"), at("twice", "clip.mp4"));
    expect(await explain([at("twice")], "twice", "--json")).toBe(0);
    const [film] = records();
    expect(film?.outputs?.film).toBe(at("twice", "clip.heatmap.mp4"));
    expect(film?.frames).toHaveLength(10);
    expect(film?.unexplained).toBe(0);
    stdout = "";
    expect(await explain([at("twice")], "twice", "--json")).toBe(0);
    expect(records().at(-1)?.summary).toMatchObject({ done: 0, skipped: 1, failed: 0 });
    expect(records()[0]).toEqual(film);
    // Another folder knows nothing of it but its mark.
    stdout = "";
    await copyFile(at("twice", "clip.heatmap.mp4"), at("twice", "renamed.mp4"));
    expect(await explain([at("twice")], "elsewhere", "--json")).toBe(0);
    expect(records().at(-1)?.summary).toMatchObject({ done: 1, failed: 0 });
    expect(await readFile(at("elsewhere", "films.html"), "utf8")).toContain('src="clip.heatmap.mp4"');
  });

  test("beside pictures, moving ones too, in one run", async () => {
    await mkdir(at("mixed"));
    await copyFile(at("clip.mp4"), at("mixed", "clip.mp4"));
    const raw = { width: 64, height: 4 * 48, channels: 4, pageHeight: 48 } as const;
    const four = Buffer.concat(Array.from({ length: 4 }, (_, i) => frameAt(i, 64, 48)));
    await sharp(four, { raw })
      .gif({ delay: [100, 100, 100, 100] })
      .toFile(at("mixed", "moving.gif"));
    await sharp(frameAt(1, 64, 48), { raw: { width: 64, height: 48, channels: 4 } })
      .png()
      .toFile(at("mixed", "still.png"));
    expect(await explain([at("mixed")], "mixed-out", "--view", "side-by-side")).toBe(0);
    const written = await readdir(at("mixed-out"));
    expect(written).toContain("clip.heatmap.mp4");
    expect(written).toContain("moving.heatmap.mp4");
    expect(written).toContain("still.heatmap.png");
    expect(written.filter((name) => name.endsWith(".html"))).toEqual(["films.html", "index.html"]);
    const [frame] = await framesOf("mixed-out", "moving.heatmap.mp4");
    expect(frame?.picture).toMatchObject({ width: 128, height: 48 });
    expect(await framesOf("mixed-out", "moving.heatmap.mp4")).toHaveLength(4);
    expect(stderr).toMatch(/1 image explained .*\s2 films explained/s);
  });

  test("a stretch of it, and each so many-th frame", async () => {
    expect(
      await explain([at("clip.mp4")], "part/part.mp4", "--from", "0:00.2", "--to", "0.85", "--every", "2"),
    ).toBe(0);
    expect(timesOf(await framesOf("part", "part.mp4"))).toEqual([0, 0.2, 0.4, 0.6]);
    expect(stderr).toMatch(/of every 2 frames one/);
    // The last one ends with the stretch, or with the film.
    expect(endOf(await framesOf("part", "part.mp4"))).toBeCloseTo(0.65, 2);
    expect(await explain([at("clip.mp4")], "part/every.mp4", "--every", "4", "--ledger")).toBe(0);
    expect(endOf(await framesOf("part", "every.mp4"))).toBeCloseTo(1, 2);
    expect(stdout).toMatch(
      /\n {2}the ledger is furthest from 100 % at 0:00: [\d.]+ % of the \w+ reached the input/,
    );
    const raw = { width: 64, height: 3 * 48, channels: 4, pageHeight: 48 } as const;
    const three = Buffer.concat(Array.from({ length: 3 }, (_, i) => frameAt(i, 64, 48)));
    await sharp(three, { raw })
      .gif({ delay: [200, 200, 200] })
      .toFile(at("three.gif"));
    expect(await explain([at("three.gif")], "part/three.mp4", "--from", "0.1", "--to", "0.3")).toBe(0);
    const cut = await framesOf("part", "three.mp4");
    expect(timesOf(cut)).toEqual([0, 0.1]);
    expect(endOf(cut)).toBeCloseTo(0.2, 2);
    expect(await explain([at("three.gif")], "part/one.mp4", "--to", "0.2")).toBe(0);
    expect(stdout).toMatch(/three\.gif {2}1 frame · /);
  });

  test("Ctrl-C leaves a film that plays, and the next run begins it anew", async () => {
    const times = Array.from({ length: 400 }, (_, i) => i / 20);
    await writeFile(at("long.mp4"), await filmFile("mp4", { times }));
    const { add } = FilmWriter.prototype;
    const spy = vi.spyOn(FilmWriter.prototype, "add");
    spy.mockImplementation(function (this: FilmWriter, ...frame) {
      if (spy.mock.calls.length === 20) process.emit("SIGINT");
      return add.apply(this, frame);
    });
    expect(await explain([at("long.mp4")], "stopped")).toBe(130);
    spy.mockRestore();
    expect(stdout).toMatch(/stopped at 0:\d\d; the same command starts this film anew/);
    const count = (await framesOf("stopped", "long.heatmap.mp4")).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(400);
    stderr = "";
    expect(await explain([at("long.mp4")], "stopped")).toBe(0);
    expect(stderr).toMatch(/long\.mp4 was stopped at 0:\d\d and is explained anew/);
    expect(await framesOf("stopped", "long.heatmap.mp4")).toHaveLength(400);
    expect((await readdir(at("stopped"))).filter((name) => name.endsWith(".part"))).toEqual([]);
  }, 60_000);
});

describe("what cannot be explained is one clear line", () => {
  test.each<[string, string[], RegExp]>([
    ["no pictures", [], /holds no pictures/],
    ["damaged", [], /cannot read the film/],
    ["from behind the end", ["--from", "1:30"], /holds no frames there: it is 1 s long/],
  ])("%s", async (what, args, message) => {
    const name = `${what.replaceAll(" ", "-")}.mp4`;
    const whole = await readFile(at("clip.mp4"));
    const bytes = what === "damaged" ? whole.subarray(0, 300) : whole;
    await writeFile(at(name), what === "no pictures" ? await soundFile("m4a", "aac") : bytes);
    expect(await explain([at(name)], "failed", "--json", ...args)).toBe(1);
    const [record] = records();
    const { what: of = "", why = "" } = record?.error ?? {};
    expect(`${of}: ${why}`).toMatch(message);
    expect(await readdir(at("failed")).catch(() => [])).toEqual([]);
  });

  test("several answers, a name for several files, an ending, an empty stretch", async () => {
    expect(await explain([at("clip.mp4")], "no", "--class", "top2")).toBe(2);
    expect(stderr).toMatch(/cannot explain 2 answers in a film/);
    expect(await explain([at("clip.mp4"), at("mixed")], "no.mp4")).toBe(2);
    expect(stderr).toMatch(/it is one film, and what is to be explained are 1 image and 3 films/);
    expect(await explain([at("clip.mp4")], "no.gif")).toBe(2);
    expect(stderr).toMatch(/films are written as mp4, mov, webm/);
    expect(await explain([at("clip.mp4")], "no", "--from", "2", "--to", "1")).toBe(2);
    expect(stderr).toMatch(/cannot explain 2 s to 1 s: nothing lies between them/);
    expect(await explain([at("clip.mp4")], "no", "--every", "0")).toBe(2);
  });

  test("nor can any of its frames; and no images are saved of it", async () => {
    const three = ["--to", "0.3", "--against", "0", "--json"];
    expect(await explain([at("clip.mp4")], "none", ...three)).toBe(1);
    expect(records()[0]?.error?.why).toMatch(/none of its frames can be explained/);
    expect(await explain([at("clip.mp4")], "none", "--save", "npy")).toBe(2);
    expect(stderr).toMatch(/cannot save npy/);
  });
});

test("a frame without an answer passes through as it is, and is counted", async () => {
  expect(await explain([at("clip.mp4")], "one", "--against", "1", "--json", "--view", "heatmap")).toBe(0);
  const [film] = records();
  expect(film?.unexplained).toBe(1);
  const plain = film?.frames?.flatMap(({ answer }, i) => (answer ? [] : [i]));
  expect(plain).toEqual([7]);
  const seventh = (await framesOf("one", "clip.heatmap.mp4"))[7] as FilmFrame;
  expect(redness(seventh, 4, 30)).toBeGreaterThan(170);
  expect(redness(seventh, 44, 30)).toBeLessThan(-170);
});
