/**
 * Models as ONNX Runtime has optimized them for this machine, kept for the next run in the folder `optimized` of the
 * cache. Folding constants and choosing kernels takes most of a session's start; what is kept starts in a tenth of a
 * second, and its weights are mapped into memory, not read.
 */

import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, statfs, utimes, writeFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Runtime, Session } from "@relprop/core";
import { forgetOldest } from "./forget-oldest.ts";
import { cacheFolder } from "../models/model-cache.ts";

/** Changes whenever what is kept does. */
const format = 1;

/** All kept models together; the ones used longest ago go first. VGG-16 takes 1.2 GB, ResNet-50 0.4 GB. */
const mostBytes = 4e9;

/** A model is kept if the disk has room for so many of its size. */
const room = 4;

const [graphFile, weightsFile, sealFile] = ["model.onnx", "weights.bin", "seal.json"];

type Options = InferenceSession.SessionOptions;

/** A runtime that also starts from files. */
export interface FileRuntime extends Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options?: Options): Promise<Session>;
  };
}

const folder = (): string => join(cacheFolder(), "optimized");

/** A runtime that starts from what was kept under a key, whatever it is given; undefined unless that is whole. */
export async function startingFromKept(runtime: FileRuntime, key: string): Promise<Runtime | undefined> {
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

/** Whether a model with weights of so many bytes is kept, or will be once it was started. */
export const canKeep = async (key: string, weights: number): Promise<boolean> =>
  (await isWhole(await placeOf(key))) || hasRoom(weights);

/**
 * The same runtime, but that it starts from what an earlier run kept, if that is whole, and else keeps what it starts.
 * @param key of all that makes the compiled model what it is
 * @param weights bytes of the model's weights
 */
export function keepOptimized(runtime: FileRuntime, key: string, weights: number): Runtime {
  const { create } = runtime.InferenceSession;
  return {
    ...runtime,
    InferenceSession: {
      async create(model, options = {}) {
        const kept = await startingFromKept(runtime, key);
        if (kept) {
          try {
            return await kept.InferenceSession.create(model, options);
          } catch {
            // Another ONNX Runtime, another processor: it is made anew.
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
          // It has its place, or nothing came of it.
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

/** The graph is optimized as far as it goes, and its weights lie beside it. */
const startingFrom = ({ externalData: _weights, ...options }: Options): Options => {
  const { [folderKey]: _folder, ...session } = sessionExtras(options);
  return { ...options, graphOptimizationLevel: "disabled", extra: { ...options.extra, session } };
};

/** The folder of the weights that the model has left in its file. */
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

/** Whether the disk has room for what ONNX Runtime may make of weights of so many bytes. */
async function hasRoom(bytes: number): Promise<boolean> {
  const disk = await mkdir(cacheFolder(), { recursive: true })
    .then(() => statfs(cacheFolder()))
    .catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize > room * bytes;
}

const made = (path: string): Promise<boolean> =>
  mkdir(path, { recursive: true }).then(
    () => true,
    () => false,
  );

/** Seals what ONNX Runtime wrote, and puts it in its place. What fails here only costs the next run time. */
async function finish(part: string, place: string): Promise<void> {
  try {
    await writeFile(join(part, sealFile), JSON.stringify(await sealOf(part)));
    await rm(place, { recursive: true, force: true });
    await rename(part, place);
    await forgetOldest(folder(), place, mostBytes);
  } catch {
    // It is made anew.
  }
}

const discard = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch(() => undefined);

/** A checksum of the graph and of samples of the weights: to read all of them would take as long as to fold them. */
interface Seal {
  readonly graph: string;
  readonly weights: string;
}

async function sealOf(place: string): Promise<Seal> {
  const graph = createHash("sha256").update(await readFile(join(place, graphFile)));
  return { graph: graph.digest("hex"), weights: await sampled(join(place, weightsFile)) };
}

const samples = 64;
const sampleBytes = 1 << 14;

async function sampled(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const hash = createHash("sha256").update(String(size));
    const last = Math.max(0, size - sampleBytes);
    for (let i = 0; i < samples; i++) {
      const position = Math.floor((last * i) / (samples - 1));
      const { bytesRead, buffer } = await file.read(Buffer.alloc(sampleBytes), 0, sampleBytes, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}

async function isWhole(place: string): Promise<boolean> {
  try {
    const seal = JSON.parse(await readFile(join(place, sealFile), "utf8")) as Seal;
    const { graph, weights } = await sealOf(place);
    if (seal.graph !== graph || seal.weights !== weights) return false;
    const now = new Date();
    // Says when it was used last. A folder that can only be read will do.
    await utimes(place, now, now).catch(() => undefined);
    return true;
  } catch {
    return false;
  }
}
