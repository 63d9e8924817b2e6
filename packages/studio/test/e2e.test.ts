/** The built app in a real Chromium: what people do on the first page, with the shipped model and their own. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appSize, budgets } from "../scripts/app-size.ts";
import { canRun, give, pixelsOf, startApp, type App } from "./support/browser.ts";
import { differenceFromNode } from "./support/digits.ts";

const cat = fileURLToPath(new URL("../../../examples/photos/chelsea.png", import.meta.url));
const golden = fileURLToPath(new URL("../../relprop/test/golden/convnet/model.onnx", import.meta.url));

let app: App;
let folder: string;
const run = test.skipIf(!canRun);

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "relprop-studio-"));
  app = await startApp(folder);
}, 60_000);

afterAll(async () => {
  if (!canRun) return;
  await app.close();
  await rm(folder, { recursive: true });
});

const picture = (page: Page): Locator => page.getByRole("img", { name: /^(Relevance|No relevance) for/ });
const ready = (page: Page): Promise<void> => page.getByText(/^WASM, \d threads?$/).waitFor();

run("the code of each part is within its budget, gzipped and without ONNX Runtime", async () => {
  const sizes = await appSize(folder);
  for (const [part, size] of Object.entries(sizes)) {
    expect(size, part).toBeGreaterThan(10_000);
    expect(size, part).toBeLessThan(budgets[part as keyof typeof budgets]);
  }
});

run("the browser's relevance is Node's", async () => {
  const { page, problems } = await app.open("#picture=digit-3&mode=heatmap&map=coldnhot&clip=100");
  await ready(page);
  await page.getByText(/^digit-3: 3/).waitFor();
  expect(await differenceFromNode(page, "digit-3.png")).toBeLessThan(1e-4);
  expect(problems).toEqual([]);
  await page.context().close();
});

run(
  "a gallery picture is explained, its class is switched and contrasted, and the link holds it",
  async () => {
    const { page, problems } = await app.open();
    await ready(page);
    await page.getByRole("button", { name: "a handwritten 4" }).click();
    await page.getByText(/^digit-4: 4/).waitFor();
    const before = await pixelsOf(picture(page));

    const bars = page.getByRole("list", { name: "Classes, best first" }).getByRole("button");
    await bars.nth(1).click();
    await page.getByRole("heading", { name: /^“\d” is explained$/ }).waitFor();
    await page.getByText(/% of the logit/).waitFor();
    expect(await pixelsOf(picture(page))).not.toEqual(before);

    await bars.nth(0).click({ modifiers: ["Shift"] });
    await page.getByRole("heading", { name: /rather than/ }).waitFor();
    expect(page.url()).toMatch(/#picture=digit-4&target=4-\d$/);

    await page.reload();
    await page.getByRole("heading", { name: /^“4 rather than/ }).waitFor();
    await page.keyboard.press("0");
    await page.getByRole("heading", { name: "The whole prediction is explained" }).waitFor();
    await page.keyboard.press("m");
    expect(page.url()).toContain("mode=side");
    expect(problems).toEqual([]);
    await page.context().close();
  },
);

run("two rules are compared side by side, and a value is read under the pointer", async () => {
  const { page, problems } = await app.open("#compare=rule&rule2=gradient");
  await ready(page);
  await page.getByText(/The two maps are −?-?\d+ % alike/).waitFor();
  expect(await picture(page).count()).toBe(2);
  await picture(page).first().hover();
  await page.getByText(/^x \d+, y \d+: relevance/).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("a drawn digit is recognised and explained, with the pointer and with the keyboard", async () => {
  const { page, problems } = await app.open("#tab=draw");
  await ready(page);
  const surface = page.getByRole("application", { name: /Drawing surface/ });
  const box = await surface.boundingBox();
  if (!box) throw new Error("the drawing surface is not there");
  const at = (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(0.5, 0.2));
  await page.mouse.down();
  for (let step = 1; step <= 10; step++) await page.mouse.move(...at(0.5, 0.2 + 0.06 * step));
  await page.mouse.up();
  await page.getByRole("heading", { name: "It is taken for 1" }).waitFor();
  await picture(page).waitFor();

  await page.getByRole("button", { name: "Clear" }).click();
  await surface.focus();
  await page.keyboard.press("Space");
  for (let step = 0; step < 15; step++) await page.keyboard.press("ArrowDown");
  await page.getByRole("heading", { name: "It is taken for 1" }).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("a dropped foreign model is kept, inspected and explained, and what was guessed is said", async () => {
  const { page, problems } = await app.open();
  await ready(page);
  await give(page, "drop", { name: "convnet.onnx", bytes: await readFile(golden) });
  await page.getByText("Guessed input").click();
  await page.getByText("mean 0.485,0.456,0.406").waitFor();
  await page.getByText("Guessed input").click();
  // It takes colour pictures of 32 × 32 pixels: neither digits nor photos.
  await page.getByText(/^convnet.onnx takes colour pictures of 32 × 32 pixels/).waitFor();
  expect(await picture(page).count()).toBe(0);
  await give(page, "drop", { name: "cat.png", type: "image/png", bytes: await readFile(cat) });
  await page.getByText(/^cat.png: output \d+/).waitFor();
  expect((await pixelsOf(picture(page))).data.length).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Layers" }).click();
  await page.getByRole("treeitem").filter({ hasText: "Conv" }).first().waitFor();
  await page.reload();
  await page.getByText("About convnet.onnx").waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("a broken model, a broken picture and a text are refused with words, and the app goes on", async () => {
  const { page, problems } = await app.open();
  await ready(page);
  const alert = page.getByRole("alert");
  const junk = new TextEncoder().encode("this is neither a model nor a picture");
  for (const [name, words] of [
    ["broken.onnx", /cannot read "broken.onnx"/],
    ["broken.png", /cannot read "broken.png".*PNG, JPEG/],
    ["notes.txt", /cannot read "notes.txt"/],
  ] as const) {
    await give(page, "drop", { name, bytes: junk });
    await alert.filter({ hasText: words }).waitFor();
    await alert.getByRole("button", { name: "Dismiss" }).click();
  }
  await page.getByRole("button", { name: "a handwritten 7" }).click();
  await page.getByText(/^digit-7: 7/).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

run("without a network the app opens again after the first visit", async () => {
  const { page, problems } = await app.open();
  await ready(page);
  const isKept = (): Promise<boolean> =>
    page.evaluate(async () => {
      const needed = [/digits\.onnx$/, /\.wasm$/, /digit-2\.png$/, /LiveMode-.*\.js$/];
      const [name] = await caches.keys();
      const requests = name === undefined ? [] : await (await caches.open(name)).keys();
      return needed.every((file) => requests.some(({ url }) => file.test(url)));
    });
  await expect.poll(isKept, { timeout: 15_000 }).toBe(true);
  await page.context().setOffline(true);
  await page.reload();
  await ready(page);
  await page.getByRole("button", { name: "a handwritten 2" }).click();
  await page.getByText(/^digit-2: 2/).waitFor();
  const others = problems.filter((text) => !text.includes("ERR_INTERNET_DISCONNECTED"));
  expect(others).toEqual([]);
  await page.context().close();
});

run.each(["light", "dark"] as const)("axe finds nothing on any page, %s", async (colorScheme) => {
  const { page, problems } = await app.open("", { colorScheme });
  await ready(page);
  for (const tab of await page.locator("nav button:not(.help)").allTextContents()) {
    await page.getByRole("navigation").getByRole("button", { name: tab }).click();
    await page.locator("main > :not(.loading)").first().waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.map(({ id, nodes }) => `${tab}: ${id} ${nodes.map(({ html }) => html).join(" ")}`),
    ).toEqual([]);
  }
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys and help" }).waitFor();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  expect(problems).toEqual([]);
  await page.context().close();
});

run("nothing is wider than a phone", async () => {
  const { page, problems } = await app.open("", { viewport: { width: 360, height: 740 }, hasTouch: true });
  await ready(page);
  for (const tab of await page.locator("nav button:not(.help)").allTextContents()) {
    await page.getByRole("navigation").getByRole("button", { name: tab }).click();
    await page.waitForTimeout(100);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBeLessThanOrEqual(360);
  }
  expect(problems).toEqual([]);
  await page.context().close();
});
