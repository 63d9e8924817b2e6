/** The command on small models: runs, what they printed and wrote, and what must never stand there. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readNpy } from "@relprop/core/heatmap";
import { concatChunks, writeModel, type Model } from "@relprop/core/onnx";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { ints, type Value } from "../../../relprop/src/onnx/index.ts";
import type { NetBuilder, OutputModel } from "../../../relprop/test/support/output-models.ts";
import { runCommand } from "../../src/commands/run-command.ts";

/** A photograph, wider than it is high. */
export const cat: string = fileURLToPath(new URL("../../../../examples/photos/chelsea.png", import.meta.url));

/** What came of one run of the command. */
export interface CommandRun {
  readonly status: number;
  readonly stdout: string;
  /** On one line. */
  readonly stderr: string;
  readonly folder: string;
}

/** An answer as `explain --json` prints it. */
export interface Answer {
  readonly kind: string;
  readonly class: number;
  readonly label: string;
  readonly value?: number;
  readonly logit?: number;
  readonly probability?: number;
  readonly asked?: string;
  readonly elements: number;
  readonly top: readonly Omit<Answer, "top" | "kind">[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** A folder of models and results, with a cache of its own; all of it goes when the tests are done. */
export class Workshop {
  #folder = "";
  #runs = 0;

  constructor() {
    beforeAll(async () => {
      this.#folder = await mkdtemp(join(tmpdir(), "relprop-outputs-"));
      vi.stubEnv("RELPROP_CACHE", join(this.#folder, "cache"));
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await rm(this.#folder, { recursive: true });
    });
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  async file(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  /** Writes a model, and says where. */
  model(model: Model, name = "net"): Promise<string> {
    const file = `${name.replaceAll(/[^\w]+/g, "-")}.onnx`;
    return this.file(file, concatChunks(writeModel(model).chunks));
  }

  /** Runs the command; what it writes goes to a new folder. */
  async run(command: string, ...args: string[]): Promise<CommandRun> {
    const folder = this.path(`out${++this.#runs}`);
    let [stdout, stderr] = ["", ""];
    const spies = [
      vi.spyOn(process.stdout, "write").mockImplementation((text) => (stdout += String(text)) !== ""),
      vi.spyOn(process.stderr, "write").mockImplementation((text) => (stderr += String(text)) !== ""),
    ];
    const out = command === "compile" ? join(folder, "out.onnx") : folder;
    const where = command === "inspect" ? [] : ["-o", out];
    try {
      const status = await runCommand([command, ...args, ...where]);
      return { status, stdout, stderr: stderr.replaceAll("\n", " "), folder };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }

  /** Explains the photograph with a model. */
  explain(model: string, ...args: string[]): Promise<CommandRun> {
    return this.run("explain", cat, "-m", model, ...args);
  }
}

/** The records of `--json`, without the summary. */
export const answersOf = ({ stdout }: CommandRun): Answer[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer)
    .filter((record) => !("summary" in record));

/** The relevance that was written for an answer. */
export async function relevanceOf({ outputs }: Pick<Answer, "outputs">): Promise<Float32Array> {
  return readNpy(await readFile(outputs["npy"] ?? "")).data;
}

const optionsOf = (text: string): string[] => text.match(/--[a-z][a-z-]*/g) ?? [];

/** A refusal says why, in words of the command only. @param help of the command */
export function expectRefusal({ status, stderr, stdout }: CommandRun, help: string): void {
  expect(status, stderr).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^relprop: \S/);
  expect(stderr).not.toMatch(noNumber);
  const known = new Set(optionsOf(help));
  expect(optionsOf(stderr).filter((option) => !known.has(option))).toEqual([]);
  // Names of the library are written so; names of files, whose folder is by chance, are left out.
  expect(stderr.replaceAll(/"[^"]*"|\/\S+/g, "")).not.toMatch(/\b[a-z]+[A-Z]\w*/);
}

/** The ways on that a refusal offers, each as arguments. */
export function waysIn({ stderr }: Pick<CommandRun, "stderr">): string[][] {
  const option = String.raw`--(?:class|target|pixel|box|output|output-kind) (?:"[^"]*"|(?!says\b|corrects\b|out\b)[^\s;()"]*[^\s;()",])`;
  const ways = stderr.match(new RegExp(`${option}(?: ${option})*`, "g")) ?? [];
  return ways.map((way) => (way.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', "")));
}

/** What no number is printed as. */
const noNumber = /\b(?:NaN|Infinity|undefined|null)\b|\[object/;

/** Nothing that a run printed or wrote is anything but a number where a number has to be; heatmaps show something. */
export async function expectSound(run: CommandRun): Promise<void> {
  expect(run.stdout).not.toMatch(noNumber);
  expect(run.stderr).not.toMatch(noNumber);
  for (const entry of await readdir(run.folder, { recursive: true })) {
    const path = join(run.folder, entry);
    if (/\.(?:json|html|svg)$/.test(entry)) {
      const text = await readFile(path, "utf8");
      // The page's own script may speak of undefined.
      expect(text.replaceAll(/<script[\s\S]*?<\/script>/g, ""), entry).not.toMatch(noNumber);
    }
    if (!entry.endsWith(".npy")) continue;
    const { data } = readNpy(await readFile(path));
    expect(data.every(Number.isFinite), `${entry} has only numbers`).toBe(true);
    expect(
      data.some((number) => number !== 0),
      `${entry} shows something`,
    ).toBe(true);
  }
}

/** The same output behind a picture: its list of numbers is what convolutions and a mean over places leave. */
export function pictured(each: OutputModel): OutputModel {
  const { input, build } = each;
  if (input.length === 4) return each;
  const dims = input.slice(1);
  const size = dims.reduce((product, n) => product * n, 1);
  const reduced = (b: NetBuilder, x: Value): Value => {
    const maps = b.relu(b.conv(x, 3, size));
    const mean = b.op("ReduceMean", [maps], { axes: ints([2, 3]) });
    return b.reshape(mean, input.length === 2 && input[0] !== 1 ? [...input] : [0, ...dims]);
  };
  return {
    ...each,
    input: [1, 3, 8, 8],
    build: (b, x, ...rest) => build(b, reduced(b, x), ...rest),
  };
}
