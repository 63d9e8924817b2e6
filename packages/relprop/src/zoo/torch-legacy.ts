/**
 * Reads files of `torch.save` before 1.6: five pickles (magic number, version, system, the object, the storages' keys), then
 * the storages in the order of the keys, each as an int64 number of elements and its elements.
 */

import { elementSize } from "../onnx/tensor.ts";
import { badFile, type ByteSource, readRange } from "./bytes-source.ts";
import type { RawCheckpoint, TrackProgress } from "./raw-checkpoint.ts";
import { isTorchGlobal, readTensors, type StorageRef, StorageTable, stateDictOf } from "./torch-tensors.ts";
import { isKind, PickleError, type PickleValue, unpickle } from "./unpickle.ts";

/** Limit of a pickle in bytes; those of checkpoints have a few hundred for each tensor. */
export const maxPickle: number = 32 * 2 ** 20;

const magic = 0x1950a86a20f9469cfc6cn;
const version = 1001;

/** The pickles of a file. */
interface Head {
  readonly object: PickleValue;
  readonly keys: readonly string[];
  /** One reference to each storage. */
  readonly storages: ReadonlyMap<string, StorageRef>;
  /** Offset of the first storage. */
  readonly end: number;
}

/**
 * Reads a legacy checkpoint.
 * @throws ModelFileError if it is damaged, big-endian, needs Python code, or has no state dict
 */
export async function readTorchLegacy(source: ByteSource, track: TrackProgress): Promise<RawCheckpoint> {
  try {
    const head = await readHead(source);
    const { tensors, metadata } = stateDictOf(head.object);
    const offsets = await locateStorages(source, head);
    const readStorage = async (storage: StorageRef): Promise<Uint8Array> => {
      const where = `storage "${storage.key}"`;
      const offset = offsets.get(storage.key);
      if (offset === undefined) throw badFile(source, "it is not in the file", where);
      return track(await readRange(source, offset, byteLength(storage), where));
    };
    return { tensors: await readTensors(source, tensors, readStorage), metadata };
  } catch (error) {
    throw pickleFailure(source, error);
  }
}

const byteLength = (storage: StorageRef): number => storage.length * elementSize[storage.dataType];

/** Reads the pickles; their size is unknown, so it reads more until they are complete. */
async function readHead(source: ByteSource): Promise<Head> {
  let size = Math.min(source.size, 2 ** 16);
  for (;;) {
    try {
      return parseHead(await readRange(source, 0, size, "pickles"));
    } catch (error) {
      if (!(error instanceof PickleError) || error.needed === undefined || size === source.size) throw error;
      if (error.needed > maxPickle)
        throw new PickleError(`it claims to be larger than ${maxPickle} bytes`, error.offset);
      size = Math.min(source.size, Math.max(2 * size, error.needed));
    }
  }
}

function parseHead(bytes: Uint8Array): Head {
  const { storages, add } = new StorageTable();
  let end = 0;
  const next = (): PickleValue => {
    const read = unpickle(bytes, end, { allows: isTorchGlobal, onPersistent: add });
    end = read.end;
    return read.value;
  };
  if (next() !== magic) {
    throw new PickleError("it is a plain pickle, not a file written by torch.save", 0, {
      fix: "save it again, in Python: torch.save(model.state_dict(), …)",
    });
  }
  if (next() !== version) throw new PickleError(`its version is not ${version}`, end);
  const system = next();
  if (!isKind(system, "dict") || system.entries.get("little_endian") !== true) {
    throw new PickleError("it was written on a big-endian machine", end, {
      fix: "save it again on a little-endian one",
    });
  }
  const object = next();
  const keys = next();
  const names = isKind(keys, "list") ? keys.items : [undefined];
  if (!names.every((name) => typeof name === "string"))
    throw new PickleError("its list of storages is damaged", end);
  return { object, keys: names, storages, end };
}

/** The offset of each storage's elements; checks that the number before them is the one in the pickle. */
async function locateStorages(source: ByteSource, head: Head): Promise<Map<string, number>> {
  const offsets = new Map<string, number>();
  let at = head.end;
  for (const key of head.keys) {
    const where = `storage "${key}"`;
    const storage = head.storages.get(key);
    if (!storage || offsets.has(key)) throw badFile(source, "it is listed twice or never described", where);
    const count = await readRange(source, at, 8, where);
    const claimed = new DataView(count.buffer, count.byteOffset, 8).getBigInt64(0, true);
    if (claimed !== BigInt(storage.length)) {
      throw badFile(source, `it has ${claimed} elements where the pickle says ${storage.length}`, where);
    }
    offsets.set(key, at + 8);
    at += 8 + byteLength(storage);
    if (at > source.size) {
      const why = `it ends at byte ${at} of a file of ${source.size} bytes, so the file is cut off`;
      throw badFile(source, why, where, "download the file again");
    }
  }
  return offsets;
}

/** A PickleError as a ModelFileError of its file; other errors unchanged. */
export function pickleFailure(source: ByteSource, error: unknown): unknown {
  if (!(error instanceof PickleError)) return error;
  const where = error.offset > 0 ? `pickle, byte ${error.offset}` : "pickle";
  const fix =
    error.fix ?? (error.needed === undefined ? undefined : "the file is cut off: download it again");
  return badFile(source, error.message, where, fix);
}
