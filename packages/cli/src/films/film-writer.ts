/** Frames -> a film, with the sound of another. */

import { extname } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import { type Pixels } from "@relprop/core/heatmap";
import { software } from "@relprop/core/internal";
import { CodecProcess, MediaFailure } from "../media/codec-process.ts";
import type { Container, Stretch } from "../media/jobs.ts";

/** Endings of films that can be written. */
export const writtenExtensions: readonly Container[] = ["mp4", "mov", "webm"];

/** What is to be written. */
export interface FilmWriterOptions {
  /** Of frames. An odd side gets one row or column more, which repeats the last: encoders want even ones. */
  readonly width: number;
  readonly height: number;
  readonly container: Container;
  /** What errors call it. @default its path */
  readonly name?: string;
  /** The film whose sound is copied, as it is, and the stretch of it that becomes the beginning. */
  readonly sound?: Stretch & { readonly path: string };
}

/** A film that is being written: H.264 in MP4 and MOV, VP9 in WebM. */
export class FilmWriter {
  /** Why the film has no sound, although there is some. */
  readonly silence: string | undefined;
  readonly #name: string;
  readonly #codecs: CodecProcess;
  readonly #width: number;
  readonly #height: number;
  #taken: Promise<unknown> = Promise.resolve();

  private constructor(
    name: string,
    { width, height }: FilmWriterOptions,
    codecs: CodecProcess,
    silence: string | undefined,
  ) {
    this.#name = name;
    this.#codecs = codecs;
    this.#width = width;
    this.#height = height;
    this.silence = silence;
  }

  /**
   * Begins a file, over what is there.
   * @throws InputError if it cannot be written
   */
  static async open(path: string, options: FilmWriterOptions): Promise<FilmWriter> {
    const { container, sound, name = path } = options;
    const [width, height] = [even(options.width), even(options.height)];
    const codecs = CodecProcess.take();
    try {
      await codecs.ask({
        do: "write film",
        path,
        container,
        width,
        height,
        mark: software,
        ...(sound && { sound }),
      });
      const { head } = await codecs.next("ready");
      return new FilmWriter(name, options, codecs, head.silence);
    } catch (error) {
      codecs.end();
      throw failure(name, error);
    }
  }

  /**
   * Adds a frame; waits until the one before is encoded.
   * @param time, duration in seconds; times must increase, from 0 on
   */
  async add(picture: Pixels, time: number, duration: number): Promise<void> {
    await this.#taken;
    await this.#codecs.ask({ do: "frame", time, duration }, padded(picture, this.#width, this.#height));
    this.#taken = this.#codecs.next("taken").catch((error: unknown) => {
      throw failure(this.#name, error);
    });
    // Heard with the next frame.
    this.#taken.catch(() => undefined);
  }

  /** Ends the file: it can be played then. */
  async finish(): Promise<void> {
    await this.#taken;
    await this.#codecs.ask({ do: "finish" });
    await this.#codecs.next("end").catch((error: unknown) => {
      throw failure(this.#name, error);
    });
    this.#codecs.release();
  }

  /** Gives up; half a file is left. */
  cancel(): void {
    this.#codecs.end();
  }
}

/** What a file's ending says that it holds. @throws OptionError for another one */
export function containerOf(path: string): Container {
  const ending = extname(path).slice(1).toLowerCase();
  const container = writtenExtensions.find((each) => each === ending);
  if (container) return container;
  throw new OptionError({
    what: `cannot write a film to "${path}"`,
    why: `films are written as ${writtenExtensions.join(", ")}`,
    fix: "name a file that ends so with -o, or a folder",
  });
}

const even = (side: number): number => side + (side % 2);

/** Repeats the last row and column where a side is odd. */
export function padded({ data, width, height }: Pixels, ofWidth: number, ofHeight: number): Uint8Array {
  if (width !== ofWidth || height !== ofHeight)
    throw new Error(`a frame has ${width}×${height} pixels, the film ${ofWidth}×${ofHeight}`);
  const [wide, high] = [even(width), even(height)];
  if (wide === width && high === height) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const from = new Uint32Array(data.slice().buffer);
  const to = new Uint32Array(wide * high);
  for (let y = 0; y < high; y++) {
    const row = Math.min(y, height - 1) * width;
    to.set(from.subarray(row, row + width), y * wide);
    if (wide > width) to[y * wide + width] = from[row + width - 1] ?? 0;
  }
  return new Uint8Array(to.buffer);
}

function failure(name: string, error: unknown): InputError {
  const why = error instanceof Error ? error.message : String(error);
  const fix = error instanceof MediaFailure ? error.fix : undefined;
  return new InputError(
    { what: `cannot write "${name}"`, why, ...(fix !== undefined && { fix }) },
    { cause: error },
  );
}
