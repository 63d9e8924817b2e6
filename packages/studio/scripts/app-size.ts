/**
 * What the app weighs: `npm run size --workspace packages/studio`, after its build. Counted is gzipped JavaScript and CSS.
 * Budgets are on what is loaded until the first picture is explained: the page itself, which shows the gallery with its
 * stored heatmaps, and behind it the worker with the library in it, whose size is that of the operators it knows.
 * Not in them are ONNX Runtime (files that begin with `ort`), the modes and the reader of checkpoints, loaded when they are
 * opened, and the library that writes videos (files that begin with `video-`), which is loaded when somebody records.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Bytes, gzipped, by when they are loaded. */
export interface AppSize {
  /** Before anything is seen. */
  readonly page: number;
  /** Before the first picture is explained: what the page does not have already. */
  readonly worker: number;
  /** When a mode, or a checkpoint, is opened. */
  readonly modes: number;
  /** When somebody records. */
  readonly video: number;
}

/** Bytes, gzipped, that each may have. */
export const budgets: AppSize = { page: 78_000, worker: 205_000, modes: 70_000, video: 100_000 };

/** Measures a build. */
export async function appSize(folder: string): Promise<AppSize> {
  const assets = join(folder, "assets");
  const names = (await readdir(assets)).filter((name) => /\.(js|css)$/.test(name) && !name.startsWith("ort"));
  const files = new Map<string, Buffer>();
  for (const name of names) files.set(name, await readFile(join(assets, name)));
  const html = await readFile(join(folder, "index.html"), "utf8");
  const page = reachable(
    names.filter((name) => html.includes(name)),
    files,
  );
  const worker = reachable(
    names.filter((name) => name.startsWith("worker-")),
    files,
  );
  const size = { page: gzipSync(html).length, worker: 0, modes: 0, video: 0 };
  for (const [name, bytes] of files) {
    size[whenLoaded(name)] += gzipSync(bytes).length;
  }
  return size;

  function whenLoaded(name: string): keyof AppSize {
    if (page.has(name)) return "page";
    if (worker.has(name)) return "worker";
    return name.startsWith("video-") ? "video" : "modes";
  }
}

/** These files and all that they import but for `import()`. */
function reachable(from: readonly string[], files: ReadonlyMap<string, Buffer>): Set<string> {
  const found = new Set<string>();
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const bytes = files.get(name);
    if (found.has(name) || !bytes) continue;
    found.add(name);
    for (const [, imported = ""] of bytes.toString().matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g))
      open.push(imported);
  }
  return found;
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;

/** Prints the sizes of `dist`; fails above a budget. */
export async function main(): Promise<void> {
  const sizes = await appSize(fileURLToPath(new URL("../dist/", import.meta.url)));
  for (const [part, size] of Object.entries(sizes) as [keyof AppSize, number][]) {
    console.log(`${part} ${kilobytes(size)} of ${kilobytes(budgets[part])} (gzip, without ONNX Runtime)`);
  }
  const over = Object.keys(sizes).find(
    (part) => sizes[part as keyof AppSize] > budgets[part as keyof AppSize],
  );
  if (over) throw new Error(`${over} is larger than its budget.`);
}
