/**
 * The recorder for browsers with WebCodecs: encodes every picture with its time stamp and writes MP4 (H.264)
 * if the browser encodes that, else WebM (VP9, VP8).
 */

import {
  BufferTarget,
  CanvasSource,
  getFirstEncodableVideoCodec,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from "mediabunny";
import { pageClock, type Clock } from "../../turns/newest-wins.ts";
import { videoFile, type Recorder, type Recording, type VideoExtension } from "./video-file.ts";

/** Maximum length of the last frame in seconds. */
const maxClosingSeconds = 1 / 30;

/** Records one canvas from {@link EncoderRecorder.start} to {@link EncoderRecorder.stop}. */
export class EncoderRecorder implements Recorder {
  readonly #output: Output;
  readonly #target: BufferTarget;
  readonly #source: CanvasSource;
  readonly #extension: VideoExtension;
  readonly #clock: Clock;
  readonly #started: number;
  #last = -1;
  #frames = 0;
  #adding: Promise<void> | undefined;
  #failure: unknown;

  private constructor(
    parts: { output: Output; target: BufferTarget; source: CanvasSource; extension: VideoExtension },
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
   * Starts recording with the current picture. The sides of the canvas should be even. Undefined if this
   * browser has no WebCodecs, or encodes no video of that size.
   */
  static async start(
    canvas: HTMLCanvasElement,
    clock: Clock = pageClock,
  ): Promise<EncoderRecorder | undefined> {
    const { width, height } = canvas;
    const codec =
      (await getFirstEncodableVideoCodec(["avc"], { width, height })) ??
      (await getFirstEncodableVideoCodec(["vp9", "vp8"], { width, height }));
    if (codec === null) return undefined;
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
    const recorder = new EncoderRecorder(
      { output, target, source, extension: isMp4 ? "mp4" : "webm" },
      clock,
    );
    recorder.frame();
    return recorder;
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (this.#clock.now() - this.#started) / 1000;
  }

  /** The canvas has a new picture. It is skipped if the encoder is still busy with the previous one. */
  frame(): void {
    if (this.#adding !== undefined) return;
    const time = this.elapsed;
    if (time <= this.#last) return;
    this.#add(time);
  }

  /**
   * Ends the recording; the last picture lasts until now.
   * @throws the encoder's error, if it failed during the recording.
   */
  async stop(): Promise<Recording> {
    const end = Math.max(this.elapsed, this.#last + 0.002);
    await this.#adding;
    const length = Math.min(maxClosingSeconds, (end - this.#last) / 2);
    this.#add(end - length, length);
    await this.#adding;
    if (this.#failure !== undefined) {
      await this.#output.cancel();
      throw this.#failure;
    }
    await this.#output.finalize();
    const file = videoFile(this.#target.buffer, this.#extension);
    return { file, extension: this.#extension, duration: end, frames: this.#frames };
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
