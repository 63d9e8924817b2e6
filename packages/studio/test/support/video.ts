/** What is in a recorded video, read by mediabunny. */

import { readFile } from "node:fs/promises";
import { ALL_FORMATS, BufferSource, Input } from "mediabunny";
import type { Page } from "playwright-core";

export interface RecordedVideo {
  readonly name: string;
  readonly bytes: Buffer;
  readonly codec: string | undefined;
  /** Seconds, as the file says. */
  readonly duration: number;
  /** Seconds from the press that started it to the press that ended it. */
  readonly took: number;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
}

/** Records the live picture for some seconds and reads the file that is saved. */
export async function recordLive(page: Page, seconds: number): Promise<RecordedVideo> {
  const record = page.getByRole("button", { name: /^Record/ });
  await record.click();
  await page.getByRole("button", { name: /Stop recording/ }).waitFor();
  const started = performance.now();
  await page.waitForTimeout(1000 * seconds);
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: /Stop recording/ }).click();
  const took = (performance.now() - started) / 1000;
  const saved = await saving;
  const bytes = await readFile(await saved.path());
  const video = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
  const track = await video.getPrimaryVideoTrack();
  return {
    name: saved.suggestedFilename(),
    bytes,
    codec: track?.codec ?? undefined,
    duration: await video.computeDuration(),
    took,
    frames: (await track?.computePacketStats())?.packetCount ?? 0,
    width: track?.displayWidth ?? 0,
    height: track?.displayHeight ?? 0,
  };
}
