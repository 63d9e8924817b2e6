/** Recognises files that relprop wrote: they carry a mark near the beginning, compiled models in their metadata. */

import { statSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { version } from "@relprop/core";
import { isPng, software, softwareKeyword, textOf } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";

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

/** Whether relprop wrote a picture, page or JSON file; false if it cannot be read. */
export async function isOwnFile(path: string): Promise<boolean> {
  const head = await headOf(path).catch(() => undefined);
  if (!head) return false;
  if (isPng(head)) return textOf(head, softwareKeyword)?.startsWith(`${name} `) === true;
  const text = new TextDecoder().decode(head);
  return marks.some((mark) => mark.test(text));
}

/** Whether relprop wrote a picture. */
export const isOwnPicture = async (path: string): Promise<boolean> =>
  path.toLowerCase().endsWith(".png") && (await isOwnFile(path));

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

async function headOf(path: string): Promise<Uint8Array> {
  // Reading a pipe would block.
  if (!(await stat(path)).isFile()) return new Uint8Array();
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
