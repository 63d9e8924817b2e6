import { crc32 as referee } from "node:zlib";
import sharp from "sharp";
import { expect, test } from "vitest";
import { asciiJson, isPng, software, stampPng, textOf, withText } from "../../src/heatmap/png-text.ts";

const png = async (): Promise<Uint8Array> =>
  sharp({ create: { width: 3, height: 2, channels: 4, background: "#f80" } })
    .png()
    .toBuffer();

test("a PNG carries a text that others read, and stays the same picture", async () => {
  const before = await png();
  const text = JSON.stringify({ map: "bwr", label: "a \u0041" });
  const after = withText(before, "relprop", text);
  const { comments } = await sharp(after).metadata();
  expect(comments).toEqual([{ keyword: "relprop", text }]);
  expect(await sharp(after).raw().toBuffer()).toEqual(await sharp(before).raw().toBuffer());
  expect(textOf(after, "relprop")).toBe(text);
  expect(textOf(after, "rel")).toBeUndefined();
  expect(textOf(before, "relprop")).toBeUndefined();
});

test("reads a text that others wrote, also behind other chunks and in a view of a larger buffer", async () => {
  const bytes = withText(withText(await png(), "relprop", "mine"), "Author", "somebody");
  const larger = new Uint8Array(bytes.length + 7);
  larger.set(bytes, 7);
  expect(textOf(larger.subarray(7), "relprop")).toBe("mine");
});

test("bytes that are no PNG, cut ones, and texts beyond ASCII", async () => {
  const junk = new TextEncoder().encode("no picture at all");
  expect(isPng(junk)).toBe(false);
  expect(textOf(junk, "relprop")).toBeUndefined();
  expect(() => withText(junk, "relprop", "x")).toThrow("it is not a PNG");
  const bytes = withText(await png(), "relprop", "mine");
  expect(textOf(bytes.subarray(0, 40), "relprop")).toBeUndefined();
  const whole = await png();
  expect(() => withText(whole, "relprop", "Ärger")).toThrow("beyond ASCII");
});

test("the chunk's CRC-32 is zlib's", async () => {
  const bytes = withText(await png(), "k", "v");
  // After the signature and the header's 25 bytes: length, then type and data, then the CRC.
  const view = new DataView(bytes.buffer);
  const at = 8 + 25;
  const length = view.getUint32(at);
  const body = bytes.subarray(at + 4, at + 8 + length);
  expect(view.getUint32(at + 8 + length)).toBe(referee(body));
});

test("a stamped PNG names us first, and its texts come back whatever they are made of", async () => {
  const made = { title: '猫 قطة 😀 \u0000\u007f\u2028 "\\', share: -0.5 };
  const stamped = stampPng(await png(), { "relprop-explain": asciiJson(made) });
  expect((await sharp(stamped).metadata()).comments?.[0]).toEqual({ keyword: "Software", text: software });
  expect(software).toMatch(/^relprop \d+\.\d+/);
  expect(JSON.parse(textOf(stamped, "relprop-explain") ?? "")).toEqual(made);
});
