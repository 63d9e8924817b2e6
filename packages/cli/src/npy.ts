/** NumPy's .npy format, version 1.0, for float32 arrays. */

/**
 * The bytes of a .npy file, row-major, little-endian: `numpy.load` gives the array back.
 * Format: numpy.lib.format, 2007: magic, version, header length, header padded to 64 bytes, data.
 */
export function npyFile(data: Float32Array, dims: readonly number[]): Uint8Array {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const prefix = 10;
  const padded = `${header.padEnd(64 * Math.ceil((prefix + header.length + 1) / 64) - prefix - 1)}\n`;
  const bytes = Buffer.alloc(prefix + padded.length + 4 * data.length);
  bytes.write("\x93NUMPY\x01\x00", "latin1");
  bytes.writeUInt16LE(padded.length, 8);
  bytes.write(padded, prefix, "latin1");
  for (const [i, value] of data.entries()) bytes.writeFloatLE(value, prefix + padded.length + 4 * i);
  return bytes;
}
