/** Tables: cells, numbers and lines, however a file is written. */

import { assert, double, float, oneof, property, string, stringMatching } from "fast-check";
import { describe, expect, test } from "vitest";
import { csvText } from "../../src/arrays/csv-lines.ts";
import { openCsv } from "../../src/arrays/csv.ts";
import { plain } from "../../src/arrays/decimals.ts";
import { numberOf } from "../../src/arrays/cell-number.ts";
import { Workshop } from "../support/output-runs.ts";

const shop = new Workshop();

interface Read {
  readonly columns: readonly string[];
  readonly cells: readonly unknown[][];
  readonly numbers: readonly number[];
}

/** All of a file, so many rows at a time. */
async function readAll(path: string, together = 2): Promise<Read> {
  const table = await openCsv(path);
  const all = [...table.columns.keys()];
  const reader = table.read({ numbers: all, texts: all });
  const cells: unknown[][] = [];
  const numbers: number[] = [];
  for (;;) {
    const rows = await reader.take(cells.length, together);
    for (let row = 0; row < rows.count; row++) cells.push(all.map((column) => rows.cell(row, column)));
    numbers.push(...rows.numbers(all));
    if (rows.count < together) break;
  }
  await reader.close();
  expect(await table.counted()).toBe(cells.length);
  return { columns: table.columns, cells, numbers };
}

let files = 0;
const read = async (content: string | Uint8Array, together?: number): Promise<Read> =>
  readAll(await shop.file(`t${files++}.csv`, content), together);

const utf16 = (text: string, isBig = false): Uint8Array => {
  const bytes = Buffer.from(`\uFEFF${text}`, "utf16le");
  return isBig ? bytes.swap16() : bytes;
};

describe("cells", () => {
  const wanted = [
    ["1", "x, y"],
    ["2", 'a "b"\nc'],
    ["3", ""],
  ];
  const text = 'n,t\n1,"x, y"\n2,"a ""b""\nc"\n3,\n';

  test.each<[string, string | Uint8Array]>([
    ["lines of \\n", text],
    ["no line end at the end", text.slice(0, -1)],
    ["a byte order mark", `\uFEFF${text}`],
    ["UTF-16, little-endian", utf16(text)],
    ["UTF-16, big-endian", utf16(text, true)],
    ["empty lines", `\n\n${text.replace("1,", "\n\n1,")}\n\n  \n`],
    ["blanks around cells", 'n , t\n 1 ,  "x, y" \n\t2,"a ""b""\nc"\t\n 3 , \n'],
    ["all of it quoted", '"n","t"\n"1","x, y"\n"2","a ""b""\nc"\n"3",""\n'],
  ])("%s", async (_, content) => {
    const { columns, cells } = await read(content);
    expect(columns).toEqual(["n", "t"]);
    expect(cells).toEqual(wanted);
  });

  test.each([
    ["\\r\\n and semicolons", "a;b\r\n1;2\r\n3;4\r\n"],
    ["\\r alone", "a,b\r1,2\r3,4\r"],
    ["tabs", "a\tb\n1\t2\n3\t4"],
    ["mixed ends of lines", "a,b\r\n1,2\n3,4\r\n"],
  ])("%s", async (_, content) => {
    const { columns, numbers } = await read(content);
    expect(columns).toEqual(["a", "b"]);
    expect(numbers).toEqual([1, 2, 3, 4]);
  });

  test("empty ones between tabs", async () => {
    expect((await read("a\tb\tc\n\t\t3\n1\t\t\n")).cells).toEqual([
      ["", "", "3"],
      ["1", "", ""],
    ]);
  });

  test("names of columns with quotes, and numbers without names", async () => {
    expect((await read('"a ""x"", b",größe\n1,2\n')).columns).toEqual(['a "x", b', "größe"]);
    const { columns, numbers } = await read("1,2\n3,4\n");
    expect(columns).toEqual(["0", "1"]);
    expect(numbers).toEqual([1, 2, 3, 4]);
  });

  test("that lie across the pieces in which a file is read", async () => {
    // The first piece has 2¹⁶ bytes; what is difficult is put across its end, byte by byte.
    const tail = '"a""b,\r\nc",-1.5e2\r\n"ü",7\r\n';
    for (let before = 0; before <= Buffer.byteLength(tail) + 1; before++) {
      const filler = "x".repeat((1 << 16) - "t,n\r\n".length - ",1\r\n".length - before);
      const { cells, numbers } = await read(`t,n\r\n${filler},1\r\n${tail}`, 5);
      expect(cells.map(([, n]) => n)).toEqual(["1", "-1.5e2", "7"]);
      expect(cells.map(([t]) => t)).toEqual([filler, 'a"b,\r\nc', "ü"]);
      expect(numbers.filter((_, i) => i % 2 === 1)).toEqual([1, -150, 7]);
    }
  });

  test("are read again from the start, and from any row on", async () => {
    const table = await openCsv(
      await shop.file("any.csv", Array.from({ length: 9 }, (_, i) => `${i},7`).join("\n")),
    );
    const reader = table.read();
    for (const [first, count, got] of [
      [3, 2, [3, 4]],
      [0, 1, [0]],
      [1, 3, [1, 2, 3]],
      [8, 5, [8]],
      [9, 5, []],
      [40, 1, []],
      [2, 1, [2]],
    ] as const) {
      const rows = await reader.take(first, count);
      expect([...rows.numbers([0])]).toEqual(got);
    }
    await reader.close();
  });
});

describe("what is no table says which row is wrong", () => {
  test.each([
    ["a,b\n1,2\n3,4,5\n", "row 1 (counted from 0) has 3 cells, and the first line 2"],
    ["a,b\n1,2\n3\n", "row 1 (counted from 0) has 1 cell, and the first line 2"],
    ["1,2\n3,4\n5\n", "row 2 (counted from 0) has 1 cell, and the first line 2"],
    ['a,b\n1,2\n"3,4\n', "row 1 (counted from 0) has a quote that is not closed"],
    ['a,b\n"1"2,2\n', "row 0 (counted from 0) has text behind a quoted cell"],
    ['a,b\n1"2,2\n', "row 0 (counted from 0) has a quote in the middle of a cell"],
    ['"a,b\n1,2\n', "row 0 (counted from 0) has a quote that is not closed"],
    [`a,b\n"${"1,2\n".repeat(1 << 23)}`, "longer than"],
    ["", "it is empty"],
    ["\n \n\n", "it is empty"],
  ])("%#", async (content, why) => {
    await expect(read(content)).rejects.toThrow(why);
  });
});

/** Rounded to seven digits in decimal, and then the shortest text of that number. */
function referee(number: number): string {
  if (number === 0 || !Number.isFinite(number)) return String(number);
  const scale = 10 ** (6 - Number(number.toExponential(20).split("e")[1]));
  return scale < 1 ? number.toPrecision(7) : String(Math.round(number * scale) / scale);
}

describe("numbers", () => {
  test("a blank cell is none, quoted or not", async () => {
    const { numbers } = await read('a,b,c\n1," ",\n2,true,0x10\n3,Infinity,1e400\n');
    expect(numbers).toEqual([1, NaN, NaN, 2, 1, 16, 3, Infinity, Infinity]);
    expect([" ", "", "\u00A0", null, undefined].map(numberOf)).toEqual([NaN, NaN, NaN, NaN, NaN]);
  });

  test("are read as JavaScript reads their texts", () => {
    const texts = oneof(
      double({ noNaN: true }).map(String),
      float({ noNaN: true }).map((number) => number.toFixed(5)),
      stringMatching(/^-?[0-9]{0,17}\.?[0-9]{0,17}$/u),
      string(),
    );
    assert(
      property(
        texts.filter((text) => text.trim() !== "" && !/^\s*(?:true|false)\s*$/iu.test(text)),
        (text) => Object.is(numberOf(text), Number(text)),
      ),
      { numRuns: 20_000 },
    );
    expect(["-", ".", "-.", "+1", "1.", ".5", "-0", "00012", "1..2", "- 1"].map(numberOf)).toEqual([
      NaN,
      NaN,
      NaN,
      1,
      1,
      0.5,
      -0,
      12,
      NaN,
      NaN,
    ]);
  });

  test("are written with seven digits, as JavaScript writes the number of these", () => {
    assert(
      property(float({ noNaN: true }), (number) => plain(number) === referee(number)),
      { numRuns: 20_000 },
    );
    assert(
      property(double({ min: 1e-12, max: 1e8, noNaN: true }), (n) => plain(-n) === referee(-n)),
      { numRuns: 20_000 },
    );
    expect([0.1, -0.5, 9.9999999, 1e-6, 9.9999999e-7, 1234567.8, 12345678, 1e21, NaN, -0].map(plain)).toEqual(
      ["0.1", "-0.5", "10", "0.000001", "0.000001", "1234568", "1.234568e+7", "1.000000e+21", "NaN", "0"],
    );
  });

  test("stand behind what their lines begin with", () => {
    const text = csvText({
      beginnings: ["0,größe,1", "1,,,"],
      hasNumbers: Uint8Array.of(1, 0),
      numbers: Float32Array.of(0.25, -3, 7, 7),
      columns: 2,
    });
    expect(text.toString()).toBe("0,größe,1,0.25,-3\n1,,,\n");
  });
});
