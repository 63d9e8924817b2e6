/** A made-up camera for Chromium: a hand-drawn "1", a white bar on black. */

import { writeFile } from "node:fs/promises";

/** Chromium's arguments for a camera that shows the file, and for giving pages what they ask for without asking. */
export const cameraArguments = (file: string): readonly string[] => [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  `--use-file-for-fake-video-capture=${file}`,
];

/** 0 to 255 at a pixel of 128 × 96, in one of twenty frames. */
export type Brightness = (x: number, y: number, frame: number) => number;

/** Writes a second of video as the fake camera reads it (Y4M). */
export async function writeCamera(file: string, brightness: Brightness = drawOne): Promise<void> {
  await writeFile(file, y4m(128, 96, 20, brightness));
}

/** A second of grayscale video. */
function y4m(width: number, height: number, frames: number, brightness: Brightness): Uint8Array {
  const text = new TextEncoder();
  const parts = [text.encode(`YUV4MPEG2 W${width} H${height} F${frames}:1 Ip A1:1 C420jpeg\n`)];
  const gray = new Uint8Array((width * height) / 2).fill(128);
  for (let frame = 0; frame < frames; frame++) {
    const luma = Uint8Array.from({ length: width * height }, (_, i) =>
      brightness(i % width, Math.floor(i / width), frame),
    );
    parts.push(text.encode("FRAME\n"), luma, gray);
  }
  return Buffer.concat(parts);
}

/** A bar of 8 × 60 pixels about the centre of 128 × 96, moving a little from frame to frame. */
function drawOne(x: number, y: number, frame: number): number {
  const centre = 64 + Math.round(2 * Math.sin(frame / 3));
  return Math.abs(x - centre) <= 4 && y >= 18 && y < 78 ? 235 : 16;
}
