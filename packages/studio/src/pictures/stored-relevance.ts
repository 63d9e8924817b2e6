/**
 * Compact relevance: gzip of one signed byte q per pixel, R = sign(q) · peak · (q / 127)². The square keeps differences
 * of small relevance, which equal steps would round away.
 */

/** Half a step of the byte at R = peak, as a part of peak: the maximum error. */
export const storedPrecision: number = 1 - (126.5 / 127) ** 2;

/** The encoded R, and the largest |R|, which {@link readRelevance} needs. */
export async function writeRelevance(
  relevance: Float32Array,
): Promise<{ readonly bytes: Uint8Array; readonly peak: number }> {
  const peak = relevance.reduce((most, R) => Math.max(most, Math.abs(R)), 0);
  const bytes = Int8Array.from(relevance, (R) =>
    peak === 0 ? 0 : Math.round(127 * Math.sign(R) * Math.sqrt(Math.abs(R) / peak)),
  );
  return { bytes: await through(bytes, new CompressionStream("gzip")), peak };
}

/** Decodes the result of {@link writeRelevance}. */
export async function readRelevance(
  stored: Uint8Array<ArrayBuffer>,
  peak: number,
): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await through(stored, new DecompressionStream("gzip"));
  return Float32Array.from(new Int8Array(bytes.buffer), (q) => Math.sign(q) * peak * (q / 127) ** 2);
}

async function through(
  bytes: Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer>,
  stream: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(body).arrayBuffer());
}
