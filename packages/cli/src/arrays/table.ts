/** Tables as they lie in files: rows are samples, columns have names. */

import { InputError } from "@relprop/core";
import { numberOf } from "./cell-number.ts";

/** Some rows of a table. */
export interface Rows {
  readonly count: number;
  /** What a cell says: text as it is in the file, numbers where the format has them. */
  readonly cell: (row: number, column: number) => unknown;
  /** The numbers of columns, row by row, [count, columns]; NaN where a cell means none. */
  readonly numbers: (columns: readonly number[]) => Float64Array;
}

/** Reads a table's rows. It is quickest from the first to the last. */
export interface RowReader {
  /** Rows from `first` on, at most so many; fewer at the end. @throws InputError where the file is broken */
  readonly take: (first: number, count: number) => Promise<Rows>;
  readonly close: () => Promise<void>;
}

/** What is wanted of a table. */
export interface WantedColumns {
  readonly numbers: readonly number[];
  readonly texts: readonly number[];
}

/** A table of a file. */
export interface Table {
  /** Names of its columns; numbers from 0 where the file has none. */
  readonly columns: readonly string[];
  /** How many rows it has; undefined where only its end tells. */
  readonly count: number | undefined;
  /** Counts its rows where only its end tells. */
  readonly counted: () => Promise<number>;
  /** @param wanted columns whose numbers, and whose cells are wanted. @default all cells */
  readonly read: (wanted?: WantedColumns) => RowReader;
  /** The number that a cell means, NaN if it means none. @default {@link numberOf} */
  readonly numberOf?: (cell: unknown) => number;
  /** What of its form is not as usual, in words. */
  readonly notes?: readonly string[];
}

/** Rows whose cells are there already. */
export const rowsOf = (count: number, cell: Rows["cell"]): Rows => ({
  count,
  cell,
  numbers: (columns) => {
    const numbers = new Float64Array(count * columns.length);
    let next = 0;
    for (let row = 0; row < count; row++)
      for (const column of columns) numbers[next++] = numberOf(cell(row, column));
    return numbers;
  },
});

/** A table whose rows are there already, as objects. @param path what errors call it */
export function tableOf(path: string, objects: readonly Readonly<Record<string, unknown>>[]): Table {
  const columns = [...new Set(objects.flatMap((each) => Object.keys(each)))];
  if (columns.length === 0) throw cannotRead(path, "it has no columns");
  return {
    columns,
    count: objects.length,
    counted: async () => objects.length,
    read: () => ({
      take: async (first, most) =>
        rowsOf(
          Math.max(0, Math.min(most, objects.length - first)),
          (row, column) => objects[first + row]?.[columns[column] ?? ""],
        ),
      close: async () => undefined,
    }),
  };
}

/** An error about a whole file. */
export const cannotRead = (path: string, error: unknown): InputError => {
  if (error instanceof InputError) return error;
  const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return new InputError({ what: `cannot read "${path}"`, why });
};
