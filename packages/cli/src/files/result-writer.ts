/** Heatmaps -> files. */

import { join } from "node:path";
import { InputError, OptionError } from "@relprop/core";
import {
  drawBox,
  npyFile,
  renderOverlay,
  stampPng,
  type DrawnBox,
  type Heatmap,
  type Pixels,
} from "@relprop/core/heatmap";
import sharp from "sharp";
import { Inputs, refuseKept, type Guard } from "./guard.ts";
import { isOwnFile } from "./own-files.ts";
import { writeGuarded } from "./write-file.ts";

/**
 * - `picture`: what the network saw, after resizing and cropping;
 * - `heatmap`: relevance in colours, one pixel a value;
 * - `overlay`: the heatmap over the grey picture;
 * - `figure`: picture and heatmap side by side, and in words what they show.
 */
export type Style = "picture" | "heatmap" | "overlay" | "figure";
export const styles: readonly Style[] = ["picture", "heatmap", "overlay", "figure"];

/** What can be kept besides pictures: relevance as numbers, all that is known of the image as JSON, the figure as SVG. */
export type Extra = "npy" | "json" | "svg";
export const extras: readonly Extra[] = ["npy", "json", "svg"];

/** What of an image is written. */
export interface Wanted {
  readonly styles: readonly Style[];
  readonly extras: readonly Extra[];
}

/** Relevance as it came from the network: [H, W], or [C, H, W] if channels were kept. */
export interface RelevanceArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Names of the files of one explained part of an answer, by kind, without those that are not wanted. */
export function answerFiles(name: string, { styles, extras }: Wanted): Record<string, string> {
  const all: readonly (readonly [kind: string, isWanted: boolean, ending: string])[] = [
    ["heatmap", styles.includes("heatmap"), "heatmap.png"],
    ["overlay", styles.includes("overlay"), "overlay.png"],
    ["figure", styles.includes("figure"), "figure.png"],
    ["svg", extras.includes("svg"), "figure.svg"],
    ["npy", extras.includes("npy"), "relevance.npy"],
  ];
  return Object.fromEntries(
    all.flatMap(([kind, isWanted, ending]) => (isWanted ? [[kind, `${name}.${ending}`]] : [])),
  );
}

/** Names of the files of an image that do not depend on what is explained. */
export const imageFiles = (key: string, { styles, extras }: Wanted): Record<string, string> => ({
  ...(styles.includes("picture") && { picture: `${key}.picture.png` }),
  ...(extras.includes("json") && { json: `${key}.json` }),
});

/** How results are protected from each other and from the run. */
export interface WriterOptions {
  /** Paths of all images of the run. */
  readonly inputs: readonly string[];
  /** Whether files that relprop did not write may be written over. */
  readonly force: boolean;
  /** Whether a file without a mark is known to be ours. */
  readonly lists?: (path: string) => boolean;
}

/** A figure, drawn for screens and as the text that it is drawn from. */
export interface DrawnFigure {
  readonly svg: string;
  readonly png: () => Promise<Uint8Array>;
}

/** Writes below one folder, never over an input, and over what relprop did not write only if it is told so. */
export class ResultWriter {
  readonly folder: string;
  readonly #ofImage: Guard;
  readonly #ofRun: Guard;

  private constructor(folder: string, guard: Omit<Guard, "Refusal">) {
    this.folder = folder;
    this.#ofImage = { ...guard, Refusal: InputError };
    this.#ofRun = { ...guard, Refusal: OptionError };
  }

  static async create(folder: string, { inputs, force, lists }: WriterOptions): Promise<ResultWriter> {
    return new ResultWriter(folder, {
      force,
      isOurs: async (path) => lists?.(path) === true || (await isOwnFile(path)),
      inputs: await Inputs.of("it is one of the images to explain", inputs),
    });
  }

  /**
   * Asks for files of an image, before they are made.
   * @throws InputError if one of them must not be written
   */
  async check(names: readonly string[]): Promise<void> {
    await refuseKept(this.#paths(names), this.#ofImage);
  }

  /**
   * Asks for files of the whole run, before it begins.
   * @throws OptionError if one of them must not be written
   */
  async checkOfRun(names: readonly string[]): Promise<void> {
    await refuseKept(this.#paths(names), this.#ofRun);
  }

  /** Writes bytes or text of an image below the folder. @throws InputError if the file is kept */
  async bytes(name: string, content: Uint8Array | string): Promise<void> {
    await writeGuarded(join(this.folder, name), content, this.#ofImage);
  }

  /** Writes a file of the whole run below the folder. @throws OptionError if the file is kept */
  async ofRun(name: string, content: string): Promise<void> {
    await writeGuarded(join(this.folder, name), content, this.#ofRun);
  }

  async png(name: string, pixels: Pixels): Promise<void> {
    await this.bytes(name, stampPng(await pngOf(pixels)));
  }

  /** Writes what belongs to one explained part of an answer, into the files that {@link answerFiles} names. */
  async heatmap(
    files: Readonly<Record<string, string>>,
    picture: Pixels,
    heatmap: Heatmap,
    relevance: RelevanceArray,
    box: DrawnBox | undefined,
    draw: () => Promise<DrawnFigure>,
  ): Promise<void> {
    if (files["heatmap"]) await this.png(files["heatmap"], heatmap);
    if (files["overlay"]) await this.png(files["overlay"], boxed(renderOverlay(picture, heatmap), box));
    if (files["figure"] || files["svg"]) {
      const { svg, png } = await draw();
      if (files["figure"]) await this.bytes(files["figure"], await png());
      if (files["svg"]) await this.bytes(files["svg"], svg);
    }
    if (files["npy"]) await this.bytes(files["npy"], npyFile(relevance.data, relevance.dims));
  }

  #paths(names: readonly string[]): string[] {
    return names.map((name) => join(this.folder, name));
  }
}

/** Pixels with the explained box, if there is one, drawn in. */
export const boxed = (pixels: Pixels, box: DrawnBox | undefined): Pixels =>
  box ? drawBox(pixels, box) : pixels;

/** Files as small as at the usual level 6, in two thirds of its time: 51, 110 and 112 kB a photo, 2.6 ms each. */
const quick = { compressionLevel: 3 };

/** Pixels as a PNG without their alpha. */
export async function pngOf({ data, width, height }: Pixels): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png(quick)
    .toBuffer();
}
