/** A film -> its frames as upright pixels. */

import {
  EncodedPacketSink,
  VideoSampleSink,
  type Input,
  type InputVideoTrack,
  type VideoSample,
} from "mediabunny";
import { resample } from "@relprop/core/preprocess";
import { noFrames, type Answered, type FilmFacts, type ReadFilmJob } from "./jobs.ts";
import { finiteOr, withInput } from "./open-input.ts";

/** A header can claim any size; a frame of so many pixels takes 0.3 GB. */
const mostPixels = 8192 ** 2;
/** The rate is measured over so many frames. */
const measured = 100;

/** Sends `film`, a `frame` each and `end`. @throws Error if it cannot be read */
export const readFilm = (job: ReadFilmJob, answer: Answer): Promise<void> =>
  withInput(job.path, (input) => read(input, job, answer));

type Answer = (head: Answered, body?: Uint8Array) => Promise<void>;

async function read(input: Input, { from, to, every }: ReadFilmJob, answer: Answer): Promise<void> {
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new Error("it holds no pictures");
  if (!(await track.canDecode()))
    throw new Error(
      `nothing here decodes its pictures (${(await track.getCodec()) ?? "of an unknown kind"})`,
    );
  const rate = await rateOf(track);
  const duration = finiteOr(await track.computeDuration(), 0);
  let facts: FilmFacts | undefined;
  let index = 0;
  for await (const sample of new VideoSampleSink(track, software).samples(from, to)) {
    try {
      const time = sample.timestamp;
      // WebM does not say how long the last one shows.
      const length = sample.duration > 0 || rate === 0 ? sample.duration : 1 / rate;
      // The last frame is given for any time after it.
      if (from !== undefined && time + length <= from) continue;
      if (index++ % every !== 0) continue;
      const pixels = await pixelsOf(sample);
      if (!facts) {
        const { width, height } = pixels;
        facts = { width, height, rate, duration, rotation: sample.rotation };
        await answer({ is: "film", ...facts });
      } else if (pixels.width !== facts.width || pixels.height !== facts.height) {
        throw new Error("the size of its frames changes on the way");
      }
      await answer({ is: "frame", time, duration: length }, new Uint8Array(pixels.data.buffer));
    } finally {
      sample.close();
    }
  }
  if (!facts) throw new Error(noFrames(duration, from !== undefined || to !== undefined));
  await answer({ is: "end" });
}

/** Frames a second over the first ones: some containers do not say how long the last one shows. */
async function rateOf(track: InputVideoTrack): Promise<number> {
  let [first, last, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for await (const { timestamp } of new EncodedPacketSink(track).packets(undefined, undefined, {
    metadataOnly: true,
  })) {
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
    if (++count >= measured) break;
  }
  return last > first ? (count - 1) / (last - first) : 0;
}

/** Devices are not looked for: where there are none, that takes longer than a short film. */
const software = { hardwareAcceleration: "prefer-software" } as const;

interface Words {
  readonly data: Uint32Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Upright, in square pixels, on white where it is transparent. */
async function pixelsOf(sample: VideoSample): Promise<Words> {
  const { visibleRect, squarePixelWidth: width, squarePixelHeight: height, rotation } = sample;
  if (Math.max(width * height, visibleRect.width * visibleRect.height) > mostPixels)
    throw new Error(`its frames claim ${width}×${height} pixels`);
  const stored = await wordsOf(sample, visibleRect);
  return turned(
    stored.width === width && stored.height === height ? stored : sized(stored, width, height),
    rotation,
  );
}

function sized({ data, ...from }: Words, width: number, height: number): Words {
  const crop = { left: 0, top: 0, width, height };
  const pixels = resample({ data: new Uint8ClampedArray(data.buffer), ...from }, { width, height, crop });
  return { data: new Uint32Array(pixels.data.buffer), width, height };
}

async function wordsOf(
  sample: VideoSample,
  { width, height }: Pick<Words, "width" | "height">,
): Promise<Words> {
  const bytes = new Uint8Array(sample.allocationSize({ format: "RGBA" }));
  await sample.copyTo(bytes, { format: "RGBA" });
  if (bytes.length !== 4 * width * height) throw new Error("its frames have not the size that they claim");
  if (sample.hasAlpha === true) flatten(bytes);
  return { data: new Uint32Array(bytes.buffer), width, height };
}

/** Lays RGBA pixels over white, as pictures are. */
export function flatten(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const alpha = bytes[at + 3] ?? 255;
    if (alpha === 255) continue;
    for (let i = at; i < at + 3; i++) bytes[i] = Math.round(255 + ((bytes[i] ?? 0) - 255) * (alpha / 255));
    bytes[at + 3] = 255;
  }
}

/** Turns a picture clockwise by 0, 90, 180 or 270 degrees. */
export function turned({ data, width, height }: Words, degrees: number): Words {
  if (degrees === 0) return { data, width, height };
  if (degrees === 180) return { data: data.toReversed(), width, height };
  const to = new Uint32Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = degrees === 90 ? x * height + (height - 1 - y) : (width - 1 - x) * height + y;
      to[at] = data[y * width + x] ?? 0;
    }
  }
  return { data: to, width: height, height: width };
}
