/** Results -> files below one folder. */

import { join } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import type { Pixels } from "@relprop/core/heatmap";
import { stampPng } from "@relprop/core/internal";
import { pngOf } from "../pages/png.ts";
import { GrowingFile } from "./growing-file.ts";
import { Inputs, refuseKept, type Guard } from "./guard.ts";
import { isOwnFile } from "./own-files.ts";
import { writeGuarded, writeGuardedBy } from "./write-file.ts";

/** Which files results must not overwrite. */
export interface WriterOptions {
  /** Paths of all images of the run. */
  readonly inputs: readonly string[];
  /** Whether files that relprop did not write may be overwritten. */
  readonly force: boolean;
  /** Whether an unmarked file is known to be ours. */
  readonly lists?: (path: string) => boolean;
}

/** Writes files below one folder; inputs are never overwritten, foreign files only with force. */
export class ResultWriter {
  readonly folder: string;
  readonly #ofImage: Guard;
  readonly #ofRun: Guard;

  private constructor(folder: string, guard: Omit<Guard, "Refusal">) {
    this.folder = folder;
    this.#ofImage = { ...guard, Refusal: InputError };
    this.#ofRun = { ...guard, Refusal: OptionError };
  }

  static async create(folder: string, { inputs, force, lists }: WriterOptions): Promise<ResultWriter> {
    return new ResultWriter(folder, {
      force,
      isOurs: async (path) => lists?.(path) === true || (await isOwnFile(path)),
      inputs: await Inputs.of("it is one of the files to explain", inputs),
    });
  }

  /**
   * Checks the files of an image before they are made.
   * @throws InputError if one of them must not be written
   */
  async check(names: readonly string[]): Promise<void> {
    await refuseKept(this.#paths(names), this.#ofImage);
  }

  /**
   * Checks the files of the whole run before it begins.
   * @throws OptionError if one of them must not be written
   */
  async checkOfRun(names: readonly string[]): Promise<void> {
    await refuseKept(this.#paths(names), this.#ofRun);
  }

  /** Writes bytes or text of an image below the folder. @throws InputError if the file is protected */
  async bytes(name: string, content: Uint8Array | string): Promise<void> {
    await writeGuarded(join(this.folder, name), content, this.#ofImage);
  }

  /**
   * Has a file below the folder written by somebody else, and takes it over once it is whole.
   * @param write writes to a path that is not seen; undefined if it gave up
   * @throws InputError if the file is protected, and what `write` throws
   */
  async whole<Result>(name: string, write: (path: string) => Promise<Result>): Promise<Result> {
    return writeGuardedBy(join(this.folder, name), write, this.#ofImage);
  }

  /** Writes a file of the whole run below the folder. @throws OptionError if the file is protected */
  async ofRun(name: string, content: string): Promise<void> {
    await writeGuarded(join(this.folder, name), content, this.#ofRun);
  }

  /**
   * Begins a file that grows while the run goes on, or goes on with one.
   * @param kept bytes that an earlier run left
   */
  async growing(name: string, kept: number): Promise<GrowingFile> {
    return GrowingFile.open(join(this.folder, name), kept);
  }

  /** Gives a grown file its name. @throws InputError if the file there is protected */
  async finish(file: GrowingFile): Promise<void> {
    await file.finish(this.#ofImage);
  }

  async png(name: string, pixels: Pixels): Promise<void> {
    await this.bytes(name, stampPng(await pngOf(pixels)));
  }

  #paths(names: readonly string[]): string[] {
    return names.map((name) => join(this.folder, name));
  }
}
