/** The samples of a main file and of the files beside it, bound to a model's inputs. */

import { basename, extname, join } from "node:path";
import { stat } from "node:fs/promises";
import { InputError, OptionError } from "@relprop/core";
import { replacesMissing, sizeOf } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import type { ArrayCard } from "@relprop/core/zoo";
import { imageFiles, isOfKind, type InputFile } from "../files/find-files.ts";
import { filesWithSound } from "../sounds/read-sound.ts";
import { soundPlan, type SoundPlan, type WindowChoices } from "../sounds/sound-plan.ts";
import { partOfSound } from "./sound-part.ts";
import type { ArrayRunOptions } from "./array-options.ts";
import { areUnnamed, columnInputs } from "./columns.ts";
import type { TableInput } from "./table-input.ts";
import { partOfPicture, pictureInput, pictureNotes } from "./fed-pictures.ts";
import { fitOf, type FedInput } from "./fit.ts";
import { arrayFiles, openFile, type OpenedFile } from "./open-file.ts";
import {
  filledUp,
  partOfArrays,
  partOfTable,
  requireAllFed,
  type Batching,
  type Part,
  type Taken,
} from "./part.ts";
import { ownColumns } from "./relevance-file.ts";
import { inMemory, type StoredArray } from "./stored-array.ts";

/** The model, and how its inputs are fed. */
export interface Feeding {
  readonly model: Model;
  readonly card: ArrayCard;
  readonly options: Pick<
    ArrayRunOptions,
    "feeds" | "columns" | "features" | "pictures" | "compile" | "method" | "rate" | keyof WindowChoices
  >;
  /** How the compiled model counts samples. */
  readonly batching: Batching;
  /** All main files of the run. */
  readonly files: readonly InputFile[];
  /** Files that are fed beside all of them: opened, counted and read once. */
  readonly beside: Map<string, Promise<CountedPart>>;
  /** Samples of main files that had to be read to be counted. */
  readonly counts: Map<string, Promise<number>>;
}

/** A part whose samples are counted. */
type CountedPart = Part & { readonly count: number };

/** A main file with what is fed beside it. */
export interface BoundFile {
  readonly file: InputFile;
  /** The number of samples; undefined if only the file's end tells. */
  readonly count: number | undefined;
  /** Names of the columns that feed the explained input, if the file is a table. */
  readonly columns?: readonly string[];
  /** The input that the table's columns feed. */
  readonly tableInput?: string;
  /** How it is fed, if it is a sound. */
  readonly sound?: SoundPlan;
  /** The inputs that columns of the main table feed. */
  readonly tableInputs: readonly string[];
  /** Names of features, by the inputs that columns of tables feed. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Names of the columns of its tables that feed nothing. */
  readonly carried: readonly string[];
  /** What of the forms of its files is not as usual, or guessed: a line for each file. */
  readonly notes: readonly string[];
  readonly take: (first: number, count: number) => Promise<Taken>;
  readonly close: () => Promise<void>;
}

/** The inputs that a run has to feed. */
export const fedInputs = ({ graph }: Model): FedInput[] =>
  graph.inputs.filter(({ name }) => !graph.initializers.has(name));

/** A main file's part; for a table with the names of its features. */
interface MainPart extends Pick<BoundFile, "columns" | "tableInput" | "sound"> {
  readonly part: Part;
}

/**
 * Opens a main file and the files beside it.
 * @param index the file's place among the main files
 * @throws InputError if a file cannot be read or does not fit; OptionError if inputs are not fed
 */
export async function bindFile(feeding: Feeding, file: InputFile, index: number): Promise<BoundFile> {
  const inputs = fedInputs(feeding.model);
  const { feeds } = feeding.options;
  for (const name of feeds.keys()) {
    if (inputs.some((input) => input.name === name)) continue;
    throw new OptionError({
      what: `the model has no input "${name}"`,
      why: `its inputs are ${inputs.map((input) => `"${input.name}"`).join(", ")}`,
      fix: "name one of them in --feed NAME=FILE",
    });
  }
  const left = inputs.filter(({ name }) => !feeds.has(name));
  const main = await mainPart(feeding, file.path, left);
  const beside: Part[] = [];
  const count =
    feeds.size > 0 && !main.sound ? await countOnce(feeding, file.path, main.part) : main.part.count;
  for (const [name, path] of feeds) {
    const input = inputs.find((each) => each.name === name);
    if (input) beside.push(await feedPart(feeding, path, file, index, input, count));
  }
  requireAllFed(inputs, new Set([...main.part.inputs, ...beside.flatMap((part) => part.inputs)]));
  return {
    file,
    count,
    ...(main.columns && { columns: main.columns }),
    ...(main.tableInput !== undefined && { tableInput: main.tableInput }),
    ...(main.sound && { sound: main.sound }),
    carried: carriedNames([main.part, ...beside], main.columns),
    tableInputs: [...(main.part.names?.keys() ?? [])],
    names: new Map([main.part, ...beside].flatMap(({ names }) => Array.from(names ?? []))),
    notes: [main.part, ...beside].flatMap(({ path, notes = [] }) =>
      notes.length === 0 ? [] : [`${path}: ${notes.join(", ")}`],
    ),
    take: async (first, count) => {
      const taken = await main.part.take(first, count);
      const values = new Map(taken.values);
      const bad = new Map(taken.bad);
      const files = new Map(taken.files);
      const carried = [...(taken.carried ?? [])];
      for (const part of beside) {
        const own = await takeBeside(part, first, taken.count, feeding.batching.whole);
        for (const [name, array] of own.values) values.set(name, array);
        carried.push(...(own.carried ?? []));
        for (const [name, paths] of own.files ?? []) files.set(name, paths);
        for (const [sample, error] of own.bad) if (!bad.has(sample)) bad.set(sample, error);
      }
      return { ...taken, values, bad, carried, files };
    },
    close: async () => {
      for (const part of [main.part, ...beside]) await part.close();
    },
  };
}

/** Names of carried columns; those that the results have already are told apart by the input that their table feeds. */
function carriedNames(parts: readonly Part[], features: readonly string[] = []): string[] {
  const taken = new Set([...features, ...ownColumns]);
  return parts.flatMap(({ inputs: [input = ""], carried = [] }, at) =>
    carried.map((column) => {
      const name = at > 0 && taken.has(column) ? `${input}.${column}` : column;
      taken.add(name);
      return name;
    }),
  );
}

/** Closes what all main files share. */
export async function closeBeside({ beside }: Feeding): Promise<void> {
  for (const part of await Promise.allSettled(beside.values()))
    if (part.status === "fulfilled") await part.value.close();
}

/** The samples that stand beside those of the main file: one for each, or one for all. */
async function takeBeside(
  part: Part,
  first: number,
  count: number,
  whole: ReadonlySet<string>,
): Promise<Taken> {
  if (part.count === 1) {
    const { values, bad, carried = [], files = new Map<string, readonly string[]>() } = await part.take(0, 1);
    const repeated = ([text = ""]: readonly string[]): string[] => Array.from({ length: count }, () => text);
    const forAll = new Map([...files].map(([name, paths]) => [name, repeated(paths)]));
    const all = new Map(
      [...values].map(([name, array]) => [
        name,
        whole.has(name) ? array : filledUp(array, count, array.dims.slice(1)),
      ]),
    );
    const failed = new Map([...bad.values()].flatMap((error) => times(count, error)));
    return { count, values: all, bad: failed, carried: carried.map(repeated), files: forAll };
  }
  const taken = await part.take(first, count);
  if (taken.count === count) return taken;
  throw new InputError({
    what: `cannot feed "${part.path}"`,
    why: `it ends after ${first + taken.count} samples, and there are more of the others`,
    fix: "give one sample for each, or one for all",
  });
}

const times = (count: number, error: InputError): [number, InputError][] =>
  Array.from({ length: count }, (_, sample) => [sample, error]);

async function mainPart(feeding: Feeding, path: string, left: readonly FedInput[]): Promise<MainPart> {
  if (isOfKind(path, imageFiles)) {
    const input = left.find(({ shape }) => shape.length === 4);
    if (!input) throw noInput(path, "a picture", left);
    return { part: await partOfPicture(feeding, path, input) };
  }
  if (isOfKind(path, filesWithSound)) {
    const sound = soundPlan(feeding, left, path);
    return { part: partOfSound(path, sound, feeding.batching), sound };
  }
  const opened = await openFile(path);
  if (opened.kind === "table") return tablePart(feeding, path, opened, left);
  return { part: partOfArrays(path, bound(feeding, path, opened, left), feeding.batching) };
}

async function tablePart(
  feeding: Feeding,
  path: string,
  { table }: Extract<OpenedFile, { kind: "table" }>,
  left: readonly FedInput[],
): Promise<MainPart> {
  const reader = table.read();
  const rows = await reader.take(0, 1);
  const first = table.columns.map((_, column) => (rows.count === 0 ? undefined : rows.cell(0, column)));
  await reader.close();
  if (rows.count === 0) throw new InputError({ what: `cannot explain "${path}"`, why: "it has no rows" });
  const { columns, features = feeding.card.features } = feeding.options;
  // Beside other inputs, the names may be those of another one's channels.
  const known = fedInputs(feeding.model).length === 1 ? features : undefined;
  const readPicture = async (picture: string, input: FedInput): Promise<ArrayLike<number>> =>
    (await pictureInput(feeding, picture, input)).data;
  const asFed = columnInputs(path, table, first, left, {
    ...(columns && { columns }),
    ...(known && { names: known }),
    readPicture,
  });
  const fed = asFed.map((each): TableInput =>
    Object.assign({ replacesMissing: missingIn(feeding, each.input) }, each),
  );
  const ofNumbers = fed.find(({ from }) => "columns" in from && from.columns.length > 1) ?? fed[0];
  const used = ofNumbers && "columns" in ofNumbers.from ? ofNumbers.from.columns : undefined;
  const called = areUnnamed(table.columns) && known?.length === used?.length ? known : undefined;
  const pictured = fed.find(
    ({ from }) => "pathOf" in from && isOfKind(from.pathOf(first[from.column]), imageFiles),
  );
  const part = partOfTable(path, table, fed);
  const notes = [...(part.notes ?? []), ...(pictured ? pictureNotes(feeding, pictured.input) : [])];
  const names = new Map(part.names);
  if (called && ofNumbers) names.set(ofNumbers.input.name, called);
  return {
    part: { ...part, notes, names },
    ...(used && { columns: called ?? used.map((i) => table.columns[i] ?? String(i)) }),
    ...(used && ofNumbers && { tableInput: ofNumbers.input.name }),
  };
}

/** Whether numbers of an input may be missing. What multiplies by the input has none where it is NaN. */
function missingIn({ model, options }: Feeding, { name }: FedInput): () => boolean {
  let known: boolean | undefined;
  return () => (known ??= options.method === undefined && replacesMissing(model, name));
}

/** Binds arrays to inputs: by name, or the only array to the only input that fits. */
function bound(
  { options }: Feeding,
  path: string,
  { arrays }: Extract<OpenedFile, { kind: "arrays" }>,
  left: readonly FedInput[],
): { readonly input: FedInput; readonly array: StoredArray }[] {
  const named = left.flatMap((input) => {
    const array = arrays.get(input.name);
    return array ? [{ input, array }] : [];
  });
  if (named.length > 0) return named;
  const [array, ...more] = arrays.values();
  if (!array || more.length > 0) {
    const names = [...arrays.keys()].map((name) => `"${name}"`).join(", ");
    throw new InputError({
      what: `cannot feed "${path}"`,
      why: `its arrays are ${names}, and the inputs to feed ${left.map(({ name }) => `"${name}"`).join(", ") || "none"}`,
      fix: "name the arrays as the inputs",
    });
  }
  const wanted = left.find(({ name }) => name === options.compile.input);
  const input = wanted ?? left.find((each) => fitOf(array.dims, each)) ?? left[0];
  if (!input) throw noInput(path, "an array", left);
  return [{ input, array }];
}

const noInput = (path: string, what: string, left: readonly FedInput[]): InputError =>
  new InputError({
    what: `cannot feed "${path}"`,
    why: `it is ${what}, and ${left.length === 0 ? "all inputs are fed by --feed" : `the inputs to feed are ${left.map(({ name, shape }) => `"${name}" [${shape.join(", ")}]`).join(", ")}`}`,
  });

async function feedPart(
  feeding: Feeding,
  given: string,
  file: InputFile,
  index: number,
  input: FedInput,
  mainCount: number | undefined,
): Promise<Part> {
  const number = await numberFed(given);
  const path = number === undefined ? await fileOf(given, file) : given;
  if (isOfKind(path, filesWithSound)) {
    throw new InputError({
      what: `cannot feed "${path}"`,
      where: `input "${input.name}"`,
      why: "a sound has as many samples as windows, and is explained itself",
      fix: "name the sound without --feed, or give its samples as .npy",
    });
  }
  if (number !== undefined)
    return partOfArrays(path, [{ input, array: filledWith(number, input) }], feeding.batching);
  const part = await (path === given ? shared(feeding, path, input) : counted(feeding, path, input));
  const { count } = part;
  if (count === 1 || count === mainCount || !feeding.batching.isKnown) return part;
  if (mainCount === 1 && count === feeding.files.length) {
    // Its samples stand beside the main files in their order.
    return { ...part, count: 1, take: (_first, most) => part.take(index, most) };
  }
  const files = feeding.files.length > 1 ? `, and there are ${feeding.files.length} files` : "";
  throw new InputError({
    what: `cannot feed "${path}"`,
    where: `input "${input.name}"`,
    why: `it has ${count} samples, "${file.path}" has ${mainCount ?? "as many as windows"}${files}`,
    fix: "give one sample for each, or one for all",
  });
}

/** A long table takes as long to count as to read, and is bound several times. */
function countOnce({ counts }: Feeding, path: string, part: Part): Promise<number> {
  const count = counts.get(path) ?? part.counted();
  counts.set(path, count);
  return count;
}

async function counted(feeding: Feeding, path: string, input: FedInput): Promise<CountedPart> {
  const { part } = await mainPart(feeding, path, [input]);
  const count = await part.counted();
  if (count !== 1) return { ...part, count };
  // It stands beside every block, and is read once.
  let only: Promise<Taken> | undefined;
  return { ...part, count, take: () => (only ??= part.take(0, 1)) };
}

/** A file that is fed beside all main files. It stays open until {@link closeBeside}. */
async function shared(feeding: Feeding, path: string, input: FedInput): Promise<Part> {
  const { beside } = feeding;
  const part = beside.get(input.name) ?? counted(feeding, path, input);
  beside.set(input.name, part);
  return { ...(await part), close: async () => undefined };
}

/** What is fed as one number, which all elements of an input are then; undefined where a file is called so, or it is none. */
export async function numberFed(given: string): Promise<number | undefined> {
  const number = given.trim() === "" ? Number.NaN : Number(given);
  return Number.isFinite(number) && !(await stat(given).catch(() => undefined)) ? number : undefined;
}

function filledWith(number: number, { dataType, shape }: FedInput): StoredArray {
  const dims = shape.map((dim) => (typeof dim === "number" ? dim : 1));
  return inMemory(dataType, { data: new Float64Array(sizeOf(dims)).fill(number), dims });
}

/** A file that is fed beside a main file: of a folder the one that is called as it. @throws InputError if there is none */
export async function fileOf(given: string, file: InputFile): Promise<string> {
  const info = await stat(given).catch(() => undefined);
  if (!info) throw new InputError({ what: `cannot read "${given}"`, why: "there is no such file" });
  return info.isDirectory() ? namesake(given, file) : given;
}

async function namesake(folder: string, { path }: InputFile): Promise<string> {
  const stem = basename(path, extname(path));
  for (const extension of [...arrayFiles.extensions, ...imageFiles.extensions]) {
    const candidate = join(folder, `${stem}.${extension}`);
    if ((await stat(candidate).catch(() => undefined))?.isFile() === true) return candidate;
  }
  throw new InputError({ what: `cannot feed "${path}"`, why: `"${folder}" has no file called "${stem}"` });
}
