/** What of a table's rows an input is made of. */

import type { FedInput } from "./fit.ts";

/** The numbers of a sample, from what a cell says. @throws InputError if they cannot be had */
export type ReadCell = (cell: unknown) => Promise<ArrayLike<number>>;

/** What of a row an input is made of: numbers of columns, or the file that one of them names. */
export type TableColumns =
  | { readonly columns: readonly number[] }
  | {
      readonly column: number;
      readonly readCell: ReadCell;
      /** The file that a cell names. */
      readonly pathOf: (cell: unknown) => string;
    };

/** An input that rows of a table feed. */
export interface TableInput {
  readonly input: FedInput;
  /** Sizes of a sample. */
  readonly sample: readonly number[];
  /** Whether the model replaces missing numbers itself; asked where one is missing. */
  readonly replacesMissing?: () => boolean;
  /** The columns of its numbers, or the one that names files. */
  readonly from: TableColumns;
}
