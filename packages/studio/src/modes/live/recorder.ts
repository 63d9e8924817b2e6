/**
 * Records a canvas to a video file whose duration is right. Frames are taken when the picture changes and stamped with
 * the time they came at, so that a slow explanation gives a video of the true length and not a fast one.
 */

import type { Recorder } from "./video-file.ts";

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
