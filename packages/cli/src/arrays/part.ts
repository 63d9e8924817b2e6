/** Samples of inputs, from one file: what a model is fed is put together from one or several of these. */

import { InputError, OptionError, type InputArray } from "@relprop/core";
import { isMissing } from "./cell-number.ts";
import { sizeOf } from "@relprop/core/internal";
import { fitOf, sizesText, type FedInput, type Fit } from "./fit.ts";
import type { StoredArray } from "./stored-array.ts";
import type { TableColumns, TableInput } from "./table-input.ts";
import type { Rows, Table } from "./table.ts";
import { waysToGive } from "../run/missing-inputs.ts";
import type { WindowPlace } from "../sounds/sound-windows.ts";

/** Values of some samples. */
export interface Taken {
  /** How many samples; fewer than asked for at the end. */
  readonly count: number;
  /** [count, …] by input. */
  readonly values: ReadonlyMap<string, InputArray>;
  /** Samples that cannot be fed, and why. */
  readonly bad: ReadonlyMap<number, InputError>;
  /** Of a sound, where each sample lies in it. */
  readonly windows?: readonly WindowPlace[];
  /** Of a table, what its rows say in the columns that feed nothing, column by column. */
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
  /** Counts its samples where only its end tells. */
  readonly counted: () => Promise<number>;
  /** Samples from `first` on, at most so many. They are asked for in their order; those in between are passed over. */
  readonly take: (first: number, count: number) => Promise<Taken>;
  readonly close: () => Promise<void>;
  /** Names of the columns that inputs are fed from, by input. */
  readonly names?: ReadonlyMap<string, readonly string[]>;
  /** Names of a table's columns that feed nothing. */
  readonly carried?: readonly string[];
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
    counted: async () => samples,
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
function carriedColumns({ columns }: Table, fed: readonly TableInput[]): number[] {
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
  const others = carriedColumns(table, fed);
  const ofNumbers = fed.flatMap(({ from }) => ("columns" in from ? from.columns : []));
  const ofFiles = fed.flatMap(({ from }) => ("pathOf" in from ? [from.column] : []));
  const reader = table.read({ numbers: [...new Set(ofNumbers)], texts: [...others, ...ofFiles] });
  return {
    path,
    inputs: fed.map(({ input }) => input.name),
    count: table.count,
    counted: table.counted,
    names: new Map(
      fed.flatMap(({ input, from }) =>
        "columns" in from ? [[input.name, from.columns.map((i) => table.columns[i] ?? "")] as const] : [],
      ),
    ),
    carried: others.map((column) => table.columns[column] ?? ""),
    ...(table.notes && { notes: table.notes }),
    close: () => reader.close(),
    take: async (first, most) => {
      const rows = await reader.take(first, most);
      const bad = new Map<number, InputError>();
      const values = new Map<string, InputArray>();
      for (const { input, sample, from, replacesMissing = () => false } of fed) {
        const dims = [rows.count, ...sample];
        const data =
          "columns" in from
            ? numbersIn(path, table, rows, { first, columns: from.columns, replacesMissing }, bad)
            : await filesIn(path, rows, first, from, sizeOf(sample), bad);
        values.set(input.name, {
          data: input.dataType === "float32" ? new Float32Array(data) : data,
          dims,
        });
      }
      const column = <Text>(toText: (row: number) => Text): Text[] =>
        Array.from({ length: rows.count }, (_, row) => toText(row));
      const carried = others.map((other) => column((row) => cellText(rows.cell(row, other))));
      const files = new Map(
        fed.flatMap(({ input, from }) =>
          "pathOf" in from
            ? [[input.name, column((row) => from.pathOf(rows.cell(row, from.column)))] as const]
            : [],
        ),
      );
      return { count: rows.count, values, bad, carried, files };
    },
  };
}

function numbersIn(
  path: string,
  table: Table,
  rows: Rows,
  {
    first,
    columns,
    replacesMissing,
  }: { readonly first: number; readonly columns: readonly number[]; readonly replacesMissing: () => boolean },
  bad: Map<number, InputError>,
): Float64Array {
  const numbers = rows.numbers(columns);
  for (let at = 0; at < numbers.length; at++) {
    if (Number.isFinite(numbers[at])) continue;
    const row = Math.floor(at / columns.length);
    const column = columns[at % columns.length] ?? 0;
    if (bad.has(row)) continue;
    const cell = rows.cell(row, column);
    if (isMissing(cell) && replacesMissing()) continue;
    const why =
      cell === null || cell === undefined || String(cell).trim() === ""
        ? "is empty"
        : `is ${JSON.stringify(String(cell).slice(0, 40))}, no number`;
    bad.set(row, badRow(path, first + row, `column "${table.columns[column]}" ${why}`));
  }
  return numbers;
}

/** An error about a row, counted as in the results. */
const badRow = (path: string, row: number, why: string): InputError =>
  new InputError({ what: `cannot explain row ${row} of "${path}" (counted from 0)`, why });

async function filesIn(
  path: string,
  rows: Rows,
  first: number,
  { column, readCell }: Extract<TableColumns, { readonly column: number }>,
  size: number,
  bad: Map<number, InputError>,
): Promise<Float32Array> {
  const data = new Float32Array(rows.count * size);
  const read = async (row: number): Promise<void> => {
    try {
      data.set(await readCell(rows.cell(row, column)), row * size);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (!bad.has(row)) bad.set(row, badRow(path, first + row, `${error.what}: ${error.why}`));
    }
  };
  await Promise.all(Array.from({ length: rows.count }, (_, row) => read(row)));
  return data;
}

/** @throws OptionError naming the inputs that nothing feeds */
export function requireAllFed(inputs: readonly FedInput[], fed: ReadonlySet<string>): void {
  const missing = inputs.filter(({ name }) => !fed.has(name));
  if (missing.length === 0) return;
  const list = missing
    .map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`)
    .join(", ");
  throw new OptionError({
    what: "cannot run the model",
    why: `nothing feeds ${list}`,
    fix: waysToGive(missing),
  });
}
