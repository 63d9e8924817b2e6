/** Reads the tensors of a pickle that `torch.save` wrote. */

import type { DataType, Tensor } from "../onnx/graph.ts";
import { elementSize, sizeOf } from "../onnx/tensor.ts";
import { badFile, type ByteSource } from "./bytes-source.ts";
import { isKind, type PersistentId, PickleError, type PickleDict, type PickleValue } from "./unpickle.ts";

/** A block of elements in the file that tensors are views of. */
export interface StorageRef {
  /** Its key in the file. */
  readonly key: string;
  readonly dataType: DataType;
  /** Number of elements of the whole block. */
  readonly length: number;
  /** First element and number of elements of a view: in old files a storage may be a view of another one. */
  readonly viewStart: number;
  readonly viewLength: number;
}

/** A tensor before its bytes are read. Offset and strides count elements. */
export interface TensorRef {
  readonly storage: StorageRef;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

const storageTypes: ReadonlyMap<string, DataType> = new Map([
  ["Float", "float32"],
  ["Double", "float64"],
  ["Half", "float16"],
  ["BFloat16", "bfloat16"],
  ["Long", "int64"],
  ["Int", "int32"],
  ["Short", "int16"],
  ["Char", "int8"],
  ["Byte", "uint8"],
  ["Bool", "bool"],
]);

const storageName = /^torch\.(?:cuda\.)?(\w+)Storage$/;
/** Files of 2017 pickle tensors as objects of these classes with a state. */
const tensorName = /^torch\.(?:cuda\.)?(\w+)Tensor$/;
const rebuildTensor = new Set(["torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"]);
const wrappers = new Set([
  "torch._utils._rebuild_parameter",
  "torch.nn.parameter.Parameter",
  "torch.autograd.variable.Variable",
]);

/** Whether a pickle may name this global, which is never called (see unpickle.ts). */
export function isTorchGlobal(name: string): boolean {
  if (rebuildTensor.has(name) || wrappers.has(name) || name === "torch.Size") return true;
  const element = storageName.exec(name)?.[1] ?? tensorName.exec(name)?.[1];
  return element !== undefined && storageTypes.has(element);
}

/** The tensor that a value is, or that it wraps as a Parameter or Variable; undefined for other values. */
function tensorRefOf(value: PickleValue): TensorRef | undefined {
  let inner: PickleValue | undefined = value;
  // A Parameter wraps a tensor once; a hostile one may wrap itself.
  for (let depth = 0; depth < 4 && isKind(inner, "call"); depth++) {
    if (rebuildTensor.has(inner.callee)) return viewOf(inner.args);
    if (tensorName.test(inner.callee)) return viewOf(isKind(inner.state, "tuple") ? inner.state.items : []);
    if (!wrappers.has(inner.callee)) return undefined;
    inner = inner.args[0] ?? (isKind(inner.state, "tuple") ? inner.state.items[0] : undefined);
  }
  return undefined;
}

/** Reads (storage, offset, size, stride, …), which is the same in all versions. */
function viewOf(parts: readonly PickleValue[]): TensorRef {
  const [reference, offset, size, stride] = parts;
  const dims = sizesOf(size);
  const strides = sizesOf(stride);
  if (!isKind(reference, "persistent") || !isSize(offset) || !dims || strides?.length !== dims.length) {
    throw new PickleError("a tensor is not made of a storage, an offset, sizes and strides", 0);
  }
  return { storage: storageOf(reference), offset, dims, strides };
}

/** Reads `('storage', class, key, location, length[, view])`; the location is a device, which is ignored. */
function storageOf(reference: PersistentId): StorageRef {
  const [tag, type, key, , length, view] = isKind(reference.id, "tuple") ? reference.id.items : [];
  const element = isKind(type, "global") ? storageName.exec(type.name)?.[1] : undefined;
  const dataType = element === undefined ? undefined : storageTypes.get(element);
  if (tag !== "storage" || dataType === undefined || typeof key !== "string" || !isSize(length)) {
    throw new PickleError("a storage is not described as torch describes one", 0);
  }
  if (view === undefined || view === null) return { key, dataType, length, viewStart: 0, viewLength: length };
  const [, viewStart, viewLength] = isKind(view, "tuple") ? view.items : [];
  if (!isSize(viewStart) || !isSize(viewLength) || viewStart + viewLength > length) {
    throw new PickleError(`the view of storage "${key}" leaves it`, 0);
  }
  return { key, dataType, length, viewStart, viewLength };
}

/** Collects the storages that a pickle refers to. */
export class StorageTable {
  readonly storages: Map<string, StorageRef> = new Map();

  /** @throws PickleError if an earlier reference describes the storage differently */
  readonly add = (reference: PersistentId): void => {
    const storage = storageOf(reference);
    const known = this.storages.get(storage.key);
    if (known && (known.length !== storage.length || known.dataType !== storage.dataType)) {
      throw new PickleError(`storage "${storage.key}" is described in two ways`, 0);
    }
    this.storages.set(storage.key, storage);
  };
}

const isSize = (value: PickleValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** The sizes of a tuple or torch.Size. */
function sizesOf(value: PickleValue | undefined): readonly number[] | undefined {
  const tuple = isKind(value, "call") && value.callee === "torch.Size" ? value.args[0] : value;
  if (!isKind(tuple, "tuple") || tuple.items.length > 64) return undefined;
  return tuple.items.every(isSize) ? tuple.items : undefined;
}

/** Keys under which training scripts save the state dict. */
const wrapperKeys = ["state_dict", "model_state_dict", "model", "module", "net", "params"];

/**
 * Finds the state dict: the saved value itself, or the one under a usual key.
 * @returns its tensors by name, and the numbers, texts and flags that were saved beside them
 * @throws PickleError if there is none
 */
export function stateDictOf(root: PickleValue): {
  readonly tensors: ReadonlyMap<string, TensorRef>;
  readonly metadata: ReadonlyMap<string, string>;
} {
  const metadata = new Map<string, string>();
  let dict = root;
  for (let depth = 0; depth < 4; depth++) {
    if (!isKind(dict, "dict")) break;
    const tensors = tensorsIn(dict, metadata);
    if (tensors.size > 0) return { tensors, metadata };
    const { entries } = dict;
    const key = wrapperKeys.find((name) => isKind(entries.get(name), "dict"));
    if (key === undefined) break;
    dict = entries.get(key) ?? null;
  }
  const found = isKind(root, "dict") ? `its keys are ${keysOf(root)}` : "it is not a dict";
  throw new PickleError(`there is no state dict in it: ${found}`, 0, {
    fix: 'save one, in Python: torch.save(model.state_dict(), "weights.pth")',
  });
}

function tensorsIn(dict: PickleDict, metadata: Map<string, string>): Map<string, TensorRef> {
  const tensors = new Map<string, TensorRef>();
  for (const [name, value] of dict.entries) {
    if (typeof name !== "string") continue;
    const tensor = tensorRefOf(value);
    if (tensor) tensors.set(name, tensor);
    else if (value !== null && typeof value !== "object") metadata.set(name, String(value));
  }
  return tensors;
}

function keysOf(dict: PickleDict): string {
  const keys = [...dict.entries.keys()].filter((key) => typeof key === "string");
  return keys.length === 0 ? "none" : `${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", …" : ""}`;
}

/**
 * Reads tensors, each storage once. Contiguous tensors are views of it; others are copied, which together takes at most as
 * much memory as the file has bytes.
 * @param readStorage returns a whole storage, aligned for its element type
 * @throws ModelFileError if a tensor leaves its storage, or the copies would be larger than the file
 */
export async function readTensors(
  source: ByteSource,
  refs: ReadonlyMap<string, TensorRef>,
  readStorage: (storage: StorageRef) => Promise<Uint8Array>,
): Promise<Map<string, Tensor>> {
  let spare = source.size;
  for (const [name, ref] of refs) {
    spare -= checkedCopySize(source, name, ref);
    if (spare < 0)
      throw badFile(source, "its tensors repeat the bytes of the file many times", `tensor "${name}"`);
  }
  const storages = new Map<string, Uint8Array>();
  const tensors = new Map<string, Tensor>();
  for (const [name, ref] of refs) {
    const bytes = storages.get(ref.storage.key) ?? (await readStorage(ref.storage));
    storages.set(ref.storage.key, bytes);
    tensors.set(name, { dataType: ref.storage.dataType, dims: ref.dims, bytes: bytesOf(ref, bytes) });
  }
  return tensors;
}

/** Bytes of the copy that a tensor needs, 0 for a view; refuses tensors that leave their storage or are larger. */
function checkedCopySize(
  source: ByteSource,
  name: string,
  { storage, offset, dims, strides }: TensorRef,
): number {
  let count = dims.includes(0) ? 0 : 1;
  let last = offset;
  for (const [axis, dim] of dims.entries()) {
    if (count > 0) count *= dim;
    last += Math.max(0, dim - 1) * (strides[axis] ?? 0);
  }
  const fits = count === 0 ? offset <= storage.viewLength : last < storage.viewLength;
  if (!fits || count > storage.viewLength) {
    const why = `its ${dims.join("×")} elements with strides ${strides.join(", ")} do not fit its storage of ${storage.viewLength}`;
    throw badFile(source, why, `tensor "${name}"`);
  }
  return isContiguous(dims, strides) ? 0 : count * elementSize[storage.dataType];
}

function isContiguous(dims: readonly number[], strides: readonly number[]): boolean {
  if (dims.includes(0)) return true;
  let expected = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const dim = dims[axis] ?? 1;
    if (dim !== 1 && strides[axis] !== expected) return false;
    expected *= dim;
  }
  return true;
}

function bytesOf({ storage, offset, dims, strides }: TensorRef, bytes: Uint8Array): Uint8Array {
  const size = elementSize[storage.dataType];
  const start = (storage.viewStart + offset) * size;
  const count = dims.includes(0) ? 0 : sizeOf(dims);
  if (isContiguous(dims, strides)) return bytes.subarray(start, start + count * size);
  const gathered = new Uint8Array(count * size);
  const index = dims.map(() => 0);
  let from = start;
  for (let to = 0; to < gathered.length; to += size) {
    for (let i = 0; i < size; i++) gathered[to + i] = bytes[from + i] ?? 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const step = (strides[axis] ?? 0) * size;
      const next = (index[axis] ?? 0) + 1;
      if (next < (dims[axis] ?? 0)) {
        index[axis] = next;
        from += step;
        break;
      }
      index[axis] = 0;
      from -= (next - 1) * step;
    }
  }
  return gathered;
}
