/** Recordings in every way that browsers have: their files say how long they are, and have a frame for each picture. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun } from "../support/browser.ts";
import { recordLive } from "../support/video.ts";
import { startStudio, type StudioInBrowser } from "./studio-in-browser.ts";

/** Leaves the browser only the codecs whose names begin so. */
const encodesOnly =
  (...prefixes: readonly string[]) =>
  (page: Page): Promise<void> =>
    page
      .addInitScript((allowed) => {
        const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
        VideoEncoder.isConfigSupported = (config) =>
          allowed.some((prefix) => config.codec.startsWith(prefix))
            ? ask(config)
            : Promise.resolve({ supported: false, config });
      }, prefixes)
      .then(() => undefined);

/** A browser without WebCodecs. */
const hasNoWebCodecs = (page: Page): Promise<void> =>
  page
    .addInitScript(() => {
      for (const name of ["VideoEncoder", "VideoDecoder", "VideoFrame"])
        Reflect.deleteProperty(globalThis, name);
    })
    .then(() => undefined);

/** Whether Chromium was built with an H.264 encoder; some distributions leave it out. */
const encodesH264 = (page: Page): Promise<boolean> =>
  page.evaluate(async () => {
    const config = { codec: "avc1.42001f", width: 480, height: 576 };
    return (await VideoEncoder.isConfigSupported(config)).supported === true;
  });

describe.skipIf(!canRun)("a recording", () => {
  let studio: StudioInBrowser;
  beforeAll(async () => {
    studio = await startStudio();
  }, 120_000);
  afterAll(() => studio.close());

  test.each([
    ["MP4 by WebCodecs", encodesOnly("avc1"), "avc", "mp4"],
    ["WebM by WebCodecs", encodesOnly("vp09", "vp8"), "vp", "webm"],
    ["MediaRecorder", hasNoWebCodecs, "", ""],
  ])("by %s has the length it took and its frames", async (way, before, codec, extension) => {
    const page = await studio.open("live", {}, before);
    const writers = (): Promise<number> =>
      page.evaluate(
        () => performance.getEntriesByType("resource").filter(({ name }) => /\/video-/.test(name)).length,
      );
    await page.getByRole("button", { name: "Start camera" }).click();
    await page.getByTestId("pace").filter({ hasText: "fps" }).waitFor();
    // What writes videos is loaded by those who record only.
    expect(await writers()).toBe(0);
    // Without H.264 there is no MP4 to be made: then MediaRecorder is what is left.
    const isLeftOut = way.startsWith("MP4") && !(await encodesH264(page));
    const video = await recordLive(page, 3);
    expect(await writers()).toBeGreaterThan(0);
    expect(Math.abs(video.duration - video.took)).toBeLessThan(0.5);
    expect(video.frames).toBeGreaterThanOrEqual(6);
    expect(video.width).toBeGreaterThan(200);
    if (!isLeftOut) {
      expect(video.codec).toContain(codec);
      expect(video.name).toContain(extension);
    }
    await page.context().close();
  });

  test("no page complained in the console", () => {
    expect(studio.complaints).toEqual([]);
  });
});
