/**
 * What the app weighs: `npm run size --workspace relprop-studio`, after its build. Counted is gzipped JavaScript and CSS.
 * The budget is on what is loaded until the first picture is explained: the page, and the worker with the library in it.
 * Not in it are ONNX Runtime (files that begin with `ort`), the modes and the reader of checkpoints, loaded when they are opened, and the
 * library that writes videos (files that begin with `video-`), which is loaded when somebody records.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Bytes, gzipped, that the first page may have. */
export const budget = 200_000;

/** Bytes, gzipped, by when they are loaded. */
export interface AppSize {
  /** Until the first picture is explained. */
  readonly firstPage: number;
  /** When a mode, or a checkpoint, is opened. */
  readonly modes: number;
  /** When somebody records. */
  readonly video: number;
}

/** Measures a build. */
export async function appSize(folder: string): Promise<AppSize> {
  const assets = join(folder, "assets");
  const names = (await readdir(assets)).filter((name) => /\.(js|css)$/.test(name) && !name.startsWith("ort"));
  const files = new Map<string, Buffer>();
  for (const name of names) files.set(name, await readFile(join(assets, name)));
  const html = await readFile(join(folder, "index.html"), "utf8");
  const first = reachable(
    names.filter((name) => html.includes(name) || name.startsWith("worker-")),
    files,
  );
  const size = { firstPage: gzipSync(html).length, modes: 0, video: 0 };
  for (const [name, bytes] of files) {
    const when = first.has(name) ? "firstPage" : name.startsWith("video-") ? "video" : "modes";
    size[when] += gzipSync(bytes).length;
  }
  return size;
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

/** Prints the sizes of `dist`; fails above the budget. */
export async function main(): Promise<void> {
  const { firstPage, modes, video } = await appSize(fileURLToPath(new URL("../dist/", import.meta.url)));
  console.log(
    `first page ${kilobytes(firstPage)} of ${kilobytes(budget)}, opened later ${kilobytes(modes)}, video writer ${kilobytes(video)} (gzip, without ONNX Runtime)`,
  );
  if (firstPage > budget)
    throw new Error(`The first page is larger than its budget of ${kilobytes(budget)}.`);
}
