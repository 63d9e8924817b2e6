/** Writes NumPy's .npy format, version 1.0, for float32 arrays. */

/**
 * The bytes of a .npy file, row-major and little-endian, which `numpy.load` reads.
 * Format (numpy.lib.format, 2007): magic, version, header length, header padded to 64 bytes, data.
 *
 * @example
 *     await writeFile("relevance.npy", npyFile(relevance.data, relevance.dims));
 */
export function npyFile(data: Float32Array, dims: readonly number[]): Uint8Array<ArrayBuffer> {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const prefix = 10;
  const padded = `${header.padEnd(64 * Math.ceil((prefix + header.length + 1) / 64) - prefix - 1)}\n`;
  const bytes = new Uint8Array(prefix + padded.length + 4 * data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  view.setUint16(8, padded.length, true);
  bytes.set(new TextEncoder().encode(padded), prefix);
  for (const [i, value] of data.entries()) view.setFloat32(prefix + padded.length + 4 * i, value, true);
  return bytes;
}
