/** Images in a real Chromium: every way to bring a picture, and what is taken away comes back. */

import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Download, Locator, Page } from "playwright-core";
import { software } from "@relprop/core/internal";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/state/settings-file.ts";
import { canRun, give, pixelsOf, startApp, type App } from "../support/browser.ts";

const gallery = fileURLToPath(new URL("../../public/gallery/", import.meta.url));
const heatmap = (page: Page): Locator => page.getByRole("img", { name: /^(Relevance|No relevance) for/ });
const ready = (page: Page): Promise<void> => page.getByText(/^WASM, \d threads?/).waitFor();

const save = async (page: Page, button: string): Promise<Download> => {
  const download = page.waitForEvent("download");
  await page.getByRole("group", { name: "Take away" }).getByRole("button", { name: button }).click();
  return download;
};

/** A square that may lie anywhere below the other in a figure, each pixel of it taken from the middle of several. */
async function smallerOf(
  png: Buffer,
  { left, side, times }: Record<"left" | "side" | "times", number>,
): Promise<number[][]> {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const middle = Math.floor(times / 2);
  return Array.from({ length: info.height - side * times + 1 }, (_, top) =>
    Array.from({ length: side * side }, (_, i) => {
      const y = top + times * Math.floor(i / side) + middle;
      const at = 4 * (y * info.width + left + times * (i % side) + middle);
      return [...data.subarray(at, at + 4)];
    }).flat(),
  );
}

describe.skipIf(!canRun)("Images", () => {
  let app: App;
  let folder: string;
  let elsewhere: Server;
  /** A server of another origin that lets pages read its picture. */
  let address: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-images-"));
    app = await startApp(folder);
    const five = await readFile(`${gallery}digit-5.png`);
    elsewhere = createServer((request, response) => {
      const isThere = request.url === "/five.png";
      response.writeHead(isThere ? 200 : 404, { "access-control-allow-origin": "*" });
      response.end(isThere ? five : undefined);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  }, 120_000);
  afterAll(async () => {
    await app.close();
    elsewhere.close();
    await rm(folder, { recursive: true });
  });

  test("a picture is dropped, pasted, picked, and fetched from an address, which the link keeps", async () => {
    const { page, problems } = await app.open();
    await ready(page);
    const bytes = await readFile(`${gallery}digit-8.png`);
    await give(page, "drop", { name: "dropped.png", type: "image/png", bytes });
    await page.getByText(/^dropped.png: 8/).waitFor();
    await give(page, "paste", { name: "pasted.png", type: "image/png", bytes });
    await page.getByText(/^pasted.png: 8/).waitFor();
    await page.getByLabel("Add a picture").setInputFiles(`${gallery}digit-4.png`);
    await page.getByText(/^digit-4.png: 4/).waitFor();
    await page.getByRole("button", { name: "Open …" }).click();
    await page.getByLabel("Address").fill(`${address}/five.png`);
    await page.getByRole("button", { name: "Fetch" }).click();
    await page.getByText(/^five.png: 5/).waitFor();
    await page.reload();
    await page.getByText(/^five.png: 5/).waitFor();
    expect(problems).toEqual([]);

    await page.getByRole("button", { name: "Open …" }).click();
    await page.getByLabel("Address").fill(`${address}/none.png`);
    await page.getByRole("button", { name: "Fetch" }).click();
    await page.getByRole("alert").filter({ hasText: "none.png" }).waitFor();
    await page.context().close();
  });

  test("a saved PNG carries its settings, and brings them back when it is dropped", async () => {
    const hash =
      "#picture=digit-3&rule=epsilon-plus-ones&target=3&keep=0.1&map=coldnhot&normalize=symmetric&clip=98&opacity=0.6&sign=for&mode=heatmap";
    const { page, problems } = await app.open(hash);
    await ready(page);
    await page.getByText(/^digit-3: 3/).waitFor();
    const before = await pixelsOf(heatmap(page));
    const saved = await save(page, "PNG");
    expect(saved.suggestedFilename()).toMatch(/^lrp-digits-3-\d{4}-\d\d-\d\d-\d{6}\.png$/);
    const png = await readFile(await saved.path());
    const { width, comments } = await sharp(png).metadata();
    expect(width).toBe(2 * 480);
    expect(comments?.[0]).toEqual({ keyword: "Software", text: software });
    // One pixel of the heatmap is a square of 17 × 17 of the figure, and nothing between.
    expect(await smallerOf(png, { left: 40, side: 28, times: 17 })).toContainEqual(before.data);
    const text = comments?.find(({ keyword }) => keyword === "relprop")?.text ?? "";
    expect(readSettings(text, ["images"])).toMatchObject({
      picture: "digit-3",
      state: { map: "coldnhot", keep: 0.1 },
    });

    await page.goto(app.url);
    await ready(page);
    await give(page, "drop", { name: "saved.png", type: "image/png", bytes: png });
    await page.getByText(/^digit-3: 3/).waitFor();
    expect(new URL(page.url()).hash).toBe(hash);
    await expect.poll(() => pixelsOf(heatmap(page))).toEqual(before);

    const file = await save(page, "Settings");
    const json = await readFile(await file.path(), "utf8");
    await page.goto(app.url);
    await ready(page);
    await give(page, "drop", { name: "saved.json", bytes: Buffer.from(json) });
    await expect.poll(() => new URL(page.url()).hash).toContain("map=coldnhot");
    await give(page, "drop", {
      name: "saved.json",
      bytes: Buffer.from(json.replace("coldnhot", "hotncold")),
    });
    await page.getByRole("alert").filter({ hasText: '“map” is "hotncold"' }).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("two classes are compared, each under its own heading", async () => {
    const { page, problems } = await app.open("#picture=digit-9&target=9");
    await ready(page);
    await page.getByLabel("Compare with").selectOption("another class");
    await page.getByLabel("Second class").selectOption("4");
    await page.getByRole("heading", { name: /^4, / }).waitFor();
    await expect.poll(() => heatmap(page).count()).toBe(2);
    const [first, second] = await Promise.all([
      pixelsOf(heatmap(page).first()),
      pixelsOf(heatmap(page).last()),
    ]);
    expect(first).not.toEqual(second);
    expect(page.url()).toContain("compare=class&target2=4");
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("sign, clip, opacity and colours are drawn at once, without another run", async () => {
    const { page, problems } = await app.open("#picture=digit-2&target=2");
    await ready(page);
    await page.getByText(/^digit-2: 2/).waitFor();
    let before = await pixelsOf(heatmap(page));
    const changes: readonly (readonly [string, string])[] = [
      ["Evidence", "against"],
      ["Evidence", "both"],
      ["Colours", "PuOr_r"],
      ["Show", "heatmap"],
    ];
    for (const [name, value] of changes) {
      await page.getByLabel(new RegExp(`^${name}`)).selectOption(value);
      await expect.poll(() => pixelsOf(heatmap(page))).not.toEqual(before);
      before = await pixelsOf(heatmap(page));
    }
    await page.getByLabel(/^Clip/).fill("90");
    await expect.poll(() => pixelsOf(heatmap(page))).not.toEqual(before);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
