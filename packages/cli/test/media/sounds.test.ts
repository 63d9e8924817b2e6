import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "@relprop/core";
import type { AudioCodec } from "mediabunny";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSound } from "../../src/sounds/read-sound.ts";
import { mixed, resampled, windows } from "../../src/sounds/resample-sound.ts";
import { damaged, soundFile, toneAt } from "../support/media-files.ts";

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
    expect(mixed([left, right], 2)).toEqual([left, right]);
  });

  test("not otherwise", () => {
    expect(() => mixed([left, right], 3)).toThrow(/2 channels and the model takes 3/);
  });
});

describe("resampling", () => {
  const given = Float32Array.from({ length: 60 }, (_, n) => Math.sin(n * 0.31) + 0.3 * Math.cos(n * 1.7));
  const at = [0, 1, 2, 3, 7, 11, 15];

  // scipy.signal.resample_poly(x, up, down) of the same samples; the last number is the last sample.
  test.each([
    [
      44_100,
      48_000,
      66,
      [0.3002025, 0.2830408, 0.2396235, 0.7476618, 0.894203, -0.0209094, -0.9457384, -0.0265283],
    ],
    [3, 2, 40, [0.2796716, 0.2254533, 0.8978225, 1.058093, 0.0497369, -1.2136839, 0.8944753, -0.5472096]],
    [2, 5, 150, [0.3001952, 0.3478798, 0.3060076, 0.2289296, 0.7786827, 1.0894466, 0.7446757, -0.045619]],
    [
      44_100,
      16_000,
      22,
      [0.1339387, 0.7233834, 1.0071498, 0.5377667, -0.2996421, 0.025981, 0.2495613, -0.753332],
    ],
  ])("from %i to %i Hz gives scipy's numbers", (from, to, length, expected) => {
    const result = resampled(given, from, to);
    expect(result).toHaveLength(length);
    for (const [i, index] of [...at, length - 1].entries())
      expect(result[index]).toBeCloseTo(expected[i] ?? 0, 6);
  });

  test("to the same rate changes nothing", () => {
    expect(resampled(given, 8000, 8000)).toBe(given);
  });
});

const cut = (length: number, size: number, hop?: number) =>
  [
    ...windows(
      Float32Array.from({ length }, (_, i) => i + 1),
      size,
      hop,
    ),
  ].map(({ start, data, padded }) => [start, [...data], padded]);

describe("windows", () => {
  test("follow each other, the last one padded", () => {
    expect(cut(5, 2)).toEqual([
      [0, [1, 2], 0],
      [2, [3, 4], 0],
      [4, [5, 0], 1],
    ]);
  });

  test("overlap until one reaches the end", () => {
    expect(cut(6, 4, 2).map(([start, , padded]) => [start, padded])).toEqual([
      [0, 0],
      [2, 0],
    ]);
  });

  test("of a short sound is one", () => {
    expect(cut(1, 3)).toEqual([[0, [1, 0, 0], 2]]);
  });

  test("that lie apart do not begin after the end", () => {
    expect(cut(6, 4, 8)).toHaveLength(1);
  });
});
