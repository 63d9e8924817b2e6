/** The built app on a server of its own, and a real Chromium in front of it. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { build, preview } from "vite";

const chromiumPath: string = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Whether these tests can run here. In CI they must, so there they fail where Chromium is missing. */
export const canRun: boolean = existsSync(chromiumPath) || process.env["CI"] !== undefined;

export interface App {
  readonly url: string;
  /** A page of a fresh profile, with everything that went wrong on it so far. */
  open(hash?: string, options?: BrowserContextOptions): Promise<{ page: Page; problems: string[] }>;
  close(): Promise<void>;
}

/**
 * Builds the app, serves it on a free port of 127.0.0.1 and starts Chromium.
 * @param outDir where the build goes: tests that run at the same time need one each
 * @param args more arguments for Chromium
 */
export async function startApp(outDir: string, args: readonly string[] = []): Promise<App> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const configFile = `${root}vite.config.ts`;
  await build({ root, configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  const server = await preview({ root, configFile, build: { outDir }, preview: { port: 0 }, logLevel: "error" });
  const url = server.resolvedUrls?.local[0] ?? "";
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--headless=new", "--disable-background-networking", ...args],
  });
  return {
    url,
    async open(hash = "", options = {}) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const problems: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(message.text());
      });
      page.on("pageerror", (error) => problems.push(error.message));
      await page.goto(`${url}${hash}`);
      return { page, problems };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
