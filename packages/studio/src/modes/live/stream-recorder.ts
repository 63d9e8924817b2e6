/**
 * The recorder for browsers without WebCodecs: MediaRecorder, whose files lack their duration, since it is unknown when the
 * header is written. The packets are therefore copied into a new file with their times.
 */

import {
  MP4,
  BlobSource,
  BufferTarget,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  Mp4OutputFormat,
  Output,
  WEBM,
  WebMOutputFormat,
  type EncodedPacket,
} from "mediabunny";
import { pageClock, type Clock } from "../../turns/newest-wins.ts";
import { videoFile, type Recorder, type Recording, type VideoExtension } from "./video-file.ts";

const types: readonly (readonly [type: string, extension: VideoExtension])[] = [
  ["video/mp4;codecs=avc1", "mp4"],
  ["video/webm;codecs=vp9", "webm"],
  ["video/webm", "webm"],
  ["video/mp4", "mp4"],
];

/** Records one canvas from {@link StreamRecorder.start} to {@link StreamRecorder.stop}. */
export class StreamRecorder implements Recorder {
  readonly #recorder: MediaRecorder;
  readonly #track: CanvasCaptureMediaStreamTrack;
  readonly #extension: VideoExtension;
  readonly #clock: Clock;
  readonly #started: number;
  readonly #parts: Blob[] = [];
  readonly #ended: Promise<void>;

  private constructor(
    recorder: MediaRecorder,
    track: CanvasCaptureMediaStreamTrack,
    extension: VideoExtension,
    clock: Clock,
  ) {
    this.#recorder = recorder;
    this.#track = track;
    this.#extension = extension;
    this.#clock = clock;
    recorder.addEventListener("dataavailable", ({ data }) => this.#parts.push(data));
    this.#ended = new Promise((resolve, reject) => {
      recorder.addEventListener("stop", () => resolve());
      recorder.addEventListener("error", () => reject(new Error("the browser's encoder failed")));
    });
    // stop() reports a failure; until then the rejection must not count as unhandled.
    this.#ended.catch(() => undefined);
    recorder.start();
    this.#started = clock.now();
    this.frame();
  }

  /**
   * Starts recording; the picture that shows is the first frame.
   * @throws Error if the browser's MediaRecorder writes neither MP4 nor WebM.
   */
  static start(canvas: HTMLCanvasElement, clock: Clock = pageClock): StreamRecorder {
    const found = types.find(([type]) => MediaRecorder.isTypeSupported(type));
    // Only requested frames are recorded.
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
    if (!found || !track) throw new Error("This browser records neither MP4 nor WebM. Snapshots still work.");
    const [mimeType, extension] = found;
    const videoBitsPerSecond = Math.max(1_000_000, canvas.width * canvas.height * 8);
    return new StreamRecorder(
      new MediaRecorder(stream, { mimeType, videoBitsPerSecond }),
      track,
      extension,
      clock,
    );
  }

  get elapsed(): number {
    return (this.#clock.now() - this.#started) / 1000;
  }

  frame(): void {
    this.#track.requestFrame();
  }

  async stop(): Promise<Recording> {
    this.frame();
    const duration = this.elapsed;
    // The last frame must reach the encoder, and no event reports that.
    await new Promise<void>((resolve) => this.#clock.after(200, resolve));
    this.#recorder.stop();
    await this.#ended;
    this.#track.stop();
    return rewrite(new Blob(this.#parts), this.#extension, duration);
  }
}

/** Copies the packets to a file with a duration. */
async function rewrite(file: Blob, extension: VideoExtension, duration: number): Promise<Recording> {
  const input = new Input({ source: new BlobSource(file), formats: [extension === "mp4" ? MP4 : WEBM] });
  const track = await input.getPrimaryVideoTrack();
  const decoderConfig = await track?.getDecoderConfig();
  const codec = track?.codec;
  if (!track || !codec || !decoderConfig) throw new Error("the browser's encoder gave no frame");
  const packets: EncodedPacket[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) packets.push(packet);
  const target = new BufferTarget();
  const format =
    extension === "mp4" ? new Mp4OutputFormat({ fastStart: "in-memory" }) : new WebMOutputFormat();
  const output = new Output({ format, target });
  const source = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(source);
  await output.start();
  const first = packets[0]?.timestamp ?? 0;
  for (const [i, packet] of packets.entries()) {
    const timestamp = packet.timestamp - first;
    const next = packets[i + 1];
    // The last picture lasts until the end.
    const length = next ? next.timestamp - packet.timestamp : Math.max(0.001, duration - timestamp);
    await source.add(packet.clone({ timestamp, duration: length }), { decoderConfig });
  }
  await output.finalize();
  return { file: videoFile(target.buffer, extension), extension, duration, frames: packets.length };
}
