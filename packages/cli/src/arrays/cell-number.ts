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
      const number = Number(cell);
      // Blank text means no number, though JavaScript reads it as 0.
      if (number === 0) return cell.trim() === "" ? Number.NaN : number;
      if (!Number.isNaN(number)) return number;
      return truths.get(cell.trim().toLowerCase()) ?? Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

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
