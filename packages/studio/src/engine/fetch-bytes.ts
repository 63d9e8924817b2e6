/** Downloads with progress. */

import { ModelFileError } from "@relprop/core";

/**
 * The bytes of a URL.
 * @param onProgress bytes so far, and the total if the server sends it.
 * @throws ModelFileError if the download fails, with a message for the user.
 */
export async function fetchBytes(
  url: string,
  onProgress?: (loaded: number, total: number | undefined) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const failed = (why: string, cause?: unknown): ModelFileError =>
    new ModelFileError(
      { what: `cannot load ${url}`, why, fix: "try again, or drop the file here" },
      { cause },
    );
  const response = await fetch(url).catch((error: unknown) => {
    throw failed("the server cannot be reached, or does not allow other pages to read its files", error);
  });
  if (!response.ok || !response.body) throw failed(`the server answered ${response.status}`);
  const length = Number(response.headers.get("content-length") ?? 0);
  const isEncoded = response.headers.get("content-encoding") !== null;
  const total = length > 0 && !isEncoded ? length : undefined;
  let loaded = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        loaded += chunk.length;
        onProgress?.(loaded, total);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Uint8Array(await new Response(counted).arrayBuffer());
}

const text = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** Formats bytes: `3.1 MB`, or `3.1 / 8.1 MB`. */
export function megabytes(loaded: number, total?: number): string {
  return total === undefined ? `${text(loaded)} MB` : `${text(loaded)} / ${text(total)} MB`;
}
