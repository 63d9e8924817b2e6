/** Recognises pictures that earlier runs wrote, so that heatmaps are not explained again. */

import { readFile, realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { manifestName } from "./manifest.ts";
import { isOwnPicture } from "./own-files.ts";

/** Recognises results among images. */
export class EarlierResults {
  readonly #folder: string;
  readonly #lists: (path: string) => boolean;
  readonly #listsOfOthers: Record<string, Promise<string>> = {};

  private constructor(folder: string, lists: (path: string) => boolean) {
    this.#folder = folder;
    this.#lists = lists;
  }

  /**
   * @param folder the output folder of this run
   * @param lists whether an unmarked picture is known to be ours
   */
  static async in(folder: string, lists: (path: string) => boolean = () => false): Promise<EarlierResults> {
    return new EarlierResults(await realPath(folder), lists);
  }

  /** Whether a picture is a result: it carries our mark, or is listed as a result. */
  async has(path: string): Promise<boolean> {
    return this.#lists(path) || (await isOwnPicture(path)) || (await this.#isListedBeside(path));
  }

  /** Numbers carry no mark: whether the list of an output folder above names them. */
  async #isListedBeside(path: string): Promise<boolean> {
    if (!/\.(?:relevance\.(?:npy|npz|csv)|windows\.csv)$/.test(path)) return false;
    const real = await realPath(path);
    for (let folder = dirname(real); ; folder = dirname(folder)) {
      const list = (this.#listsOfOthers[folder] ??= readFile(join(folder, manifestName), "utf8").catch(
        () => "",
      ));
      const name = relative(folder, real).split(sep).join("/");
      if ((await list).includes(JSON.stringify(name))) return true;
      if (dirname(folder) === folder) return false;
    }
  }

  /** Whether a picture was found in the output folder, while searching a folder above it. */
  async isInOutputFolder(path: string, named: string): Promise<boolean> {
    return isBelow(this.#folder, await realPath(named)) && isBelow(await realPath(path), this.#folder);
  }
}

const realPath = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way.split(sep)[0] !== ".." && resolve(folder, way) === path;
}

/** A line that says how many pictures were left out. */
export const leftOutText = (count: number, folder: string): string =>
  `left out ${count === 1 ? "1 picture" : `${count} pictures`} that relprop wrote, or that ${count === 1 ? "lies" : "lie"} in the output folder "${folder}"`;
