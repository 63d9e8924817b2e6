/** The app's side of the local engine, against the real server. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { startStudio, type Studio } from "../../../cli/src/studio-server/start-studio.ts";
import type { ExplainRequest } from "@relprop/engine/engine";
import { LocalEngine } from "../../src/engine/local-engine.ts";

const publicFolder = fileURLToPath(new URL("../../public", import.meta.url));
const worker = new URL("../../../cli/src/studio-server/engine-worker.ts", import.meta.url);
const limits = { messageBytes: 2 ** 21, clients: 2 };

let studio: Studio;
let folder: string;

/** What a page of the studio has: a WebSocket that says where the page came from. */
class PageSocket extends WebSocket {
  constructor(url: string) {
    super(url, { origin: new URL(url.replace("ws:", "http:")).origin });
    this.on("error", () => undefined);
  }
}

beforeAll(async () => {
  vi.stubGlobal("WebSocket", PageSocket);
  folder = await mkdtemp(join(tmpdir(), "relprop-local-"));
  studio = await startStudio({ appFolder: publicFolder, port: 0, device: "cpu", models: [], limits, worker });
}, 60_000);

afterAll(async () => {
  vi.unstubAllGlobals();
  await studio.close();
  await rm(folder, { recursive: true });
});

const frame = (shade: number): ExplainRequest => ({
  picture: { data: new Uint8ClampedArray(4 * 28 * 28).fill(shade), width: 28, height: 28 },
  composite: "fischer",
  target: { kind: "prediction" },
  keep: 0,
});

async function withEngine(use: (engine: LocalEngine) => Promise<void>, url = studio.url): Promise<void> {
  const engine = new LocalEngine(url);
  try {
    await use(engine);
  } finally {
    await engine.dispose();
  }
}

test("explains at least fifteen frames a second with the shipped model, one after another", async () => {
  await withEngine(async (engine) => {
    await engine.load({ kind: "shipped", name: "digits" });
    await engine.explain(frame(0));
    const counts: number[] = [];
    // The best of five seconds: what else the machine does is not measured.
    for (let second = 0; second < 5; second++) {
      const end = performance.now() + 1000;
      let frames = 0;
      while (performance.now() < end) {
        const { relevance } = await engine.explain(frame(frames % 256));
        expect(relevance.data).toHaveLength(28 * 28);
        frames++;
      }
      counts.push(frames);
    }
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(15);
  });
});

test("says what became of a connection: too large, too many, ended", async () => {
  await withEngine(async (engine) => {
    await engine.load({ kind: "shipped", name: "digits" });
    const bytes = new Uint8Array(limits.messageBytes + 1);
    await expect(engine.load({ kind: "file", name: "large.onnx", bytes })).rejects.toThrow(
      /larger than it takes[^]*relprop studio path\/to\/model\.onnx/,
    );
    // The next question makes a new connection, with the model that was open.
    expect((await engine.explain(frame(7))).numbers.logits).toHaveLength(10);
    await withEngine(async (second) => {
      await second.status();
      await withEngine(async (third) => {
        await expect(third.status()).rejects.toThrow(/it is busy: 2 pages use it already/);
      });
    });
  });
  const other = await startStudio({ appFolder: folder, port: 0, device: "cpu", models: [], worker });
  await withEngine(async (engine) => {
    const answer = engine.load({ kind: "shipped", name: "digits" });
    await Promise.all([
      expect(answer).rejects.toThrow(/has ended, or has been restarted/),
      new Promise((resolve) => setTimeout(resolve, 100)).then(() => other.close()),
    ]);
  }, other.url);
  await withEngine(
    async (engine) => {
      await expect(engine.status()).rejects.toThrow(/has ended, or has been restarted/);
    },
    studio.url.replace(/token=[^#]+/, "token=old"),
  );
});

test("errors of the engine come with their words, and progress comes before the answer", async () => {
  await withEngine(async (engine) => {
    await expect(engine.explain(frame(0))).rejects.toThrow("none is loaded");
    const heard: string[] = [];
    const bytes = await readFile(join(publicFolder, "models/digits.onnx"));
    const source = { kind: "file", name: "digits.onnx", bytes } as const;
    const { classes } = await engine.load(source, (_fraction, what) => heard.push(what));
    expect(classes).toBe(10);
    expect(heard).toContain("compiling the explanation");
    expect((await engine.models()).every(({ from }) => from === "zoo")).toBe(true);
  });
});
