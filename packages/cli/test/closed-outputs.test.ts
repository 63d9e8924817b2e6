/** Outputs that take no more: a pipe that `head` has closed, a device that is full. */

import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Workshop } from "./support/output-runs.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const register = fileURLToPath(new URL("./support/register-typescript.mjs", import.meta.url));
const photos = fileURLToPath(new URL("../../../examples/photos", import.meta.url));
const network = fileURLToPath(new URL("../../relprop/test/golden/convnet/model.onnx", import.meta.url));
const shop = new Workshop();

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs the command; its stdout goes to a file descriptor, or to a pipe that is closed at once. */
function runInto(stdout: number | "closed", args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", register, main, ...args], {
    stdio: ["ignore", stdout === "closed" ? "pipe" : stdout, "pipe"],
  });
  if (stdout === "closed") child.stdout?.destroy();
  let stderr = "";
  child.stderr?.on("data", (part: Buffer) => (stderr += part.toString()));
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, stderr })));
}

test("a closed pipe does not stop the work", async () => {
  const out = await shop.path("closed");
  const { status, stderr } = await runInto("closed", ["explain", photos, "--model", network, "-o", out]);
  expect(stderr).not.toMatch(/EPIPE|at .*\.ts|did not foresee/);
  expect(status).toBe(0);
  const heatmaps = (await readdir(out)).filter((name) => name.includes(".heatmap."));
  expect(heatmaps.length).toBe(
    (await readdir(photos)).filter((name) => /\.(jpe?g|png|webp)$/.test(name)).length,
  );
});

test("a full device is said in one line", async () => {
  const { status, stderr } = await runInto(openSync("/dev/full", "w"), ["models"]);
  expect(stderr).toBe("relprop: cannot write: no space left on device\n");
  expect(status).toBe(5);
});

test("a cache that cannot be made is said in one line", async () => {
  const file = await shop.file("no-folder", new Uint8Array());
  const child = spawn(
    process.execPath,
    ["--import", register, main, "explain", photos, "-o", join(file, "out")],
    {
      env: { ...process.env, RELPROP_CACHE: join(file, "cache") },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  const status = await new Promise((resolve) => child.once("close", resolve));
  expect(stderr).not.toMatch(/\n {4}at |did not foresee/);
  expect(stderr).toContain(file);
  expect(status).not.toBe(0);
});
