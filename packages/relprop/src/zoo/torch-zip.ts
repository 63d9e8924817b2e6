/**
 * Reads files of `torch.save` since 1.6: a zip file of `ROOT/data.pkl`, a pickle, and its storages `ROOT/data/<key>`.
 */

import { elementSize } from "../onnx/tensor.ts";
import { badFile, type ByteSource } from "./bytes-source.ts";
import type { RawCheckpoint, TrackProgress } from "./raw-checkpoint.ts";
import { maxPickle, pickleFailure } from "./torch-legacy.ts";
import { isTorchGlobal, readTensors, type StorageRef, StorageTable, stateDictOf } from "./torch-tensors.ts";
import { unpickle } from "./unpickle.ts";
import { readZipDirectory, readZipRecord } from "./zip-directory.ts";

/**
 * Reads a zip checkpoint.
 * @throws ModelFileError if it is damaged, TorchScript or big-endian, or has no state dict
 */
export async function readTorchZip(source: ByteSource, track: TrackProgress): Promise<RawCheckpoint> {
  const records = await readZipDirectory(source);
  const names = [...records.keys()];
  const pickleName = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const pickle = pickleName === undefined ? undefined : records.get(pickleName);
  if (!pickle) {
    const why = "it is a zip file without data.pkl, so torch.save did not write it";
    throw badFile(
      source,
      why,
      undefined,
      "give a file written by torch.save(model.state_dict(), …) or a .safetensors file",
    );
  }
  const root = pickle.name.slice(0, -"data.pkl".length);
  if (records.has(`${root}constants.pkl`) || names.some((name) => name.startsWith(`${root}code/`))) {
    const fix = "export that model to ONNX, or save its weights: torch.save(model.state_dict(), …)";
    throw badFile(source, "it is a TorchScript program, not a checkpoint", undefined, fix);
  }
  const order = records.get(`${root}byteorder`);
  if (order && order.size <= 16 && new TextDecoder().decode(await readZipRecord(source, order)) === "big") {
    throw badFile(
      source,
      "it was written on a big-endian machine",
      undefined,
      "save it again on a little-endian one",
    );
  }
  if (pickle.size > maxPickle)
    throw badFile(source, `its pickle is larger than ${maxPickle} bytes`, pickle.name);

  const readStorage = async (storage: StorageRef): Promise<Uint8Array> => {
    const record = records.get(`${root}data/${storage.key}`);
    const where = `storage "${storage.key}"`;
    if (!record) throw badFile(source, "it is not in the file", where, "download the file again");
    const size = storage.length * elementSize[storage.dataType];
    if (record.size !== size)
      throw badFile(source, `it has ${record.size} bytes where ${size} are needed`, where);
    return track(await readZipRecord(source, record));
  };
  try {
    const bytes = await readZipRecord(source, pickle);
    const options = { allows: isTorchGlobal, onPersistent: new StorageTable().add };
    const { tensors, metadata } = stateDictOf(unpickle(bytes, 0, options).value);
    return { tensors: await readTensors(source, tensors, readStorage), metadata };
  } catch (error) {
    throw pickleFailure(source, error);
  }
}
