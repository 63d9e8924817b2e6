/** The built app on a server of its own, and a real Chromium in front of it. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { preview } from "vite";
import { sharedApp } from "./shared-app.ts";

const chromiumPath: string = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Whether these tests can run here. In CI they must, so there they fail where Chromium is missing. */
export const canRun: boolean = existsSync(chromiumPath) || process.env["CI"] !== undefined;

export interface App {
  readonly url: string;
  /**
   * A page of a fresh profile, with everything that its console complained of so far.
   * @param before what to do with the page before the app is loaded
   */
  open(
    hash?: string,
    options?: BrowserContextOptions,
    before?: (page: Page) => Promise<void>,
  ): Promise<{ page: Page; problems: string[] }>;
  close(): Promise<void>;
}

/**
 * Builds the app if no other test file has, serves it on a free port of 127.0.0.1 and starts Chromium.
 * @param outDir where a copy of the build goes
 * @param args more arguments for Chromium
 */
export async function startApp(outDir: string, args: readonly string[] = []): Promise<App> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const configFile = `${root}vite.config.ts`;
  await build(root, outDir);
  const server = await preview({
    root,
    configFile,
    build: { outDir },
    preview: { port: 0 },
    logLevel: "error",
  });
  const url = server.resolvedUrls?.local[0] ?? "";
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--headless=new", "--disable-background-networking", ...args],
  });
  return {
    url,
    async open(hash = "", options = {}, before = async () => undefined) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const problems: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) problems.push(message.text());
      });
      page.on("pageerror", (error) => problems.push(error.message));
      await before(page);
      await page.goto(`${url}${hash}`);
      return { page, problems };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** A canvas' pixels, RGBA, row by row. They are read from a copy: reading the app's own canvas would slow it down. */
export const pixelsOf = (canvas: Locator): Promise<{ width: number; height: number; data: number[] }> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context?.drawImage(element as HTMLCanvasElement, 0, 0);
    return { width, height, data: [...(context?.getImageData(0, 0, width, height).data ?? [])] };
  });

/** Gives the page a file as a drop or a paste does. */
export async function give(
  page: Page,
  how: "drop" | "paste",
  { name, type = "", bytes }: { readonly name: string; readonly type?: string; readonly bytes: Uint8Array },
): Promise<void> {
  const base64 = Buffer.from(bytes).toString("base64");
  await page.evaluate(
    ({ how, name, type, base64 }) => {
      const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([data], name, { type }));
      const options = { bubbles: true, cancelable: true };
      document.body.dispatchEvent(
        how === "drop"
          ? new DragEvent("drop", { ...options, dataTransfer: transfer })
          : new ClipboardEvent("paste", { ...options, clipboardData: transfer }),
      );
    },
    { how, name, type, base64 },
  );
}

/** Test files of one run share a build: whoever comes first makes it, the others wait. */
async function build(root: string, outDir: string): Promise<void> {
  const shared = sharedApp(process.ppid);
  const isFirst = await mkdir(shared).then(
    () => true,
    () => false,
  );
  const made = join(shared, "app");
  const [done, failed] = [join(shared, "done"), join(shared, "failed")];
  if (isFirst) {
    try {
      await buildIn(root, made);
      await writeFile(done, "");
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
  }
  while (!existsSync(done)) {
    if (existsSync(failed)) throw new Error(await readFile(failed, "utf8"));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await cp(made, outDir, { recursive: true });
}

/** In a process of its own: within the tests NODE_ENV says that nothing is for production. */
async function buildIn(root: string, outDir: string): Promise<void> {
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");
  await promisify(execFile)(
    process.execPath,
    [vite, "build", "--logLevel", "error", "--outDir", outDir, "--emptyOutDir"],
    {
      cwd: root,
      env: { ...process.env, NODE_ENV: "production" },
    },
  );
}
