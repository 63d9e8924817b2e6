/**
 * Records a canvas to a video file of the right duration. Frames are taken when the picture changes and carry
 * time stamps, so that slow explanations do not speed up the video.
 */

import type { Recorder } from "./video-file.ts";

/**
 * Starts recording with WebCodecs, else with MediaRecorder. Their code is loaded on demand, since
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
