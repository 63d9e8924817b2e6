/** Dropped models are kept in the browser's private file system, so that a link or a reload finds them again. */

import { ModelFileError } from "relprop";

const folderName = "models";

async function folder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(folderName, { create: true });
}

/** Names of the models that are kept, in alphabetical order; none where the browser has no such file system. */
export async function cachedModels(): Promise<string[]> {
  if (!("storage" in navigator) || !("getDirectory" in navigator.storage)) return [];
  const names: string[] = [];
  for await (const name of (await folder()).keys()) names.push(name);
  return names.sort();
}

/** Keeps a model under its name, in place of one of the same name. */
export async function cacheModel(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const file = await (await folder()).getFileHandle(name, { create: true });
  const stream = await file.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** @throws ModelFileError if there is none of that name. */
export async function readCachedModel(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await (await folder()).getFileHandle(name);
    return new Uint8Array(await (await file.getFile()).arrayBuffer());
  } catch (error) {
    throw new ModelFileError(
      {
        what: `there is no model "${name}"`,
        why: "it was not dropped in this browser, or the browser has deleted it",
        fix: "drop its file on the page",
      },
      { cause: error },
    );
  }
}

/** Forgets a model. */
export async function forgetModel(name: string): Promise<void> {
  await (await folder()).removeEntry(name);
}
