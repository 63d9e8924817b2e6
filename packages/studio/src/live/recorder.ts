/**
 * Records a canvas to a video file whose duration is right. Frames are taken when the picture changes and stamped with
 * the time they came at, so that a slow explanation gives a video of the true length and not a fast one.
 */

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

/**
 * Starts recording with the best that the browser has: WebCodecs, else MediaRecorder. Their code is loaded now, since
 * most people never record.
 * @throws Error if the browser has neither.
 */
export async function startRecorder(canvas: HTMLCanvasElement): Promise<Recorder> {
  const { EncoderRecorder } = await import("./encoder-recorder.ts");
  const recorder = await EncoderRecorder.start(canvas);
  if (recorder) return recorder;
  if (typeof MediaRecorder === "undefined") {
    throw new Error("This browser encodes no video. Snapshots still work.");
  }
  const { StreamRecorder } = await import("./stream-recorder.ts");
  return StreamRecorder.start(canvas);
}

/** The file of a recording. */
export const videoFile = (bytes: ArrayBuffer | null, extension: VideoExtension): Blob =>
  new Blob([bytes ?? new ArrayBuffer(0)], { type: `video/${extension}` });
