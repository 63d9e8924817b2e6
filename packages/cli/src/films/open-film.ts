/** A film of any kind -> its frames, one at a time. */

import { stat } from "node:fs/promises";
import { InputError } from "@relprop/core";
import { CodecProcess, MediaFailure } from "../media/codec-process.ts";
import { codedFilms, isOfKind } from "../files/find-files.ts";
import type { FilmFacts } from "../media/jobs.ts";
import type { Film, FilmFrame, FilmStretch } from "./film.ts";
import { openMovingPicture } from "./moving-picture.ts";

/** Whether a file can hold sound: GIF and WebP cannot. */
export const hasSound = (path: string): boolean => isOfKind(path, codedFilms);

/**
 * Opens a film: MP4, WebM, MOV, GIF or animated WebP. Frames are upright, and of one size; one at a time is in memory,
 * and what pipes hold.
 * @throws InputError if it cannot be read; on the way, too
 */
export async function openFilm(path: string, stretch: FilmStretch = {}): Promise<Film> {
  try {
    if ((await stat(path)).size === 0) throw new Error("it is empty");
    const film = hasSound(path) ? await openCoded(path, stretch) : await openMovingPicture(path, stretch);
    return { ...film, frames: named(path, film.frames) };
  } catch (error) {
    throw failure(path, error);
  }
}

async function* named(
  path: string,
  frames: AsyncIterable<FilmFrame>,
): AsyncGenerator<FilmFrame, void, undefined> {
  try {
    yield* frames;
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  const why = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  const fix = error instanceof MediaFailure ? error.fix : undefined;
  return new InputError(
    { what: `cannot read the film "${path}"`, why, ...(fix !== undefined && { fix }) },
    { cause: error },
  );
}

async function openCoded(path: string, { every = 1, ...stretch }: FilmStretch): Promise<Film> {
  const codecs = CodecProcess.take();
  try {
    await codecs.ask({ do: "read film", path, every, ...stretch });
    const { head } = await codecs.next("film");
    const { is: _is, ...facts } = head;
    return { ...facts, frames: framesOf(codecs, facts) };
  } catch (error) {
    // A file that was refused leaves the process as it was.
    if (error instanceof MediaFailure) codecs.release();
    else codecs.end();
    throw error;
  }
}

async function* framesOf(
  codecs: CodecProcess,
  { width, height }: FilmFacts,
): AsyncGenerator<FilmFrame, void, undefined> {
  let isDone = false;
  try {
    for (;;) {
      const { head, body } = await codecs.next("frame", "end");
      isDone = head.is === "end";
      if (head.is === "end") return;
      const data = new Uint8ClampedArray(body.buffer, body.byteOffset, body.length);
      yield { time: head.time, duration: head.duration, picture: { data, width, height } };
    }
  } finally {
    if (isDone) codecs.release();
    else codecs.end();
  }
}
