/** Small sounds and films, made by the libraries that read them. */

import { registerMediabunnyServer } from "@mediabunny/server";
import {
  AudioSample,
  AudioSampleSource,
  BufferTarget,
  FlacOutputFormat,
  MovOutputFormat,
  Mp3OutputFormat,
  Mp4OutputFormat,
  OggOutputFormat,
  Output,
  VideoSample,
  VideoSampleSource,
  WavOutputFormat,
  WebMOutputFormat,
  type AudioCodec,
  type OutputFormat,
  type VideoCodec,
} from "mediabunny";

registerMediabunnyServer();

/** Value of a made sound at a sample: a tone of 440 Hz, half as loud in each further channel. */
export const toneAt = (i: number, rate: number, channel = 0): number =>
  0.5 ** (channel + 1) * Math.sin((2 * Math.PI * 440 * i) / rate);

async function addTone(
  source: AudioSampleSource,
  seconds: number,
  rate: number,
  channels: number,
): Promise<void> {
  const step = rate / 10;
  for (let start = 0; start < seconds * rate; start += step) {
    const data = Float32Array.from({ length: step * channels }, (_, i) =>
      toneAt(start + (i % step), rate, Math.floor(i / step)),
    );
    const given = { data, format: "f32-planar" as const, numberOfChannels: channels, sampleRate: rate };
    const sample = new AudioSample({ ...given, timestamp: start / rate });
    await source.add(sample);
    sample.close();
  }
}

const soundFormats = {
  wav: () => new WavOutputFormat(),
  flac: () => new FlacOutputFormat(),
  mp3: () => new Mp3OutputFormat(),
  ogg: () => new OggOutputFormat(),
  m4a: () => new Mp4OutputFormat(),
} as const;

/** A file with the tone. */
export async function soundFile(
  format: keyof typeof soundFormats,
  codec: AudioCodec,
  { seconds = 1, rate = 48_000, channels = 2 } = {},
): Promise<Uint8Array> {
  const output = new Output({ format: soundFormats[format](), target: new BufferTarget() });
  const source = new AudioSampleSource({ codec, ...(codec.startsWith("pcm") ? {} : { bitrate: 128_000 }) });
  output.addAudioTrack(source);
  await output.start();
  await addTone(source, seconds, rate, channels);
  await output.finalize();
  return new Uint8Array(output.target.buffer ?? new ArrayBuffer());
}

const filmFormats: Readonly<Record<string, readonly [() => OutputFormat, VideoCodec]>> = {
  mp4: [() => new Mp4OutputFormat(), "avc"],
  mov: [() => new MovOutputFormat(), "avc"],
  webm: [() => new WebMOutputFormat(), "vp9"],
};

/** A frame whose left half is red and right half blue, with a white square that goes right by 8 pixels a frame. */
export function frameAt(index: number, width: number, height: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const left = (8 * index) % width;
    const isSquare = x >= left && x < left + 16 && y >= 8 && y < 24;
    data.set(isSquare ? [255, 255, 255, 255] : x < width / 2 ? [200, 0, 0, 255] : [0, 0, 200, 255], 4 * i);
  }
  return data;
}

/** A film of such frames, with the tone if a codec of sound is given. */
export async function filmFile(
  format: "mp4" | "mov" | "webm",
  {
    width = 64,
    height = 48,
    times = Array.from({ length: 10 }, (_, i) => i / 10),
    rotation = 0 as 0 | 90 | 180 | 270,
    sound = undefined as AudioCodec | undefined,
  } = {},
): Promise<Uint8Array> {
  const [makeFormat, codec] = filmFormats[format] as NonNullable<(typeof filmFormats)[string]>;
  const target = new BufferTarget();
  const output = new Output({ format: makeFormat(), target });
  const source = new VideoSampleSource({
    codec,
    bitrate: 1e6,
    latencyMode: "realtime",
    hardwareAcceleration: "prefer-software",
  });
  output.addVideoTrack(source, { rotation });
  const audio = sound && new AudioSampleSource({ codec: sound, bitrate: 64_000 });
  if (audio) output.addAudioTrack(audio);
  await output.start();
  for (const [i, timestamp] of times.entries()) {
    const duration = (times[i + 1] ?? timestamp + 0.1) - timestamp;
    const given = { format: "RGBA" as const, codedWidth: width, codedHeight: height, timestamp, duration };
    const sample = new VideoSample(frameAt(i, width, height), given);
    await source.add(sample);
    sample.close();
  }
  if (audio) await addTone(audio, 1, 48_000, 1);
  await output.finalize();
  return new Uint8Array(target.buffer ?? new ArrayBuffer());
}

/** An MP4 film of H.264 whose pixels are said to be so much wider than high. */
export function withWidePixels(film: Uint8Array, wide: number, high: number): Uint8Array {
  const from = Buffer.from(film);
  const box = Buffer.alloc(16);
  box.writeUInt32BE(16);
  box.write("pasp", 4);
  box.writeUInt32BE(wide, 8);
  box.writeUInt32BE(high, 12);
  const start = from.indexOf("avcC") - 4;
  const end = start + from.readUInt32BE(start);
  const to = Buffer.concat([from.subarray(0, end), box, from.subarray(end)]);
  for (const around of ["moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1"]) {
    const at = to.indexOf(around) - 4;
    to.writeUInt32BE(to.readUInt32BE(at) + box.length, at);
  }
  // Chunks that follow lie further back now.
  const offsets = to.indexOf("stco") + 8;
  const by = to.indexOf("moov") < to.indexOf("mdat") ? box.length : 0;
  for (let i = 1; i <= to.readUInt32BE(offsets); i++)
    to.writeUInt32BE(to.readUInt32BE(offsets + 4 * i) + by, offsets + 4 * i);
  return to;
}

/** All that an iterator gives. */
export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** How numbers stand in a WAV. */
export interface WavForm {
  readonly bits: 8 | 16 | 24 | 32 | 64;
  readonly isFloat?: boolean;
  /** WAVE_FORMAT_EXTENSIBLE: the format is in a GUID. */
  readonly isExtensible?: boolean;
  /** Whether other chunks stand before and behind the samples. */
  readonly hasOthers?: boolean;
}

const chunk = (name: string, content: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(name), size, content, Buffer.alloc(content.length % 2)]);
};

/** A WAV byte by byte, by Microsoft's description (1991, 1994). Samples of whole numbers are in [−1, 1). */
export function wavFile(
  channels: readonly ArrayLike<number>[],
  rate: number,
  { bits, isFloat = false, isExtensible = false, hasOthers = false }: WavForm = { bits: 16 },
): Uint8Array {
  const bytes = bits / 8;
  const block = bytes * channels.length;
  const length = channels[0]?.length ?? 0;
  const samples = new DataView(new ArrayBuffer(length * block));
  const write = (at: number, x: number): void => {
    if (isFloat && bits === 32) samples.setFloat32(at, x, true);
    else if (isFloat) samples.setFloat64(at, x, true);
    else {
      const whole = Math.max(
        -(2 ** (bits - 1)),
        Math.min(2 ** (bits - 1) - 1, Math.round(x * 2 ** (bits - 1))),
      );
      // Eight bits have no sign.
      if (bits === 8) samples.setUint8(at, whole + 128);
      else for (let i = 0; i < bytes; i++) samples.setUint8(at + i, Math.floor(whole / 256 ** i) & 255);
    }
  };
  for (let i = 0; i < length; i++)
    for (const [c, samples] of channels.entries()) write(i * block + c * bytes, samples[i] ?? 0);
  const format = Buffer.alloc(isExtensible ? 40 : 16);
  const code = isFloat ? 3 : 1;
  format.writeUInt16LE(isExtensible ? 0xfffe : code, 0);
  format.writeUInt16LE(channels.length, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE(rate * block, 8);
  format.writeUInt16LE(block, 12);
  format.writeUInt16LE(bits, 14);
  if (isExtensible) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(bits, 18);
    format.writeUInt32LE(2 ** channels.length - 1, 20);
    format.writeUInt16LE(code, 24);
    Buffer.from("000000001000800000aa00389b71", "hex").copy(format, 26);
  }
  const others = hasOthers ? [chunk("LIST", Buffer.from("INFOISFT\x04\0\0\0abc\0"))] : [];
  const data = chunk("data", new Uint8Array(samples.buffer));
  const content = Buffer.concat([Buffer.from("WAVE"), chunk("fmt ", format), ...others, data, ...others]);
  return chunk("RIFF", content);
}

/** Variants of a file as disks and networks make them: cut off, or with bits that are others. Always the same. */
export function* damaged(bytes: Uint8Array, count: number): Generator<Uint8Array> {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((seed / 0x8000_0000) * below);
  };
  for (let i = 0; i < count; i++) {
    if (i % 3 === 0) {
      yield bytes.slice(0, random(bytes.length));
      continue;
    }
    const changed = bytes.slice();
    // The head of a file decides more than what follows.
    const reach = i % 2 === 0 ? Math.min(bytes.length, 1500) : bytes.length;
    for (let flips = 1 + random(i % 3 === 1 ? 8 : 60); flips > 0; flips--) {
      const at = random(reach);
      changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    }
    yield changed;
  }
}
