/** Recordings and their files. */

/** Containers of recordings. */
export type VideoExtension = "mp4" | "webm";

/** A finished recording. */
export interface Recording {
  readonly file: Blob;
  readonly extension: VideoExtension;
  /** Seconds. */
  readonly duration: number;
  readonly frames: number;
}

/** A running recording. */
export interface Recorder {
  /** Seconds since the start. */
  readonly elapsed: number;
  /** The canvas has a new picture. It is skipped if the previous one is still being encoded. */
  frame(): void;
  /**
   * Ends the recording; the last picture lasts until now.
   * @throws the encoder's error, if it failed during the recording.
   */
  stop(): Promise<Recording>;
}

/** The file of a recording. */
export const videoFile = (bytes: ArrayBuffer | null, extension: VideoExtension): Blob =>
  new Blob([bytes ?? new ArrayBuffer(0)], { type: `video/${extension}` });
