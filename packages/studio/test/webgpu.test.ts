/** The same numbers on WebGPU, by Chromium's software adapter; and WASM where WebGPU was asked for but is not there. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canRun, startApp } from "./support/browser.ts";
import { differenceFromNode } from "./support/digits.ts";

// With the relevance filter on: its number of elements is computed in the graph.
const hash = "#engine=webgpu&picture=digit-3&keep=0.999";

test.skipIf(!canRun).each([
  [
    "WebGPU gives Node's relevance",
    ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
    /^WebGPU$/,
  ],
  ["without WebGPU the app runs on WASM and says so", [], /^WASM, .*no WebGPU here/],
])("%s", async (_what, args, words) => {
  const folder = await mkdtemp(join(tmpdir(), "relprop-webgpu-"));
  const app = await startApp(folder, args);
  try {
    const { page, problems } = await app.open(hash);
    await page.getByText(words).waitFor();
    await page.getByText(/^digit-3: 3/).waitFor();
    expect(await differenceFromNode(page, "digit-3.png", 0.999)).toBeLessThan(1e-4);
    expect(problems).toEqual([]);
  } finally {
    await app.close();
    await rm(folder, { recursive: true });
  }
});
