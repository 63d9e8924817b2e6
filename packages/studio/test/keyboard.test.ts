/** The app with the keyboard alone: focus goes through each page in order, sees where it is, and is never caught. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, startApp, type App } from "./support/browser.ts";

const ready = (page: Page): Promise<void> => page.getByText(/^WASM, \d threads?/).waitFor();

/** What has the focus: its name, where it is on the page, whether it shows that it has the focus. */
const focused = (page: Page): Promise<{ name: string; order: number; isShown: boolean } | undefined> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return undefined;
    const all = [...document.querySelectorAll("*")];
    const label = element.closest("label") ?? element;
    const { outlineStyle } = getComputedStyle(element);
    const isVisible = outlineStyle !== "none" || getComputedStyle(label).outlineStyle !== "none";
    const pictured = element.querySelector("img")?.alt ?? "";
    const name = element.getAttribute("aria-label") ?? `${(label.textContent ?? "").trim()}${pictured}`;
    return { name, order: all.indexOf(element), isShown: isVisible };
  });

describe.skipIf(!canRun)("with the keyboard alone", () => {
  let app: App;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-keyboard-"));
    app = await startApp(folder);
  }, 120_000);
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  test("Tab goes through every mode from top to bottom and out of it again", async () => {
    const { page, problems } = await app.open();
    await ready(page);
    for (const mode of await page.locator("nav button:not(.help)").allTextContents()) {
      await page.getByRole("navigation").getByRole("button", { name: mode }).click();
      await page.locator("main > :not(.loading)").first().waitFor();
      await page.waitForTimeout(500);
      await page.evaluate(() => {
        document.body.tabIndex = -1;
        document.body.focus();
        document.body.removeAttribute("tabindex");
      });
      const orders: number[] = [];
      const names: string[] = [];
      for (let step = 0; step < 120; step++) {
        await page.keyboard.press("Tab");
        const now = await focused(page);
        if (!now || now.order === orders[0]) break;
        expect(now.isShown, `${mode}: ${now.name} does not show that it has the focus`).toBe(true);
        expect(now.name, `${mode}: the ${orders.length + 1}th stop has no name`).not.toBe("");
        orders.push(now.order);
        names.push(now.name);
      }
      expect(orders.length).toBeGreaterThan(8);
      expect(orders.length).toBeLessThan(120);
      expect(orders, names.join(" | ")).toEqual([...orders].sort((a, b) => a - b));
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("the help opens, keeps the focus, lists the keys, and turns them off", async () => {
    const { page, problems } = await app.open();
    await ready(page);
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keys and help" });
    await help.waitFor();
    for (let step = 0; step < 5; step++) {
      await page.keyboard.press("Tab");
      expect(
        await page.evaluate(
          () =>
            document.activeElement === document.body || document.activeElement?.closest("dialog") !== null,
        ),
      ).toBe(true);
    }
    await page.keyboard.press("m");
    expect(page.url()).not.toContain("mode=");
    await help.getByLabel("Shortcuts without Ctrl").uncheck();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("m");
    await page.waitForTimeout(200);
    expect(page.url()).not.toContain("mode=");
    await page.getByRole("button", { name: "Keys and help" }).click();
    await help.getByLabel("Shortcuts without Ctrl").check();
    await page.keyboard.press("Escape");
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("m");
    await expect.poll(() => page.url()).toContain("mode=side");
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("the keys for classes work in every mode that has class bars, and not while typing", async () => {
    const { page, problems } = await app.open("#tab=interact&picture=digit-0");
    await page.getByRole("img", { name: /Relevance for/ }).waitFor();
    await page.keyboard.press("1");
    await expect.poll(() => page.url()).toContain("target=0");
    await page.keyboard.press("Shift+2");
    await expect.poll(() => page.url()).toMatch(/target=\d-0/);
    await page.keyboard.press("0");
    await expect.poll(() => page.url()).not.toContain("target=");
    await page.getByRole("button", { name: "Add patch" }).click();
    await page.getByLabel("Left", { exact: true }).focus();
    await page.keyboard.press("1");
    await page.waitForTimeout(300);
    expect(page.url()).not.toContain("target=");
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
