/** Layers on WebGPU: ONNX Runtime Web's builds with it have no float64, which the ledger must do without. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canRun, startApp } from "../support/browser.ts";

test.skipIf(!canRun)("the ledger and a layer are computed on WebGPU", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "relprop-layers-webgpu-"));
  const app = await startApp(folder, ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
  try {
    const { page, problems } = await app.open(
      "#tab=layers&picture=digit-4&target=4&engine=webgpu&layer=%2F9%2FMaxPool",
    );
    await page.getByText(/^\d+\.\d % of the logit reached the input/).waitFor({ timeout: 60_000 });
    const layer = page.getByRole("region", { name: "Layer", exact: true });
    await layer.getByRole("img", { name: /^Relevance for “4”/ }).waitFor({ timeout: 60_000 });
    expect(await layer.getByRole("img", { name: /^Relevance for “channel \d+”/ }).count()).toBe(6);
    await page.getByText("WebGPU", { exact: true }).waitFor();
    expect(problems).toEqual([]);
  } finally {
    await app.close();
    await rm(folder, { recursive: true });
  }
});
