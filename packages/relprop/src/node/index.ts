/** Reads models from disk, for Node. */

import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ModelFileError } from "../errors.ts";
import type { Model } from "../onnx/graph.ts";
import type { ModelFolder } from "../onnx/model-folder.ts";
import { readModelIn, type ReadModelOptions } from "../onnx/read-model.ts";

/**
 * Reads an .onnx file and its external data, but leaves large weights on disk: onnxruntime-node maps them from there, so
 * JavaScript never holds them (VGG-16: 0.5 GB). The files must not change while the model is used.
 *
 * Runtimes that cannot read files, such as onnxruntime-web, need `readModel`.
 * @param files receives the paths of the files that weights were left in, with links resolved
 * @param options which functions of the model stay whole; `weights`, the folder of its external data. @default the model's own
 * @throws ModelFileError if a file cannot be read or is damaged; it says where
 */
export function readModelFile(
  path: string,
  files = new Set<string>(),
  options: Pick<ReadModelOptions, "operators"> & { readonly weights?: string } = {},
): Model {
  const name = basename(path);
  const { weights = dirname(path), ...reading } = options;
  const place = (file: string): string => (file === name ? path : join(weights, file));
  return readModelIn(folderOf(place, files), name, path, reading);
}

function folderOf(place: (name: string) => string, files: Set<string>): ModelFolder {
  return {
    pathOf: (name) => {
      const path = realpathSync(place(name));
      files.add(path);
      return path;
    },
    sizeOf: (name) => withFile(place(name), (file) => fstatSync(file).size),
    read: (name, offset, length) =>
      withFile(place(name), (file) => {
        const bytes = new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const count = readSync(file, bytes, at, Math.min(length - at, maxChunk), offset + at);
          if (count === 0) throw unreadable(place(name), new Error(`it ends before byte ${offset + length}`));
          at += count;
        }
        return bytes;
      }),
  };
}

/** Bytes read at a time: operating systems read less than 2 GiB at once. */
const maxChunk = 1 << 28;

function withFile<T>(path: string, use: (file: number) => T): T {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    return use(file);
  } catch (error) {
    throw error instanceof ModelFileError ? error : unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function unreadable(path: string, error: unknown): ModelFileError {
  const why = error instanceof Error ? error.message : String(error);
  return new ModelFileError({ what: `cannot read "${path}"`, why }, { cause: error });
}
