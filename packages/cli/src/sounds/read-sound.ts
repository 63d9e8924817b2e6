/** A file with sound -> its samples. WAV is read here; other codecs run in a process of their own. */

import { open } from "node:fs/promises";
import { InputError } from "@relprop/core";
import { codedFilms, type FileKind } from "../files/find-files.ts";
import { CodecProcess, MediaFailure } from "../media/codec-process.ts";
import { readSound as readHere, type SoundAnswer } from "../media/read-sound-job.ts";

/** Some samples of a sound, in [−1, 1] (float files can go beyond), one array a channel, all of one length. */
export interface SoundPart {
  readonly channels: readonly Float32Array<ArrayBuffer>[];
  /** Samples a second, of each channel. */
  readonly rate: number;
}

/** Files that are read as sounds. */
export const soundFiles: FileKind = {
  noun: "sounds",
  extensions: ["wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac"],
};

/** Files that have a sound: of films it is that of the pictures. */
export const filesWithSound: FileKind = {
  noun: "sounds",
  extensions: [...soundFiles.extensions, ...codedFilms.extensions],
};

/**
 * Reads a WAV (PCM of 8, 16, 24 and 32 bits, float), FLAC, MP3, Ogg, Opus or M4A file, or the sound of a film. A part of it is in
 * memory at a time.
 * @throws InputError if it cannot be read, or holds no sound; on the way, too
 */
export async function* readSound(path: string): AsyncGenerator<SoundPart, void, undefined> {
  try {
    let [rate, channels, isSilent] = [0, 1, true];
    for await (const { head, body } of (await isWav(path)) ? readHere({ path }) : throughProcess(path)) {
      if (head.is === "sound") ({ rate, channels } = head);
      if (head.is !== "samples" || !body || body.length === 0) continue;
      isSilent = false;
      const length = body.length / Float32Array.BYTES_PER_ELEMENT / channels;
      const planes = new Float32Array(body.buffer as ArrayBuffer, body.byteOffset, length * channels);
      const plane = (i: number): SoundPart["channels"][0] => planes.subarray(i * length, (i + 1) * length);
      yield { rate, channels: Array.from({ length: channels }, (_, i) => plane(i)) };
    }
    if (isSilent) throw new Error("it holds no samples");
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

/** Whether a file is a WAV, whatever it is called. */
async function isWav(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(new Uint8Array(12), 0, 12, 0);
    const head = new TextDecoder("latin1").decode(buffer);
    return /^(?:RIFF|RIFX|RF64)/.test(head) && head.endsWith("WAVE");
  } finally {
    await file.close();
  }
}

async function* throughProcess(path: string): AsyncGenerator<SoundAnswer, void, undefined> {
  const codecs = CodecProcess.take();
  let isDone = false;
  try {
    await codecs.ask({ do: "read sound", path });
    for (;;) {
      const { head, body } = await codecs.next("sound", "samples", "end");
      isDone = head.is === "end";
      if (isDone) return;
      yield { head, body };
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
