/** What the process with the codecs is asked, and what it answers. */

/** From where to where, in seconds of the file, and which frames. */
export interface Stretch {
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
}

/** A stretch in words: `the beginning to 20 s`; undefined if it is all. */
export function stretchText({ from, to }: Stretch): string | undefined {
  if (from === undefined && to === undefined) return undefined;
  return `${from === undefined ? "the beginning" : `${from} s`} to ${to === undefined ? "the end" : `${to} s`}`;
}

export interface ReadFilmJob extends Stretch {
  readonly do: "read film";
  readonly path: string;
  /** Each so many-th frame. */
  readonly every: number;
}

export interface ReadSoundJob {
  readonly do: "read sound";
  readonly path: string;
}

/** Frames follow as messages, each answered by `taken`; then `finish`. */
export interface WriteFilmJob {
  readonly do: "write film";
  readonly path: string;
  readonly container: Container;
  /** Of frames; even. */
  readonly width: number;
  readonly height: number;
  /** Says who wrote it, in the file. */
  readonly mark: string;
  /** The file whose sound is copied, and the stretch of it that becomes the beginning. */
  readonly sound?: Stretch & { readonly path: string };
}

/** Containers that films are written in. */
export type Container = "mp4" | "mov" | "webm";

export type MediaJob = ReadFilmJob | ReadSoundJob | WriteFilmJob;

export type Asked =
  | MediaJob
  /** With the pixels. Times in seconds from the beginning of the new film. */
  | { readonly do: "frame"; readonly time: number; readonly duration: number }
  | { readonly do: "finish" };

/** What is known of a film before its frames. */
export interface FilmFacts {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second, the mean of the file. */
  readonly rate: number;
  /** Seconds; in WebM until the last frame begins. */
  readonly duration: number;
  /** Degrees clockwise that stored frames were turned by. */
  readonly rotation: number;
}

export type Answered =
  | ({ readonly is: "film" } & FilmFacts)
  /** With RGBA pixels. */
  | { readonly is: "frame"; readonly time: number; readonly duration: number }
  | { readonly is: "sound"; readonly rate: number; readonly channels: number }
  /** With float32 samples, channel after channel. */
  | { readonly is: "samples" }
  /** The file to write is open; why it has no sound although there is some. */
  | { readonly is: "ready"; readonly silence?: string }
  | { readonly is: "taken" }
  | { readonly is: "end" }
  /** Whether the process ends with it: what its decoders are in is not known. */
  | { readonly is: "failed"; readonly why: string; readonly isLast: boolean }
  /** The library with the codecs is not installed. */
  | { readonly is: "missing"; readonly why: string };

/**
 * Why there is nothing to show of a film that was opened.
 * @param isStretch whether a part of it was asked for
 */
export const noFrames = (duration: number, isStretch: boolean): string => {
  if (!(duration > 0)) return "it holds no frames";
  return isStretch
    ? nothingThere("frames", duration)
    : "none of its frames can be decoded: it is damaged, or cut off";
};

/** Why a stretch holds nothing. @param duration of the file, in seconds */
export const nothingThere = (noun: "frames" | "samples", duration: number): string =>
  `it holds no ${noun} there: it is ${Number(duration.toFixed(2))} s long`;
