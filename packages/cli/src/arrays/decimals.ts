/** Decimal numbers as bytes of text: written without a text for each. */

/** 10⁰ to 10²², which double precision holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

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
