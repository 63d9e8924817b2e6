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

/** What `work` takes on the machine whose second is meant: two cores, 2.1 GHz. */
const REFERENCE_MS = 280;

/** A fixed amount of work in the page, in milliseconds: a machine that others use meanwhile takes longer for it. */
const work = (): number => {
  const start = performance.now();
  let state = 1;
  for (let step = 0; step < 100_000_000; step++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state === 0 ? 0 : performance.now() - start;
};

test.skipIf(!canRun)("the first heatmap waits for neither the model nor ONNX Runtime", async () => {
  const { page, problems } = await app.open("", {}, async (opened) => {
    await opened.route(/\.(onnx|wasm)$/, () => new Promise(() => undefined));
  });
  await page.getByRole("img", { name: /^(Relevance|No relevance) for/ }).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

test.skipIf(!canRun)("the first heatmap is there within a second", { retry: 4 }, async () => {
  const { page, problems } = await app.open();
  await page.getByRole("img", { name: /^(Relevance|No relevance) for/ }).waitFor();
  const milliseconds = await page.evaluate(() => performance.now());
  await page.getByText(/^WASM, \d threads?$/).waitFor();
  const slowness = Math.max(1, (await page.evaluate(work)) / REFERENCE_MS);
  expect(milliseconds / slowness).toBeLessThan(1000);
  expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  expect(problems).toEqual([]);
  await page.context().close();
});
