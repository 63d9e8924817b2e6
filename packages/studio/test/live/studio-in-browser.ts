/** The built app in a real Chromium, with a made-up camera, one mode of it at a time. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { startApp } from "../support/browser.ts";
import { cameraArguments, writeCamera } from "../support/camera.ts";

export interface StudioInBrowser {
  /** A page of its own context; what its console complains of is put in `complaints`. */
  open(mode: string, options?: BrowserContextOptions, before?: (page: Page) => Promise<void>): Promise<Page>;
  readonly complaints: string[];
  close(): Promise<void>;
}

/** @param args more arguments for Chromium */
export async function startStudio(args: readonly string[] = []): Promise<StudioInBrowser> {
  const folder = await mkdtemp(join(tmpdir(), "relprop-studio-"));
  const camera = join(folder, "one.y4m");
  await writeCamera(camera);
  const app = await startApp(join(folder, "dist"), [...cameraArguments(camera), ...args]);
  const all: string[][] = [];
  return {
    async open(mode, options, before) {
      const viewport = { width: 1200, height: 900 };
      const { page, problems } = await app.open(`#tab=${mode}`, { viewport, ...options }, before);
      all.push(problems);
      return page;
    },
    get complaints() {
      return all.flat();
    },
    async close() {
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
