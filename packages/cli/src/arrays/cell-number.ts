/** What number a cell of a table means. */

/** The number of a cell, NaN if it means none. Yes and no are 1 and 0. */
export function numberOf(cell: unknown): number {
  switch (typeof cell) {
    case "number":
      return cell;
    case "bigint":
      return Number(cell);
    case "boolean":
      return cell ? 1 : 0;
    case "string": {
      const number = simpleNumber(cell) ?? Number(cell);
      // Blank text means no number, though JavaScript reads it as 0.
      if (number === 0) return cell.trim() === "" ? Number.NaN : number;
      if (!Number.isNaN(number)) return number;
      return truths.get(cell.trim().toLowerCase()) ?? Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

/** 10⁰ to 10¹⁵. */
const powers = Float64Array.from({ length: 16 }, (_, power) => 10 ** power);

/**
 * `Number` of a text of up to 15 digits, with at most one point, without what JavaScript does for all other forms. The digits as
 * a whole number and the power of ten are exact, so that their quotient is the double nearest to the text.
 * @returns undefined for other texts
 */
function simpleNumber(text: string): number | undefined {
  const { length } = text;
  const start = text.charCodeAt(0) === minus ? 1 : 0;
  if (length > 16 + start) return undefined;
  let digits = 0;
  let count = 0;
  let places = -1;
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - zero;
    if (digit >= 0 && digit <= 9) {
      digits = 10 * digits + digit;
      count++;
      if (places >= 0) places++;
    } else if (digit === point && places < 0) places = 0;
    else return undefined;
  }
  if (count === 0 || count > 15) return undefined;
  const number = places > 0 ? digits / (powers[places] as number) : digits;
  return start === 1 ? -number : number;
}

const zero = 48;
const minus = 45;
const point = 46 - zero;

/** Whether a cell says that its number is missing: nothing, or NaN. */
export const isMissing = (cell: unknown): boolean =>
  cell === null || cell === undefined || Number.isNaN(cell) || /^\s*(nan)?\s*$/i.test(String(cell));

const truths: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["false", 0],
]);

/** {@link numberOf} with a decimal comma. With a point a cell means none: it might stand for thousands. */
export function numberWithComma(cell: unknown): number {
  if (typeof cell !== "string") return numberOf(cell);
  return cell.includes(".") ? Number.NaN : numberOf(cell.replace(",", "."));
}
