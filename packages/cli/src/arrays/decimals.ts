/** Decimal numbers as bytes of text: read and written without a text for each. */

/** 10⁰ to 10²², which double precision holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * Reads a decimal number. A mantissa below 2⁵³ times or over a power of ten that is exact is rounded once, so correctly
 * (Clinger, "How to read floating point numbers accurately", 1990).
 * @returns undefined for what is longer, or written otherwise, or no number
 */
export function plainNumber(bytes: Uint8Array, start: number, stop: number): number | undefined {
  let at = start;
  const sign = bytes[at];
  if (sign === 45 || sign === 43) at++;
  let mantissa = 0;
  let power = 0;
  const first = at;
  for (; at < stop; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    mantissa = 10 * mantissa + digit;
  }
  let digits = at - first;
  if (at < stop && bytes[at] === 46) {
    const point = ++at;
    for (; at < stop; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      mantissa = 10 * mantissa + digit;
    }
    power = point - at;
    digits -= power;
  }
  if (digits === 0 || mantissa > Number.MAX_SAFE_INTEGER) return undefined;
  if (at + 1 < stop && ((bytes[at] as number) | 32) === 101) {
    at++;
    const isSmall = bytes[at] === 45;
    if (isSmall || bytes[at] === 43) at++;
    if (at === stop || stop - at > 3) return undefined;
    let exponent = 0;
    for (; at < stop; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) return undefined;
      exponent = 10 * exponent + digit;
    }
    power += isSmall ? -exponent : exponent;
  }
  if (at !== stop || power > 22 || power < -22) return undefined;
  const size = power < 0 ? mantissa / (powers[-power] as number) : mantissa * (powers[power] as number);
  return sign === 45 ? -size : size;
}

/** Bytes that {@link putPlain} writes at most. */
export const mostPlainBytes = 32;

/**
 * Writes a number with seven digits, which is how many of single precision are sure, without what follows them in binary: as JavaScript
 * writes the number of these digits.
 * @returns where its text ends
 */
export function putPlain(bytes: Buffer, start: number, number: number): number {
  let at = start;
  const size = Math.abs(number);
  if (number === 0 || !Number.isFinite(number)) return at + bytes.write(String(number), at, "latin1");
  let places = 6 - Math.floor(Math.log10(size));
  if (places < 0) return at + bytes.write(number.toPrecision(7), at, "latin1");
  const scale = places < powers.length ? (powers[places] as number) : 10 ** places;
  const rounded = Math.round(number * scale);
  // What is not exact to the last bit has other digits behind these.
  if (places >= powers.length) {
    const text = Number.isFinite(scale) ? String(rounded / scale) : number.toPrecision(7);
    return at + bytes.write(text, at, "latin1");
  }
  let digits = Math.abs(rounded);
  while (places > 0 && digits % 10 === 0) {
    digits /= 10;
    places--;
  }
  if (rounded < 0) bytes[at++] = 45;
  const count = digits < 10 ? 1 : Math.floor(Math.log10(digits)) + 1;
  const power = count - 1 - places;
  if (power < -6) {
    // 1.234567e-8
    at = putDigits(bytes, at, digits, count, 1);
    bytes[at++] = 101;
    bytes[at++] = 45;
    return putDigits(bytes, at, -power, -power < 10 ? 1 : 2, 0);
  }
  if (power < 0) {
    bytes[at++] = 48;
    bytes[at++] = 46;
    for (let i = -1; i > power; i--) bytes[at++] = 48;
    return putDigits(bytes, at, digits, count, 0);
  }
  return putDigits(bytes, at, digits, count, count - places);
}

/** Writes the digits of a whole number, with a point behind so many of them if there are more. */
function putDigits(bytes: Buffer, start: number, digits: number, count: number, before: number): number {
  const hasPoint = before > 0 && before < count;
  const stop = start + count + (hasPoint ? 1 : 0);
  let left = digits;
  for (let at = stop - 1; at >= start; at--) {
    if (hasPoint && at === start + before) {
      bytes[at] = 46;
      continue;
    }
    const rest = Math.floor(left / 10);
    bytes[at] = 48 + left - 10 * rest;
    left = rest;
  }
  return stop;
}

const alone = Buffer.alloc(mostPlainBytes);

/** The text of {@link putPlain}. */
export const plain = (number: number | undefined): string =>
  number === undefined ? "" : alone.toString("latin1", 0, putPlain(alone, 0, number));
