/** Choosing between WebGPU and WASM, and losing WebGPU, in a real Chromium with its software adapter. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canRun, startApp, type App } from "../support/browser.ts";

let app: App;
let folder: string;
const run = test.skipIf(!canRun);

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "relprop-engine-"));
  app = await startApp(folder, ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
}, 120_000);

afterAll(async () => {
  if (!canRun) return;
  await app.close();
  await rm(folder, { recursive: true });
});

/** Software adapters are not timed, as they never win; here one plays a graphics card. */
const asGraphicsCard = `{
  Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
}\n`;

/** Puts code before the engine's worker, as a page's own scripts cannot reach into it. */
async function patchWorker(page: Page, code: string): Promise<void> {
  await page.route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: code + (await response.text()) });
  });
}

const words = (page: Page): Promise<string | null> => page.locator("footer p").last().textContent();

/** Explains a class, so that the engine has to run. */
async function explainAnother(page: Page, nth: number): Promise<void> {
  const bars = page.getByRole("list", { name: "Classes, best first" }).getByRole("button");
  await bars.nth(nth).click();
  await page.getByRole("heading", { name: /^“\d” is explained$/ }).waitFor();
  await page.getByText(/% of the logit/).waitFor();
}

run(
  "both are timed on the first visit, the faster one runs, and the next visit remembers",
  { timeout: 240_000 },
  async () => {
    const options = { serviceWorkers: "block" } as const;
    const { page, problems } = await app.open("#tab=layers&engine=wasm", options, (page) =>
      patchWorker(page, asGraphicsCard),
    );
    await page.getByText(/^WASM, \d threads?$/).waitFor();
    const visit = async (): Promise<string | null> => {
      await page.goto("about:blank");
      await page.goto(`${app.url}#tab=layers`);
      const timed = page.getByText(/^(WASM|WebGPU).* ms \((WASM|WebGPU).*: [\d.]+ ms\)$/);
      // A processor that plays a graphics card takes long to compile shaders.
      await timed.waitFor({ timeout: 100_000 });
      return words(page);
    };
    const first = await visit();
    expect(await page.evaluate(() => localStorage.getItem("relprop-timings"))).toContain("digits.onnx|");
    expect(await visit()).toBe(first);
    expect(problems.filter((text) => !text.includes("blocked by Playwright"))).toEqual([]);
    await page.context().close();
  },
);

run("when the graphics process dies the model goes on with WASM, and the page says so", async () => {
  const { page } = await app.open("#engine=webgpu&picture=digit-3");
  await page.getByText(/^WebGPU$/).waitFor();
  await explainAnother(page, 1);
  const session = await page.context().browser()?.newBrowserCDPSession();
  await session?.send("Browser.crashGpuProcess");
  await page.getByText(/^WASM, \d threads? \(WebGPU was lost\)$/).waitFor();
  await page.getByRole("status").filter({ hasText: "WebGPU was lost" }).waitFor();
  await explainAnother(page, 2);
  await expect.poll(() => page.getByRole("alert").count()).toBe(0);
  await page.context().close();
});
