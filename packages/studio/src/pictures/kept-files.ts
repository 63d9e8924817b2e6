/** Files that people brought are kept in the browser's private file system, so that a link or a reload finds them again. */

import { InputError } from "@relprop/core";

/** Bytes of a file, and what it is called. */
export interface KeptFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A folder of kept files. A browser may have no such file system, or forget what is in it. */
export class KeptFiles {
  readonly #folder: string;
  readonly #most: number;

  /** @param most files that are kept; the oldest goes when another one comes */
  constructor(folder: string, most: number = Infinity) {
    this.#folder = folder;
    this.#most = most;
  }

  /** In alphabetical order; none where the browser has no such file system. */
  async names(): Promise<string[]> {
    if (!("storage" in navigator) || !("getDirectory" in navigator.storage)) return [];
    const names: string[] = [];
    for await (const name of (await this.#open()).keys()) names.push(name);
    return names.sort();
  }

  /** Keeps a file under its name, in place of one of the same name. */
  async keep({ name, bytes }: KeptFile): Promise<void> {
    const folder = await this.#open();
    const file = await folder.getFileHandle(name, { create: true });
    const stream = await file.createWritable();
    await stream.write(bytes);
    await stream.close();
    await this.#forgetOldest(folder);
  }

  /** @throws InputError if there is none of that name. */
  async read(name: string): Promise<KeptFile> {
    try {
      const file = await (await this.#open()).getFileHandle(name);
      return { name, bytes: new Uint8Array(await (await file.getFile()).arrayBuffer()) };
    } catch (error) {
      throw new InputError(
        {
          what: `"${name}" is not here`,
          why: "it was not added in this browser, or the browser has deleted it",
          fix: "drop its file on the page",
        },
        { cause: error },
      );
    }
  }

  async forget(name: string): Promise<void> {
    await (await this.#open()).removeEntry(name);
  }

  async #open(): Promise<FileSystemDirectoryHandle> {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(this.#folder, { create: true });
  }

  async #forgetOldest(folder: FileSystemDirectoryHandle): Promise<void> {
    const files: { readonly name: string; readonly time: number }[] = [];
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === "file") files.push({ name, time: (await handle.getFile()).lastModified });
    }
    files.sort((a, b) => b.time - a.time);
    for (const { name } of files.slice(this.#most)) await folder.removeEntry(name);
  }
}

/** Dropped models. */
export const keptModels: KeptFiles = new KeptFiles("models");
/** Added pictures: as many as one goes back to. */
export const keptPictures: KeptFiles = new KeptFiles("pictures", 10);
