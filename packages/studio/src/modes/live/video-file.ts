/** Recordings, and the files they are written to. */

/** Containers that recordings are in. */
export type VideoExtension = "mp4" | "webm";

/** A finished recording. */
export interface Recording {
  readonly file: Blob;
  readonly extension: VideoExtension;
  /** Seconds. */
  readonly duration: number;
  readonly frames: number;
}

/** A recording under way. */
export interface Recorder {
  /** Seconds since the start. */
  readonly elapsed: number;
  /** The canvas has a new picture. It is left out if the one before is still being encoded. */
  frame(): void;
  /**
   * Ends the recording: the picture that shows lasts until now.
   * @throws what the encoder threw, if it failed on the way.
   */
  stop(): Promise<Recording>;
}

/** The file of a recording. */
export const videoFile = (bytes: ArrayBuffer | null, extension: VideoExtension): Blob =>
  new Blob([bytes ?? new ArrayBuffer(0)], { type: `video/${extension}` });
