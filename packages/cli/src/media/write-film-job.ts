/** Frames and the sound of another film -> a film. */

import { writeFile } from "node:fs/promises";
import {
  EncodedAudioPacketSource,
  EncodedPacketSink,
  FilePathTarget,
  getFirstEncodableVideoCodec,
  MovOutputFormat,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
  type AudioCodec,
  type EncodedPacket,
  type Input,
  type OutputFormat,
  type VideoCodec,
} from "mediabunny";
import type { Answered, Asked, Container, Stretch, WriteFilmJob } from "./jobs.ts";
import { withInput } from "./open-input.ts";
import type { Message } from "./wire.ts";

/** The format, and codecs from the one that most players know on. */
const containers: Readonly<
  Record<Container, { readonly format: () => OutputFormat; readonly codecs: readonly VideoCodec[] }>
> = {
  mp4: { format: () => new Mp4OutputFormat(), codecs: ["avc", "vp9"] },
  mov: { format: () => new MovOutputFormat(), codecs: ["avc"] },
  webm: { format: () => new WebMOutputFormat(), codecs: ["vp9", "vp8"] },
};

/**
 * Takes frames until `finish`, and ends the file.
 * @throws Error if it cannot be written
 */
export function writeFilm(job: WriteFilmJob, answer: Answer, asked: Frames): Promise<void> {
  const { sound } = job;
  return sound
    ? withInput(sound.path, (input) => write(job, input, answer, asked))
    : write(job, undefined, answer, asked);
}

type Answer = (head: Answered) => Promise<void>;
type Frames = AsyncGenerator<Message<Asked>, void, undefined>;

async function write(
  { path, container, width, height, mark, sound }: WriteFilmJob,
  input: Input | undefined,
  answer: Answer,
  asked: Frames,
): Promise<void> {
  const { format, codecs } = containers[container];
  // The library opens it with the first bytes that it writes; whether it can be is to be known before.
  await writeFile(path, "");
  const output = new Output({ format: format(), target: new FilePathTarget(path) });
  const codec = await getFirstEncodableVideoCodec([...codecs], { width, height });
  if (!codec) throw new Error(`nothing here encodes ${codecs.join(" or ")} of ${width}×${height} pixels`);
  const frames = new VideoSampleSource({
    codec,
    bitrate: QUALITY_HIGH,
    latencyMode: "realtime",
    hardwareAcceleration: "prefer-software",
  });
  output.addVideoTrack(frames);
  output.setMetadataTags({ comment: mark });
  const copy = input && (await copyOf(input, output, sound));
  await output.start();
  const silence = typeof copy === "string" ? copy : undefined;
  await answer({ is: "ready", ...(silence !== undefined && { silence }) });
  let end = 0;
  for (;;) {
    const { done, value } = await asked.next();
    if (done === true) return output.cancel();
    const { head, body } = value;
    if (head.do === "finish") break;
    if (head.do !== "frame") throw new Error(`"${head.do}" came out of turn`);
    const { time, duration } = head;
    const sample = new VideoSample(body, {
      format: "RGBA",
      codedWidth: width,
      codedHeight: height,
      timestamp: time,
      duration,
    });
    end = time + duration;
    await frames.add(sample);
    sample.close();
    if (typeof copy === "object") await copy.until(time);
    await answer({ is: "taken" });
  }
  if (typeof copy === "object") await copy.until(end);
  await output.finalize();
  await answer({ is: "end" });
}

/** Sound that goes on with the picture, so that players need not search for it. */
interface Copy {
  /** Copies what begins before a time of the new film. */
  readonly until: (time: number) => Promise<void>;
}

/** Why a film stays silent, or what copies its sound; undefined if there is none. */
async function copyOf(
  input: Input,
  output: Output,
  { from = 0, to = Number.POSITIVE_INFINITY }: Stretch = {},
): Promise<Copy | string | undefined> {
  const track = await input.getPrimaryAudioTrack().catch(() => null);
  if (!track) return undefined;
  const codec = await track.getCodec();
  const decoderConfig = await track.getDecoderConfig();
  if (!codec || !decoderConfig) return "it is of an unknown kind";
  const fitting: readonly AudioCodec[] = output.format.getSupportedAudioCodecs();
  if (!fitting.includes(codec)) return `${codec} does not go into this container`;
  const source = new EncodedAudioPacketSource(codec);
  output.addAudioTrack(source);
  const sink = new EncodedPacketSink(track);
  let packet: EncodedPacket | null =
    from > 0 ? ((await sink.getPacket(from)) ?? (await sink.getFirstPacket())) : await sink.getFirstPacket();
  return {
    until: async (time) => {
      while (packet && packet.timestamp - from < time && packet.timestamp < to) {
        const timestamp = packet.timestamp - from;
        if (timestamp >= 0) await source.add(packet.clone({ timestamp }), { decoderConfig });
        packet = await sink.getNextPacket(packet);
      }
    },
  };
}
