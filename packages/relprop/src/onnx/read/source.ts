/** Where a model comes from: what its error messages begin with, and the files beside it. */

import { ModelFileError } from "../../errors.ts";
import type { StoredBytes } from "../stored-tensor.ts";

/** Gives `length` bytes of an external-data file from `offset`. */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array;

export interface Source {
  /** What every error says first: `cannot read "vgg16.onnx"`. */
  readonly what: string;
  /** Gives external data, or where it is left. */
  readonly readExternal:
    | ((location: string, offset: number, length: number) => Uint8Array | StoredBytes)
    | undefined;
}

const longest = 400;

/** Names in a file may be of any length and contain line breaks or escape sequences of terminals. */
function oneLine(text: string): string {
  const printable = text.slice(0, longest).replaceAll(/\p{C}+/gu, " ");
  return text.length > longest ? `${printable}…` : printable;
}

/** The error of a file that cannot be used: one line, whatever names are in the file. */
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

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs a decoder, whose errors mean that the bytes are wrong. */
export function decoding<T>(source: Source, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    // The file could not be read.
    if (error instanceof ModelFileError) throw error;
    const why = `it is no ONNX model, or a damaged one: ${messageOf(error)}`;
    throw refuse(source, { why, fix: "download or export it anew" }, { cause: error });
  }
}
