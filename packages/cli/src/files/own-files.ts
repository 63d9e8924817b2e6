/** Which files relprop wrote: each says so near its beginning, a compiled model among its metadata. */

import { statSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { version } from "@relprop/core";
import { isPng, software, softwareKeyword, textOf } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";

/** What stands in every page that we write. */
export const pageMark = `<meta name="generator" content="${software}">`;

/** JSON that says who wrote it, before all else. */
export const markedJson = (content: object): string =>
  `${JSON.stringify({ relprop: version, ...content }, undefined, 2)}\n`;

const name = "relprop";
const marks: readonly RegExp[] = [
  new RegExp(`<meta name="generator" content="${name}\\b`),
  new RegExp(`^<svg[^>]*>\\s*<!-- ${name} `),
  new RegExp(`^\\s*\\{\\s*"${name}":\\s*"`),
];

/** So much of a file is looked at; a mark that stands further behind is not ours. */
const headBytes = 4096;

/** Whether a picture, page or JSON file is one that relprop wrote; false for what cannot be read. */
export async function isOwnFile(path: string): Promise<boolean> {
  const head = await headOf(path).catch(() => undefined);
  if (!head) return false;
  if (isPng(head)) return textOf(head, softwareKeyword)?.startsWith(`${name} `) === true;
  const text = new TextDecoder().decode(head);
  return marks.some((mark) => mark.test(text));
}

/** Whether a picture is one that relprop wrote. */
export const isOwnPicture = async (path: string): Promise<boolean> =>
  path.toLowerCase().endsWith(".png") && (await isOwnFile(path));

/** Whether an .onnx file is one that relprop compiled. @param files gets the paths of its files, links resolved */
export function isOwnModel(path: string, files = new Set<string>()): boolean {
  try {
    // A pipe would be waited for.
    if (!statSync(path).isFile()) return false;
    return readModelFile(path, files).metadata["relprop.version"] !== undefined;
  } catch {
    return false;
  }
}

async function headOf(path: string): Promise<Uint8Array> {
  // A pipe would be waited for.
  if (!(await stat(path)).isFile()) return new Uint8Array();
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
