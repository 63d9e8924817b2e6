/** The list of earlier results: a second run redoes only what changed. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, appendFile, mkdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { OptionError } from "@relprop/core";
import { software } from "@relprop/core/internal";
import { z } from "zod";
import { refuseKept, type Guard } from "./guard.ts";
import { writeGuarded } from "./write-file.ts";

/** The list of results, in each output folder. */
export const manifestName = ".relprop-manifest.jsonl";

const entrySchema = z.object({
  v: z.literal(1),
  /** The version that wrote it; absent in entries from before files were marked, see own-files.ts. */
  by: z.string().exactOptional(),
  hash: z.string(),
  result: z.unknown(),
});

const filesSchema = z.record(z.string(), z.string());

/** The part of a result that the manifest itself reads: its key, and its files by kind. */
export interface Listed {
  readonly key: string;
  /** The file that it was made of, as the user named it. */
  readonly input: string;
  readonly files: Readonly<Record<string, string>>;
  readonly answers?: readonly { readonly files: Readonly<Record<string, string>> }[];
}

/** The files of an entry of any version. */
const listedSchema = z.object({
  by: z.string().exactOptional(),
  result: z.object({
    files: filesSchema,
    answers: z.array(z.object({ files: filesSchema })).exactOptional(),
    /** The former name of `answers`. */
    classes: z.array(z.object({ files: filesSchema })).exactOptional(),
  }),
});
/** How far an input of many samples is done. */
const partialSchema = z.object({
  v: z.literal(1),
  by: z.string(),
  partial: z.object({ key: z.string(), hash: z.string(), state: z.unknown() }),
});
/** Unmarked files that are about to be written. */
const announcedSchema = z.object({ v: z.literal(1), by: z.string(), announced: z.array(z.string()) });

/**
 * The results in an output folder, one JSON line each, in the order of the runs. Unreadable lines, such as a partial one
 * from a killed run, are ignored.
 */
export class Manifest<Result extends Listed> {
  readonly #folder: string;
  readonly #form: z.ZodType<Result>;
  readonly #guard: Guard;
  readonly #entries = new Map<string, { readonly hash: string; readonly result: Result }>();
  readonly #partial = new Map<string, { readonly hash: string; readonly state: unknown }>();
  /** Unmarked files that only a line here proves to be ours. */
  readonly #unmarked = new Set<string>();
  /** Whether the file is not ours and will be replaced. */
  #isForeign = false;
  #replaced: Promise<void> | undefined;

  private constructor(folder: string, form: z.ZodType<Result>, text: string, force: boolean) {
    this.#folder = folder;
    this.#form = form;
    this.#isForeign = text.trim() !== "";
    for (const line of text.split("\n")) this.#read(line);
    this.#guard = { force, isOurs: () => !this.#isForeign, Refusal: OptionError };
  }

  /**
   * @param form schema of results; lines of other forms are kept
   * @param force whether a foreign file of the same name is replaced
   * @throws OptionError if a foreign file must be kept
   */
  static async open<Result extends Listed>(
    folder: string,
    form: z.ZodType<Result>,
    force = false,
  ): Promise<Manifest<Result>> {
    const text = await readFile(join(folder, manifestName), "utf8").catch(() => "");
    const manifest = new Manifest(folder, form, text, force);
    await refuseKept([join(folder, manifestName)], manifest.#guard);
    return manifest;
  }

  #read(line: string): void {
    // Even a partial line proves that the file is ours.
    if (/^\{"v":1,"(by|hash)":"/.test(line)) this.#isForeign = false;
    const json = parseLine(line);
    const entry = entrySchema.safeParse(json).data;
    const result = entry && this.#form.safeParse(entry.result).data;
    if (result) this.#entries.set(result.key, { hash: entry.hash, result });
    const listed = listedSchema.safeParse(json).data;
    if (listed && listed.by === undefined)
      for (const file of filesOf(listed.result)) this.#unmarked.add(file);
    const partial = partialSchema.safeParse(json).data?.partial;
    if (partial) this.#partial.set(partial.key, partial);
    for (const file of announcedSchema.safeParse(json).data?.announced ?? []) this.#unmarked.add(file);
  }

  /** Whether only this list proves that a file is ours: numbers, and files of versions that set no marks. */
  lists(path: string): boolean {
    return this.#unmarked.has(relative(this.#folder, path).split(sep).join("/"));
  }

  /** The result of an image, if bytes and settings are the same and all its files exist. */
  async done(key: string, hash: string): Promise<Result | undefined> {
    const entry = this.#entries.get(key);
    return entry?.hash === hash && (await this.#isThere(entry.result)) ? entry.result : undefined;
  }

  /** An earlier result, whether or not it is up to date. */
  earlier(key: string): Result | undefined {
    return this.#entries.get(key)?.result;
  }

  /** How far an earlier run came with an input of many samples, if bytes and settings are the same. */
  partialOf(key: string, hash: string): unknown {
    const partial = this.#partial.get(key);
    return partial?.hash === hash ? partial.state : undefined;
  }

  /** Notes how far this run came with an input, for the next run. */
  async leave(key: string, hash: string, state: unknown): Promise<void> {
    await this.#append({ v: 1, by: software, partial: { key, hash, state } });
  }

  /** Lists unmarked files before they are written, so that they count as ours even if the run is killed. */
  async announce(files: readonly string[]): Promise<void> {
    await this.#append({ v: 1, by: software, announced: [...files] });
    for (const file of files) this.#unmarked.add(file);
  }

  /** Lists a result whose files are written. */
  async add(hash: string, result: Result): Promise<void> {
    const entry = { v: 1 as const, by: software, hash, result };
    this.#entries.set(result.key, entry);
    await this.#append(entry);
  }

  async #append(line: object): Promise<void> {
    const path = join(this.#folder, manifestName);
    // Starts with a line break, in case the last line is incomplete.
    const text = `\n${JSON.stringify(line)}\n`;
    if (this.#isForeign) await (this.#replaced ??= writeGuarded(path, "", this.#guard));
    await mkdir(this.#folder, { recursive: true });
    await appendFile(path, text);
  }

  /** All results whose files exist, sorted by key. */
  async all(): Promise<Result[]> {
    const results = [...this.#entries.values()].map(({ result }) => result);
    const there = await Promise.all(results.map((result) => this.#isThere(result)));
    return results.filter((_result, i) => there[i]).sort((a, c) => (a.key < c.key ? -1 : 1));
  }

  async #isThere(result: Result): Promise<boolean> {
    const found = await Promise.all(
      filesOf(result).map((file) =>
        access(join(this.#folder, file)).then(
          () => true,
          () => false,
        ),
      ),
    );
    return found.every(Boolean);
  }
}

type Filed = Pick<Listed, "files"> & {
  readonly [list in "answers" | "classes"]?: NonNullable<Listed["answers"]>;
};

const filesOf = ({ files, answers, classes }: Filed): string[] => [
  ...Object.values(files),
  ...(answers ?? classes ?? []).flatMap((each) => Object.values(each.files)),
];

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The hash of a file that is too large for memory. @throws what reading it throws */
export async function fileHash(path: string): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest();
}

/** A hash of everything that a result depends on: the image's bytes, and the settings of the run as JSON. */
export function resultHash(image: Uint8Array, settings: unknown): string {
  return createHash("sha256").update(JSON.stringify(settings)).update("\0").update(image).digest("hex");
}
