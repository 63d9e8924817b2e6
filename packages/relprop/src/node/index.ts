/** Models on the disk of a machine with Node. */

import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ModelFileError } from "../errors.ts";
import { readModelIn, type Model, type ModelFolder, type ReadModelOptions } from "../onnx/index.ts";

/**
 * Reads an .onnx file and its external data beside it, but leaves large weights where they are: onnxruntime-node maps them
 * from there, so that JavaScript never holds them (VGG-16: 0.5 GB). The files must stay as they are while the model is used.
 *
 * For a runtime that cannot read files, onnxruntime-web, use `readModel`.
 * @param files gets the paths of the files that weights were left in, links resolved
 * @param options which functions of the model stay whole
 * @throws ModelFileError saying what is wrong where, also if a file cannot be read
 */
export function readModelFile(
  path: string,
  files = new Set<string>(),
  options: Pick<ReadModelOptions, "operators"> = {},
): Model {
  return readModelIn(folderOf(dirname(path), files), basename(path), path, options);
}

function folderOf(folder: string, files: Set<string>): ModelFolder {
  return {
    pathOf: (name) => {
      const path = realpathSync(join(folder, name));
      files.add(path);
      return path;
    },
    sizeOf: (name) => withFile(join(folder, name), (file) => fstatSync(file).size),
    read: (name, offset, length) =>
      withFile(join(folder, name), (file) => {
        const bytes = new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const count = readSync(file, bytes, at, Math.min(length - at, mostAtOnce), offset + at);
          if (count === 0)
            throw unreadable(join(folder, name), new Error(`it ends before byte ${offset + length}`));
          at += count;
        }
        return bytes;
      }),
  };
}

/** Systems read less than 2 GiB at a time. */
const mostAtOnce = 1 << 28;

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
