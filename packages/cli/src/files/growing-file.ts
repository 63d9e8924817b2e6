/** Files that grow while a run goes on, and get their name when they are whole: the next run can go on with one. */

import { createHash } from "node:crypto";
import { mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Guard } from "./guard.ts";
import { cannotWrite, putGuarded } from "./write-file.ts";

/** A file that is being written. */
export class GrowingFile {
  /** Where it will be. */
  readonly path: string;
  readonly #part: string;
  readonly #file: FileHandle;
  #size: number;

  private constructor(path: string, part: string, file: FileHandle, size: number) {
    this.path = path;
    this.#part = part;
    this.#file = file;
    this.#size = size;
  }

  /**
   * @param kept bytes that an earlier run wrote and this one goes on behind
   * @throws OptionError if it cannot be written
   */
  static async open(path: string, kept = 0): Promise<GrowingFile> {
    const part = partOf(path);
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(part, kept > 0 ? "r+" : "w");
      await file.truncate(kept);
      return new GrowingFile(path, part, file, kept);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /** Bytes that are written. */
  get size(): number {
    return this.#size;
  }

  async append(content: Uint8Array): Promise<void> {
    await this.#write(content, this.#size);
    this.#size += content.length;
  }

  /** Writes over the beginning: what only the end tells. */
  async writeStart(content: Uint8Array): Promise<void> {
    await this.#write(content, 0);
  }

  async #write(content: Uint8Array, position: number): Promise<void> {
    try {
      for (let at = 0; at < content.length;) {
        const { bytesWritten } = await this.#file.write(content, at, content.length - at, position + at);
        at += bytesWritten;
      }
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  /** Where it is as long as it grows. */
  get partPath(): string {
    return this.#part;
  }

  /** Removes it. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#part, { force: true });
  }

  /** Leaves what is written for the next run. */
  async leave(): Promise<void> {
    await this.#file.close();
  }

  /** Gives it its name. @throws what the guard throws if that is kept */
  async finish(guard: Guard): Promise<void> {
    await this.#file.close();
    try {
      await putGuarded(this.#part, this.path, guard);
    } catch (error) {
      throw cannotWrite(this.path, error);
    } finally {
      await rm(this.#part, { force: true }).catch(() => undefined);
    }
  }
}

/** Beside the file, under a name that another run finds again, and a short one: the file's may be as long as the system allows. */
const partOf = (path: string): string =>
  join(dirname(path), `.relprop-${createHash("sha256").update(path).digest("hex").slice(0, 24)}.part`);
