/** What a reload and a link bring back, and that the page stays where it is while a model is opened. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, give, pixelsOf, startApp, type App } from "../support/browser.ts";
import { pictureModel } from "../support/models.ts";
import { hold, release, slowEngine, type Ask } from "../support/slow-engine.ts";

const ready = (page: Page): Promise<void> => page.getByText(/^WASM, \d threads?/).waitFor();
const map = (page: Page): Locator => page.getByRole("img", { name: /(Relevance|No relevance) for/ });
const digit = (n: number): Promise<Buffer> =>
  readFile(fileURLToPath(new URL(`../../public/gallery/digit-${n}.png`, import.meta.url)));
const dropPicture = async (page: Page, name: string, n: number): Promise<void> =>
  give(page, "drop", { name, type: "image/png", bytes: await digit(n) });

/** Where the parts of the page begin. */
const tops = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(() =>
    Object.fromEntries(
      [
        "header",
        "nav",
        "main",
        ".gallery",
        'section[aria-label="Heatmap"]',
        'section[aria-label="Classes"]',
      ].map((selector) => [selector, document.querySelector(selector)?.getBoundingClientRect().top ?? -1]),
    ),
  );

describe.skipIf(!canRun)("reload", () => {
  let app: App;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-reload-"));
    app = await startApp(join(folder, "dist"));
  }, 120_000);
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  test("an added picture comes back with model, class and mode", async () => {
    const { page, problems } = await app.open("#target=8");
    await ready(page);
    await dropPicture(page, "mine.png", 8);
    await page
      .getByText(/^mine.png: 8/)
      .first()
      .waitFor();
    const before = await pixelsOf(map(page));
    expect(page.url()).toContain("picture=file%3Amine.png");
    await page.reload();
    await page
      .getByText(/^mine.png: 8/)
      .first()
      .waitFor();
    expect(await page.locator(".brought").textContent()).toBe("mine.png");
    expect(await pixelsOf(map(page))).toEqual(before);
    expect(page.url()).toContain("target=8");
    for (const tab of ["Interact", "Layers"]) {
      await page.getByRole("navigation").getByRole("button", { name: tab }).click();
      await page.reload();
      if (tab === "Interact") await page.getByRole("application", { name: "Patches on mine.png" }).waitFor();
      else
        await page
          .getByText(/^mine.png: 8/)
          .first()
          .waitFor();
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("one that is gone is said to be, and a picture of the gallery is shown under its own name", async () => {
    const { page } = await app.open("#picture=file%3Agone.png");
    const alert = page.getByRole("alert").filter({ hasText: 'cannot show "gone.png"' });
    await alert.waitFor();
    await page.getByText(/^digit-0: 0/).waitFor();
    expect(page.url()).not.toContain("gone");
    // The message goes when another picture is chosen.
    await page.getByRole("button", { name: "a handwritten 4" }).click();
    await page.getByText(/^digit-4: 4/).waitFor();
    expect(await alert.count()).toBe(0);
    await page.context().close();
  });

  test("a picture that was forgotten does not come back", async () => {
    const { page } = await app.open("");
    await ready(page);
    await dropPicture(page, "mine.png", 8);
    await page
      .getByText(/^mine.png: 8/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Open …" }).click();
    await page.getByRole("button", { name: "Forget mine.png" }).click();
    await expect.poll(() => page.getByRole("button", { name: "Forget mine.png" }).count()).toBe(0);
    await page.reload();
    await page.getByRole("alert").filter({ hasText: 'cannot show "mine.png"' }).waitFor();
    await page.context().close();
  });

  test("the back button's pictures and models are shown under their own names", async () => {
    const { page, problems } = await app.open("#picture=digit-3");
    await page.getByText(/^digit-3: 3/).waitFor();
    await page.evaluate(() => (location.hash = "#picture=digit-5&target=5"));
    await page.getByText(/^digit-5: 5/).waitFor();
    await page.getByRole("heading", { name: "“5” is explained" }).waitFor();
    await dropPicture(page, "mine.png", 8);
    await page
      .getByText(/^mine.png: 8/)
      .first()
      .waitFor();
    await page.evaluate(() => (location.hash = "#picture=digit-6"));
    await page.getByText(/^digit-6: 6/).waitFor();
    expect(await page.locator(".brought").count()).toBe(0);
    await page.evaluate(() => (location.hash = "#picture=file%3Amine.png"));
    await page
      .getByText(/^mine.png: 8/)
      .first()
      .waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test.each([
    ["desktop", { width: 1280, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ])("nothing on the page moves when loading ends: %s", async (_device, viewport) => {
    const held: readonly Ask[] = ["load"];
    const { page, problems } = await app.open("", { viewport }, (page) => slowEngine(page, held));
    await map(page).waitFor();
    await page.locator("header progress").waitFor();
    const loading = await tops(page);
    await release(page);
    await ready(page);
    await page.getByText(/^digit-0: 0/).waitFor();
    expect(await tops(page)).toEqual(loading);
    // A model without a card has one thing more to say in the header.
    await hold(page, "load");
    await give(page, "drop", { name: "four.onnx", bytes: pictureModel({ channels: 1, side: 28 }) });
    await page.locator("header progress").waitFor();
    expect(await tops(page)).toEqual(loading);
    await release(page);
    await page.getByText("Guessed input").waitFor();
    await page.getByText(/^digit-0: class \d/).waitFor();
    expect(await tops(page)).toEqual(loading);
    await page.getByText("Guessed input").click();
    await page.getByText("The model came without a card").waitFor();
    expect(await tops(page)).toEqual(loading);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      viewport.width,
    );
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
