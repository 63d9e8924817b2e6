/** The text of a file -> its rows, as papaparse reads them. */

import Papa from "papaparse";
import type { CsvForm } from "./csv-form.ts";

/** A row of more characters is a quote that is not closed. */
const longestRow = 1 << 24;

/**
 * Rows of RFC 4180: cells may be quoted, and quoted ones hold delimiters, line ends and doubled quotes. Blanks around cells and
 * empty lines mean nothing; where lines have a single cell, an empty one is a row unless it is at an end of the file.
 */
export class CsvRows {
  readonly #delimiter: string;
  readonly #parser: Papa.Parser;
  /** The text of a row whose end is not there yet. */
  #rest = "";
  /** Rows so far; −1 before a line of names. */
  #row: number;
  /** Cells of a row; the first row tells. */
  #width: number | undefined;
  #emptyLines = 0;
  #fault: Error | undefined;

  /** @param hasNames whether the first line has names: errors count the others */
  constructor({ delimiter, newline }: CsvForm, hasNames: boolean) {
    this.#delimiter = delimiter;
    this.#parser = new Papa.Parser({ delimiter, newline });
    this.#row = hasNames ? -1 : 0;
  }

  /** Why no row follows those that {@link push} gave. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** The rows that end in the next piece of text. @param isLast whether the text ends, too */
  push(piece: string, isLast: boolean): string[][] {
    const text = this.#rest + piece;
    const { whole, fault } = this.#checked(text);
    const { data, errors, meta } = this.#parser.parse(whole, 0, !isLast || fault !== undefined) as Parsed;
    this.#rest = isLast ? "" : whole.slice(meta.cursor);
    const isOpen = errors.some(({ code }) => code === "MissingQuotes");
    const rows = this.#rowsOf(isOpen ? data.slice(0, -1) : data);
    if (isOpen) this.#fault ??= this.#broken("has a quote that is not closed");
    if (fault !== undefined) this.#fault ??= this.#broken(fault);
    if (this.#rest.length > longestRow)
      this.#fault ??= this.#broken(`is longer than ${longestRow} characters: a quote may not be closed`);
    return rows;
  }

  /**
   * Takes the blanks before quotes away, which papaparse knows as text, and finds quotes where none may be.
   * @param text from the start of a row on, so that every second piece between its quotes stands in a quoted cell
   */
  #checked(text: string): { readonly whole: string; readonly fault?: string } {
    if (!text.includes('"')) return { whole: text };
    const pieces = text.split('"');
    const ends = new Set([this.#delimiter, "\n", "\r"]);
    const cutBefore = (piece: number, fault: string): { whole: string; fault: string } => ({
      whole: pieces.slice(0, piece).join('"'),
      fault,
    });
    for (let i = 0; i < pieces.length; i += 2) {
      const piece = pieces[i] as string;
      const [opens, closed] = [i < pieces.length - 1, i > 0];
      // Between two quotes stands nothing if they are one, doubled.
      if (closed && piece === "") continue;
      const [start, stop] = [this.#pastBlanks(piece), this.#beforeBlanks(piece)];
      if (closed && (start < piece.length || opens) && !ends.has(piece[start] ?? "text"))
        return cutBefore(i, "has text behind a quoted cell");
      if (!opens) continue;
      if (stop > 0 && !ends.has(piece[stop - 1] as string))
        return cutBefore(i + 1, "has a quote in the middle of a cell");
      if (stop < piece.length) pieces[i] = piece.slice(0, stop);
    }
    return { whole: pieces.join('"') };
  }

  #isBlank(letter: string | undefined): boolean {
    return (letter === " " || letter === "\t") && letter !== this.#delimiter;
  }

  #pastBlanks(text: string): number {
    let at = 0;
    while (this.#isBlank(text[at])) at++;
    return at;
  }

  #beforeBlanks(text: string): number {
    let at = text.length;
    while (this.#isBlank(text[at - 1])) at--;
    return at;
  }

  /** Those that are no empty lines, up to the first that is not as wide as the others. */
  #rowsOf(data: readonly string[][]): string[][] {
    const rows: string[][] = [];
    for (const row of data) {
      if (row.length === 1 && row[0]?.trim() === "") {
        if (this.#width === 1) this.#emptyLines++;
        continue;
      }
      this.#width ??= row.length;
      for (; this.#emptyLines > 0; this.#emptyLines--, this.#row++) rows.push([""]);
      if (row.length !== this.#width) {
        const cells = `${row.length} ${row.length === 1 ? "cell" : "cells"}`;
        this.#fault = this.#broken(`has ${cells}, and the first line ${this.#width}`);
        break;
      }
      this.#row++;
      rows.push(row);
    }
    return rows;
  }

  #broken(why: string): Error {
    const row = this.#row < 0 ? "its first line" : `row ${this.#row} (counted from 0)`;
    return new Error(`${row} ${why}`);
  }
}

/** What papaparse's parser answers. */
interface Parsed {
  readonly data: string[][];
  readonly errors: readonly { readonly code: string }[];
  /** Where the first row begins that is not whole. */
  readonly meta: { readonly cursor: number };
}
