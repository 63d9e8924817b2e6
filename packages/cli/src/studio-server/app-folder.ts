/** The folder of the built app, inside this package. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ModelFileError } from "@relprop/core";
import { exists } from "../files/exists.ts";

/** The folder of this package, found from `dist/main.js` as well as from the sources. */
async function packageFolder(): Promise<string> {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!(await exists(join(folder, "package.json")))) {
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  return folder;
}

/**
 * Finds the app.
 * @param folder folder of the package, @default the running one
 * @returns the folder with its index.html.
 * @throws ModelFileError if the app is not built.
 */
export async function findAppFolder(folder?: string): Promise<string> {
  const base = folder ?? (await packageFolder());
  const app = join(base, "studio");
  if (await exists(join(app, "index.html"))) return app;
  throw new ModelFileError({
    what: "cannot open the studio",
    where: app,
    why: "its files are not there",
    fix: "install relprop again, or in a clone run `npm run build`",
  });
}
