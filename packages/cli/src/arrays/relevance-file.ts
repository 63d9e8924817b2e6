/** Relevance of the samples of a file as numbers: .npy, .npz for several inputs, .csv for tables. */

import { Zip, ZipPassThrough } from "fflate";
import { open } from "node:fs/promises";
import { npyData, npyHeader, sizeOf } from "@relprop/core/internal";
import type { GrowingFile } from "../files/growing-file.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import type { Chosen } from "../run/explain-batch.ts";
import { amountOf, type AnswerScore } from "../run/score.ts";
import type { WindowPlace } from "../sounds/sound-windows.ts";
import { CsvLinesThread } from "./csv-lines.ts";
import { plain } from "./decimals.ts";

/** Explained samples as they are written. */
export interface WrittenBlock {
  /** Index of the first in the file. */
  readonly first: number;
  readonly count: number;
  /** What the rows of a table say in the columns that are no features, column by column. */
  readonly carried?: readonly (readonly string[])[];
  /** Where each sample lies, if they are windows of a sound. */
  readonly windows?: readonly WindowPlace[];
  /** What is explained in a sample, by its place in the block; undefined if it failed. */
  readonly chosen: (place: number) => Chosen | undefined;
  readonly score: (chosen: Chosen) => AnswerScore;
  readonly start: (place: number) => number;
  /** Relevance of an input, sample by sample: of so many at least. */
  readonly relevance: (input: string) => Float32Array;
}

/** A file of relevance while it is written. */
export interface RelevanceFile {
  /** What the files will be called, by kind. */
  readonly files: Readonly<Record<string, string>>;
  readonly append: (block: WrittenBlock) => Promise<void>;
  /** Bytes of each of its parts, for the next run. */
  readonly sizes: () => readonly number[];
  readonly leave: () => Promise<void>;
  readonly finish: () => Promise<void>;
}

/** The explained inputs: sizes of a sample's relevance by input. */
export type SampleShapes = ReadonlyMap<string, readonly number[]>;

/** All .npy headers of ours have this length: the number of samples is written when it is known. */
const headerBytes = 128;

/**
 * Opens `<name>.relevance.npy`, or for several inputs `<name>.relevance.npz`. A sample that failed is all NaN.
 * @param kept sizes of the parts that an earlier run left
 */
export async function openNumbers(
  writer: ResultWriter,
  name: string,
  shapes: SampleShapes,
  kept: readonly number[],
): Promise<RelevanceFile> {
  const inputs = [...shapes];
  const isOne = inputs.length === 1;
  const file = `${name}.relevance.${isOne ? "npy" : "npz"}`;
  const partNames = isOne ? [file] : inputs.map((_, i) => `${file}.${i}`);
  const parts: GrowingFile[] = [];
  for (const [i, partName] of partNames.entries()) {
    const part = await writer.growing(partName, kept[i] ?? 0);
    if (part.size === 0) await part.append(new Uint8Array(headerBytes));
    parts.push(part);
  }
  const rowBytes = inputs.map(([, dims]) => 4 * sizeOf(dims));
  const writeHeaders = async (): Promise<void> => {
    for (const [i, part] of parts.entries()) {
      const count = (part.size - headerBytes) / (rowBytes[i] ?? 1);
      await part.writeStart(npyHeader([count, ...(inputs[i]?.[1] ?? [])], headerBytes));
    }
  };
  return {
    files: { [isOne ? "npy" : "npz"]: file },
    append: async ({ count, chosen, relevance }) => {
      for (const [i, [input, dims]] of inputs.entries()) {
        const size = sizeOf(dims);
        const all = relevance(input);
        const numbers = new Float32Array(count * size).fill(Number.NaN);
        for (let row = 0; row < count; row++)
          if (chosen(row)) numbers.set(all.subarray(row * size, (row + 1) * size), row * size);
        await parts[i]?.append(npyData(numbers));
      }
    },
    sizes: () => parts.map((part) => part.size),
    leave: async () => {
      for (const part of parts) await part.leave();
    },
    finish: async () => {
      await writeHeaders();
      if (isOne) {
        for (const part of parts) await writer.finish(part);
        return;
      }
      const zipped = await writer.growing(file, 0);
      await zipInto(
        zipped,
        inputs.map(([input]) => `${input}.npy`),
        parts,
      );
      for (const part of parts) await part.discard();
      await writer.finish(zipped);
    },
  };
}

/** Zips files without compressing them, as `numpy.savez` does. */
async function zipInto(
  zipped: GrowingFile,
  names: readonly string[],
  parts: readonly GrowingFile[],
): Promise<void> {
  let pending: Uint8Array[] = [];
  const zip = new Zip((error, bytes) => {
    if (error) throw error;
    pending.push(bytes);
  });
  const flush = async (): Promise<void> => {
    for (const bytes of pending) await zipped.append(bytes);
    pending = [];
  };
  for (const [i, part] of parts.entries()) {
    const entry = new ZipPassThrough(names[i] ?? String(i));
    zip.add(entry);
    const file = await open(part.partPath);
    try {
      const chunk = 1 << 24;
      for (let at = 0; at < part.size; at += chunk) {
        const bytes = new Uint8Array(Math.min(chunk, part.size - at));
        await file.read(bytes, 0, bytes.length, at);
        entry.push(bytes, at + bytes.length === part.size);
        await flush();
      }
    } finally {
      await file.close();
    }
  }
  zip.end();
  await flush();
}

const encoder = new TextEncoder();

/** Columns that a table of relevance has besides those that are carried, and the features. */
export const ownColumns = ["row", "explained", "score", "start"] as const;

/**
 * Opens `<name>.relevance.csv`: a line for each row of the table, with the columns that are no features as they are, the row's
 * index, what is explained and how high it is, where relevance starts, and the relevance of each feature. A row that failed has no
 * more than its index.
 */
export async function openCsvNumbers(
  writer: ResultWriter,
  name: string,
  input: string,
  { carried, columns }: { readonly carried: readonly string[]; readonly columns: readonly string[] },
  kept: readonly number[],
): Promise<RelevanceFile> {
  const file = `${name}.relevance.csv`;
  const part = await writer.growing(file, kept[0] ?? 0);
  if (part.size === 0) {
    const head = [...carried, ...ownColumns, ...columns].map(quoted);
    await part.append(encoder.encode(`${head.join(",")}\n`));
  }
  const nothing = ",".repeat(3 + columns.length);
  const thread = new CsvLinesThread();
  return {
    files: { csv: file },
    append: async ({ first, count, carried: cells = [], chosen, score, start, relevance }) => {
      const hasNumbers = new Uint8Array(count);
      const beginnings = Array.from({ length: count }, (_, row) => {
        const index = beside(cells, row) + String(first + row);
        const explained = chosen(row);
        if (!explained) return index + nothing;
        hasNumbers[row] = 1;
        const own = score(explained);
        return `${index},${quoted(own.label)},${plain(amountOf(own))},${plain(start(row))}`;
      });
      const numbers = relevance(input).slice(0, count * columns.length);
      const lines = { beginnings, hasNumbers, numbers, columns: columns.length };
      await part.append(await thread.text(lines));
    },
    sizes: () => [part.size],
    leave: async () => {
      await thread.close();
      await part.leave();
    },
    finish: async () => {
      await thread.close();
      await writer.finish(part);
    },
  };
}

/** Two files that grow together. */
export function together(first: RelevanceFile, second: RelevanceFile): RelevanceFile {
  const both = async (work: (each: RelevanceFile) => Promise<void>): Promise<void> => {
    for (const each of [first, second]) await work(each);
  };
  return {
    files: { ...first.files, ...second.files },
    append: (samples) => both((each) => each.append(samples)),
    sizes: () => [...first.sizes(), ...second.sizes()],
    leave: () => both((each) => each.leave()),
    finish: () => both((each) => each.finish()),
  };
}

/** What a line says first, of columns that are carried. */
function beside(columns: readonly (readonly string[])[], row: number): string {
  let text = "";
  for (const cells of columns) text += `${quoted(cells[row] ?? "")},`;
  return text;
}

/** A text as a cell of a line. */
export const quoted = (text: string): string =>
  /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
