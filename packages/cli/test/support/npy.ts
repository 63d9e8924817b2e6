/** .npy files as NumPy writes them, of any type and order. */

const write: Readonly<Record<string, (view: DataView, at: number, value: number) => void>> = {
  "<f8": (view, at, value) => view.setFloat64(at, value, true),
  ">f8": (view, at, value) => view.setFloat64(at, value, false),
  "<f4": (view, at, value) => view.setFloat32(at, value, true),
  // Of halves only 0, 1 and what is no number.
  "<f2": (view, at, value) =>
    view.setUint16(at, value === 0 ? 0 : Number.isNaN(value) ? 0x7e00 : 0x3c00, true),
  "|i1": (view, at, value) => view.setInt8(at, value),
  "|b1": (view, at, value) => view.setUint8(at, value),
  "<i8": (view, at, value) => view.setBigInt64(at, BigInt(value), true),
};

/** The bytes of a .npy file, version 1.0. @param data in the order in which it stands in the file */
export function npyOf(
  descr: string,
  shape: readonly number[],
  data: readonly number[],
  isFortran = false,
): Uint8Array {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const fields = `'descr': '${descr}', 'fortran_order': ${isFortran ? "True" : "False"}, 'shape': ${tuple}`;
  const text = `{${fields}, }`;
  const header = new TextEncoder().encode(`${text.padEnd(117)}\n`);
  const size = Number(descr.slice(2));
  const bytes = new Uint8Array(10 + header.length + data.length * size);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  bytes.set(header, 10);
  const view = new DataView(bytes.buffer, 10 + header.length);
  for (const [i, value] of data.entries()) write[descr]?.(view, i * size, value);
  return bytes;
}
