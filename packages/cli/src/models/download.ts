/** Downloads of large files, with resumption. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { ModelFileError } from "@relprop/core";
import { megabyteText, startProgress } from "../terminal/progress.ts";

/** A file to download. */
export interface Download {
  readonly url: string;
  /** Path of the complete file; a partial download lies in `<path>.part`. */
  readonly path: string;
  /** Size in bytes, if it is known. */
  readonly bytes?: number;
  /** SHA-256 in hexadecimal, or its beginning. */
  readonly sha256?: string;
  /** What the user can do if it fails. */
  readonly fix: string;
  readonly quiet?: boolean;
}

/**
 * Downloads a file over HTTP and resumes from `<path>.part` (`Range`). Node's fetch ignores
 * proxies; Node 22.21 and later use them with `NODE_USE_ENV_PROXY=1`.
 * @throws ModelFileError if the server cannot be reached or refuses, or if the bytes differ from the expected ones.
 */
export async function download(job: Download): Promise<void> {
  const part = `${job.path}.part`;
  await mkdir(dirname(job.path), { recursive: true });
  try {
    await fetchInto(part, job);
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    throw failed(job, causeOf(error), error);
  }
  await check(part, job);
  await rename(part, job.path);
}

async function fetchInto(part: string, job: Download): Promise<void> {
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  const response = await fetch(job.url, have > 0 ? { headers: { range: `bytes=${have}-` } } : {});
  // 416: nothing follows the bytes that are here, so they may be complete; the check decides.
  if (response.status === 416 && have > 0) return;
  if (!response.ok || !response.body)
    throw failed(job, `the server answers ${response.status} ${response.statusText}`);
  const start = response.status === 206 ? have : 0;
  const rest = Number(response.headers.get("content-length") ?? 0);
  const progress = startProgress({
    name: basename(job.path),
    total: job.bytes ?? start + rest,
    text: megabyteText,
    quiet: job.quiet === true,
  });
  const file = await open(part, start === 0 ? "w" : "a");
  try {
    let done = start;
    for await (const bytes of response.body) {
      await file.write(bytes);
      done += bytes.byteLength;
      progress.update(done);
    }
  } finally {
    progress.stop();
    await file.close();
  }
}

async function check(part: string, job: Download): Promise<void> {
  const { size } = await stat(part);
  const wrongSize =
    job.bytes !== undefined && size !== job.bytes ? `it has ${size} bytes, not ${job.bytes}` : undefined;
  const wrong = wrongSize ?? (job.sha256 === undefined ? undefined : await wrongHash(part, job.sha256));
  if (wrong === undefined) return;
  await rm(part);
  throw failed(job, `the server sent another file: ${wrong}`);
}

async function wrongHash(path: string, expected: string): Promise<string | undefined> {
  const found = await sha256OfFile(path);
  return found.startsWith(expected)
    ? undefined
    : `its SHA-256 is ${found.slice(0, 16)}…, not ${expected.slice(0, 16)}…`;
}

/** SHA-256 of a file in hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(bytes as Uint8Array);
  return hash.digest("hex");
}

function failed(job: Download, why: string, cause?: unknown): ModelFileError {
  return new ModelFileError({ what: `cannot download ${job.url}`, why, fix: job.fix }, { cause });
}

/** fetch only says "fetch failed"; its cause has the reason. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
