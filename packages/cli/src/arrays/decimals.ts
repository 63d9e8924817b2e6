/** Decimal numbers as bytes of text: read and written without a text for each. */

/** 10⁰ to 10²², which double precision holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * Reads a decimal number. A mantissa below 2⁵³ times or over a power of ten that is exact is rounded once, so correctly
 * (Clinger, "How to read floating point numbers accurately", 1990).
 * @param point the byte before its decimals
 * @returns undefined for what is longer, or written otherwise, or no number
 */
export function plainNumber(bytes: Uint8Array, start: number, stop: number, point = 46): number | undefined {
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
  if (at < stop && bytes[at] === point) {
    const behind = ++at;
    for (; at < stop; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      mantissa = 10 * mantissa + digit;
    }
    power = behind - at;
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
 * Writes a number with seven digits, which are all that a number of single precision has, without what follows them in binary:
 * as JavaScript writes the number of these digits.
 * @returns where its text ends
 */
export function putPlain(bytes: Buffer, start: number, number: number): number {
  const size = number < 0 ? -number : number;
  let power = Math.floor(Math.log10(size));
  let places = 6 - power;
  // From 10⁻⁶ to 10⁷, where numbers have no exponent. Zero and what is not finite are elsewhere, too.
  if (!(places >= 0 && places <= 12)) return start + bytes.write(textOf(number, places), start, "latin1");
  const rounded = Math.round(number * (powers[places] as number));
  // A whole number of 32 bits from here on, which is quicker.
  let digits = (rounded < 0 ? -rounded : rounded) | 0;
  if (digits >= 10_000_000) power++;
  for (; places > 0 && digits % 10 === 0; places--) digits = (digits / 10) | 0;
  if (number < 0) bytes[start] = 45;
  const first = number < 0 ? start + 1 : start;
  const stop = first + (power > 0 ? power + 1 : 1) + (places > 0 ? places + 1 : 0);
  let at = stop;
  for (let place = places; at > first; place--) {
    if (place === 0 && places > 0) bytes[--at] = 46;
    const rest = (digits / 10) | 0;
    bytes[--at] = 48 + digits - 10 * rest;
    digits = rest;
  }
  return stop;
}

function textOf(number: number, places: number): string {
  if (number === 0 || !Number.isFinite(number)) return String(number);
  const scale = 10 ** places;
  return scale >= 1 && Number.isFinite(scale)
    ? String(Math.round(number * scale) / scale)
    : number.toPrecision(7);
}

const alone = Buffer.alloc(mostPlainBytes);

/** The text of {@link putPlain}. */
export const plain = (number: number | undefined): string =>
  number === undefined ? "" : alone.toString("latin1", 0, putPlain(alone, 0, number));
