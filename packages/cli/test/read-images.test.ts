import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { InputError, OptionError } from "@relprop/core";
import type { Interpolation } from "@relprop/core/zoo";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EarlierResults } from "../src/files/earlier-results.ts";
import { findFiles, type InputFile } from "../src/files/find-files.ts";
import { readImage } from "../src/files/read-images.ts";

let folder: string;
const png = (color: string) =>
  sharp({ create: { width: 8, height: 6, channels: 3, background: color } })
    .png()
    .toBuffer();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-images-"));
  await mkdir(join(folder, "in", "deep"), { recursive: true });
  for (const name of ["a.png", "a.jpg", "b.PNG", "deep/c.png", "notes.txt"]) {
    await writeFile(join(folder, "in", name), await png("#f00"));
  }
});
afterAll(() => rm(folder, { recursive: true }));

const find = async (sources: readonly string[]): Promise<readonly InputFile[]> =>
  (await findFiles(sources, await EarlierResults.in(join(folder, "results")))).files;

describe("finding images", () => {
  test("folders are searched recursively, sorted, and mirrored; equal names keep their extension", async () => {
    const images = await find([join(folder, "in")]);
    expect(images.map(({ key }) => key)).toEqual(["a.jpg", "a.png", "b", "deep/c"]);
  });

  test("globs match below their common folder", async () => {
    const images = await find([join(folder, "in/**/*.png")]);
    expect(images.map(({ key }) => key)).toEqual(["a", "deep/c"]);
  });

  test("an image that is named twice is found once", async () => {
    expect(await find([join(folder, "in/a.png"), join(folder, "in/*.png")])).toHaveLength(1);
  });

  test("equal names of different folders are told apart", async () => {
    const images = await find([join(folder, "in/a.png"), join(folder, "in/deep/c.png")]);
    expect(images.map(({ key }) => key)).toEqual(["a", "c"]);
    await mkdir(join(folder, "other"), { recursive: true });
    await writeFile(join(folder, "other/a.png"), await png("#0f0"));
    const both = await find([join(folder, "in/a.png"), join(folder, "other/a.png")]);
    expect(both.map(({ key }) => key)).toEqual(["in/a.png", "other/a.png"]);
  });

  test("a missing file is kept, an empty folder and an unmatched glob are errors", async () => {
    expect(await find([join(folder, "none.png")])).toHaveLength(1);
    await mkdir(join(folder, "empty"));
    await expect(find([join(folder, "empty")])).rejects.toThrow(OptionError);
    await expect(find([join(folder, "*.gif")])).rejects.toThrow(/nothing matches/);
    await expect(find([])).rejects.toThrow(/name files, folders or globs/);
  });
});

describe("reading images", () => {
  const card = { size: [4, 4], resize: "exact" } as const;
  const read = (bytes: Uint8Array) => readImage("x", bytes, card);

  test("gives RGBA pixels of the network's size", async () => {
    const { data, width, height } = await read(await png("#c08040"));
    expect([width, height, data.length]).toEqual([4, 4, 64]);
    expect(Array.from(data.subarray(0, 4))).toEqual([0xc0, 0x80, 0x40, 255]);
  });

  // Pillow's own numbers (13.0).
  test.each<[Interpolation, number[]]>([
    ["bilinear", [89, 140, 72, 128, 149, 157, 109, 145, 90, 135, 148, 117]],
    ["bicubic", [87, 149, 61, 128, 153, 165, 96, 153, 84, 139, 149, 114]],
    ["lanczos", [91, 156, 52, 124, 160, 168, 89, 157, 77, 147, 147, 107]],
  ])("resamples as Pillow does: %s", async (interpolation, expected) => {
    const pixels = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * i * 53) % 256));
    const row = await sharp(pixels, { raw: { width: 32, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    const { data } = await readImage("x", row, { size: [1, 12], resize: "exact", interpolation });
    expect(expected.map((_, i) => data[4 * i])).toEqual(expected);
  });

  test("gray, 16-bit and transparent images become RGB on white", async () => {
    const gray = await sharp(await png("#808080"))
      .toColourspace("b-w")
      .png()
      .toBuffer();
    expect(Array.from((await read(gray)).data.subarray(0, 4))).toEqual([128, 128, 128, 255]);
    const deep = await sharp(await png("#ff0000"))
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect(Array.from((await read(deep)).data.subarray(0, 4))).toEqual([255, 0, 0, 255]);
    const clear = await sharp({
      create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(Array.from((await read(clear)).data.subarray(0, 4))).toEqual([255, 255, 255, 255]);
  });

  test("turns the picture as its EXIF orientation says", async () => {
    const halves = await sharp({ create: { width: 8, height: 4, channels: 3, background: "#000" } })
      .composite([
        {
          input: await sharp({ create: { width: 4, height: 4, channels: 3, background: "#fff" } })
            .png()
            .toBuffer(),
          left: 0,
          top: 0,
        },
      ])
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 })
      .toBuffer();
    const { data } = await read(halves);
    // Orientation 6 is a quarter turn clockwise: what was left is on top.
    expect(data[4 * 1] ?? 0).toBeGreaterThan(200);
    expect(data[4 * 13] ?? 255).toBeLessThan(50);
  });

  test("what is no image is an error that names it", async () => {
    await expect(readImage("notes.txt", Buffer.from("hello"), card)).rejects.toThrow(InputError);
    await expect(readImage("notes.txt", Buffer.from("hello"), card)).rejects.toThrow(
      /cannot read "notes.txt"/,
    );
  });

  test("a header that claims 100000 × 100000 pixels is refused before any memory is taken", async () => {
    await expect(read(pngThatClaims(100_000, 100_000))).rejects.toThrow(InputError);
  });

  test("a file that ends too early is an error", async () => {
    const whole = await readFile(new URL("../../../examples/photos/coffee.png", import.meta.url));
    await expect(read(whole.subarray(0, 20_000))).rejects.toThrow(InputError);
  });
});

/** A PNG whose header says one thing and whose data is one row of nothing. */
function pngThatClaims(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(100))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
