/** Tables as they lie in files: rows are samples, columns have names. */

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { InputError } from "@relprop/core";
import { parse } from "csv-parse";
import { csvForm, formBytes, withoutComma, type CsvForm } from "./csv-form.ts";
import { endsOf } from "../files/file-ends.ts";

/** What stands in a row, column by column: text as it is in the file, numbers where the format has them. */
export type Row = readonly unknown[];

/** A table of a file. */
export interface Table {
  /** Names of its columns; numbers from 0 where the file has none. */
  readonly columns: readonly string[];
  /** How many rows it has; undefined where only its end tells. */
  readonly count: number | undefined;
  /** All rows in their order, some at a time. @throws InputError where the file is broken */
  readonly rows: () => AsyncIterable<readonly Row[]>;
  /** The number that a cell means, NaN if it means none. @default {@link numberOf} */
  readonly numberOf?: (cell: unknown) => number;
  /** What of its form is not as usual, in words. */
  readonly notes?: readonly string[];
}

/** So many rows are handed on at a time. */
const together = 256;

/**
 * A file of lines whose values are parted by commas, semicolons or tabs. Its first line has the names, unless all of it are
 * numbers.
 * @throws InputError if it cannot be read, or is empty
 */
export async function openCsv(path: string): Promise<Table> {
  const { head } = await endsOf(path, formBytes).catch((error: unknown) => {
    throw cannotRead(path, error instanceof Error ? error.message : String(error));
  });
  const form = csvForm(path, head);
  const first = await firstOf(csvRows(path, form));
  if (!first) throw cannotRead(path, "it is empty");
  const toNumber = form.hasDecimalCommas ? (cell: unknown) => numberOf(withoutComma(cell)) : numberOf;
  const hasNames = first.some((cell) => !Number.isFinite(toNumber(cell)));
  const columns = hasNames ? first.map((name) => String(name).trim()) : first.map((_, i) => String(i));
  return {
    columns,
    count: undefined,
    numberOf: toNumber,
    notes: form.notes,
    rows: async function* () {
      let rows: Row[] = [];
      let isHead = hasNames;
      for await (const row of csvRows(path, form)) {
        if (isHead) {
          isHead = false;
          continue;
        }
        rows.push(row);
        if (rows.length < together) continue;
        yield rows;
        rows = [];
      }
      if (rows.length > 0) yield rows;
    },
  };
}

async function* csvRows(path: string, { delimiter, encoding }: CsvForm): AsyncGenerator<readonly string[]> {
  const parser = parse({
    bom: true,
    delimiter,
    skip_empty_lines: true,
    trim: true,
    max_record_size: 1 << 24,
  });
  const source = encoding === "utf-8" ? createReadStream(path) : Readable.from(decoded(path, encoding));
  source.on("error", (error: Error) => parser.destroy(error));
  try {
    for await (const row of source.pipe(parser)) yield row as string[];
  } catch (error) {
    throw cannotRead(path, error instanceof Error ? error.message : String(error));
  } finally {
    source.destroy();
  }
}

async function* decoded(path: string, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of createReadStream(path))
    yield decoder.decode(chunk as Uint8Array, { stream: true });
}

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item;
  return undefined;
}

/** A table whose rows are there already, as objects. @param path what errors call it */
export function tableOf(path: string, objects: readonly Readonly<Record<string, unknown>>[]): Table {
  const columns = [...new Set(objects.flatMap((each) => Object.keys(each)))];
  if (columns.length === 0) throw cannotRead(path, "it has no columns");
  return {
    columns,
    count: objects.length,
    rows: async function* () {
      for (let at = 0; at < objects.length; at += together)
        yield objects.slice(at, at + together).map((each) => columns.map((column) => each[column]));
    },
  };
}

/** What Parquet files begin and end with. */
const parquetMark = "PAR1";

/** A Parquet file; its row groups are read one after the other. @throws InputError if it cannot be read */
export async function openParquet(path: string): Promise<Table> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } =
    await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const trying = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotRead(path, error instanceof Error ? error.message : String(error));
    }
  };
  const isParquet = async (): Promise<boolean> => {
    const ends = Object.values(await endsOf(path, parquetMark.length));
    return ends.every((end: Uint8Array) => new TextDecoder().decode(end) === parquetMark);
  };
  if (!(await trying(isParquet))) throw cannotRead(path, "it is no Parquet file, or cut short");
  const file = await trying(() => asyncBufferFromFile(path));
  const metadata = await trying(() => parquetMetadataAsync(file));
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  const count = Number(metadata.num_rows);
  return {
    columns,
    count,
    rows: async function* () {
      const step = 4096;
      for (let rowStart = 0; rowStart < count; rowStart += step) {
        const rowEnd = Math.min(count, rowStart + step);
        const rows = await trying(() =>
          parquetReadObjects({ file, metadata, compressors, columns, rowStart, rowEnd }),
        );
        yield rows.map((row) => columns.map((column) => row[column]));
      }
    },
  };
}

/** The number that a cell means, NaN if it means none. Yes and no are 1 and 0. */
export function numberOf(cell: unknown): number {
  switch (typeof cell) {
    case "number":
      return cell;
    case "bigint":
      return Number(cell);
    case "boolean":
      return cell ? 1 : 0;
    case "string": {
      if (cell === "") return Number.NaN;
      const number = Number(cell);
      if (!Number.isNaN(number)) return number;
      return truths.get(cell.toLowerCase()) ?? Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

const truths: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["false", 0],
]);

const cannotRead = (path: string, why: string): InputError =>
  new InputError({ what: `cannot read "${path}"`, why: why.split("\n")[0] ?? why });
