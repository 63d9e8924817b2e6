/** Files that are damaged end in one clear line each, in bounded time. */

import { zipSync } from "fflate";
import { InputError } from "@relprop/core";
import { npyFile } from "@relprop/core/heatmap";
import { expect, test } from "vitest";
import { openFile } from "../../src/arrays/open-file.ts";
import { Workshop } from "../support/output-runs.ts";

const shop = new Workshop();
const numbers = Float32Array.from({ length: 60 }, (_, i) => i / 7);
const lists = Array.from({ length: 6 }, (_, i) => Array.from(numbers.subarray(10 * i, 10 * i + 10)));
const npy = npyFile(numbers, [6, 10]);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const whole: Readonly<Record<string, Uint8Array>> = {
  npy,
  npz: zipSync({ "x.npy": npy }),
  csv: bytesOf(lists.map((row) => row.join(",")).join("\n")),
  json: bytesOf(JSON.stringify(lists)),
  parquet: bytesOf("PAR1 no parquet PAR1"),
};
const each = 20;

test.each(Object.entries(whole))("damaged .%s", async (kind, bytes) => {
  let random = 7;
  const next = (below: number): number => {
    random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
    return random % below;
  };
  for (let i = 0; i < each; i++) {
    const hurt = Uint8Array.from(i % 2 === 0 ? bytes : bytes.subarray(0, next(bytes.length)));
    for (let j = 0; j < 4 && hurt.length > 0; j++) hurt[next(hurt.length)] = next(256);
    const path = await shop.file(`hurt${i}.${kind}`, hurt);
    const error = await openFile(path).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined) continue;
    expect(error, `${i}`).toBeInstanceOf(InputError);
    expect((error as InputError).message).toContain(path);
    expect((error as InputError).message).not.toMatch(/\n|undefined|TypeError|RangeError/);
  }
});
