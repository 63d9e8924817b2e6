/** The built app in a real Chromium, with a made-up camera. */

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";

const chromiumPath = "/usr/bin/chromium";
const root = fileURLToPath(new URL("../../", import.meta.url));
const configFile = path.join(root, "vite.config.ts");

/** Where there is no Chromium the tests are left out, but never where CI runs them. */
export const isBrowserMissing: boolean = !existsSync(chromiumPath) && process.env["CI"] === undefined;

export interface StudioInBrowser {
  /** A page of its own context; what its console complains of is put in `complaints`. */
  open(mode: string, options?: BrowserContextOptions, before?: (page: Page) => Promise<void>): Promise<Page>;
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Builds and serves the app, and starts a Chromium whose camera shows a hand-drawn "1": a white bar on black. */
export async function startStudio(): Promise<StudioInBrowser> {
  const folder = await mkdtemp(path.join(tmpdir(), "relprop-studio-"));
  const camera = path.join(folder, "one.y4m");
  await writeFile(camera, y4m(128, 96, 20, drawOne));
  const outDir = path.join(folder, "dist");
  await build({ root, configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  const server = await preview({
    root,
    configFile,
    logLevel: "error",
    build: { outDir },
    preview: { port: 0 },
  });
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${camera}`,
    ],
  });
  const complaints: string[] = [];
  return {
    open: (mode, options, before) => openPage(browser, addressOf(server, mode), complaints, options, before),
    complaints,
    async close() {
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function addressOf(server: PreviewServer, mode: string): string {
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error("the preview server has no address");
  return `${address}#tab=${mode}`;
}

async function openPage(
  browser: Browser,
  address: string,
  complaints: string[],
  options: BrowserContextOptions = {},
  before: (page: Page) => Promise<void> = async () => undefined,
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await before(page);
  await page.goto(address);
  return page;
}

/** A second of grayscale video, as Chromium's fake camera reads it. */
function y4m(
  width: number,
  height: number,
  frames: number,
  brightness: (x: number, y: number, frame: number) => number,
): Uint8Array {
  const text = new TextEncoder();
  const parts = [text.encode(`YUV4MPEG2 W${width} H${height} F${frames}:1 Ip A1:1 C420jpeg\n`)];
  const gray = new Uint8Array((width * height) / 2).fill(128);
  for (let frame = 0; frame < frames; frame++) {
    const luma = Uint8Array.from({ length: width * height }, (_, i) =>
      brightness(i % width, Math.floor(i / width), frame),
    );
    parts.push(text.encode("FRAME\n"), luma, gray);
  }
  return Buffer.concat(parts);
}

/** A bar of 8 × 60 pixels about the centre of 128 × 96, moving a little from frame to frame. */
function drawOne(x: number, y: number, frame: number): number {
  const centre = 64 + Math.round(2 * Math.sin(frame / 3));
  return Math.abs(x - centre) <= 4 && y >= 18 && y < 78 ? 235 : 16;
}
