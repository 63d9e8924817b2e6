/** The source of a model: the beginning of its error messages, and the files beside it. */

import { ModelFileError } from "../../errors.ts";
import type { StoredBytes } from "../stored-tensor.ts";

/** Returns `length` bytes of an external-data file from `offset`. */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array;

/** Where a model is read from. */
export interface Source {
  /** The beginning of all errors: `cannot read "vgg16.onnx"`. */
  readonly what: string;
  /** Returns external data, or its place if it stays in its file. */
  readonly readExternal:
    | ((location: string, offset: number, length: number) => Uint8Array | StoredBytes)
    | undefined;
}

const maxText = 400;

/** Shortens text and makes it printable, since names in files may have any length, line breaks or terminal escapes. */
function oneLine(text: string): string {
  const printable = text.slice(0, maxText).replaceAll(/\p{C}+/gu, " ");
  return text.length > maxText ? `${printable}…` : printable;
}

/** The error of a file that cannot be used, in one line whatever names the file has. */
export function refuse(
  source: Source,
  parts: { where?: string; why: string; fix?: string },
  options?: ErrorOptions,
): ModelFileError {
  const { where, why, fix } = parts;
  return new ModelFileError(
    {
      what: source.what,
      ...(where !== undefined && { where: oneLine(where) }),
      why: oneLine(why),
      ...(fix !== undefined && { fix }),
    },
    options,
  );
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Runs a decoder.
 * @throws ModelFileError if it fails, since then the bytes are wrong
 */
export function decoding<T>(source: Source, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    // The file could not be read at all.
    if (error instanceof ModelFileError) throw error;
    const why = `it is not an ONNX model, or damaged: ${messageOf(error)}`;
    throw refuse(source, { why, fix: "download or export it anew" }, { cause: error });
  }
}
