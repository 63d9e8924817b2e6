/** The work of a run on tables, counted: how often bytes are read, and the network runs. */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Explainer } from "@relprop/core";
import { npyFile } from "@relprop/core/heatmap";
import { expect, test, vi } from "vitest";
import { JobThread } from "../../src/sessions/job-thread.ts";
import { Workshop } from "../support/output-runs.ts";

/** Bytes that were read of files that are opened. */
const { bytesRead } = vi.hoisted(() => ({ bytesRead: new Map<string, number>() }));

vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof import("node:fs/promises")>();
  return {
    ...fs,
    open: async (...[path, ...how]: Parameters<typeof fs.open>) => {
      const file = await fs.open(path, ...how);
      const read = file.read.bind(file) as (...given: unknown[]) => Promise<{ bytesRead: number }>;
      const counting = async (...given: unknown[]): Promise<{ bytesRead: number }> => {
        const got = await read(...given);
        bytesRead.set(String(path), (bytesRead.get(String(path)) ?? 0) + got.bytesRead);
        return got;
      };
      return Object.assign(file, { read: counting });
    },
  };
});

const shop = new Workshop();
const example = (name: string): string =>
  fileURLToPath(new URL(`../../../../examples/tables/${name}`, import.meta.url));
const pair = (name: string): string =>
  fileURLToPath(new URL(`../../../relprop/test/cases/inputs/image-and-table/${name}`, import.meta.url));

/** The rows that threads are asked for while some work is done: [first, count]. */
async function rowsAsked(work: () => Promise<void>): Promise<(readonly [number, number])[]> {
  const asked = vi.spyOn(JobThread.prototype, "do");
  await work();
  const jobs = asked.mock.calls.map(([job]) => job as { first?: number; count?: number });
  asked.mockRestore();
  return jobs.flatMap(({ first, count }) =>
    first === undefined || count === undefined ? [] : [[first, count] as const],
  );
}

/** What is read to know what a file is. */
const head = 1 << 16;

test("a table is read once, and the network runs once for each block", async () => {
  const rows = 9000;
  const line = Array.from({ length: 30 }, (_, i) => (1 + i / 7).toFixed(6)).join(",");
  const content = `${line}\n`.repeat(rows);
  const path = await shop.file("long.csv", content);
  const explain = vi.spyOn(Explainer.prototype, "explain");
  const asked = await rowsAsked(async () => {
    const run = await shop.run("explain", path, "-m", example("tumours.onnx"), "--quiet");
    expect(run.status, run.stderr).toBe(0);
  });
  // Rows are asked for once, before they are needed; only the end tells that there are no more.
  expect(asked).toEqual([0, 4096, 8192, rows].map((first) => [first, 4096]));
  expect(explain).toHaveBeenCalledTimes(Math.ceil(rows / 4096));
  explain.mockRestore();
  // What the table is like is looked for at its beginning, three times: once before compiling, once to count, once to run.
  expect(bytesRead.get(path)).toBeLessThanOrEqual(12 * head);
  expect(content.length).toBeGreaterThan(24 * head);
});

test("a table beside many files is counted once and read once, however many they are", async () => {
  const many = 24;
  const line = `1,2,3,4,5,${"x".repeat(20_000)}`;
  const content = `a,b,c,d,e,note\n${`${line}\n`.repeat(many)}`;
  const table = await shop.file("beside.csv", content);
  const pictures = await Promise.all(
    Array.from({ length: many }, async (_, i) => {
      const path = shop.path(`p${i}.npy`);
      await writeFile(path, npyFile(new Float32Array(576).fill(i / many), [1, 1, 24, 24]));
      return path;
    }),
  );
  const model = ["-m", pair("model.onnx"), "--columns", "a,b,c,d,e", "--figures", "0"];
  const asked = await rowsAsked(async () => {
    const run = await shop.run("explain", ...pictures, "--feed", `clinical=${table}`, ...model, "--json");
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout.split("\n").filter((each) => each.includes('"sample"'))).toHaveLength(many);
  });
  // It is counted before compiling, and then; and read.
  expect(asked.filter(([first]) => first === Infinity)).toHaveLength(2);
  const firsts = asked.flatMap(([first]) => (first === Infinity ? [] : [first]));
  expect(firsts).toEqual(firsts.toSorted((a, c) => a - c));
  expect(firsts.length).toBeLessThanOrEqual(many + 1);
  expect(bytesRead.get(table)).toBeLessThan(12 * head);
});
