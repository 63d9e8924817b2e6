import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "@relprop/core";
import type { AudioCodec } from "mediabunny";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSound as readParts } from "../../src/sounds/read-sound.ts";
import { mixed, resampled, Resampler } from "../../src/sounds/resample-sound.ts";
import { windowsOf } from "../../src/sounds/sound-windows.ts";
import { damaged, listOf, soundFile, toneAt, wavFile, type WavForm } from "../support/media-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-sounds-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** A whole sound. */
async function readSound(path: string): Promise<{ rate: number; channels: Float32Array[] }> {
  const parts = await listOf(readParts(path));
  const of = (channel: number): Float32Array =>
    Float32Array.from(parts.flatMap(({ channels }) => [...(channels[channel] ?? [])]));
  return { rate: parts[0]?.rate ?? 0, channels: parts[0]?.channels.map((_, i) => of(i)) ?? [] };
}

/** The largest difference to the tone at the best of some delays: coders of MP3 and AAC add some samples in front. */
function distance(samples: Float32Array, rate: number, channel: number, delays: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let delay = 0; delay <= delays; delay++) {
    let worst = 0;
    for (let i = 8000; i < 16_000; i += 7)
      worst = Math.max(worst, Math.abs((samples[i + delay] ?? 0) - toneAt(i, rate, channel)));
    best = Math.min(best, worst);
  }
  return best;
}

describe("sounds are read", () => {
  const wholes = Float64Array.from([0, 1, -1, 5, -128, 127, 100, -77]);

  test.each<[form: WavForm, scale: number]>([
    [{ bits: 8 }, 2 ** 7],
    [{ bits: 16 }, 2 ** 15],
    [{ bits: 24 }, 2 ** 23],
    [{ bits: 32 }, 2 ** 31],
    [{ bits: 16, isExtensible: true }, 2 ** 15],
    [{ bits: 24, isExtensible: true }, 2 ** 23],
    [{ bits: 32, isFloat: true }, 1],
    [{ bits: 64, isFloat: true }, 1],
    [{ bits: 32, isFloat: true, isExtensible: true }, 1],
  ])("a WAV of %o to the bit, in stereo and with chunks that say other things", async (form, scale) => {
    const left = wholes.map((n) => (form.isFloat ? n / 100 : n / scale));
    const bytes = wavFile([left, left.toReversed()], 22_050, { ...form, hasOthers: true });
    const { rate, channels } = await readSound(await put(`exact-${JSON.stringify(form).length}.wav`, bytes));
    expect(rate).toBe(22_050);
    expect(channels).toEqual([Float32Array.from(left), Float32Array.from(left.toReversed())]);
  });

  test.each<
    [format: "wav" | "flac" | "mp3" | "ogg" | "m4a", codec: AudioCodec, tolerance: number, delays: number]
  >([
    ["wav", "pcm-u8", 0.004, 0],
    ["wav", "pcm-s16", 2e-5, 0],
    ["wav", "pcm-s24", 1e-6, 0],
    ["wav", "pcm-s32", 1e-6, 0],
    ["wav", "pcm-f32", 1e-7, 0],
    ["flac", "flac", 1e-4, 0],
    ["mp3", "mp3", 0.03, 2500],
    ["ogg", "vorbis", 0.02, 0],
    ["ogg", "opus", 0.02, 500],
    ["m4a", "aac", 0.02, 2500],
  ])("%s with %s", async (format, codec, tolerance, delays) => {
    // At this rate the coder of AAC bends tones that two channels share.
    const channels = codec === "aac" ? 1 : 2;
    const path = await put(`${codec}.${format}`, await soundFile(format, codec, { channels }));
    const { rate, ...sound } = await readSound(path);
    expect(rate).toBe(48_000);
    expect(sound.channels).toHaveLength(channels);
    for (const [i, samples] of sound.channels.entries()) {
      expect(samples.length).toBeGreaterThanOrEqual(48_000);
      expect(samples.length).toBeLessThan(48_000 + 6000);
      expect(distance(samples, rate, i, delays)).toBeLessThan(tolerance);
    }
  });

  test("what is no sound is one error", async () => {
    const path = await put("words.mp3", new TextEncoder().encode("these are words and no sound"));
    await expect(readSound(path)).rejects.toThrow(InputError);
    await expect(readSound(join(folder, "none.wav"))).rejects.toThrow(/cannot read the sound of .*ENOENT/);
  });

  test.each(["wav", "mp3", "flac"] as const)(
    "300 damaged files of %s end, each with a sound or one error",
    async (format) => {
      const codec = format === "wav" ? "pcm-s16" : format;
      const whole = await soundFile(format, codec, { seconds: 0.3 });
      let failed = 0;
      for (const [i, bytes] of [...damaged(whole, 300)].entries()) {
        const path = await put(`damaged-${i}.${format}`, bytes);
        const result = await readSound(path).catch((error: unknown) => error);
        if (result instanceof Error) {
          expect(result).toBeInstanceOf(InputError);
          expect(result.message).not.toContain("\n");
          failed++;
        }
        await rm(path);
      }
      expect(failed).toBeGreaterThan(0);
    },
    300_000,
  );
});

describe("channels are mixed", () => {
  const [left, right] = [Float32Array.of(1, 0, -1), Float32Array.of(0, 1, -1)];

  test("to their mean, or from one to several", () => {
    expect([...(mixed([left, right], 1)[0] ?? [])]).toEqual([0.5, 0.5, -1]);
    expect(mixed([left], 2)).toEqual([left, left]);
    expect([...(mixed([left, left, right], 1)[0] ?? [])]).toEqual([...Float32Array.of(2 / 3, 1 / 3, -1)]);
    expect(mixed([left, right], 2)).toEqual([left, right]);
  });

  test("not otherwise", () => {
    expect(() => mixed([left, right], 3)).toThrow(/2 channels and the model takes 3/);
    expect(() => mixed([left], 8)).toThrow(/1 channel and the model takes 8/);
  });
});

describe("resampling", () => {
  const given = Float32Array.from({ length: 60 }, (_, n) => Math.sin(n * 0.31) + 0.3 * Math.cos(n * 1.7));
  const at = [0, 1, 2, 3, 7, 11, 15];

  // scipy.signal.resample_poly(x, up, down, window=firwin(2*16*m + 1, 1/m, window=("kaiser", 8))) with m = max(up, down)
  // of the same samples; the last number is the last sample.
  test.each([
    [
      44100,
      48000,
      66,
      [0.300007, 0.2830627, 0.238979, 0.7470861, 0.8935771, -0.0207428, -0.9447042, -0.0264442],
    ],
    [3, 2, 40, [0.2789198, 0.2260179, 0.8954403, 1.0595258, 0.0523618, -1.2122027, 0.8935494, -0.5454374]],
    [2, 5, 150, [0.3000067, 0.3482488, 0.306267, 0.2283042, 0.7780929, 1.0891976, 0.7442083, -0.0454921]],
    [
      44100,
      16000,
      22,
      [0.1339203, 0.7226404, 1.0064686, 0.5366833, -0.2998675, 0.0259456, 0.2498511, -0.7525265],
    ],
  ])("from %i to %i Hz gives scipy's numbers", (from, to, length, expected) => {
    const result = resampled(given, from, to);
    expect(result).toHaveLength(length);
    for (const [i, index] of [...at, length - 1].entries())
      expect(result[index]).toBeCloseTo(expected[i] ?? 0, 6);
  });

  test.each([
    [44_100, 16_000],
    [16_000, 44_100],
    [8000, 48_000],
    [48_000, 16_001],
  ])("from %i to %i Hz does not depend on where the samples are parted", (from, to) => {
    const whole = resampled(given, from, to);
    for (const together of [1, 7, 59]) {
      const resampler = new Resampler(from, to);
      const parts: number[] = [];
      for (let at = 0; at < given.length; at += together)
        parts.push(...resampler.push(given.slice(at, at + together)));
      parts.push(...resampler.push(new Float32Array(), true));
      expect(parts).toEqual([...whole]);
    }
  });

  test.each([
    [44_100, 16_000, 440],
    [44_100, 16_000, 5000],
    [8000, 16_000, 1234],
    [48_000, 44_100, 9000],
    [22_050, 16_000, 700],
  ])("from %i to %i Hz keeps a tone of %i Hz to −60 dB", (from, to, pitch) => {
    const tone = Float32Array.from({ length: from }, (_, n) => Math.sin((2 * Math.PI * pitch * n) / from));
    const result = resampled(tone, from, to);
    expect(result).toHaveLength(to);
    let [error, power] = [0, 0];
    // The ends are those of a tone that begins and ends at once.
    for (let n = 500; n < to - 500; n++) {
      const expected = Math.sin((2 * Math.PI * pitch * n) / to);
      error += ((result[n] ?? 0) - expected) ** 2;
      power += expected ** 2;
    }
    expect(10 * Math.log10(error / power)).toBeLessThan(-60);
  });

  test("of rates that no sound has is refused", () => {
    expect(() => resampled(given, 1, 16_000)).toThrow(/too far apart/);
    expect(() => resampled(given, 2_147_527_749, 16_000)).toThrow(/too far apart/);
    expect(() => resampled(given, 44_100, 16_000.5)).toThrow(/no whole rates/);
  });

  test("to the same rate changes nothing", () => {
    expect(resampled(given, 8000, 8000)).toBe(given);
  });
});

const cut = async (length: number, size: number | undefined, hop?: number, together = 100) => {
  const samples = Float32Array.from({ length }, (_, i) => i + 1);
  async function* parts(): AsyncGenerator<[Float32Array<ArrayBuffer>]> {
    for (let at = 0; at < length; at += together) yield [samples.slice(at, at + together)];
  }
  const windows = await listOf(windowsOf(parts(), { channels: 1, size, longest: 30, hop }));
  return windows.map((each) => [each.start, [...(each.channels[0] ?? [])], each.length]);
};

describe("windows", () => {
  test.each([1, 3, 100])("follow each other, the last one padded, read %i at a time", async (together) => {
    expect(await cut(5, 2, undefined, together)).toEqual([
      [0, [1, 2], 2],
      [2, [3, 4], 2],
      [4, [5, 0], 1],
    ]);
  });

  test.each([1, 3, 100])("overlap until one reaches the end, read %i at a time", async (together) => {
    const lengths = async (...given: [number, number, number]): Promise<unknown[]> =>
      (await cut(...given, together)).map(([start, , length]) => [start, length]);
    expect(await lengths(6, 4, 2)).toEqual([
      [0, 4],
      [2, 4],
    ]);
    expect(await lengths(7, 4, 3)).toEqual([
      [0, 4],
      [3, 4],
    ]);
    expect(await lengths(8, 4, 3)).toEqual([
      [0, 4],
      [3, 4],
      [6, 2],
    ]);
    expect(await lengths(11, 2, 5)).toEqual([
      [0, 2],
      [5, 2],
      [10, 1],
    ]);
  });

  test("of a short sound is one", async () => {
    expect(await cut(1, 3)).toEqual([[0, [1, 0, 0], 1]]);
  });

  test("that lie apart do not begin after the end", async () => {
    expect(await cut(6, 4, 8)).toHaveLength(1);
  });

  test("of any length are the whole sound, unless it is too long", async () => {
    expect((await cut(30, undefined)).map(([, data]) => (data as number[]).length)).toEqual([30]);
    expect((await cut(31, undefined, undefined, 7)).map(([start, , length]) => [start, length])).toEqual([
      [0, 30],
      [30, 1],
    ]);
  });
});
