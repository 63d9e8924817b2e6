/** Stores the user's files in the browser's private file system, for links and reloads. */

import { InputError } from "@relprop/core";

/** A file's bytes and name. */
export interface KeptFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A folder of stored files. Some browsers have no such file system, and all may delete its content. */
export class KeptFiles {
  readonly #folder: string;
  readonly #most: number;

  /** @param most maximum number of files; a further one replaces the oldest */
  constructor(folder: string, most: number = Infinity) {
    this.#folder = folder;
    this.#most = most;
  }

  /** Names in alphabetical order; none if the browser has no such file system. */
  async names(): Promise<string[]> {
    if (!("storage" in navigator) || !("getDirectory" in navigator.storage)) return [];
    const names: string[] = [];
    for await (const name of (await this.#open()).keys()) names.push(name);
    return names.sort();
  }

  /** Stores a file, and replaces one of the same name. */
  async keep({ name, bytes }: KeptFile): Promise<void> {
    const folder = await this.#open();
    const file = await folder.getFileHandle(name, { create: true });
    const stream = await file.createWritable();
    await stream.write(bytes);
    await stream.close();
    await this.#forgetOldest(folder);
  }

  /** @throws InputError if there is no file of that name. */
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
