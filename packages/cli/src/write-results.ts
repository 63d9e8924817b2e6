/** Heatmaps -> files. */

import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "relprop";
import { drawBox, npyFile, renderOverlay, type DrawnBox, type Heatmap, type Pixels } from "relprop/heatmap";
import sharp, { type Sharp } from "sharp";
import { writeWhole } from "./write-file.ts";

/**
 * - `picture`: what the network saw, after resizing and cropping;
 * - `heatmap`: relevance in colours, one pixel a value;
 * - `overlay`: the heatmap over the grey picture;
 * - `figure`: picture and heatmap side by side.
 */
export type Style = "picture" | "heatmap" | "overlay" | "figure";
export const styles: readonly Style[] = ["picture", "heatmap", "overlay", "figure"];

/** What can be kept besides pictures: relevance as numbers, all that is known of the image as JSON. */
export type Extra = "npy" | "json";
export const extras: readonly Extra[] = ["npy", "json"];

/** Relevance as it came from the network: [H, W], or [C, H, W] if channels were kept. */
export interface RelevanceArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Writes below one folder, and never over an input. */
export class ResultWriter {
  readonly folder: string;
  readonly #inputs: ReadonlySet<string>;

  private constructor(folder: string, inputs: ReadonlySet<string>) {
    this.folder = folder;
    this.#inputs = inputs;
  }

  /** @param inputs paths of all images of the run, which are protected. */
  static async create(folder: string, inputs: readonly string[]): Promise<ResultWriter> {
    const real = await Promise.all(inputs.map((path) => realpath(path).catch(() => resolve(path))));
    return new ResultWriter(folder, new Set(real));
  }

  /** Writes what the network saw. Gives the files' paths below the folder, by kind. */
  async picture(key: string, picture: Pixels, wanted: readonly Style[]): Promise<Record<string, string>> {
    return wanted.includes("picture") ? { picture: await this.#png(`${key}.picture.png`, picture) } : {};
  }

  /** Writes what belongs to one explained class. Gives the files' paths below the folder, by kind. */
  async heatmap(
    name: string,
    picture: Pixels,
    heatmap: Heatmap,
    relevance: RelevanceArray,
    wanted: {
      readonly styles: readonly Style[];
      readonly extras: readonly Extra[];
      /** Drawn into all but the heatmap itself. */
      readonly box?: DrawnBox | undefined;
    },
  ): Promise<Record<string, string>> {
    const files: Record<string, string> = {};
    const { styles, extras, box } = wanted;
    const boxed = (pixels: Pixels): Pixels => (box ? drawBox(pixels, box) : pixels);
    if (styles.includes("heatmap")) files["heatmap"] = await this.#png(`${name}.heatmap.png`, heatmap);
    if (styles.includes("overlay")) {
      files["overlay"] = await this.#png(`${name}.overlay.png`, boxed(renderOverlay(picture, heatmap)));
    }
    if (styles.includes("figure")) {
      files["figure"] = await this.bytes(`${name}.figure.png`, await figure(boxed(picture), heatmap));
    }
    if (extras.includes("npy")) {
      files["npy"] = await this.bytes(`${name}.relevance.npy`, npyFile(relevance.data, relevance.dims));
    }
    return files;
  }

  /** Writes bytes or text below the folder; gives the path back. */
  async bytes(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.folder, name);
    const real = await realpath(path).catch(() => resolve(path));
    if (this.#inputs.has(real)) {
      throw new InputError({
        what: `will not write "${path}"`,
        why: "it is one of the images to explain",
        fix: "choose another folder with -o",
      });
    }
    await writeWhole(path, content);
    return name;
  }

  async #png(name: string, pixels: Pixels): Promise<string> {
    return this.bytes(name, await image(pixels).png(quick).toBuffer());
  }
}

/** Files as small as at the usual level 6, in two thirds of its time: 51, 110 and 112 kB a photo, 2.6 ms each. */
const quick = { compressionLevel: 3 };

const image = ({ data, width, height }: Pixels): Sharp =>
  sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha();

/** Pixels between and around the two halves of a figure. */
const gap = 12;

/** Picture and heatmap side by side on white, as the seed saved them. */
async function figure(picture: Pixels, heatmap: Pixels): Promise<Uint8Array> {
  const { width, height } = picture;
  const halves = await Promise.all([picture, heatmap].map((half) => image(half).png().toBuffer()));
  return sharp({
    create: { width: 2 * width + 3 * gap, height: height + 2 * gap, channels: 3, background: "#fff" },
  })
    .composite(halves.map((input, i) => ({ input, top: gap, left: gap + i * (width + gap) })))
    .png(quick)
    .toBuffer();
}
