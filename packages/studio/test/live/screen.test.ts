/** Sharing a screen, and a video that is dropped on the page. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, give } from "../support/browser.ts";
import { recordLive } from "../support/video.ts";
import { startStudio, type StudioInBrowser } from "./studio-in-browser.ts";

const isRunning = (page: Page): Promise<void> =>
  page.getByTestId("pace").filter({ hasText: "fps" }).waitFor();

describe.skipIf(!canRun)("other sources than the camera", () => {
  let studio: StudioInBrowser;
  beforeAll(async () => {
    studio = await startStudio(["--auto-select-desktop-capture-source=Entire screen"]);
  }, 120_000);
  afterAll(() => studio.close());

  test("a shared screen is explained, not mirrored, and its end is told", async () => {
    const page = await studio.open("live", {}, async (opened) => {
      await opened.addInitScript(() => {
        const share = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getDisplayMedia = async (options) => {
          const stream = await share(options);
          Object.assign(globalThis, { sharedTrack: stream.getVideoTracks()[0] });
          return stream;
        };
      });
    });
    await page.getByRole("button", { name: "Share a screen" }).click();
    await isRunning(page);
    expect(await page.getByLabel("Mirror what is shown").isChecked()).toBe(false);
    await page.getByRole("img", { name: /relevance for/i }).waitFor();
    // As the browser's own “Stop sharing” tells it.
    await page.evaluate(() =>
      (globalThis as unknown as { sharedTrack: MediaStreamTrack }).sharedTrack.dispatchEvent(
        new Event("ended"),
      ),
    );
    await page.getByRole("alert").filter({ hasText: "The source ended" }).waitFor();
    await page.getByRole("button", { name: "Share a screen" }).waitFor();
    await page.context().close();
  });

  test("a screen that nobody chooses is told in words", async () => {
    const page = await studio.open("live", {}, async (opened) => {
      await opened.addInitScript(() => {
        navigator.mediaDevices.getDisplayMedia = () =>
          Promise.reject(new DOMException("no", "NotAllowedError"));
      });
    });
    await page.getByRole("button", { name: "Share a screen" }).click();
    await page.getByRole("alert").filter({ hasText: "No screen was chosen" }).waitFor();
    await page.context().close();
  });

  test("a video that is dropped on another mode is played and explained", async () => {
    const camera = await studio.open("live");
    await camera.getByRole("button", { name: "Start camera" }).click();
    await isRunning(camera);
    const { name, bytes } = await recordLive(camera, 2);
    await camera.context().close();

    const page = await studio.open("images");
    await page.getByText(/^WASM, \d threads?/).waitFor();
    await give(page, "drop", { name, type: name.endsWith("mp4") ? "video/mp4" : "video/webm", bytes });
    await isRunning(page);
    const best = page.getByRole("list", { name: "Classes, best first" }).getByRole("button").first();
    await best.filter({ hasText: /^\s*\d/ }).waitFor();
    expect(page.url()).toContain("tab=live");
    await page.context().close();
  });

  test("no page complained in the console", () => {
    expect(studio.complaints).toEqual([]);
  });
});
