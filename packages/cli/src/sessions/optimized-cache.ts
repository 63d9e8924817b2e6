/**
 * Models as optimized by ONNX Runtime for this machine, cached in the folder `optimized`. Folding constants and choosing
 * kernels takes most of a session's start; a cached model starts in a tenth of a
 * second, and its weights are memory-mapped.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, statfs, utimes, writeFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Runtime, Session } from "@relprop/core";
import { forgetOldest } from "./forget-oldest.ts";
import { checksumOf, flush } from "../files/checksum.ts";
import { cacheFolder } from "../models/model-cache.ts";

/** Must change whenever the stored content does. */
const format = 2;

/** The size limit of all cached models together; the least recently used go first. VGG-16 takes 1.2 GB, ResNet-50 0.4 GB. */
const mostBytes = 4e9;

/** A model is cached if the disk has room for this many times its size. */
const spaceFactor = 4;

const [graphFile, weightsFile, sealFile] = ["model.onnx", "weights.bin", "seal.json"];

type Options = InferenceSession.SessionOptions;

/** A runtime that can also start sessions from files. */
export interface FileRuntime extends Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options?: Options): Promise<Session>;
  };
}

const folder = (): string => join(cacheFolder(), "optimized");

/** The entries that are not as they were written. */
export async function damagedEntries(): Promise<string[]> {
  const names = await readdir(folder()).catch(() => []);
  const places = names.filter((name) => !name.includes(".")).map((name) => join(folder(), name));
  const damaged: string[] = [];
  for (const place of places) if (!(await isWhole(place))) damaged.push(place);
  return damaged;
}

/** A runtime that always starts the cached model of a key; undefined if the cache entry is missing or damaged. */
export async function cachedRuntime(runtime: FileRuntime, key: string): Promise<Runtime | undefined> {
  const place = await placeOf(key);
  if (!(await isWhole(place))) return undefined;
  const { create } = runtime.InferenceSession;
  return {
    ...runtime,
    InferenceSession: {
      create: (_model, options = {}) => create(join(place, graphFile), startingFrom(options)),
    },
  };
}

/** Whether a model with weights of this size is cached, or will be when it is started. */
export const canCache = async (key: string, weights: number): Promise<boolean> =>
  (await isWhole(await placeOf(key))) || hasRoom(weights);

/**
 * Wraps a runtime: it starts from an intact cache entry, and otherwise caches the session that it starts.
 * @param key hash of everything that determines the compiled model
 * @param weights size of the model's weights in bytes
 */
export function cachingRuntime(runtime: FileRuntime, key: string, weights: number): Runtime {
  const { create } = runtime.InferenceSession;
  return {
    ...runtime,
    InferenceSession: {
      async create(model, options = {}) {
        const kept = await cachedRuntime(runtime, key);
        if (kept) {
          try {
            return await kept.InferenceSession.create(model, options);
          } catch {
            // The entry is of another ONNX Runtime or another processor, and is replaced.
          }
        }
        const place = await placeOf(key);
        const part = `${place}.${process.pid}.part`;
        const isKept = (await hasRoom(weights)) && (await made(part));
        if (!isKept) return create(model, options);
        try {
          const session = await create(model, keeping(options, part));
          await finish(part, place);
          return session;
        } finally {
          // The entry was moved to its place, or could not be made.
          await discard(part);
        }
      },
    },
  };
}

async function placeOf(key: string): Promise<string> {
  const { env } = await import("onnxruntime-node");
  const machine = [platform(), arch(), cpus()[0]?.model, env.versions.node];
  const hash = createHash("sha256").update(JSON.stringify([format, key, machine]));
  return join(folder(), hash.digest("hex"));
}

/** Session options: the graph is already optimized, and its weights lie beside it. */
const startingFrom = ({ externalData: _weights, ...options }: Options): Options => {
  const { [folderKey]: _folder, ...session } = sessionExtras(options);
  return { ...options, graphOptimizationLevel: "disabled", extra: { ...options.extra, session } };
};

/** The folder of the weights that remain in the model's own file. */
const folderKey = "model_external_initializers_file_folder_path";

const sessionExtras = ({ extra }: Options): Record<string, unknown> =>
  (extra as { session?: Record<string, unknown> } | undefined)?.session ?? {};

const keeping = (options: Options, part: string): Options => {
  const weights = {
    optimized_model_external_initializers_file_name: weightsFile,
    optimized_model_external_initializers_min_size_in_bytes: "1024",
  };
  return {
    ...options,
    optimizedModelFilePath: join(part, graphFile),
    extra: { ...options.extra, session: { ...sessionExtras(options), ...weights } },
  };
};

/** Whether the disk has room for the files that ONNX Runtime may write for weights of this size. */
async function hasRoom(bytes: number): Promise<boolean> {
  const disk = await mkdir(cacheFolder(), { recursive: true })
    .then(() => statfs(cacheFolder()))
    .catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize > spaceFactor * bytes;
}

const made = (path: string): Promise<boolean> =>
  mkdir(path, { recursive: true }).then(
    () => true,
    () => false,
  );

/** Seals the files of ONNX Runtime and moves them to their place. A failure only costs the next run time. */
async function finish(part: string, place: string): Promise<void> {
  try {
    await writeFile(join(part, sealFile), JSON.stringify(await sealOf(part)));
    for (const name of [graphFile, weightsFile, sealFile]) await flush(join(part, name));
    await rm(place, { recursive: true, force: true });
    await rename(part, place);
    await forgetOldest(folder(), place, mostBytes);
  } catch {
    // The next run makes the entry again.
  }
}

const discard = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch(() => undefined);

/** Checksums of all that ONNX Runtime wrote: what is damaged must not answer. */
interface Seal {
  readonly graph: string;
  readonly weights: string;
}

const sealOf = async (place: string): Promise<Seal> => ({
  graph: await checksumOf(join(place, graphFile)),
  weights: await checksumOf(join(place, weightsFile)),
});

async function isWhole(place: string): Promise<boolean> {
  try {
    const seal = JSON.parse(await readFile(join(place, sealFile), "utf8")) as Seal;
    const { graph, weights } = await sealOf(place);
    if (seal.graph !== graph || seal.weights !== weights) return false;
    const now = new Date();
    // Marks it as recently used. This may fail in a read-only folder.
    await utimes(place, now, now).catch(() => undefined);
    return true;
  } catch {
    return false;
  }
}
