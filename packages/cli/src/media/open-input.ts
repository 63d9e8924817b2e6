/** A file of any kind that films and sounds come in. */

import { ALL_FORMATS, FilePathSource, Input } from "mediabunny";

/** Opens a file; whoever does it disposes of it. */
export const openInput = (path: string): Input =>
  new Input({
    formats: ALL_FORMATS,
    source: new FilePathSource(path, { handleUnhandledError: () => undefined }),
  });

/** Does something with a file, and closes it. */
export async function withInput<Result>(
  path: string,
  use: (input: Input) => Promise<Result>,
): Promise<Result> {
  const input = openInput(path);
  try {
    return await use(input);
  } finally {
    input.dispose();
  }
}

/** A number that is one, or what stands for it. */
export const finiteOr = (value: number | null | undefined, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;
