/** Relevance of the samples of a file as numbers: .npy, .npz for several inputs, .csv for tables. */

import { Zip, ZipPassThrough } from "fflate";
import { open } from "node:fs/promises";
import type { FloatArray } from "@relprop/core";
import { npyData, npyHeader, sizeOf } from "@relprop/core/internal";
import type { GrowingFile } from "../files/growing-file.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { amountOf, type AnswerScore } from "../run/score.ts";

/** An explained sample as it is written; without an answer if it failed. */
export interface WrittenSample {
  /** Its index in the file. */
  readonly sample: number;
  /** What its row says in the columns that are no features. */
  readonly carried?: readonly string[];
  readonly answer?: {
    readonly score: AnswerScore;
    readonly start: number;
    /** By input. */
    readonly relevances: Readonly<Record<string, FloatArray>>;
  };
}

/** A file of relevance while it is written. */
export interface RelevanceFile {
  /** What the files will be called, by kind. */
  readonly files: Readonly<Record<string, string>>;
  readonly append: (samples: readonly WrittenSample[]) => Promise<void>;
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
    append: async (samples) => {
      for (const [i, [input, dims]] of inputs.entries()) {
        const size = sizeOf(dims);
        const numbers = new Float32Array(samples.length * size).fill(Number.NaN);
        for (const [row, { answer }] of samples.entries()) {
          const relevance = answer?.relevances[input];
          if (relevance) numbers.set(relevance.data, row * size);
        }
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

/**
 * Opens `<name>.relevance.csv`: a line for each row of the table, with the columns that are no features as they are, the row's
 * index, what is explained and how high it is, where relevance starts, and the relevance of each feature. A row that failed has no
 * more than its index.
 */
export async function openCsvNumbers(
  writer: ResultWriter,
  name: string,
  { carried, columns }: { readonly carried: readonly string[]; readonly columns: readonly string[] },
  kept: readonly number[],
): Promise<RelevanceFile> {
  const file = `${name}.relevance.csv`;
  const part = await writer.growing(file, kept[0] ?? 0);
  if (part.size === 0) {
    const head = [...carried, "row", "explained", "score", "start", ...columns].map(quoted);
    await part.append(encoder.encode(`${head.join(",")}\n`));
  }
  const nothing = ",".repeat(3 + columns.length);
  return {
    files: { csv: file },
    append: async (samples) => {
      let text = "";
      for (const { sample, carried: cells = [], answer } of samples) {
        for (const cell of cells) text += `${quoted(cell)},`;
        const [relevance] = answer ? Object.values(answer.relevances) : [];
        if (!answer || !relevance) {
          text += `${sample}${nothing}\n`;
          continue;
        }
        text += `${sample},${quoted(answer.score.label)},${plain(amountOf(answer.score))},${plain(answer.start)}`;
        for (const number of relevance.data) text += `,${plain(number)}`;
        text += "\n";
      }
      await part.append(encoder.encode(text));
    },
    sizes: () => [part.size],
    leave: () => part.leave(),
    finish: () => writer.finish(part),
  };
}

const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Seven digits, which are all that a number of single precision has, without what follows them in binary. */
export function plain(number: number | undefined): string {
  if (number === undefined) return "";
  if (number === 0 || !Number.isFinite(number)) return String(number);
  const digits = 10 ** (6 - Math.floor(Math.log10(Math.abs(number))));
  return Number.isFinite(digits) && digits >= 1
    ? String(Math.round(number * digits) / digits)
    : number.toPrecision(7);
}
