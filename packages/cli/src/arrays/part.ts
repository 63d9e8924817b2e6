/** Samples of inputs, from one file: what a model is fed is put together from one or several of these. */

import { InputError, OptionError, type InputArray } from "@relprop/core";
import { sizeOf } from "@relprop/core/internal";
import { fitOf, sizesText, type FedInput, type Fit } from "./fit.ts";
import type { StoredArray } from "./stored-array.ts";
import type { TableColumns, TableInput } from "./table-input.ts";
import { numberOf, type Row, type Table } from "./table.ts";

/** Values of some samples. */
export interface Taken {
  /** How many samples; fewer than asked for at the end. */
  readonly count: number;
  /** [count, …] by input. */
  readonly values: ReadonlyMap<string, InputArray>;
  /** Samples that cannot be fed, and why. */
  readonly bad: ReadonlyMap<number, InputError>;
  /** Of a table, what each row says in the columns that feed nothing. */
  readonly carried?: readonly (readonly string[])[];
  /** The file of each sample, by the inputs that pictures, or files that a table names, feed. */
  readonly files?: ReadonlyMap<string, readonly string[]>;
}

/** Samples of a file. */
export interface Part {
  /** The file's name. */
  readonly path: string;
  /** The inputs that it feeds. */
  readonly inputs: readonly string[];
  /** How many samples it has; undefined where only its end tells. */
  readonly count: number | undefined;
  /** Samples from `first` on, at most so many. They are asked for in their order; those in between are passed over. */
  readonly take: (first: number, count: number) => Promise<Taken>;
  readonly close: () => Promise<void>;
  /** All rows, of a table. */
  readonly rows?: Table["rows"];
  /** Names of the columns that inputs are fed from, by input. */
  readonly names?: ReadonlyMap<string, readonly string[]>;
  /** What of the file's form is not as usual, or guessed, in words. */
  readonly notes?: readonly string[];
}

const nothingBad: ReadonlyMap<number, InputError> = new Map();

/** How a model counts samples. */
export interface Batching {
  /** Whether it is known: before the model is compiled it is not, and samples are not compared in number. */
  readonly isKnown: boolean;
  /** Inputs that are fed a file's array as it is: their first axis counts no samples. */
  readonly whole: ReadonlySet<string>;
  /** The axis of these that does, if there is one. */
  readonly batchAxis: number | undefined;
}

/** The samples of arrays. @throws InputError if they do not fit the inputs, or each other */
export function partOfArrays(
  path: string,
  fed: readonly { readonly input: FedInput; readonly array: StoredArray }[],
  { whole, batchAxis }: Batching,
): Part {
  const fits = fed.map(({ input, array }) => ({
    input,
    array,
    isWhole: whole.has(input.name),
    fit: whole.has(input.name) ? wholeFit(array, batchAxis) : requireFit(path, input, array),
  }));
  const counts = new Set(fits.filter(({ fit }) => fit.isStacked).map(({ fit }) => fit.samples));
  if (counts.size > 1) {
    const list = fits.map(({ input, fit }) => `${fit.samples} of "${input.name}"`).join(", ");
    throw new InputError({
      what: `cannot use "${path}"`,
      why: `its arrays have ${list}`,
      fix: "give as many of each",
    });
  }
  const [samples = 1] = counts;
  return {
    path,
    inputs: fits.map(({ input }) => input.name),
    count: samples,
    close: async () => undefined,
    take: async (first, most) => {
      const count = Math.max(0, Math.min(most, samples - first));
      const values = new Map<string, InputArray>();
      for (const { input, array, fit, isWhole } of fits) {
        if (isWhole) {
          values.set(input.name, await array.read(0, array.dims[0] ?? 1));
          continue;
        }
        const own = fit.isStacked ? await array.read(first, count) : await array.read(0, array.dims[0] ?? 1);
        values.set(
          input.name,
          fit.isStacked ? { ...own, dims: [count, ...fit.sample] } : filledUp(own, count, fit.sample),
        );
      }
      return { count, values, bad: nothingBad };
    },
  };
}

/** So many samples: those there are, and the last of them again. @param sample sizes of one */
export function filledUp({ data }: InputArray, count: number, sample: readonly number[]): InputArray {
  const dims = [count, ...sample];
  const size = sizeOf(sample);
  if (data.length >= count * size) return { data, dims };
  const all = new Float64Array(count * size);
  for (let i = 0; i < all.length; i++)
    all[i] = Number(data[i < data.length ? i : data.length - size + (i % size)]);
  return { data: all, dims };
}

const wholeFit = ({ dims }: StoredArray, batchAxis: number | undefined): Fit => ({
  samples: batchAxis === undefined || batchAxis === 0 ? 1 : (dims[batchAxis] ?? 1),
  isStacked: batchAxis !== undefined && batchAxis !== 0,
  sample: dims,
});

function requireFit(path: string, input: FedInput, { dims }: StoredArray): Fit {
  const fit = fitOf(dims, input);
  if (fit) return fit;
  throw new InputError({
    what: `cannot feed "${path}"`,
    where: `input "${input.name}"`,
    why: `it is ${sizesText(dims)}, and the model takes [${input.shape.join(", ")}], or a sample of it without the first axis`,
  });
}

/** The columns of a table that feed nothing: what rows are found again by. */
export function carriedColumns({ columns }: Table, fed: readonly TableInput[]): number[] {
  const used = new Set(fed.flatMap(({ from }) => ("columns" in from ? from.columns : [from.column])));
  return [...columns.keys()].filter((column) => !used.has(column));
}

/** A cell as a text. */
const cellText = (cell: unknown): string =>
  typeof cell === "string" ? cell : cell === null || cell === undefined ? "" : textOf(cell);

const textOf = (cell: unknown): string => {
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
};

/** The samples of a table: a row is one. */
export function partOfTable(path: string, table: Table, fed: readonly TableInput[]): Part {
  const rows = new RowReader(table);
  const others = carriedColumns(table, fed);
  return {
    path,
    inputs: fed.map(({ input }) => input.name),
    count: table.count,
    rows: table.rows,
    names: new Map(
      fed.flatMap(({ input, from }) =>
        "columns" in from ? [[input.name, from.columns.map((i) => table.columns[i] ?? "")] as const] : [],
      ),
    ),
    ...(table.notes && { notes: table.notes }),
    close: () => rows.close(),
    take: async (first, count) => {
      const taken = await rows.take(first, count);
      const bad = new Map<number, InputError>();
      const values = new Map<string, InputArray>();
      for (const { input, sample, from } of fed) {
        values.set(
          input.name,
          "columns" in from
            ? numbersIn(path, table, taken, first, from.columns, sample, bad)
            : await filesIn(path, taken, first, from, sample, bad),
        );
      }
      const carried = taken.map((row) => others.map((column) => cellText(row[column])));
      const files = new Map(
        fed.flatMap(({ input, from }) =>
          "pathOf" in from ? [[input.name, taken.map((row) => from.pathOf(row[from.column]))] as const] : [],
        ),
      );
      return { count: taken.length, values, bad, carried, files };
    },
  };
}

function numbersIn(
  path: string,
  table: Table,
  rows: readonly Row[],
  first: number,
  columns: readonly number[],
  sample: readonly number[],
  bad: Map<number, InputError>,
): InputArray {
  const data = new Float64Array(rows.length * columns.length);
  const { numberOf: toNumber = numberOf } = table;
  let at = 0;
  for (const [i, row] of rows.entries()) {
    for (const column of columns) {
      const number = toNumber(row[column]);
      data[at++] = number;
      if (Number.isFinite(number) || bad.has(i)) continue;
      const cell = row[column];
      const why =
        cell === "" || cell === null || cell === undefined
          ? "is empty"
          : `is ${JSON.stringify(String(cell).slice(0, 40))}, no number`;
      bad.set(i, badRow(path, first + i, `column "${table.columns[column]}" ${why}`));
    }
  }
  return { data, dims: [rows.length, ...sample] };
}

/** An error about a row, counted as in the results. */
const badRow = (path: string, row: number, why: string): InputError =>
  new InputError({ what: `cannot explain row ${row} of "${path}" (counted from 0)`, why });

async function filesIn(
  path: string,
  rows: readonly Row[],
  first: number,
  { column, readCell }: Extract<TableColumns, { readonly column: number }>,
  sample: readonly number[],
  bad: Map<number, InputError>,
): Promise<InputArray> {
  const size = sizeOf(sample);
  const data = new Float32Array(rows.length * size);
  const read = async (row: Row, i: number): Promise<void> => {
    try {
      data.set(await readCell(row[column]), i * size);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (!bad.has(i)) bad.set(i, badRow(path, first + i, `${error.what}: ${error.why}`));
    }
  };
  await Promise.all(rows.map(read));
  return { data, dims: [rows.length, ...sample] };
}

/** Hands on a table's rows, so many at a time, from the first to the last. */
class RowReader {
  readonly #chunks: AsyncIterator<readonly Row[]>;
  #rows: Row[] = [];
  /** The row that `#rows` begins with. */
  #at = 0;

  constructor(table: Table) {
    this.#chunks = table.rows()[Symbol.asyncIterator]();
  }

  async take(first: number, count: number): Promise<readonly Row[]> {
    if (first < this.#at) throw new Error(`row ${first} has been passed`);
    while (this.#at + this.#rows.length < first + count) {
      const dropped = Math.min(this.#rows.length, first - this.#at);
      this.#rows = this.#rows.slice(dropped);
      this.#at += dropped;
      const next = await this.#chunks.next();
      if (next.done === true) break;
      this.#rows.push(...next.value);
    }
    const start = first - this.#at;
    const taken = this.#rows.slice(start, start + count);
    this.#rows = this.#rows.slice(start + taken.length);
    this.#at = first + taken.length;
    return taken;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** @throws OptionError naming the inputs that nothing feeds */
export function requireAllFed(inputs: readonly FedInput[], fed: ReadonlySet<string>): void {
  const missing = inputs.filter(({ name }) => !fed.has(name));
  const [first] = missing;
  if (!first) return;
  const list = missing
    .map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`)
    .join(", ");
  throw new OptionError({
    what: "cannot run the model",
    why: `nothing feeds ${list}`,
    fix: `give ${missing.length === 1 ? "it" : "each"} with --feed ${first.name}=FILE`,
  });
}
