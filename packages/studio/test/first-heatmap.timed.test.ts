/** The built app's first heatmap, on a machine that does nothing else meanwhile. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canRun, startApp, type App } from "./support/browser.ts";

let app: App;
let folder: string;

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "relprop-first-"));
  app = await startApp(folder);
}, 60_000);

afterAll(async () => {
  if (!canRun) return;
  await app.close();
  await rm(folder, { recursive: true });
});

test.skipIf(!canRun)(
  "the first heatmap is there within a second, from what was computed before",
  { retry: 2 },
  async () => {
    const { page, problems } = await app.open();
    await page.getByRole("img", { name: /^(Relevance|No relevance) for/ }).waitFor();
    const milliseconds = await page.evaluate(() => performance.now());
    expect(milliseconds).toBeLessThan(1000);
    await page.getByText(/^WASM, \d threads?$/).waitFor();
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    expect(problems).toEqual([]);
    await page.context().close();
  },
);
