/** A file of lines -> numbers and texts of its rows, some at a time. A part of the file is in memory. */

import { open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { numberOf, numberWithComma } from "./cell-number.ts";
import type { CsvForm } from "./csv-form.ts";
import { CsvRows } from "./csv-rows.ts";

/** What is read of a file. */
export interface CsvSource {
  readonly path: string;
  readonly form: CsvForm;
  /** Whether the first line has names. */
  readonly hasNames: boolean;
  /** Columns whose numbers are wanted, and those whose texts are. */
  readonly numbers: readonly number[];
  readonly texts: readonly number[];
}

/** Some rows. */
export interface CsvBlock {
  readonly count: number;
  /** [count, numbers]; NaN or infinite where a cell means none. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Texts of each of those columns. */
  readonly texts: readonly (readonly string[])[];
  /** What cells say that mean no number, by their place in `numbers`. */
  readonly bad: ReadonlyMap<number, string>;
  /** How many rows are passed, these included. */
  readonly passed: number;
}

/** The first piece that is read, in bytes: often one row is all that is asked for. */
const firstBytes = 1 << 16;
const mostBytes = 1 << 20;

/** The number that a cell means, NaN if it means none. */
export const numberIn = ({ hasDecimalCommas }: CsvForm): ((cell: unknown) => number) =>
  hasDecimalCommas ? numberWithComma : numberOf;

/** Reads a file's rows. */
export class CsvBlocks {
  readonly #source: CsvSource;
  #pieces: AsyncIterator<string> | undefined;
  #isOver = false;
  #rows: CsvRows;
  /** Rows that are read and not yet passed. */
  #ready: readonly string[][] = [];
  #next = 0;
  /** Index of the row that comes next; −1 before a line of names. */
  #at = 0;

  constructor(source: CsvSource) {
    this.#source = source;
    this.#rows = this.#start();
  }

  /** Rows from `first` on, at most so many; fewer at the end. @throws Error where the file cannot be read */
  async take(first: number, count: number): Promise<CsvBlock> {
    if (first < this.#at) {
      await this.close();
      this.#rows = this.#start();
    }
    while (this.#at < first && (this.#next < this.#ready.length || (await this.#read()))) {
      const passed = Math.min(first - this.#at, this.#ready.length - this.#next);
      this.#next += passed;
      this.#at += passed;
    }
    const { numbers: wanted, texts: kept, form } = this.#source;
    const toNumber = numberIn(form);
    const numbers = new Float64Array(count * wanted.length);
    const texts = kept.map((): string[] => []);
    const bad = new Map<number, string>();
    let taken = 0;
    let place = 0;
    while (taken < count && (this.#next < this.#ready.length || (await this.#read()))) {
      const row = this.#ready[this.#next++] as string[];
      for (const column of wanted) {
        const cell = row[column] as string;
        const number = toNumber(cell);
        if (!Number.isFinite(number)) bad.set(place, cell.trim());
        numbers[place++] = number;
      }
      for (const [i, column] of kept.entries()) texts[i]?.push((row[column] as string).trim());
      taken++;
      this.#at++;
    }
    return { count: taken, numbers: numbers.slice(0, place), texts, bad, passed: Math.max(0, this.#at) };
  }

  /** All cells of the first row or line of names; undefined if there is none. */
  async firstRow(): Promise<string[] | undefined> {
    if (this.#ready.length === 0 && !(await this.#read())) return undefined;
    return this.#ready[0]?.map((cell) => cell.trim());
  }

  async close(): Promise<void> {
    await this.#pieces?.return?.();
  }

  #start(): CsvRows {
    const { path, form, hasNames } = this.#source;
    this.#pieces = piecesOf(path, form.encoding)[Symbol.asyncIterator]();
    this.#isOver = false;
    this.#ready = [];
    this.#next = 0;
    this.#at = hasNames ? -1 : 0;
    return new CsvRows(form, hasNames);
  }

  /** Gets more rows ready. @returns whether there are some */
  async #read(): Promise<boolean> {
    for (;;) {
      if (this.#rows.fault) throw this.#rows.fault;
      if (this.#isOver) return false;
      const { value, done } = (await this.#pieces?.next()) ?? { done: true };
      this.#isOver = done === true;
      this.#ready = this.#rows.push(this.#isOver ? "" : (value ?? ""), this.#isOver);
      this.#next = 0;
      if (this.#ready.length > 0) return true;
    }
  }
}

/** What TextDecoder does, and for UTF-8 three times as fast. */
function decoderOf(encoding: CsvForm["encoding"]): (bytes?: Uint8Array) => string {
  if (encoding !== "utf-8") {
    const decoder = new TextDecoder(encoding);
    return (bytes) => decoder.decode(bytes, { stream: bytes !== undefined });
  }
  const decoder = new StringDecoder("utf8");
  let isFirst = true;
  return (bytes) => {
    const text = bytes ? decoder.write(bytes) : decoder.end();
    const hasMark = isFirst && text.startsWith("\uFEFF");
    isFirst &&= text === "";
    return hasMark ? text.slice(1) : text;
  };
}

async function* piecesOf(path: string, encoding: CsvForm["encoding"]): AsyncGenerator<string> {
  const decode = decoderOf(encoding);
  const file = await open(path);
  try {
    for (let size = firstBytes; ; size = Math.min(2 * size, mostBytes)) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(size), 0, size);
      if (bytesRead === 0) break;
      yield decode(buffer.subarray(0, bytesRead));
    }
    yield decode();
  } finally {
    await file.close();
  }
}
