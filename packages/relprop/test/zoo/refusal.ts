/** What a reader says of a file that it must refuse. */

import { expect } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import type { ByteSource } from "../../src/zoo/bytes-source.ts";
import { readCheckpoint } from "../../src/zoo/checkpoint.ts";

/** The message of the error, which must be one short line that names the file; reads must stay inside of the file. */
export async function refusal(source: ByteSource): Promise<string> {
  const guarded: ByteSource = {
    ...source,
    read: (offset, length) => {
      if (offset < 0 || offset + length > source.size) throw new Error(`read of ${length} at ${offset}`);
      return source.read(offset, length);
    },
  };
  const error = await readCheckpoint(guarded).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelFileError);
  const { message } = error as ModelFileError;
  expect(message).toContain(`"${source.name}"`);
  expect(message).not.toContain("\n");
  expect(message.length).toBeLessThan(1000);
  expect(message).not.toMatch(/undefined|NaN|RangeError|read of/);
  return message;
}
