import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "@relprop/core";
import { BufferSource, EncodedPacketSink, Input, MP4, WEBM } from "mediabunny";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FilmWriter } from "../../src/films/film-writer.ts";
import { isMovingPicture } from "../../src/films/moving-picture.ts";
import type { FilmFrame, FilmStretch } from "../../src/films/film.ts";
import { openFilm } from "../../src/films/open-film.ts";
import { flatten, turned } from "../../src/media/read-film-job.ts";
import { damaged, filmFile, frameAt, soundFile, withWidePixels } from "../support/media-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-films-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function all(path: string, stretch?: FilmStretch): Promise<FilmFrame[]> {
  const { frames } = await openFilm(path, stretch);
  const read: FilmFrame[] = [];
  for await (const frame of frames) read.push(frame);
  return read;
}

const timesOf = (frames: readonly FilmFrame[]): number[] =>
  frames.map(({ time }) => Math.round(time * 1000) / 1000);

const pixelOf = ({ picture: { data, width } }: FilmFrame, x: number, y: number): number[] => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];

const isNear = (pixel: readonly number[], wanted: readonly number[], by = 25): boolean =>
  wanted.every((value, i) => Math.abs(value - (pixel[i] ?? 0)) <= by);

const [red, blue, white] = [
  [200, 0, 0, 255],
  [0, 0, 200, 255],
  [255, 255, 255, 255],
];

const gifOf = (count: number, width: number, height: number, delay: number[]): Promise<Buffer> =>
  sharp(Buffer.concat(Array.from({ length: count }, (_, i) => frameAt(i, width, height))), {
    raw: { width, height: count * height, channels: 4, pageHeight: height },
  })
    .gif({ delay, loop: 0 })
    .toBuffer();

/** White stands for what is transparent. */
const gifColors: readonly (readonly number[])[] = [
  [255, 255, 255],
  [250, 10, 20],
  [0, 200, 0],
  [9, 9, 240],
  [60, 60, 60],
];

interface GifPart {
  readonly disposal: 1 | 2 | 3;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly color: number;
}

function fill(canvas: Uint8Array, wide: number, { left, top, width, height }: GifPart, color: number): void {
  for (let y = top; y < top + height; y++) canvas.fill(color, y * wide + left, y * wide + left + width);
}

const two = (...values: number[]): number[] => values.flatMap((v) => [v & 255, v >> 8]);

/** A GIF of rectangles, each with what becomes of it afterwards; sharp writes one kind only. */
function gifOfParts(width: number, height: number, parts: readonly GifPart[]): Buffer {
  const bytes = [...Buffer.from("GIF89a"), ...two(width, height), 0xf2, 0, 0];
  for (let i = 0; i < 8; i++) bytes.push(...(gifColors[i] ?? [0, 0, 0]));
  for (const part of parts) {
    bytes.push(0x21, 0xf9, 4, part.disposal << 2, ...two(10), 0, 0);
    bytes.push(0x2c, ...two(part.left, part.top, part.width, part.height), 0, 7);
    // Codes of a byte each, 128 to clear the table before it grows.
    const codes = Array.from({ length: part.width * part.height }, (_, i) =>
      i % 100 === 0 ? [128, part.color] : [part.color],
    );
    const data = [...codes.flat(), 129];
    bytes.push(data.length, ...data, 0);
  }
  return Buffer.from([...bytes, 0x3b]);
}

describe("films are read", () => {
  test.each(["mp4", "mov", "webm"] as const)("%s: size, rate and pixels", async (format) => {
    const path = await put(`clip.${format}`, await filmFile(format));
    const film = await openFilm(path);
    expect(film).toMatchObject({ width: 64, height: 48, rotation: 0 });
    expect(film.rate).toBeCloseTo(10, 1);
    expect(film.duration).toBeCloseTo(format === "webm" ? 0.9 : 1, 1);
    const frames: FilmFrame[] = [];
    for await (const frame of film.frames) frames.push(frame);
    expect(timesOf(frames)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    const third = frames[3] as FilmFrame;
    expect(isNear(pixelOf(third, 4, 40), red)).toBe(true);
    expect(isNear(pixelOf(third, 60, 40), blue)).toBe(true);
    expect(isNear(pixelOf(third, 24 + 8, 16), white)).toBe(true);
  });

  test("a stretch of one, and each so many-th frame", async () => {
    const path = await put("stretch.mp4", await filmFile("mp4"));
    expect(timesOf(await all(path, { from: 0.25, to: 0.61 }))).toEqual([0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(timesOf(await all(path, { every: 4 }))).toEqual([0, 0.4, 0.8]);
    await expect(all(path, { from: 5 })).rejects.toThrow(InputError);
  });

  test("uneven times are kept", async () => {
    const times = [0, 0.04, 0.5, 0.52, 1.7];
    const path = await put("uneven.mp4", await filmFile("mp4", { times }));
    expect(timesOf(await all(path))).toEqual(times);
  });

  test.each([90, 180, 270] as const)("turned by %i degrees is upright", async (rotation) => {
    const path = await put(`turned-${rotation}.mp4`, await filmFile("mp4", { rotation, times: [0] }));
    const [frame] = await all(path);
    const { width, height } = frame?.picture ?? { width: 0, height: 0 };
    expect([width, height]).toEqual(rotation === 180 ? [64, 48] : [48, 64]);
    // The left half, red, is above after a quarter clockwise.
    const [x, y] = { 90: [4, 4], 180: [60, 4], 270: [4, 60] }[rotation] as [number, number];
    expect(isNear(pixelOf(frame as FilmFrame, x, y), red)).toBe(true);
  });

  test.each([
    ["wider", 4, 3, 0, [85, 48], [53, 16]],
    ["higher", 1, 2, 0, [64, 96], [40, 32]],
    ["wider, and turned", 4, 3, 90, [48, 85], [31, 53]],
  ] as const)("pixels that are %s than square", async (name, wide, high, rotation, size, inSquare) => {
    const film = await filmFile("mp4", { rotation });
    const path = await put(`${name}.mp4`, withWidePixels(film, wide, high));
    const opened = await openFilm(path);
    expect([opened.width, opened.height]).toEqual(size);
    const frames = await all(path);
    expect(frames).toHaveLength(10);
    // The square of the fourth frame reaches from 32 to 48 of 64 across and from 8 to 24 of 48 down.
    const fifth = frames[4] as FilmFrame;
    expect([fifth.picture.width, fifth.picture.height]).toEqual(size);
    expect(isNear(pixelOf(fifth, inSquare[0], inSquare[1]), white)).toBe(true);
    expect(isNear(pixelOf(fifth, 2, 2), red)).toBe(true);
  });

  test("one frame, sound alone, none of its bytes, half of them", async () => {
    expect(await all(await put("one.MP4", await filmFile("mp4", { times: [0] })))).toHaveLength(1);
    const whole = await filmFile("mp4");
    const failing: [string, Uint8Array, RegExp][] = [
      ["sound.mp4", await soundFile("m4a", "aac"), /it holds no pictures/],
      ["empty.mp4", new Uint8Array(), /it is empty/],
      ["empty.gif", new Uint8Array(), /it is empty/],
      ["zeros.mp4", new Uint8Array(999), /unsupported|format|damaged/i],
      ["cut.mp4", whole.slice(0, 1400), /none of its frames can be decoded|it is damaged/],
    ];
    for (const [name, bytes, why] of failing)
      await expect(
        put(name, bytes).then((path) => all(path)),
        name,
      ).rejects.toThrow(why);
  });

  test("frames of a GIF are put together by what each disposes of", async () => {
    const parts: GifPart[] = [
      { disposal: 1, left: 0, top: 0, width: 12, height: 8, color: 1 },
      { disposal: 3, left: 1, top: 1, width: 4, height: 4, color: 2 },
      { disposal: 2, left: 6, top: 2, width: 5, height: 5, color: 3 },
      { disposal: 1, left: 0, top: 6, width: 3, height: 2, color: 4 },
    ];
    const frames = await all(await put("parts.gif", gifOfParts(12, 8, parts)));
    const canvas = new Uint8Array(12 * 8);
    expect(frames).toHaveLength(parts.length);
    for (const [i, part] of parts.entries()) {
      const before = canvas.slice();
      fill(canvas, 12, part, part.color);
      const shown = Array.from({ length: 96 }, (_, at) =>
        pixelOf(frames[i] as FilmFrame, at % 12, Math.floor(at / 12)),
      );
      expect(shown).toEqual(Array.from(canvas, (color) => [...(gifColors[color] ?? []), 255]));
      if (part.disposal === 2) fill(canvas, 12, part, 0);
      if (part.disposal === 3) canvas.set(before);
    }
  });

  test("a GIF and an animated WebP: all frames, with their times", async () => {
    const gif = await gifOf(4, 40, 32, [50, 0, 200, 100]);
    const path = await put("moving.gif", gif);
    expect(await isMovingPicture(path)).toBe(true);
    const frames = await all(path);
    expect(timesOf(frames)).toEqual([0, 0.05, 0.15, 0.35]);
    expect(isNear(pixelOf(frames[1] as FilmFrame, 16, 16), white)).toBe(true);
    expect(timesOf(await all(path, { every: 2 }))).toEqual([0, 0.15]);
    const webp = await put(
      "moving.webp",
      await sharp(gif, { animated: true }).webp({ lossless: true }).toBuffer(),
    );
    expect(await all(webp)).toHaveLength(4);
    const still = await put("still.gif", await gifOf(1, 40, 32, [50]));
    expect(await isMovingPicture(still)).toBe(false);
  });

  test("one that is left early lets go of its process", async () => {
    const path = await put("left.mp4", await filmFile("mp4"));
    const { frames } = await openFilm(path);
    for await (const { time } of frames) if (time > 0.1) break;
    expect(await all(path)).toHaveLength(10);
  });

  test("200 damaged films end, each with frames or one error", async () => {
    const whole = await filmFile("mp4", { sound: "aac" });
    let failed = 0;
    for (const [i, bytes] of [...damaged(whole, 200)].entries()) {
      const path = await put(`damaged-${i}.mp4`, bytes);
      const result = await all(path).catch((error: unknown) => error);
      if (result instanceof Error) {
        expect(result).toBeInstanceOf(InputError);
        expect(result.message).not.toContain("\n");
        failed++;
      }
      await rm(path);
    }
    expect(failed).toBeGreaterThan(50);
  }, 300_000);
});

const write = async (name: string, source: string, width = 64, height = 48): Promise<FilmWriter> => {
  const container = name.endsWith("webm") ? "webm" : "mp4";
  const path = join(folder, name);
  const writer = await FilmWriter.open(path, { width, height, container, sound: { path: source } });
  for (const [i, time] of [0, 0.04, 0.5, 0.52].entries()) {
    const data = new Uint8ClampedArray(frameAt(i, width, height).buffer);
    await writer.add({ data, width, height }, time, 0.02);
  }
  await writer.finish();
  return writer;
};

const packets = async (file: Uint8Array): Promise<Uint8Array[]> => {
  const input = new Input({ formats: [MP4], source: new BufferSource(file) });
  const track = await input.getPrimaryAudioTrack();
  const found: Uint8Array[] = [];
  if (track) for await (const { data } of new EncodedPacketSink(track).packets()) found.push(data.slice());
  return found;
};
describe("films are written", () => {
  test("with the packets of the sound as they are, and uneven times", async () => {
    const bytes = await filmFile("mp4", { sound: "aac" });
    const source = await put("source.mp4", bytes);
    const writer = await write("out.mp4", source);
    expect(writer.silence).toBeUndefined();
    const frames = await all(join(folder, "out.mp4"));
    expect(timesOf(frames)).toEqual([0, 0.04, 0.5, 0.52]);
    expect(isNear(pixelOf(frames[2] as FilmFrame, 20, 16), white)).toBe(true);
    const copied = await packets(await readFile(join(folder, "out.mp4")));
    expect(copied.length).toBeGreaterThan(20);
    expect(copied).toEqual((await packets(bytes)).slice(0, copied.length));
  });

  test("an odd size gets a row and a column more", async () => {
    const source = await put("silent.mp4", await filmFile("mp4"));
    await write("odd.mp4", source, 63, 47);
    const [frame] = await all(join(folder, "odd.mp4"));
    expect(frame?.picture).toMatchObject({ width: 64, height: 48 });
    expect(isNear(pixelOf(frame as FilmFrame, 63, 47), blue)).toBe(true);
  });

  test("sound that does not go into WebM is left out, and said", async () => {
    const source = await put("aac.mp4", await filmFile("mp4", { sound: "aac" }));
    const writer = await write("out.webm", source);
    expect(writer.silence).toBe("aac does not go into this container");
    const input = new Input({
      formats: [WEBM],
      source: new BufferSource(await readFile(join(folder, "out.webm"))),
    });
    expect(await input.getPrimaryAudioTrack()).toBeNull();
    expect(await all(join(folder, "out.webm"))).toHaveLength(4);
  });

  test("a place that cannot be written is one error", async () => {
    const options = { width: 64, height: 48, container: "mp4" } as const;
    await expect(FilmWriter.open(join(folder, "no/such/out.mp4"), options)).rejects.toThrow(/cannot write/);
  });
});

test("pixels that are not opaque lie over white", () => {
  const bytes = Uint8Array.of(200, 0, 100, 0, 200, 0, 100, 128, 200, 0, 100, 255);
  flatten(bytes);
  expect([...bytes]).toEqual([255, 255, 255, 255, 227, 127, 177, 255, 200, 0, 100, 255]);
});

test("a picture is turned clockwise", () => {
  const given = { data: Uint32Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2 };
  expect([...turned({ ...given, data: given.data.slice() }, 90).data]).toEqual([4, 1, 5, 2, 6, 3]);
  expect([...turned({ ...given, data: given.data.slice() }, 180).data]).toEqual([6, 5, 4, 3, 2, 1]);
  expect([...turned({ ...given, data: given.data.slice() }, 270).data]).toEqual([3, 6, 2, 5, 1, 4]);
});
