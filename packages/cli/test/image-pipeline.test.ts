/** Folders of images: reading, running and writing at the same time, with the results of one after another. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { float32Tensor, GraphBuilder, int, writeModel } from "@relprop/core/onnx";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { maxInputsInMemory } from "../src/run/stages.ts";
import * as reading from "../src/files/read-images.ts";
import { runCommand } from "../src/commands/run-command.ts";
import { SessionThread } from "../src/sessions/session-thread.ts";
import * as starting from "../src/sessions/start-explainer.ts";

vi.mock("../src/files/read-images.ts", { spy: true });
vi.mock("../src/sessions/start-explainer.ts", { spy: true });

const count = 200;
let folder: string;
let stdout: string[];
let stderr: string[];
let onLine = (): void => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-pipeline-"));
  vi.stubEnv("RELPROP_CACHE", join(folder, "cache"));
  await mkdir(join(folder, "in"));
  await writeFile(join(folder, "net.onnx"), Buffer.concat(writeModel(tinyNet()).chunks));
  for (let i = 0; i < count; i++) {
    const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => (at * (i + 3)) % 256);
    const png = await sharp(data, { raw: { width: 8, height: 8, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(join(folder, "in", `${String(i).padStart(3, "0")}.png`), png);
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  stdout = [];
  stderr = [];
  onLine = () => undefined;
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout.push(String(text));
    onLine();
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => stderr.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const wave = (length: number): number[] => Array.from({ length }, (_, i) => Math.sin(5 * i + 1));

/** Conv, ReLU, mean, Gemm: 8×8 RGB pictures to three classes. */
function tinyNet() {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 8, 8]);
  const w = b.constant(float32Tensor(wave(8 * 27), [8, 3, 3, 3]), "w");
  const v = b.constant(float32Tensor(wave(24), [3, 8]), "v");
  const y = b.op("GlobalAveragePool", [b.op("Relu", [b.op("Conv", [x, w])])]);
  const flat = b.op("Flatten", [y], { axis: int(1) });
  b.output(b.op("Gemm", [flat, v], { transB: int(1) }), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("tiny") };
}

const explain = (out: string, ...args: string[]): Promise<number> => {
  const model = ["--model", join(folder, "net.onnx")];
  return runCommand(["explain", join(folder, "in"), ...model, "-o", join(folder, out), "--json", ...args]);
};

interface Line {
  readonly input?: string;
  readonly class?: number;
  readonly logit?: number;
  readonly error?: { readonly what: string };
  readonly summary?: { readonly done: number; readonly skipped: number; readonly failed: number };
}
const lines = (): Line[] =>
  stdout
    .join("")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** Name and bytes of all that is written but the page and the manifest, which say how long it took. */
async function written(out: string): Promise<Record<string, string>> {
  const names = (await readdir(join(folder, out))).filter((name) => /\.(png|npy)$/.test(name));
  const files = names.map(async (name) => [
    name,
    (await readFile(join(folder, out, name))).toString("base64"),
  ]);
  return Object.fromEntries(await Promise.all(files)) as Record<string, string>;
}

/** The threads of each session that was started. */
async function threads(out: string, ...args: string[]): Promise<unknown[]> {
  vi.mocked(starting.startExplainer).mockClear();
  expect(await explain(out, "--style", "heatmap", ...args)).toBe(0);
  return vi.mocked(starting.startExplainer).mock.calls.map((given) => given[3]);
}

describe("a folder of images", () => {
  test("gives the same files and lines in the same order, however much goes on at once", async () => {
    const args = ["--class", "top1", "--save", "npy"];
    expect(await explain("one", "-j", "1", ...args)).toBe(0);
    const alone = lines().map(({ input, class: index, logit }) => [input, index, logit]);
    stdout = [];
    expect(await explain("many", "-j", "8", ...args)).toBe(0);
    expect(lines().map(({ input, class: index, logit }) => [input, index, logit])).toEqual(alone);
    expect(alone).toHaveLength(count + 1);
    expect(await written("many")).toEqual(await written("one"));
  });

  test("is explained by two sessions on half of the cores each, or by one on all of them", async () => {
    const half = Math.floor(availableParallelism() / 2);
    expect(await threads("two")).toEqual(half > 0 ? [half, half] : [undefined]);
    expect(await threads("few", "-b", "100")).toEqual([undefined]);
    expect(await threads("anew", "--no-cache")).toEqual([undefined]);
    expect(await written("two")).toEqual(await written("anew"));
  });

  test.each([
    [2, 1],
    [4, 3],
  ])("has few in memory at once with %i jobs and batches of %i", async (jobs, batch) => {
    let read = 0;
    let told = 0;
    let most = 0;
    const real = await vi.importActual<typeof reading>("../src/files/read-images.ts");
    vi.mocked(reading.readImage).mockImplementation(async (...given) => {
      most = Math.max(most, ++read - told);
      return real.readImage(...given);
    });
    onLine = () => told++;
    expect(await explain(`alive${jobs}`, "-j", String(jobs), "-b", String(batch), "--style", "heatmap")).toBe(
      0,
    );
    expect(read).toBe(count);
    expect(told).toBe(count + 1);
    expect(most).toBeLessThanOrEqual(maxInputsInMemory({ jobs, batch, sessions: 2 }));
    // It does go on while something else runs.
    expect(most).toBeGreaterThan(batch + 1);
  });

  test("names a broken one in the middle at its place and does all others", async () => {
    const broken = join(folder, "in", "100a.png");
    await writeFile(broken, "no image");
    try {
      expect(await explain("broken", "-b", "7", "--style", "heatmap")).toBe(1);
      const told = lines();
      expect(told[101]).toMatchObject({ input: broken, error: { what: `cannot read "${broken}"` } });
      expect(told.at(-1)?.summary).toMatchObject({ done: count, skipped: 0, failed: 1 });
      const inputs = told.slice(0, -1).map(({ input }) => input);
      expect(inputs).toEqual([...inputs].sort());
      stdout = [];
      // A second run does nothing but try that one again.
      expect(await explain("broken", "-b", "7", "--style", "heatmap")).toBe(1);
      expect(lines().at(-1)?.summary).toMatchObject({ done: 0, skipped: count, failed: 1 });
    } finally {
      await rm(broken);
    }
  });

  test("ends after what was begun if it is interrupted, and goes on with the next run", async () => {
    onLine = () => {
      if (stdout.length === 20) process.emit("SIGINT");
    };
    expect(await explain("stopped", "-j", "4", "--style", "heatmap")).toBe(130);
    const { done } = lines().at(-1)?.summary ?? { done: 0 };
    expect(done).toBeGreaterThanOrEqual(20);
    expect(done).toBeLessThanOrEqual(20 + maxInputsInMemory({ jobs: 4, batch: 1, sessions: 2 }));
    expect(Object.keys(await written("stopped"))).toHaveLength(done);
    expect(stderr.at(-1)).toContain(`stopped after ${done} of ${count}`);
    onLine = () => undefined;
    stdout = [];
    expect(await explain("stopped", "--style", "heatmap")).toBe(0);
    expect(lines().at(-1)?.summary).toMatchObject({ done: count - done, skipped: done });
  });

  test("does not begin where results cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    expect(await explain("file/out", "--style", "heatmap")).toBe(2);
    expect(stderr.join("")).toMatch(/will not write .*": ".*file" is no folder; choose another place/);
  });
});

describe("the session's thread", () => {
  test("hands on what ONNX Runtime says, and that it ended", async () => {
    const thread = new SessionThread();
    const { InferenceSession } = await thread.runtime();
    await expect(InferenceSession.create(new Uint8Array([1, 2, 3]))).rejects.toThrow(/protobuf|load/i);
    await thread.close();
    const crashing = new SessionThread(new URL("./support/crashing-worker.mjs", import.meta.url));
    const runtime = await crashing.runtime();
    await expect(runtime.InferenceSession.create(new Uint8Array())).rejects.toThrow(
      "ONNX Runtime's thread ended: out of memory",
    );
    await crashing.close();
  });
});
