/** Cameras, screens and video files as sources of frames. */

import type { Colour, ModelCard } from "@relprop/core/zoo";
import { pictureFrame, resizePlan } from "@relprop/core/preprocess";
import type { Picture } from "@relprop/engine/engine";
import { openProblem, unsupported, type Problem, type SourceKind } from "./problems.ts";

/** A playing source. */
export interface LiveSource {
  readonly kind: SourceKind;
  readonly video: HTMLVideoElement;
  /** Stops the camera or the sharing, and releases the file. */
  close(): void;
}

/** A source could not be opened; `problem` describes the reason. */
export class SourceError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.text, options);
    this.name = "SourceError";
    this.problem = problem;
  }
}

/**
 * Opens a source and plays it without sound; a file plays in a loop. The browser asks for permission if needed.
 * @param onEnd called if it ends by itself: a camera unplugged, sharing stopped.
 * @throws SourceError
 */
export async function openSource(
  wanted: { readonly kind: "camera" | "screen" } | { readonly kind: "file"; readonly file: Blob },
  onEnd: () => void,
): Promise<LiveSource> {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  let close: () => void;
  try {
    close =
      wanted.kind === "file" ? playFile(video, wanted.file) : await playStream(video, wanted.kind, onEnd);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError(openProblem(wanted.kind, error), { cause: error });
  }
  try {
    await video.play();
  } catch (error) {
    close();
    throw new SourceError(openProblem(wanted.kind, error), { cause: error });
  }
  return { kind: wanted.kind, video, close };
}

function playFile(video: HTMLVideoElement, file: Blob): () => void {
  const url = URL.createObjectURL(file);
  video.loop = true;
  video.src = url;
  return () => {
    video.pause();
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  };
}

async function playStream(
  video: HTMLVideoElement,
  kind: "camera" | "screen",
  onEnd: () => void,
): Promise<() => void> {
  const stream = await (kind === "camera" ? askForCamera() : askForScreen());
  for (const track of stream.getTracks()) track.addEventListener("ended", onEnd);
  video.srcObject = stream;
  return () => {
    video.pause();
    video.srcObject = null;
    for (const track of stream.getTracks()) {
      track.removeEventListener("ended", onEnd);
      track.stop();
    }
  };
}

/** Insecure pages lack `mediaDevices`, and phones `getDisplayMedia`, though the types declare both. */
const mediaDevices = (): Partial<MediaDevices> => navigator.mediaDevices ?? {};

function askForCamera(): Promise<MediaStream> {
  if (mediaDevices().getUserMedia === undefined) throw new SourceError(unsupported("camera"));
  return navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
  });
}

function askForScreen(): Promise<MediaStream> {
  if (mediaDevices().getDisplayMedia === undefined) throw new SourceError(unsupported("screen"));
  return navigator.mediaDevices.getDisplayMedia({ audio: false, video: { frameRate: { max: 30 } } });
}

/** A part of a frame, in its pixels; it may reach beyond the frame. */
export interface Crop {
  /** Colour of what is there. */
  readonly pad?: Colour;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The part of a frame that the network sees: the card's crop or padding if it has one (padding reaches beyond the
 * frame), else the largest centred part with the input's proportions, so that nothing is distorted (cards that stretch,
 * or that take one size only, were written for files, not for cameras).
 */
export function frameCrop(width: number, height: number, card: Pick<ModelCard, "input">): Crop {
  const { size, resize } = card.input;
  if (typeof resize === "object") {
    const plan = resizePlan(width, height, card.input);
    const { left, top, right, bottom } = pictureFrame(width, height, plan).frame;
    return { left, top, width: right - left, height: bottom - top, ...(plan.pad && { pad: plan.pad }) };
  }
  const [rows, columns] = size;
  const scale = Math.min(width / columns, height / rows);
  const crop = { width: columns * scale, height: rows * scale };
  return { ...crop, left: (width - crop.width) / 2, top: (height - crop.height) / 2 };
}

/** Grabs frames of a playing video with one reused canvas. */
export class FrameGrabber {
  readonly #canvas = document.createElement("canvas");

  /**
   * The frame that is showing, of the model's size.
   * @throws Error if the video has no frame yet.
   */
  grab(video: HTMLVideoElement, card: Pick<ModelCard, "input">, size: readonly [number, number]): Picture {
    const [height, width] = size;
    if (video.videoWidth === 0) throw new Error("The video has no picture yet.");
    this.#canvas.width = width;
    this.#canvas.height = height;
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("This browser gives no 2D canvas.");
    const crop = frameCrop(video.videoWidth, video.videoHeight, card);
    const { left, top, width: across, height: down, pad } = crop;
    context.imageSmoothingQuality = "high";
    if (pad) {
      context.fillStyle = `rgb(${pad.join(" ")})`;
      context.fillRect(0, 0, width, height);
    }
    context.drawImage(video, left, top, across, down, 0, 0, width, height);
    return { data: context.getImageData(0, 0, width, height).data, width, height };
  }
}
