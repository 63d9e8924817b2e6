/** How a table of lines is written: its encoding, what parts its columns, and the mark of its decimals. */

import { InputError } from "@relprop/core";

/** What is read from the beginning of a file. */
export interface CsvForm {
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
  readonly delimiter: string;
  /** What lines end with; `\r` before `\n` is a blank. */
  readonly newline: "\n" | "\r";
  /** Whether its numbers are written `1,5`. */
  readonly hasDecimalCommas: boolean;
  /** What is not as usual, in words. */
  readonly notes: readonly string[];
}

/** So many bytes tell it. */
export const formBytes = 1 << 16;

/**
 * Reads a file's form from its first bytes. What is not UTF-8 is Windows-1252, which is Latin-1 with letters where that has control
 * characters. Commas are decimal marks where something else parts the columns and all of its numbers agree.
 * @throws InputError if its numbers have decimal commas and points
 */
export function csvForm(path: string, head: Uint8Array): CsvForm {
  const encoding = encodingOf(head);
  const text = new TextDecoder(encoding).decode(head);
  const lines = text.split(/\r\n|\r|\n/);
  const unquoted = text.replaceAll(/"[^"]*"/g, "");
  const newline = unquoted.includes("\n") || !unquoted.includes("\r") ? "\n" : "\r";
  // The last one may be cut off.
  const whole = head.length < formBytes ? lines : lines.slice(0, -1);
  const delimiter = delimiterOf(whole.length > 0 ? whole : lines);
  const hasDecimalCommas = delimiter !== "," && areDecimalCommas(path, whole, delimiter);
  const notes = [
    ...(encoding === "windows-1252" ? ["not UTF-8, so read as Windows-1252"] : []),
    ...(encoding.startsWith("utf-16") ? ["UTF-16"] : []),
    ...(hasDecimalCommas ? ["numbers with decimal commas"] : []),
  ];
  return { encoding, delimiter, newline, hasDecimalCommas, notes };
}

function encodingOf(head: Uint8Array): CsvForm["encoding"] {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  try {
    // A letter may be cut off at the end.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

const parts = (mark: string, line = ""): number => line.split(mark).length;

/** So many lines tell what parts their columns. */
const mostLines = 20;

/** What parts all of the first lines in as many pieces, commas last; else what parts the first line in most. */
function delimiterOf(lines: readonly string[]): string {
  const plain = lines
    .filter((line) => line.trim() !== "")
    .slice(0, mostLines)
    .map((line) => line.replaceAll(/"[^"]*"/g, ""));
  const even = [";", "\t", ","].find((mark) => {
    const count = parts(mark, plain[0]);
    return count > 1 && plain.every((line) => parts(mark, line) === count);
  });
  return (
    even ??
    [",", ";", "\t"].reduce((best, mark) => (parts(mark, plain[0]) > parts(best, plain[0]) ? mark : best))
  );
}

const withComma = /^[-+]?\d*,\d+(?:[eE][-+]?\d+)?$/;
const withPoint = /^[-+]?\d*\.\d+(?:[eE][-+]?\d+)?$/;

function areDecimalCommas(path: string, lines: readonly string[], delimiter: string): boolean {
  const cells = lines.flatMap((line) =>
    line.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")),
  );
  const comma = cells.find((cell) => withComma.test(cell));
  if (comma === undefined) return false;
  const point = cells.find((cell) => withPoint.test(cell));
  if (point === undefined) return true;
  throw new InputError({
    what: `cannot read "${path}"`,
    why: `it has numbers with decimal commas (${comma}) and with points (${point})`,
    fix: "write all numbers with points",
  });
}
