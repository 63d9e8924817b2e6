/** Recognises files that relprop wrote: they carry a mark near the beginning, compiled models in their metadata. */

import { statSync } from "node:fs";
import { version } from "@relprop/core";
import { isPng, software, softwareKeyword, textOf } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";
import { endsOf } from "./file-ends.ts";

/** The mark in every page. */
export const pageMark = `<meta name="generator" content="${software}">`;

/** JSON that begins with our mark. */
export const markedJson = (content: object): string =>
  `${JSON.stringify({ relprop: version, ...content }, undefined, 2)}\n`;

const name = "relprop";
const marks: readonly RegExp[] = [
  new RegExp(`<meta name="generator" content="${name}\\b`),
  new RegExp(`^<svg[^>]*>\\s*<!-- ${name} `),
  new RegExp(`^\\s*\\{\\s*"${name}":\\s*"`),
];

/** Only this many bytes are searched for a mark. */
const headBytes = 4096;

/** Films have it in a tag: WebM in its head, MP4 and MOV at the end. */
const markedFilm = new RegExp(`\\b${name} \\d+\\.\\d+\\.`);
const isWrittenFilm = /\.(mp4|mov|webm)$/i;

/** Whether relprop wrote a picture, film, page or JSON file; false if it cannot be read. */
export async function isOwnFile(path: string): Promise<boolean> {
  const { head, tail } = (await endsOf(path, headBytes).catch(() => undefined)) ?? {};
  if (!head || !tail) return false;
  if (isWrittenFilm.test(path)) return [head, tail].some((end) => markedFilm.test(latin.decode(end)));
  if (isPng(head)) return textOf(head, softwareKeyword)?.startsWith(`${name} `) === true;
  const text = new TextDecoder().decode(head);
  return marks.some((mark) => mark.test(text));
}

/** Whether relprop wrote a picture or a film. */
export const isOwnPicture = async (path: string): Promise<boolean> =>
  (path.toLowerCase().endsWith(".png") || isWrittenFilm.test(path)) && (await isOwnFile(path));

/** Whether relprop compiled an .onnx file. @param files receives the paths of its files, links resolved */
export function isOwnModel(path: string, files = new Set<string>()): boolean {
  try {
    // Reading a pipe would block.
    if (!statSync(path).isFile()) return false;
    return readModelFile(path, files).metadata["relprop.version"] !== undefined;
  } catch {
    return false;
  }
}

const latin = new TextDecoder("latin1");
