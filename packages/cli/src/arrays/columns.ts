/** Which columns of a table feed which inputs. */

import { dirname, extname, resolve } from "node:path";
import { existsSync } from "node:fs";
import { InputError } from "@relprop/core";
import { sizeOf } from "@relprop/core/internal";
import { fitOf, sizesText, type FedInput } from "./fit.ts";
import { openFile } from "./open-file.ts";
import type { ReadCell, TableInput } from "./table-input.ts";
import { isMissing, numberOf } from "./cell-number.ts";
import type { Table } from "./table.ts";
import { imageFiles, isOfKind } from "../files/find-files.ts";

/** The cells of a row. */
type Row = readonly unknown[];

/** How tables are read. */
export interface ColumnChoices {
  /** Names of the columns that are features, in the model's order. @default all that hold numbers */
  readonly columns?: readonly string[];
  /** What the user or the card calls the model's features, in their order. */
  readonly names?: readonly string[];
  /** Reads a picture that a cell names, for an input that takes pictures. */
  readonly readPicture: (path: string, input: FedInput) => Promise<ArrayLike<number>>;
}

/** What `first_name` and `first name` have in common. */
const plain = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "_");

/**
 * Finds what each input is made of: columns of its name, one value each; a column of file names for an input of several
 * axes; else all columns that hold numbers, as many as the input takes.
 * @param first the table's first row
 * @param inputs those that nothing else feeds
 * @throws InputError if there is no way, or more than one
 */
export function columnInputs(
  path: string,
  table: Table,
  first: Row,
  inputs: readonly FedInput[],
  { columns: chosen, names, readPicture }: ColumnChoices,
): TableInput[] {
  const { columns } = table;
  const { numberOf: toNumber = numberOf } = table;
  const isNumber = columns.map(
    (_, i) => Number.isFinite(toNumber(first[i])) || (first[i] !== undefined && isMissing(first[i])),
  );
  const fed: TableInput[] = [];
  const used = new Set<number>();
  const columnCalled = (name: string): number | undefined => theColumn(path, columns, name);
  const perName = inputs.filter((input) => isOne(input) && columnCalled(input.name) !== undefined);
  // The only input may well be called as one of its features.
  const isByName = perName.length > 1 || (perName.length === 1 && inputs.length > 1);
  for (const input of isByName ? perName : []) {
    const column = columnCalled(input.name) ?? 0;
    used.add(column);
    fed.push({ input, sample: input.shape.slice(1).map(() => 1), from: { columns: [column] } });
  }
  let left = inputs.filter((input) => !fed.some((each) => each.input === input));
  for (const input of left.filter(({ shape }) => shape.length > 2)) {
    const column = fileColumn(path, columns, first, used);
    const sample = input.shape.slice(1).filter((dim) => typeof dim === "number");
    if (column === undefined || sample.length < input.shape.length - 1) continue;
    used.add(column);
    const pathOf = (cell: unknown): string => placeOf(path, String(cell));
    const readCell = cellReader(pathOf, input, readPicture);
    fed.push({ input, sample, from: { column, readCell, pathOf } });
  }
  left = inputs.filter((input) => !fed.some((each) => each.input === input));
  if (left.length === 0) return fed;
  if (left.length > 1) {
    throw new InputError({
      what: `cannot feed "${path}"`,
      why: `its columns (${listed(columns)}) are named as none of the inputs ${left.map(({ name }) => `"${name}"`).join(", ")}`,
      fix: "name columns as the inputs, or give inputs of their own with --feed NAME=FILE",
    });
  }
  const [input] = left as [FedInput];
  const ofNumbers = [...columns.keys()].filter((i) => isNumber[i] === true && !used.has(i));
  const features = chosen ? chosenColumns(path, columns, chosen) : ofNumbers;
  const sample = input.shape.slice(1);
  const open = sample.filter((dim) => typeof dim === "string");
  const known = sizeOf(sample.filter((dim) => typeof dim === "number"));
  const isFit =
    open.length === 0 ? features.length === known : open.length === 1 && features.length % known === 0;
  if (!isFit || features.length === 0) throw misfit(path, columns, features, input, chosen !== undefined);
  const called = features.map((i) => columns[i] ?? "");
  for (const name of called) theColumn(path, called, name);
  if (names && sample.length === 1) requireNames(path, called, names);
  const sizes = sample.map((dim) => (typeof dim === "number" ? dim : features.length / known));
  return [...fed, { input, sample: sizes, from: { columns: features } }];
}

const isOne = ({ shape }: FedInput): boolean => shape.slice(1).every((dim) => dim === 1);

/** The column of a name, spelled as it is, else nearly so. @throws InputError if there are several */
function theColumn(path: string, columns: readonly string[], name: string): number | undefined {
  const exact = [...columns.keys()].filter((i) => columns[i] === name);
  const like =
    exact.length > 0 ? exact : [...columns.keys()].filter((i) => plain(columns[i] ?? "") === plain(name));
  if (like.length < 2) return like[0];
  throw new InputError({
    what: `cannot tell columns of "${path}" apart`,
    why: `${like.length} of them are called "${name}"`,
    fix: "give each column a name of its own",
  });
}

/** The columns that `--columns` names. @throws InputError for a name that is none's, and for one that is there twice */
function chosenColumns(path: string, columns: readonly string[], chosen: readonly string[]): number[] {
  const found = chosen.map((name) => {
    const column = theColumn(path, columns, name);
    if (column !== undefined) return column;
    throw new InputError({
      what: `"${path}" has no column "${name}"`,
      why: `its columns are ${listed(columns)}`,
    });
  });
  const twice = found.find((column, i) => found.indexOf(column) !== i);
  if (twice === undefined) return found;
  throw new InputError({
    what: `cannot feed "${path}"`,
    why: `--columns names "${columns[twice]}" twice`,
    fix: "name each column once, in the order of the model's features",
  });
}

/** Whether a table has numbers in place of names. */
export const areUnnamed = (columns: readonly string[]): boolean =>
  columns.every((name, i) => name === String(i));

/** @throws InputError if a table's header says otherwise than the names that are given for the model's features */
function requireNames(path: string, columns: readonly string[], names: readonly string[]): void {
  const refuse = (why: string): InputError =>
    new InputError({
      what: `the names of the model's features are not those of "${path}"`,
      why,
      fix: "name its columns in the model's order with --columns, or correct --labels-input (or the card's features)",
    });
  if (names.length !== columns.length)
    throw refuse(`there are ${names.length} names and ${columns.length} columns`);
  if (areUnnamed(columns)) return;
  const known = new Set(columns.map(plain));
  const foreign = names.find((name) => !known.has(plain(name)));
  if (foreign !== undefined)
    throw refuse(`no column is called "${foreign}"; its columns are ${listed(columns)}`);
  const at = names.findIndex((name, i) => plain(name) !== plain(columns[i] ?? ""));
  if (at !== -1) throw refuse(`feature ${at} is "${names[at]}", and the column there is "${columns[at]}"`);
}

const mostListed = 12;
const listed = (names: readonly string[]): string =>
  names.length <= mostListed
    ? names.join(", ")
    : `${names.slice(0, mostListed).join(", ")} and ${names.length - mostListed} more`;

function misfit(
  path: string,
  columns: readonly string[],
  features: readonly number[],
  { name, shape }: FedInput,
  isChosen: boolean,
): InputError {
  const wanted = shape.slice(1);
  const few = isChosen ? "--columns names" : "it has";
  const others = columns.length - features.length;
  const rest = isChosen || others === 0 ? "" : `, and ${others} of other things`;
  return new InputError({
    what: `cannot feed "${path}"`,
    where: `input "${name}"`,
    why: `${few} ${features.length} columns of numbers (${listed(features.map((i) => columns[i] ?? ""))})${rest}; the model takes ${sizesText(wanted)}`,
    fix: "name the columns that are its features, in its order, with --columns a,b,c",
  });
}

/** The column that names files: one that is called so, else the only one whose first cell is the name of a file. */
function fileColumn(
  path: string,
  columns: readonly string[],
  first: Row,
  used: ReadonlySet<number>,
): number | undefined {
  const named = columns.flatMap((_, i) => {
    const cell = first[i];
    return typeof cell === "string" && !used.has(i) && existsSync(placeOf(path, cell)) && cell !== ""
      ? [i]
      : [];
  });
  return named.length > 1 ? named.find((i) => /file|path|image|picture/i.test(columns[i] ?? "")) : named[0];
}

/** Files are named from the table's folder on. */
const placeOf = (table: string, cell: string): string => resolve(dirname(table), cell);

function cellReader(
  pathOf: (cell: unknown) => string,
  input: FedInput,
  readPicture: ColumnChoices["readPicture"],
): ReadCell {
  return async (cell) => {
    const path = pathOf(cell);
    const cannot = (why: string): InputError => new InputError({ what: `cannot feed "${path}"`, why });
    if (isOfKind(path, imageFiles)) {
      if (input.shape.length === 4) return readPicture(path, input);
      throw cannot(`it is a picture, and the model takes [${input.shape.join(", ")}]`);
    }
    const opened = await openFile(path);
    const array = opened.kind === "arrays" ? [...opened.arrays.values()][0] : undefined;
    const fit = array && fitOf(array.dims, input);
    if (!array || !fit || fit.samples !== 1)
      throw cannot(`${extname(path)} holds no single sample of [${input.shape.join(", ")}]`);
    const { data } = await array.read(0, array.dims[0] ?? 1);
    return data instanceof BigInt64Array ? Array.from(data, Number) : data;
  };
}
