/** Interact in a real Chromium: every fill, sizes, undo, redo, reset, and another picture behind the patches. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fillNames, type Fill } from "../../src/modes/interact/patches.ts";
import { canRun, pixelsOf, startApp, type App } from "../support/browser.ts";

const gallery = fileURLToPath(new URL("../../public/gallery/", import.meta.url));

const board = (page: Page): Locator => page.getByRole("application").locator("canvas");
const button = (page: Page, name: string): Locator => page.getByRole("button", { name, exact: true });

/** Gray values of the patched picture, 28 × 28. */
const grays = async (page: Page): Promise<number[]> =>
  (await pixelsOf(board(page))).data.filter((_, i) => i % 4 === 0);
/** Which pixels are not as before, as a box. */
const changed = (before: readonly number[], after: readonly number[]): string => {
  const places = after.flatMap((value, i) =>
    value === before[i] ? [] : [[i % 28, Math.floor(i / 28)] as const],
  );
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  return `${Math.min(...xs)}-${Math.max(...xs)}, ${Math.min(...ys)}-${Math.max(...ys)}`;
};

/** A number as the app writes it. */
const number = (text = ""): number => Number.parseFloat(text.replace("−", "-"));

describe.skipIf(!canRun)("Interact", () => {
  let app: App;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-interact-"));
    app = await startApp(folder);
  }, 120_000);
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  test("patches of every kind and any size cover what they should, and can be undone, redone and reset", async () => {
    const { page, problems } = await app.open("#tab=interact&picture=digit-0");
    await page.getByRole("img", { name: /Relevance for/ }).waitFor();
    const original = await grays(page);
    const mean = Math.round(original.reduce((sum, value) => sum + value, 0) / original.length);

    const inside = async (): Promise<number[]> => {
      const after = await grays(page);
      return [13, 14].flatMap((y) => after.slice(28 * y + 13, 28 * y + 15));
    };
    const expected: readonly (readonly [Fill, (values: readonly number[]) => void])[] = [
      ["mean", (values) => expect(values.every((value) => Math.abs(value - mean) <= 1)).toBe(true)],
      ["black", (values) => expect(values).toEqual([0, 0, 0, 0])],
      ["white", (values) => expect(values).toEqual([255, 255, 255, 255])],
      ["noise", (values) => expect(new Set(values).size).toBeGreaterThan(2)],
      ["blur", (values) => expect(values.every((value) => value > 0 && value < 255)).toBe(true)],
    ];
    await page.getByLabel(/^Brush size/).fill("12");
    await button(page, "Add patch").click();
    for (const [fill, check] of expected) {
      await page.getByLabel(/^Filled with/).selectOption(fillNames[fill]);
      await expect
        .poll(async () =>
          page
            .getByLabel(/^Selected patch/)
            .locator("option")
            .textContent(),
        )
        .toContain(fillNames[fill]);
      check(await inside());
    }

    await page.getByLabel(/^Filled with/).selectOption(fillNames.image);
    await page.getByText("black until you choose the other image").waitFor();
    expect(await inside()).toEqual([0, 0, 0, 0]);
    await page.getByLabel(/^Other image/).setInputFiles(`${gallery}digit-1.png`);
    // The 1 has ink where the 0 has its hole.
    await expect.poll(async () => Math.max(...(await inside()))).toBeGreaterThan(150);

    await page.getByLabel(/^Filled with/).selectOption(fillNames.white);
    expect(changed(original, await grays(page))).toBe("8-19, 8-19");
    await page.getByLabel("Size", { exact: true }).fill("28");
    await page.keyboard.press("Enter");
    await expect.poll(() => grays(page)).toEqual(original.map(() => 255));
    await button(page, "Undo").click();
    await expect.poll(async () => changed(original, await grays(page))).toBe("8-19, 8-19");
    await button(page, "Redo").click();
    await expect.poll(() => grays(page)).toEqual(original.map(() => 255));
    await button(page, "Reset").click();
    await expect.poll(() => grays(page)).toEqual(original);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("logits before and after are the network's, and the class bars answer", async () => {
    const { page, problems } = await app.open("#tab=interact&picture=digit-0");
    const rows = page.getByRole("row");
    await rows.nth(1).waitFor();
    const cells = async (): Promise<string[]> => rows.nth(1).getByRole("cell").allTextContents();
    const [before, after, change] = await cells();
    expect(after).toBe(before);
    expect(change).toBe("0.00");
    await page.getByLabel(/^Patches of/).selectOption(fillNames.black);
    await page.getByLabel(/^Brush size/).fill("28");
    await button(page, "Add patch").click();
    await expect.poll(cells).not.toEqual([before, after, change]);
    const [sameBefore, now, difference] = await cells();
    expect(sameBefore).toBe(before);
    expect(number(difference)).toBeCloseTo(number(now) - number(before), 1);
    await page.getByRole("button", { name: "a handwritten 6" }).click();
    await expect.poll(() => page.url()).toContain("picture=digit-6");
    await page.reload();
    await page.getByRole("application", { name: "Patches on digit-6" }).waitFor();
    await page.getByRole("list", { name: "Classes, best first" }).waitFor();
    const best = page.getByRole("list", { name: "Classes, best first" }).getByRole("button").first();
    expect(await best.textContent()).toContain("logit");
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
