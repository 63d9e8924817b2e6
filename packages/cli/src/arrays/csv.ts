/** Comma-separated values as bytes: where the cells of rows lie, and their numbers without a text for each. */

import { open } from "node:fs/promises";
import { InputError } from "@relprop/core";
import { csvForm, formBytes, withoutComma, type CsvForm } from "./csv-form.ts";
import { endsOf } from "../files/file-ends.ts";
import { plainNumber } from "./decimals.ts";
import { cannotRead, numberOf, type RowReader, type Rows, type Table } from "./table.ts";

/** How a file's rows and cells are told apart. */
interface CsvFormat extends Omit<CsvForm, "delimiter" | "notes"> {
  /** The byte between cells. */
  readonly delimiter: number;
  /** Whether the first line has names. */
  readonly hasNames: boolean;
}

const [lineFeed, carriageReturn, quote] = [10, 13, 34];

/** The first piece that is read. */
const headBytes = 1 << 16;
const chunkBytes = 1 << 20;
/** A row of more bytes is a quote that is not closed. */
const mostRowBytes = 1 << 24;

/**
 * A file of lines whose values are parted by commas, semicolons or tabs. Its first line has the names, unless all of it are
 * numbers.
 * @throws InputError if it cannot be read, or is empty
 */
export async function openCsv(path: string): Promise<Table> {
  const { notes, ...form } = await formatOf(path);
  const format = { ...form, delimiter: form.delimiter.charCodeAt(0) };
  const reader = new CsvReader(path, { ...format, hasNames: false });
  const first = await reader.take(0, 1);
  await reader.close();
  if (first.count === 0) throw cannotRead(path, "it is empty");
  const cells = Array.from({ length: first.width }, (_, column) => String(first.cell(0, column)));
  const toNumber = form.hasDecimalCommas ? (cell: unknown) => numberOf(withoutComma(cell)) : numberOf;
  const hasNames = cells.some((cell) => !Number.isFinite(toNumber(cell)));
  return {
    columns: hasNames ? cells.map((name) => name.trim()) : cells.map((_, i) => String(i)),
    count: undefined,
    counted: () => new CsvReader(path, { ...format, hasNames }).toEnd(),
    read: () => new CsvReader(path, { ...format, hasNames }),
    numberOf: toNumber,
    notes,
  };
}

/** How a file is written. @throws InputError if it cannot be read, or has numbers of two kinds */
async function formatOf(path: string): Promise<CsvForm> {
  try {
    return csvForm(path, (await endsOf(path, formBytes)).head);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/**
 * Reads rows of RFC 4180, one after the other: cells may be quoted, and quoted ones hold delimiters, line ends and doubled
 * quotes. Blanks around cells and empty lines mean nothing. Lines end with `\n`, `\r\n` or `\r`.
 */
class CsvReader implements RowReader {
  readonly #path: string;
  readonly #format: CsvFormat;
  /** Bytes that end a cell without quotes, or are out of place in it. */
  readonly #ends = new Uint8Array(256);
  #chunks: AsyncIterator<Uint8Array> | undefined;
  /** What is read and not yet passed, and behind it a line feed where scanning stops. */
  #bytes = Uint8Array.of(lineFeed);
  #isOver = false;
  /** Where the next row is. */
  #at = 0;
  #row = 0;
  /** Cells of a row; the first row tells. */
  #width: number | undefined;
  /** First byte and end of each cell of the rows that are taken; the end's complement where quotes are doubled. */
  #places = new Int32Array(1 << 10);
  #filled = 0;

  constructor(path: string, format: CsvFormat) {
    this.#path = path;
    this.#format = format;
    for (const byte of [format.delimiter, lineFeed, carriageReturn, quote]) this.#ends[byte] = 1;
    this.#restart();
  }

  /** @throws InputError if the file cannot be read, or a row has more or fewer cells than the first */
  async take(first: number, count: number): Promise<CsvRows> {
    if (first < this.#row) {
      await this.close();
      this.#restart();
    }
    while (this.#row < first) if ((await this.#scan(first - this.#row, false)) === 0) break;
    const taken = this.#row === first ? await this.#scan(count, true) : 0;
    return rowsAt(this.#bytes, this.#places.slice(0, this.#filled), taken, this.#format);
  }

  /** Passes all rows. @returns how many there are */
  async toEnd(): Promise<number> {
    await this.#scan(Infinity, false);
    return this.#row;
  }

  async close(): Promise<void> {
    await this.#chunks?.return?.();
  }

  #restart(): void {
    const { encoding, hasNames } = this.#format;
    this.#chunks = bytesOf(this.#path, encoding)[Symbol.asyncIterator]();
    this.#bytes = Uint8Array.of(lineFeed);
    this.#isOver = false;
    this.#at = 0;
    this.#row = hasNames ? -1 : 0;
  }

  /** Passes at most so many rows; bytes and places of kept ones stay until the next call. @returns how many */
  async #scan(count: number, isKept: boolean): Promise<number> {
    let found = 0;
    let from = this.#at;
    this.#filled = 0;
    while (found < count) {
      const before = this.#filled;
      if (this.#nextRow(from)) {
        found++;
        this.#row++;
        if (isKept) continue;
        this.#filled = 0;
        from = this.#at;
      } else {
        this.#filled = before;
        if (this.#isOver) break;
        await this.#read(from);
        from = 0;
      }
    }
    this.#bytes = from === 0 ? this.#bytes : this.#bytes.subarray(from);
    this.#at -= from;
    return found;
  }

  /** Puts the next chunk behind what is kept of the bytes. */
  async #read(from: number): Promise<void> {
    if (this.#bytes.length - this.#at > mostRowBytes)
      throw this.#broken(`is longer than ${mostRowBytes} bytes: a quote may not be closed`);
    const { value, done } = (await this.#chunks?.next()) ?? { done: true };
    this.#isOver = done === true;
    const chunk = value ?? new Uint8Array(0);
    const kept = this.#bytes.subarray(from, -1);
    this.#bytes = new Uint8Array(kept.length + chunk.length + 1);
    this.#bytes.set(kept);
    this.#bytes.set(chunk, kept.length);
    this.#bytes[kept.length + chunk.length] = lineFeed;
    this.#at -= from;
  }

  /** Finds the cells of the next row. @returns whether there is one, whole, in the bytes that are read */
  #nextRow(from: number): boolean {
    const bytes = this.#bytes;
    const end = bytes.length - 1;
    const { delimiter } = this.#format;
    const isBlank = (byte: number | undefined): boolean => (byte === 32 || byte === 9) && byte !== delimiter;
    let at = this.#at;
    for (;;) {
      const before = this.#filled;
      let isQuoted = false;
      for (;;) {
        while (isBlank(bytes[at])) at++;
        let start = at;
        let stop: number;
        isQuoted = bytes[at] === quote;
        if (isQuoted) {
          start++;
          let isDoubled = false;
          let close = bytes.indexOf(quote, start);
          for (; close !== -1 && bytes[close + 1] === quote; close = bytes.indexOf(quote, close + 2))
            isDoubled = true;
          if (close === -1) {
            if (this.#isOver) throw this.#broken("has a quote that is not closed");
            return false;
          }
          at = close + 1;
          while (isBlank(bytes[at])) at++;
          if (this.#ends[bytes[at] ?? 0] === 0) throw this.#broken("has text behind a quoted cell");
          stop = isDoubled ? ~(close - from) : close - from;
        } else {
          while (this.#ends[bytes[at] as number] === 0) at++;
          let last = at;
          while (last > start && isBlank(bytes[last - 1])) last--;
          stop = last - from;
        }
        if (bytes[at] === quote) throw this.#broken("has a quote in the middle of a cell");
        this.#place(start - from, stop);
        if (at >= end || bytes[at] !== delimiter) break;
        at++;
      }
      if (at >= end - 1 && !this.#isOver) return false;
      if (at < end) at += bytes[at] === carriageReturn && bytes[at + 1] === lineFeed && at + 1 < end ? 2 : 1;
      const cells = (this.#filled - before) / 2;
      const isEmpty = cells === 1 && !isQuoted && this.#places[before] === this.#places[before + 1];
      if (!isEmpty) {
        this.#width ??= cells;
        if (cells !== this.#width)
          throw this.#broken(
            `has ${cells} ${cells === 1 ? "cell" : "cells"}, and the first line ${this.#width}`,
          );
        this.#at = at;
        return true;
      }
      this.#filled = before;
      this.#at = at;
      if (at >= end) return false;
    }
  }

  #place(start: number, stop: number): void {
    if (this.#filled + 2 > this.#places.length) {
      const more = new Int32Array(2 * this.#places.length);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.#filled++] = start;
    this.#places[this.#filled++] = stop;
  }

  #broken(why: string): InputError {
    const row = this.#row < 0 ? "its first line" : `row ${this.#row} (counted from 0)`;
    return new InputError({ what: `cannot read "${this.#path}"`, why: `${row} ${why}` });
  }
}

/** A file as UTF-8, without a byte order mark, in pieces of which the first ones are small: often one row is all that is asked for. */
async function* bytesOf(path: string, encoding: CsvFormat["encoding"]): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding);
  const encoder = new TextEncoder();
  try {
    const file = await open(path);
    try {
      for (let size = headBytes, isFirst = true; ; size = Math.min(2 * size, chunkBytes), isFirst = false) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(size), 0, size);
        if (bytesRead === 0) return;
        const bytes = buffer.subarray(0, bytesRead);
        if (encoding !== "utf-8") yield encoder.encode(decoder.decode(bytes, { stream: true }));
        else yield isFirst && bytes[0] === 0xef && bytes[1] === 0xbb ? bytes.subarray(3) : bytes;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
}

interface CsvRows extends Rows {
  /** How many cells a row has. */
  readonly width: number;
}

/** Rows whose cells lie at these places. */
function rowsAt(
  bytes: Uint8Array,
  places: Int32Array,
  count: number,
  { hasDecimalCommas }: Pick<CsvFormat, "hasDecimalCommas">,
): CsvRows {
  const point = hasDecimalCommas ? 44 : 46;
  const otherwise = (cell: string): number => numberOf(hasDecimalCommas ? withoutComma(cell) : cell);
  const width = count === 0 ? 0 : places.length / count / 2;
  const { buffer, byteOffset } = bytes;
  const text = (row: number, column: number): string => {
    const place = 2 * (row * width + column);
    const [start = 0, stop = 0] = [places[place], places[place + 1]];
    const [from, to] = [byteOffset + start, byteOffset + (stop < 0 ? ~stop : stop)];
    const cell = Buffer.from(buffer, from, to - from).toString();
    if (stop < 0) return cell.replaceAll('""', '"');
    return bytes[start - 1] === quote ? cell : cell.trim();
  };
  return {
    count,
    width,
    cell: text,
    numbers: (columns) => {
      const numbers = new Float64Array(count * columns.length);
      let next = 0;
      for (let row = 0; row < count; row++) {
        for (const column of columns) {
          const place = 2 * (row * width + column);
          const number = plainNumber(bytes, places[place] as number, places[place + 1] as number, point);
          numbers[next++] = number === undefined ? otherwise(text(row, column)) : number;
        }
      }
      return numbers;
    },
  };
}
