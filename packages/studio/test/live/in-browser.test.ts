import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, pixelsOf } from "../support/browser.ts";
import { recordLive, type RecordedVideo } from "../support/video.ts";
import { startStudio, type StudioInBrowser } from "./studio-in-browser.ts";

const startCamera = (page: Page): Promise<void> => page.getByRole("button", { name: "Start camera" }).click();

/** From now on, asks for the camera are answered with a DOMException of this name. */
const refuseCamera = (page: Page, name: string): Promise<void> =>
  page.evaluate((refusal) => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("refused", refusal));
  }, name);

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

describe.skipIf(!canRun)("in the browser", () => {
  let studio: StudioInBrowser;
  /** Made by the first test, played by another. */
  let recording: RecordedVideo | undefined;

  beforeAll(async () => {
    studio = await startStudio();
  }, 120_000);
  afterAll(() => studio.close());

  test("the camera is explained live, and a recording has the length it took", async () => {
    const page = await studio.open("live");
    await page.getByText("Frames never leave this device").waitFor();
    await startCamera(page);
    await page
      .getByTestId("pace")
      .filter({ hasText: /fps · \d+ ms/ })
      .waitFor();
    const classes = page.getByRole("list", { name: "Classes, best first" }).getByRole("button");
    await classes.first().filter({ hasText: /^1/ }).waitFor();
    await expectAccessible(page);

    recording = await recordLive(page, 10);
    expect(recording.name).toMatch(/^lrp-digits-prediction-\d{4}-\d\d-\d\d-\d{6}\.(mp4|webm)$/);
    expect(Math.abs(recording.duration - recording.took)).toBeLessThan(1);
    expect(recording.frames).toBeGreaterThanOrEqual(10);
    expect(["avc", "vp9", "vp8"]).toContain(recording.codec);
    expect(recording.height).toBeGreaterThan(recording.width);

    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Freeze", pressed: true }).waitFor();
    const snapshot = page.waitForEvent("download");
    await page.keyboard.press("s");
    expect((await snapshot).suggestedFilename()).toMatch(/^lrp-digits-prediction-.*\.png$/);
    await page.keyboard.press("f");
    await expect
      .poll(() =>
        page.evaluate(() => document.fullscreenElement?.querySelector("canvas") instanceof HTMLCanvasElement),
      )
      .toBe(true);
    await page.keyboard.press("f");
    await expect.poll(() => page.evaluate(() => document.fullscreenElement)).toBeNull();
    const before = await page.locator("canvas").screenshot();
    await page.getByLabel(/^Relevance filter/).fill("0.02");
    await expect.poll(async () => (await page.locator("canvas").screenshot()).equals(before)).toBe(false);
    await page.context().close();
  });

  test("with reduced motion there are no more than two heatmaps a second", async () => {
    const page = await studio.open("live", { reducedMotion: "reduce" });
    await startCamera(page);
    await page.getByTestId("pace").filter({ hasText: "fps" }).waitFor();
    await page.waitForTimeout(1500);
    expect(Number.parseFloat((await page.getByTestId("pace").textContent()) ?? "")).toBeLessThan(2.1);
    await page.context().close();
  });

  test("a video file is explained like the camera, and a hidden tab pauses", async () => {
    if (!recording) throw new Error("the recording of the first test is missing");
    const page = await studio.open("live");
    const mimeType = recording.name.endsWith("mp4") ? "video/mp4" : "video/webm";
    await page.getByRole("button", { name: "Open a video file" }).waitFor();
    await page
      .locator("input[accept='video/*']")
      .setInputFiles({ name: recording.name, buffer: recording.bytes, mimeType });
    await page.getByTestId("pace").filter({ hasText: "fps" }).waitFor();
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.locator("p.note", { hasText: "Paused while the tab is hidden." }).waitFor();
    await page.locator("input[accept='video/*']").setInputFiles({
      name: "broken.mp4",
      mimeType: "video/mp4",
      buffer: Buffer.from("no video"),
    });
    await page.getByRole("alert").filter({ hasText: "cannot play the file" }).waitFor();
    await page.context().close();
  });

  test("why a camera did not start is said in words", async () => {
    const page = await studio.open("live");
    for (const [name, words] of [
      ["NotAllowedError", "Camera blocked. Allow it in the address bar, or drop an image here."],
      ["NotFoundError", "No camera found."],
      ["NotReadableError", "in use by another program"],
    ] as const) {
      await refuseCamera(page, name);
      await startCamera(page);
      await page.getByRole("alert").filter({ hasText: words }).waitFor();
      await page.getByRole("button", { name: "Start camera" }).waitFor();
    }
    await page.context().close();
  });

  test("a painted patch changes the picture, the heatmap where it is, and the logits", async () => {
    const page = await studio.open("interact");
    const board = page.getByRole("application");
    await board.waitFor();
    const heat = "canvas.heat";
    await page.locator(`${heat}[aria-label*='Relevance']`).waitFor();
    const before = await pixelsOf(page.locator(heat));
    const box = (await board.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const at = (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(0.35, 0.5));
    await page.mouse.down();
    await page.mouse.move(...at(0.65, 0.5), { steps: 5 });
    // Still down: the answer comes while the pointer moves.
    await page.locator("td.lost").first().waitFor();
    await page.mouse.up();
    await expect
      .poll(async () => {
        const after = await pixelsOf(page.locator(heat));
        const row = Math.floor(28 * 0.5);
        return [10, 14, 18].some((x) => {
          const i = 4 * (row * after.width + x);
          return [0, 1, 2].some((c) => after.data[i + c] !== before.data[i + c]);
        });
      })
      .toBe(true);
    await expectAccessible(page);

    await board.focus();
    const selected = page.getByLabel("Selected patch");
    const nameOf = (): Promise<string> =>
      selected.evaluate((list) => (list as HTMLSelectElement).selectedOptions[0]?.textContent ?? "");
    const start = await nameOf();
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("ArrowRight");
    await expect.poll(nameOf).not.toBe(start);
    await page.keyboard.press("Control+z");
    await expect.poll(nameOf).toBe(start);
    await page.keyboard.press("Delete");
    await expect.poll(() => selected.count()).toBe(0);
    await page.keyboard.press("Control+z");
    await expect.poll(nameOf).toBe(start);
    await page.context().close();
  });

  test("an occlusion sweep gives its rank correlation with the relevance", async () => {
    const page = await studio.open("interact");
    await page.getByRole("button", { name: "Sweep" }).click();
    const words = await page.getByTestId("agreement").textContent();
    expect(words).toMatch(/ρ = −?[01]\.\d\d/);
    await expectAccessible(page);
    await page.context().close();
  });

  test("no page complained in the console", () => {
    expect(studio.complaints).toEqual([]);
  });
});
