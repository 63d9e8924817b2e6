/** What was done before: a second run redoes only what changed. */

import { createHash } from "node:crypto";
import { access, appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { imageResultSchema, type ImageResult } from "./image-result.ts";

const fileName = ".relprop-manifest.jsonl";

const entrySchema = z.object({ v: z.literal(1), hash: z.string(), result: imageResultSchema });

/**
 * The list of results in an output folder, one JSON line each, in the order they were made. Lines that cannot be read,
 * a half one from a killed run above all, count as not there.
 */
export class Manifest {
  readonly #folder: string;
  readonly #entries: Map<string, z.infer<typeof entrySchema>>;

  private constructor(folder: string, entries: Map<string, z.infer<typeof entrySchema>>) {
    this.#folder = folder;
    this.#entries = entries;
  }

  static async open(folder: string): Promise<Manifest> {
    const text = await readFile(join(folder, fileName), "utf8").catch(() => "");
    const entries = new Map<string, z.infer<typeof entrySchema>>();
    for (const line of text.split("\n")) {
      const entry = entrySchema.safeParse(parseLine(line));
      if (entry.success) entries.set(entry.data.result.key, entry.data);
    }
    return new Manifest(folder, entries);
  }

  /** The result of an image, if it was made from the same bytes in the same way and all its files are still there. */
  async done(key: string, hash: string): Promise<ImageResult | undefined> {
    const entry = this.#entries.get(key);
    return entry?.hash === hash && (await this.#isThere(entry.result)) ? entry.result : undefined;
  }

  /** Notes a result whose files are written. */
  async add(hash: string, result: ImageResult): Promise<void> {
    const entry = { v: 1 as const, hash, result };
    this.#entries.set(result.key, entry);
    await mkdir(this.#folder, { recursive: true });
    // The line break comes first: the last line may be a half one, which must not swallow this.
    await appendFile(join(this.#folder, fileName), `\n${JSON.stringify(entry)}\n`);
  }

  /** All results whose files are in the folder, by path. */
  async all(): Promise<ImageResult[]> {
    const results = [...this.#entries.values()].map(({ result }) => result);
    const there = await Promise.all(results.map((result) => this.#isThere(result)));
    return results.filter((_result, i) => there[i]).sort((a, c) => (a.key < c.key ? -1 : 1));
  }

  async #isThere(result: ImageResult): Promise<boolean> {
    const files = [
      ...Object.values(result.files),
      ...result.answers.flatMap(({ files }) => Object.values(files)),
    ];
    const found = await Promise.all(
      files.map((file) =>
        access(join(this.#folder, file)).then(
          () => true,
          () => false,
        ),
      ),
    );
    return found.every(Boolean);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What a result depends on, in one number: the image's bytes, and all settings of the run as JSON. */
export function resultHash(image: Uint8Array, settings: unknown): string {
  return createHash("sha256").update(JSON.stringify(settings)).update("\0").update(image).digest("hex");
}
