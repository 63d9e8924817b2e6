/** The folder of downloaded models. */

import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The cache folder: `RELPROP_CACHE`, else `relprop` in the system's cache folder (`XDG_CACHE_HOME` or `~/.cache`,
 * `~/Library/Caches`, `%LOCALAPPDATA%`). It may not exist yet.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env["RELPROP_CACHE"]) return env["RELPROP_CACHE"];
  if (platform === "win32") return join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "relprop");
  if (platform === "darwin") return join(home, "Library", "Caches", "relprop");
  return join(env["XDG_CACHE_HOME"] ?? join(home, ".cache"), "relprop");
}
