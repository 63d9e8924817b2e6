/**
 * Records a canvas to a video file whose duration is right: MP4 (H.264) where the browser encodes it, else WebM (VP9,
 * VP8). Frames are taken when the picture changes and stamped with the time they came at, so that a slow explanation
 * gives a video of the true length and not a fast one.
 */

import type { CanvasSource, Output, BufferTarget } from "mediabunny";
import { pageClock, type Clock } from "./frame-loop.ts";

/** A finished recording. */
export interface Recording {
  readonly file: Blob;
  readonly extension: "mp4" | "webm";
  /** Seconds. */
  readonly duration: number;
  readonly frames: number;
}

/** Length of the closing frame in seconds, at most. */
const closing = 1 / 30;

/** Records one canvas from {@link Recorder.start} to {@link Recorder.stop}. */
export class Recorder {
  readonly #output: Output;
  readonly #target: BufferTarget;
  readonly #source: CanvasSource;
  readonly #extension: "mp4" | "webm";
  readonly #clock: Clock;
  readonly #started: number;
  #last = -1;
  #frames = 0;
  #adding: Promise<void> | undefined;
  #failure: unknown;

  private constructor(
    parts: { output: Output; target: BufferTarget; source: CanvasSource; extension: "mp4" | "webm" },
    clock: Clock,
  ) {
    this.#output = parts.output;
    this.#target = parts.target;
    this.#source = parts.source;
    this.#extension = parts.extension;
    this.#clock = clock;
    this.#started = clock.now();
  }

  /**
   * Starts recording; the picture that shows is the first frame. Sides of the canvas should be even.
   * @throws Error if this browser encodes no video of that size.
   */
  static async start(canvas: HTMLCanvasElement, clock: Clock = pageClock): Promise<Recorder> {
    const {
      BufferTarget,
      CanvasSource,
      getFirstEncodableVideoCodec,
      Mp4OutputFormat,
      Output,
      WebMOutputFormat,
    } = await import("mediabunny");
    const { width, height } = canvas;
    const codec =
      (await getFirstEncodableVideoCodec(["avc"], { width, height })) ??
      (await getFirstEncodableVideoCodec(["vp9", "vp8"], { width, height }));
    if (codec === null) throw new Error("This browser encodes no video. Snapshots still work.");
    const isMp4 = codec === "avc";
    const target = new BufferTarget();
    const format = isMp4 ? new Mp4OutputFormat({ fastStart: "in-memory" }) : new WebMOutputFormat();
    const output = new Output({ format, target });
    const source = new CanvasSource(canvas, {
      codec,
      bitrate: Math.max(1_000_000, width * height * 8),
      latencyMode: "realtime",
      sizeChangeBehavior: "contain",
    });
    output.addVideoTrack(source);
    await output.start();
    const recorder = new Recorder({ output, target, source, extension: isMp4 ? "mp4" : "webm" }, clock);
    recorder.frame();
    return recorder;
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (this.#clock.now() - this.#started) / 1000;
  }

  /** The canvas has a new picture. It is left out if the encoder still works on the one before. */
  frame(): void {
    if (this.#adding !== undefined) return;
    const time = this.elapsed;
    if (time <= this.#last) return;
    this.#add(time);
  }

  /**
   * Ends the recording: the picture that shows lasts until now.
   * @throws what the encoder threw, if it failed on the way.
   */
  async stop(): Promise<Recording> {
    const end = Math.max(this.elapsed, this.#last + 0.002);
    await this.#adding;
    const length = Math.min(closing, (end - this.#last) / 2);
    this.#add(end - length, length);
    await this.#adding;
    if (this.#failure !== undefined) {
      await this.#output.cancel();
      throw this.#failure;
    }
    await this.#output.finalize();
    const file = new Blob([this.#target.buffer ?? new ArrayBuffer(0)], {
      type: this.#extension === "mp4" ? "video/mp4" : "video/webm",
    });
    return { file, extension: this.#extension, duration: end, frames: this.#frames };
  }

  /** Ends it without a file. */
  async cancel(): Promise<void> {
    await this.#adding;
    await this.#output.cancel();
  }

  #add(time: number, length?: number): void {
    this.#last = time;
    this.#adding = this.#source
      .add(time, length)
      .then(() => {
        this.#frames++;
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#adding = undefined;
      });
  }
}
