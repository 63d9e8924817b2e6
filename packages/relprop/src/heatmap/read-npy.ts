/** Reads NumPy's .npy files: arrays of numbers or booleans, in either byte order, row- or column-major, but no pickles. */

import { InputError } from "../errors.ts";
import type { FloatArray } from "../run/float-array.ts";

type Read = (view: DataView, at: number, little: boolean) => number;

/** Readers of an element by `descr`: its kind and its size in bytes. */
const readers: Readonly<Record<string, Read>> = {
  f2: (view, at, little) => half(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  b1: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
};

/** The number of IEEE 754's binary16: a sign, five bits of exponent, ten of fraction. */
function half(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const maxElements = 2 ** 28;

/**
 * Reads the array of a .npy file as float32, row-major. Format: numpy.lib.format, versions 1.0 to 3.0.
 * @throws InputError if it is not such a file, is cut short, or holds anything but numbers
 */
export function readNpy(bytes: Uint8Array): FloatArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte))
    throw broken("it does not begin like one");
  const isShort = bytes[6] === 1;
  if (![1, 2, 3].includes(bytes[6] ?? 0)) throw broken(`its version is ${bytes[6]}`);
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (isShort ? 10 : 12) + length;
  if (start > bytes.length) throw broken("its header is cut short");
  const header = new TextDecoder().decode(bytes.subarray(isShort ? 10 : 12, start));
  const { order, type, isColumnMajor, dims } = parsed(header);
  const read = readers[type];
  if (!read) throw broken(`its elements are "${type}", not numbers`);
  const size = Number(type.slice(1));
  const count = dims.reduce((product, n) => product * n, 1);
  if (!(count <= maxElements) || bytes.length - start !== count * size)
    throw broken(`its shape (${dims.join(", ")}) does not fit its ${bytes.length - start} bytes of data`);
  const at = isColumnMajor ? columnMajor(dims) : (i: number): number => i;
  const data = Float32Array.from({ length: count }, (_, i) =>
    read(view, start + size * at(i), order !== ">"),
  );
  return { data, dims };
}

function parsed(header: string): { order: string; type: string; isColumnMajor: boolean; dims: number[] } {
  const descr = /'descr':\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  if (!descr || !order || !shape) throw broken("its header says no shape and type of numbers");
  const [, sign = "", type = ""] = descr;
  const dims = (shape[1] ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  return { order: sign, type, isColumnMajor: order[1] === "True", dims };
}

/** From the index of an element in row-major order to its index in column-major order. */
function columnMajor(dims: readonly number[]): (i: number) => number {
  return (i) => {
    let [rest, at, step] = [i, 0, dims.reduce((product, n) => product * n, 1)];
    for (const size of dims.toReversed()) {
      step /= size;
      at += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    return at;
  };
}

const broken = (why: string): InputError => new InputError({ what: "cannot read this .npy file", why });
