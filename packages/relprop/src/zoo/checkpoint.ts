/** Reads checkpoint files of all supported formats. The content decides the format, not the name of the file. */

import { ModelFileError } from "../errors.ts";
import type { Tensor } from "../onnx/graph.ts";
import { float32Tensor, numbersOf } from "../onnx/tensor.ts";
import { badFile, type ByteSource, readRange } from "./bytes-source.ts";
import type { RawCheckpoint, TrackProgress } from "./raw-checkpoint.ts";
import { looksLikeSafetensors, readSafetensors } from "./safetensors.ts";
import { readTorchLegacy } from "./torch-legacy.ts";
import { readTorchZip } from "./torch-zip.ts";

/** Weights by name, as in the file. */
export interface Checkpoint {
  /** `torch-zip` is the format of torch.save since 1.6, `torch-legacy` the one before. */
  readonly format: "safetensors" | "torch-zip" | "torch-legacy";
  /**
   * Tensors by parameter name, in the order and with the element types of the file.
   * Tensors that share memory in the file share it here as well.
   */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** `__metadata__` of safetensors; for torch the numbers, texts and flags that were saved beside the weights. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Options of {@link readCheckpoint}. */
export interface ReadCheckpointOptions {
  /** Called after each tensor with the bytes read so far, and the bytes of the file. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

type Format = Checkpoint["format"];
const readers: Readonly<
  Record<Format, (source: ByteSource, track: TrackProgress) => Promise<RawCheckpoint>>
> = {
  safetensors: readSafetensors,
  "torch-zip": readTorchZip,
  "torch-legacy": readTorchLegacy,
};

/**
 * Reads a checkpoint: safetensors, or a state dict saved by torch (any version since 2017). It unwraps state dicts inside of
 * a training script's dict (`state_dict`, `model` …) and removes the prefixes `module.` (DataParallel) and `_orig_mod.`
 * (torch.compile). Nothing in a pickle is executed. Memory is proportional to the size of the file.
 * @throws ModelFileError for all other files: damaged ones, pickles that need Python code, TorchScript, tar and big-endian
 *   files; it names the file
 */
export async function readCheckpoint(
  source: ByteSource,
  options: ReadCheckpointOptions = {},
): Promise<Checkpoint> {
  const format = formatOf(source, await readRange(source, 0, Math.min(source.size, 512), "head"));
  let done = 0;
  const track = (bytes: Uint8Array): Uint8Array => {
    done += bytes.byteLength;
    options.onProgress?.(done, source.size);
    return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  };
  try {
    const { tensors, metadata } = await readers[format](source, track);
    if (tensors.size === 0) throw badFile(source, "it holds no tensors");
    return { format, tensors: withoutPrefix(tensors), metadata };
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    throw new ModelFileError(
      { what: `cannot read "${source.name}"`, why: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  }
}

/**
 * A tensor of any numeric type as float32: the same object if it is float32, else a copy.
 * @throws ModelFileError if its elements are text
 */
export function toFloat32(tensor: Tensor): Tensor {
  if (tensor.dataType === "float32") return tensor;
  return float32Tensor(Float32Array.from(numbersOf(tensor)), tensor.dims);
}

const wrappers = ["module.", "_orig_mod."];

/** Removes prefixes of wrappers; a model may have two, compiled and parallel. */
function withoutPrefix(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  let entries = [...tensors];
  for (let i = 0; i < wrappers.length; i++) {
    const prefix = wrappers.find((wrapper) => entries.every(([name]) => name.startsWith(wrapper)));
    if (prefix === undefined) break;
    entries = entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]);
  }
  return new Map(entries);
}

/** Beginnings of other files that users take for checkpoints, with what errors say about them. */
const otherFiles: readonly (readonly [begins: string, why: string, fix: string])[] = [
  ["\x89HDF", "it is an HDF5 file (Keras)", "export the model to ONNX, for example with tf2onnx"],
  ["\x1f\x8b", "it is compressed with gzip", "unpack it first"],
  [
    "version https://git-lfs",
    "it is a Git LFS pointer, not the file itself",
    "fetch the file with `git lfs pull`",
  ],
  ["<", "it is a web page, not a checkpoint", "download the file again"],
];

function formatOf(source: ByteSource, head: Uint8Array): Format {
  if (looksLikeSafetensors(head, source.size)) return "safetensors";
  if (head[0] === 0x50 && head[1] === 0x4b) return "torch-zip";
  if (head[0] === 0x80) return "torch-legacy";
  const begin = new TextDecoder("latin1").decode(head);
  // Members of a tar file come in any order; its magic "ustar" is at byte 257.
  if (begin.slice(257, 262) === "ustar" || /^(?:sys_info|pickle|storages|tensors)\0/.test(begin)) {
    const fix = "load and save it again with a torch of 2017 to 2025, or take a newer file";
    throw badFile(
      source,
      "it is in the tar container of torch 0.1, which relprop does not read",
      undefined,
      fix,
    );
  }
  const other = otherFiles.find(([start]) => begin.startsWith(start));
  if (other) throw badFile(source, other[1], undefined, other[2]);
  const why =
    source.size === 0 ? "it is empty" : "it is neither a safetensors file nor written by torch.save";
  throw badFile(source, why, undefined, "give a .safetensors, .pth or .pt file with a state dict");
}
