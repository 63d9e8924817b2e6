/** A file of numbers -> its arrays, or its table, by what its name ends in. */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { InputError } from "@relprop/core";
import { unzipSync } from "fflate";
import { openCsv } from "./csv.ts";
import type { FileKind } from "../files/find-files.ts";
import { inMemory, npyInMemory, openNpy, type StoredArray } from "./stored-array.ts";
import { openParquet } from "./parquet.ts";
import { tableOf, type Table } from "./table.ts";

/** What a file holds. */
export type OpenedFile =
  | {
      readonly kind: "arrays";
      /** By name; the only one of a file that names none is "". */
      readonly arrays: ReadonlyMap<string, StoredArray>;
    }
  | { readonly kind: "table"; readonly table: Table };

/** Files of numbers. */
export const arrayFiles: FileKind = {
  noun: "arrays",
  extensions: ["npy", "npz", "csv", "tsv", "parquet", "json", "jsonl"],
};

const alone = (array: StoredArray): OpenedFile => ({ kind: "arrays", arrays: new Map([["", array]]) });

const openers: Readonly<Record<string, (path: string) => Promise<OpenedFile>>> = {
  npy: async (path) => alone(await openNpy(path)),
  npz: openNpz,
  csv: async (path) => ({ kind: "table", table: await openCsv(path) }),
  tsv: async (path) => ({ kind: "table", table: await openCsv(path) }),
  parquet: async (path) => ({ kind: "table", table: await openParquet(path) }),
  json: async (path) => fromJson(path, jsonIn(path, await textOf(path))),
  jsonl: async (path) => {
    const lines = (await textOf(path)).split(/\r?\n/).filter((line) => line.trim() !== "");
    if (lines.length === 0) throw cannotRead(path, "it is empty");
    return fromJson(
      path,
      lines.map((line, i) => jsonIn(path, line, i + 1)),
    );
  },
};

/** @throws InputError if it cannot be read, or holds no numbers */
export async function openFile(path: string): Promise<OpenedFile> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw cannotRead(path, info ? "it is no file" : "there is no such file");
  if (info.size === 0) throw cannotRead(path, "it is empty");
  const opener = openers[extname(path).slice(1).toLowerCase()];
  if (!opener) throw cannotRead(path, `it is none of .${arrayFiles.extensions.join(", .")}`);
  try {
    return await opener(path);
  } catch (error) {
    if (error instanceof InputError && error.what.includes(path)) throw error;
    throw cannotRead(path, error instanceof InputError ? error.why : messageOf(error));
  }
}

/** Arrays that a zip of so many bytes unpacks to are not unpacked. */
const mostBytes = 2 ** 31;

/** Zipped .npy files, as `numpy.savez` and `savez_compressed` write them. */
async function openNpz(path: string): Promise<OpenedFile> {
  let total = 0;
  const files = unzipSync(await readFile(path), {
    filter: ({ name, originalSize }) => {
      total += originalSize;
      if (total > mostBytes) throw cannotRead(path, `it unpacks to more than ${mostBytes} bytes`);
      return name.endsWith(".npy");
    },
  });
  const arrays = new Map<string, StoredArray>();
  for (const [name, bytes] of Object.entries(files)) {
    try {
      arrays.set(name.slice(0, -4), npyInMemory(bytes));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw cannotRead(path, error.why, name);
    }
  }
  if (arrays.size === 0) throw cannotRead(path, "it holds no .npy");
  return { kind: "arrays", arrays };
}

async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  return new TextDecoder().decode(bytes);
}

function jsonIn(path: string, text: string, line?: number): unknown {
  if (text.trim() === "") throw cannotRead(path, "it is empty");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw cannotRead(path, messageOf(error), line === undefined ? undefined : `line ${line}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (json: unknown): json is Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** Numbers in lists in lists; objects of one value a column, one or a list of them; or lists by name. */
function fromJson(path: string, json: unknown): OpenedFile {
  if (Array.isArray(json) && json.length > 0 && json.every(isObject)) {
    return { kind: "table", table: tableOf(path, json) };
  }
  if (!isObject(json)) return alone(arrayOf(path, json));
  const values = Object.values(json);
  if (values.length > 0 && values.every((value) => !Array.isArray(value) && !isObject(value))) {
    return { kind: "table", table: tableOf(path, [json]) };
  }
  const arrays = Object.entries(json).map(([name, value]) => [name, arrayOf(path, value, name)] as const);
  if (arrays.length === 0) throw cannotRead(path, "it holds no numbers");
  return { kind: "arrays", arrays: new Map(arrays) };
}

function arrayOf(path: string, json: unknown, where?: string): StoredArray {
  const dims: number[] = [];
  for (let part = json; Array.isArray(part); part = part[0]) dims.push(part.length);
  if (dims.includes(0)) throw cannotRead(path, "it holds no numbers", where);
  // Grows, since lists that are not alike might promise more than there is.
  const data: number[] = [];
  const fill = (part: unknown, depth: number): void => {
    if (depth < dims.length) {
      if (!Array.isArray(part) || part.length !== dims[depth])
        throw cannotRead(path, `not all lists are as long as the first: ${dims.join("×")}`, where);
      for (const each of part) fill(each, depth + 1);
      return;
    }
    // JSON has no NaN; null stands for it.
    const number = part === null ? Number.NaN : part;
    if (typeof number !== "number" && typeof number !== "boolean")
      throw cannotRead(path, `${JSON.stringify(part)?.slice(0, 40)} is no number`, where);
    data.push(Number(number));
  };
  fill(json, 0);
  return inMemory("float64", { data: Float64Array.from(data), dims });
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

const cannotRead = (path: string, why: string, where?: string): InputError =>
  new InputError({ what: `cannot read "${path}"`, why, ...(where !== undefined && { where }) });
