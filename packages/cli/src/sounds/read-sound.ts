/** A file with sound -> its samples. WAV is read here; other codecs run in a process of their own. */

import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError } from "@relprop/core";
import { CodecProcess, MediaFailure } from "../media/codec-process.ts";
import type { Stretch } from "../media/jobs.ts";
import { readSound as readHere } from "../media/read-sound-job.ts";

/** Samples in [−1, 1] (float files can go beyond), one array a channel, all of one length. */
export interface Sound {
  readonly channels: readonly Float32Array<ArrayBuffer>[];
  /** Samples a second, of each channel. */
  readonly rate: number;
}

/** Endings of files that are read as sounds. */
export const soundExtensions: readonly string[] = ["wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac"];

/** Samples of all channels together: half a gigabyte, 25 minutes of stereo at 44.1 kHz. */
const mostSamples = 2 ** 27;

/**
 * Reads a WAV (PCM of 8, 16, 24 and 32 bits, float), FLAC, MP3, Ogg, Opus or M4A file.
 * @param stretch in seconds: only what lies there is kept
 * @throws InputError if it cannot be read, holds no sound, or more than 2²⁷ samples
 */
export async function readSound(path: string, stretch: Stretch = {}): Promise<Sound> {
  const parts = new Parts();
  try {
    await stat(path);
    if (extname(path).toLowerCase() === ".wav")
      await readHere({ path, ...stretch }, async (head, body) => parts.add(head, body));
    else await throughProcess(path, stretch, parts);
    return parts.whole();
  } catch (error) {
    if (error instanceof InputError) throw error;
    const why = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    const fix = error instanceof MediaFailure ? error.fix : undefined;
    throw new InputError(
      { what: `cannot read the sound of "${path}"`, why, ...(fix !== undefined && { fix }) },
      { cause: error },
    );
  }
}

async function throughProcess(path: string, stretch: Stretch, parts: Parts): Promise<void> {
  const codecs = CodecProcess.take();
  let isDone = false;
  try {
    await codecs.ask({ do: "read sound", path, ...stretch });
    for (;;) {
      const { head, body } = await codecs.next("sound", "samples", "end");
      isDone = head.is === "end";
      if (isDone) return;
      parts.add(head, body);
    }
  } catch (error) {
    // A file that was refused leaves the process as it was.
    isDone = error instanceof MediaFailure;
    throw error;
  } finally {
    if (isDone) codecs.release();
    else codecs.end();
  }
}

/** Samples as they come. */
class Parts {
  #rate = 0;
  #channels = 0;
  #count = 0;
  readonly #parts: Float32Array[] = [];

  add(
    head: { readonly is: string; readonly rate?: number; readonly channels?: number },
    body: Uint8Array | undefined,
  ): void {
    if (head.is === "sound") {
      this.#rate = head.rate ?? 0;
      this.#channels = head.channels ?? 0;
    } else if (head.is === "samples" && body) {
      this.#count += body.length / Float32Array.BYTES_PER_ELEMENT;
      if (this.#count > mostSamples) throw tooLong(this.#rate, this.#channels);
      this.#parts.push(
        new Float32Array(body.buffer, body.byteOffset, body.length / Float32Array.BYTES_PER_ELEMENT),
      );
    }
  }

  whole(): Sound {
    const length = this.#count / this.#channels;
    const channels = Array.from({ length: this.#channels }, (_, channel) => {
      const whole = new Float32Array(length);
      let filled = 0;
      for (const part of this.#parts) {
        const own = part.length / this.#channels;
        whole.set(part.subarray(channel * own, (channel + 1) * own), filled);
        filled += own;
      }
      return whole;
    });
    return { channels, rate: this.#rate };
  }
}

const tooLong = (rate: number, channels: number): Error => {
  const minutes = Math.floor(mostSamples / rate / channels / 60);
  return new Error(
    `it is longer than ${minutes} minutes of ${channels === 1 ? "one channel" : `${channels} channels`} at ${rate} Hz: cut it into shorter files`,
  );
};
