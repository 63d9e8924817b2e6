/** The mode Layers in a real Chromium: the ledger's strips, a layer and its channels, with the keyboard. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canRun, startApp, type App } from "../support/browser.ts";

const cat = fileURLToPath(new URL("../../../../examples/photos/chelsea.png", import.meta.url));
const residual = fileURLToPath(new URL("../../../relprop/test/golden/resnet-bn/model.onnx", import.meta.url));

let app: App;
let folder: string;
const run = test.skipIf(!canRun);

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "relprop-layers-"));
  app = await startApp(folder);
}, 60_000);

afterAll(async () => {
  if (!canRun) return;
  await app.close();
  await rm(folder, { recursive: true });
});

const layer = (page: Page): Locator => page.getByRole("region", { name: "Layer", exact: true });
const line = (page: Page, name: RegExp): Locator => page.getByRole("treeitem", { name });
const map = (page: Page): Locator =>
  layer(page).getByRole("img", { name: /^Relevance for (“4”|“output 5”|the prediction)/ });
const hasColours = (canvas: Locator): Promise<boolean> =>
  canvas.evaluate((element: HTMLCanvasElement) => {
    const { data } = element.getContext("2d")?.getImageData(0, 0, element.width, element.height) ?? {
      data: [],
    };
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] !== data[4 * i + 2]).includes(true);
  });

run.each(["light", "dark"] as const)(
  "strips, a layer by keyboard, its map and channels: %s",
  async (colorScheme) => {
    const { page, problems } = await app.open("#tab=layers&picture=digit-4&target=4", { colorScheme });
    await page.getByText(/^\d+\.\d % of the logit reached the input/).waitFor();
    const first = line(page, /^input the picture.*% arrives at the input/);
    await first.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toMatch(/^0 .*Conv/);
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await layer(page).getByText("Relevance starts here").waitFor();

    const pooled = line(page, /^9 MaxPool/);
    await pooled.focus();
    await page.keyboard.press("Enter");
    await layer(page).getByRole("heading", { name: "/9/MaxPool" }).waitFor();
    await map(page).waitFor();
    expect(await hasColours(map(page))).toBe(true);
    expect(page.url()).toContain("layer=%2F9%2FMaxPool");
    expect(await pooled.getAttribute("aria-selected")).toBe("true");
    const channels = layer(page).getByRole("img", { name: /^Relevance for “channel \d+”/ });
    expect(await channels.count()).toBe(6);
    expect(await hasColours(channels.first())).toBe(true);
    await map(page).hover();
    await layer(page)
      .getByText(/^column 3, row 3: relevance/)
      .waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id} ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    expect(problems).toEqual([]);
    await page.context().close();
  },
);

run("a link opens a dense layer with its units; another class changes them", async () => {
  const { page, problems } = await app.open("#tab=layers&picture=digit-7&layer=%2F17%2FRelu");
  await layer(page).getByRole("heading", { name: "/17/Relu" }).waitFor();
  await layer(page).getByText("no places in the picture").waitFor();
  const units = layer(page).getByRole("row", { name: /^unit \d+/ });
  await expect.poll(() => units.count()).toBe(12);
  expect(await layer(page).getByRole("img").count()).toBe(6);
  const before = await units.allTextContents();
  await page.getByRole("combobox", { name: "Class", exact: true }).selectOption("2");
  await page.getByText(/Explained with epsilon-plus-ones: 2/).waitFor();
  await expect.poll(() => units.allTextContents()).not.toEqual(before);
  await page.getByRole("combobox", { name: "Picture", exact: true }).selectOption("digit-3");
  await page.getByText(/^digit-3: 3/).waitFor();
  expect(page.url()).toContain("picture=digit-3");
  expect(problems).toEqual([]);
  await page.context().close();
});

run("groups close and open, and a folded node opens the one that does its work", async () => {
  const { page, problems } = await app.open("#tab=layers");
  await page.getByText(/^WASM, \d threads?$/).waitFor();
  await page.setInputFiles("#open-file", [
    { name: "residual.onnx", mimeType: "application/octet-stream", buffer: await readFile(residual) },
    { name: "cat.png", mimeType: "image/png", buffer: await readFile(cat) },
  ]);
  const blocks = line(page, /^▾?\s*blocks \d+ nodes/);
  await blocks.waitFor();
  const count = await page.getByRole("treeitem").count();
  await blocks.focus();
  await page.keyboard.press("ArrowLeft");
  expect(await blocks.getAttribute("aria-expanded")).toBe("false");
  expect(await page.getByRole("treeitem").count()).toBeLessThan(count);
  await page.keyboard.press("ArrowRight");
  expect(await page.getByRole("treeitem").count()).toBe(count);
  await line(page, /^stem.1 BatchNormalization/).click();
  await layer(page).getByRole("heading", { name: "/stem/stem.0/Conv" }).waitFor();
  await map(page).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("a layer that the model lacks, in a link, is said to be missing", async () => {
  const { page, problems } = await app.open("#tab=layers&layer=nowhere");
  await layer(page).getByText("No relevance reaches a node “nowhere” of this model").waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("on a phone the chosen layer is brought into view, and nothing is wider than the screen", async () => {
  const { page, problems } = await app.open("#tab=layers&picture=digit-4&target=4", {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
  });
  await line(page, /^5 Conv/).tap();
  await map(page).waitFor();
  await expect
    .poll(() => layer(page).evaluate((element) => element.getBoundingClientRect().top))
    .toBeLessThan(400);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(problems).toEqual([]);
  await page.context().close();
});
