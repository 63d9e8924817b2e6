/** Keeps caches within their size limits: the least recently used entries are removed first. */

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Removes the oldest entries of a folder until the rest is within the limit. Entries that cannot be removed now (a mapped
 * file on Windows) are removed by a later call.
 * @param newest the entry just written, which stays
 * @param isKept whether a name belongs to the cache
 */
export async function forgetOldest(
  folder: string,
  newest: string,
  mostBytes: number,
  isKept: (name: string) => boolean = () => true,
): Promise<void> {
  const names = (await readdir(folder)).filter(isKept);
  const kept = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      const used = path === newest ? Infinity : (found?.mtimeMs ?? 0);
      return { path, used, size: found?.isDirectory() ? await sizeWithin(path) : (found?.size ?? 0) };
    }),
  );
  let total = 0;
  for (const { path, size } of kept.sort((a, c) => c.used - a.used)) {
    total += size;
    if (total > mostBytes) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Total size of the files in a folder, in bytes. */
async function sizeWithin(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
