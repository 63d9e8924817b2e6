/** The files of the repository, for tests of its documentation. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

/** Folders of what was installed, built or computed. */
const notOurs = /^(node_modules|dist|heatmaps|\..*)$|^packages\/cli\/studio$/;

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (notOurs.test(entry.name) || notOurs.test(path)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Paths from the root. */
export const files: readonly string[] = filesBelow("");
