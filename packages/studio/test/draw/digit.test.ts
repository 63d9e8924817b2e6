import { expect, test } from "vitest";
import { centreDigit } from "../../src/modes/draw/digit.ts";

/** A surface with a filled rectangle of ink. */
function ink(left: number, top: number, width: number, height: number) {
  const data = new Uint8Array(280 * 280);
  for (let y = top; y < top + height; y++) data.fill(255, y * 280 + left, y * 280 + left + width);
  return { data, width: 280, height: 280 };
}

const brightness = (picture: { data: Uint8ClampedArray }, x: number, y: number): number | undefined =>
  picture.data[4 * (28 * y + x)];

test("an empty surface is no digit", () => {
  expect(centreDigit({ data: new Uint8Array(280 * 280), width: 280, height: 280 })).toBeUndefined();
});

test("a stroke is scaled to 20 pixels and centred, wherever and however large it was drawn", () => {
  for (const [left, top, width, height] of [
    [10, 10, 20, 200],
    [200, 100, 8, 80],
  ] as const) {
    const picture = centreDigit(ink(left, top, width, height));
    if (!picture) throw new Error("there is ink");
    expect([picture.width, picture.height]).toEqual([28, 28]);
    expect(brightness(picture, 13, 4)).toBe(255);
    expect(brightness(picture, 14, 23)).toBe(255);
    expect(brightness(picture, 14, 3)).toBe(0);
    expect(brightness(picture, 14, 24)).toBe(0);
    expect(brightness(picture, 11, 14)).toBe(0);
    expect(picture.data[3]).toBe(255);
  }
});

test("a single dot becomes a digit of the box's size", () => {
  const picture = centreDigit(ink(100, 100, 1, 1));
  expect(picture && brightness(picture, 14, 14)).toBe(255);
});
