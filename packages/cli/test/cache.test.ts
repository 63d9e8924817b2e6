/** What is kept is found, checked and cleared by `relprop cache`. */

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "../src/commands/run-command.ts";
import { commandRuns } from "./support/command-runs.ts";
import { flipByte } from "./support/flip-byte.ts";

const photos = fileURLToPath(new URL("../../../examples/photos", import.meta.url));
const network = fileURLToPath(new URL("../../relprop/test/golden/convnet/model.onnx", import.meta.url));
const runs = commandRuns("cache");

test("says where it is, whether it is whole, and clears it", async () => {
  const folder = join(runs.folder, "cache");
  expect(await runCommand(["cache", "path"])).toBe(0);
  expect(runs.stdout).toBe(`${folder}\n`);
  expect(await runCommand(["explain", photos, "--model", network, "-o", runs.out])).toBe(0);
  expect(await runCommand(["cache", "verify"])).toBe(0);
  const compiled = (await readdir(join(folder, "compiled"))).find((name) => name.endsWith(".bin")) ?? "";
  await flipByte(join(folder, "compiled", compiled));
  const weights = join(folder, "models", "resnet50.onnx");
  await mkdir(join(folder, "models"), { recursive: true });
  await writeFile(weights, "not what was written");
  await writeFile(`${weights}.checksum`, "00000000-1");
  runs.stdout = "";
  expect(await runCommand(["cache", "verify"])).toBe(1);
  expect(runs.stdout).toContain(`damaged: ${join(folder, "compiled", compiled)}`);
  expect(runs.stdout).toContain(`damaged: ${weights}`);
  expect(await runCommand(["cache", "clear", "compiled"])).toBe(0);
  expect(await readdir(folder)).not.toContain("compiled");
  expect(await readdir(folder)).toContain("models");
  expect(await runCommand(["cache", "clear"])).toBe(0);
  expect(await readdir(folder)).not.toContain("models");
});
