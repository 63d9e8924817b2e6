/** Tables as they lie in files: rows are samples, columns have names. */

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { InputError } from "@relprop/core";
import { parse } from "csv-parse";

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
}

/** So many rows are handed on at a time. */
const together = 256;

/** What a line of a file is looked for in to tell what parts its columns. */
const headBytes = 1 << 16;

/**
 * A file of lines whose values are parted by commas, semicolons or tabs. Its first line has the names, unless all of it are
 * numbers.
 * @throws InputError if it cannot be read, or is empty
 */
export async function openCsv(path: string): Promise<Table> {
  const head = await headOf(path);
  const delimiter = delimiterOf(head);
  const first = await firstOf(csvRows(path, delimiter));
  if (!first) throw cannotRead(path, "it is empty");
  const hasNames = first.some((cell) => !Number.isFinite(numberOf(cell)));
  const columns = hasNames ? first.map((name) => String(name).trim()) : first.map((_, i) => String(i));
  return {
    columns,
    count: undefined,
    rows: async function* () {
      let rows: Row[] = [];
      let isHead = hasNames;
      for await (const row of csvRows(path, delimiter)) {
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

async function* csvRows(path: string, delimiter: string): AsyncGenerator<readonly string[]> {
  const parser = parse({
    bom: true,
    delimiter,
    skip_empty_lines: true,
    trim: true,
    max_record_size: 1 << 24,
  });
  const stream = createReadStream(path);
  stream.on("error", (error) => parser.destroy(error));
  try {
    for await (const row of stream.pipe(parser)) yield row as string[];
  } catch (error) {
    throw cannotRead(path, error instanceof Error ? error.message : String(error));
  } finally {
    stream.destroy();
  }
}

async function headOf(path: string): Promise<string> {
  const file = await open(path).catch((error: unknown) => {
    throw cannotRead(path, error instanceof Error ? error.message : String(error));
  });
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** What parts the first line in most pieces. */
function delimiterOf(head: string): string {
  const [line = ""] = head.split(/\r?\n/);
  const plain = line.replaceAll(/"[^"]*"/g, "");
  const parts = (mark: string): number => plain.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (parts(mark) > parts(best) ? mark : best));
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
