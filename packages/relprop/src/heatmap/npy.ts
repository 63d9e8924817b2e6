/** Writes NumPy's .npy format, version 1.0, for float32 arrays. */

/**
 * What a .npy file of float32 numbers begins with: the elements follow, row-major and little-endian.
 * Format (numpy.lib.format, 2007): magic, version, header length, header padded to a multiple of 64 bytes.
 * @param least its length at least, a multiple of 64, for a header whose sizes are written later
 */
export function npyHeader(dims: readonly number[], least = 0): Uint8Array<ArrayBuffer> {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const prefix = 10;
  const length = Math.max(least, 64 * Math.ceil((prefix + header.length + 1) / 64));
  const padded = `${header.padEnd(length - prefix - 1)}\n`;
  const bytes = new Uint8Array(prefix + padded.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  new DataView(bytes.buffer).setUint16(8, padded.length, true);
  bytes.set(new TextEncoder().encode(padded), prefix);
  return bytes;
}

/** Numbers as the bytes of a .npy file's elements. */
export function npyData(data: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * data.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of data.entries()) view.setFloat32(4 * i, value, true);
  return bytes;
}

/** The bytes of a .npy file, which `numpy.load` reads. */
export function npyFile(data: Float32Array, dims: readonly number[]): Uint8Array<ArrayBuffer> {
  const header = npyHeader(dims);
  const bytes = new Uint8Array(header.length + 4 * data.length);
  bytes.set(header);
  bytes.set(npyData(data), header.length);
  return bytes;
}
