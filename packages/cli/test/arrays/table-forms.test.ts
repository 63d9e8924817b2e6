/** Tables as people have them: encodings, decimal commas, names, columns beside the features. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { csvForm } from "../../src/arrays/csv-form.ts";
import { NetBuilder } from "../../../relprop/test/support/output-models.ts";
import type { Model } from "../../../relprop/src/onnx/index.ts";
import { Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();

/** y = xW + c for so many features. */
function linear(features: number): Model {
  const b = new NetBuilder();
  b.output(b.dense(b.input("x", "float32", ["N", features]), features, 2), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const names = ["Größe", "Gewicht", "Puls"];
const rows = [
  [1.5, -2.25, 60],
  [0.125, 3, 71.5],
  [-1, 2e-3, 80],
];

/** Explains a table, and reads the relevance that was written. */
async function explained(
  file: string,
  content: string | Uint8Array,
  ...args: string[]
): Promise<CommandRun & { readonly lines: string[][] }> {
  const model = await shop.model(linear(3), "linear3");
  const path = await shop.file(file, content);
  const run = await shop.run("explain", path, "-m", model, "-c", "1", "--figures", "0", ...args);
  const written = join(run.folder, file.replace(/\.\w+$/, ".1-output-1.relevance.csv"));
  const text = run.status === 0 ? await readFile(written, "utf8") : "";
  return {
    ...run,
    lines: text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(",")),
  };
}

const table = (mark: string, toText: (n: number) => string, end = "\n"): string =>
  [names, ...rows.map((row) => row.map(toText))].map((row) => row.join(mark)).join(end);

const commas = (n: number): string => String(n).replace(".", ",");
const latin = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf16 = (text: string, isLittle: boolean): Uint8Array => {
  const bytes = Buffer.from(`\uFEFF${text}`, "utf16le");
  return isLittle ? bytes : bytes.swap16();
};

describe("the form of a table", () => {
  test.each<[string, string | Uint8Array, RegExp | undefined]>([
    ["semicolons.csv", table(";", commas), /semicolons\.csv: numbers with decimal commas/],
    ["tabs.tsv", table("\t", commas, "\r\n"), /numbers with decimal commas/],
    ["latin.csv", latin(table(",", String)), /latin\.csv: not UTF-8, so read as Windows-1252/],
    ["both.csv", latin(table(";", commas)), /Windows-1252, numbers with decimal commas/],
    ["little.csv", utf16(table("\t", commas), true), /UTF-16, numbers with decimal commas/],
    ["big.csv", utf16(table(",", String), false), /UTF-16/],
    ["mark.csv", `\uFEFF${table(";", String)}`, undefined],
  ])("%s gives the numbers and names of a plain file", async (file, content, note) => {
    const plain = await explained("plain.csv", table(",", String));
    const run = await explained(file, content);
    expect(run.status, run.stderr).toBe(0);
    expect(run.lines).toEqual(plain.lines);
    expect(run.lines[0]?.slice(-3)).toEqual(names);
    if (note) expect(run.stderr).toMatch(note);
    else expect(run.stderr).not.toMatch(/decimal commas|UTF/);
  });

  test("without names it is the same", async () => {
    const plain = await explained("bare.csv", rows.map((row) => row.join(",")).join("\n"));
    const run = await explained("bare-commas.csv", rows.map((row) => row.map(commas).join(";")).join("\n"));
    expect(run.lines.slice(1)).toEqual(plain.lines.slice(1));
    expect(run.lines[0]?.slice(-3)).toEqual(["0", "1", "2"]);
  });

  test("decimal commas and points in one table are refused", async () => {
    const run = await explained("mixed.csv", "a;b;c\n1,5;2.5;3\n");
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(
      "it has numbers with decimal commas (1,5) and with points (2.5); write all numbers with points",
    );
  });

  test("what might be a thousand is no number where decimals have commas", async () => {
    const long = Array.from({ length: 7000 }, () => "1,5;2,5;3").join("\n");
    const run = await explained("late.csv", `a;b;c\n${long}\n1,5;1.234;3\n`);
    expect(run.stderr).toContain("cannot explain row 7000 of");
    expect(run.stderr).toContain('column "b" is "1.234", no number');
  });

  test("names with commas do not part columns that semicolons part", () => {
    const form = csvForm("x.csv", new TextEncoder().encode("Größe, cm;Gewicht, kg\n1,5;2,5\n"));
    expect(form).toMatchObject({ delimiter: ";", hasDecimalCommas: true, encoding: "utf-8" });
  });

  test("a letter that the first bytes cut in two is still UTF-8", () => {
    const bytes = new TextEncoder().encode("a,ü");
    expect(csvForm("x.csv", bytes.subarray(0, -1)).encoding).toBe("utf-8");
  });
});

describe("columns beside the features", () => {
  test("are carried, unchanged and first, also of rows that failed", async () => {
    const text = 'id,Größe,note,Gewicht,Puls\np1,1,"a ""b"", c",2,3\n007,4,,5,\np3,6,x,7,8\n';
    const run = await explained("ids.csv", text, "--columns", names.join(","));
    expect(run.status).toBe(1);
    const written = await readFile(join(run.folder, "ids.1-output-1.relevance.csv"), "utf8");
    const lines = written.trimEnd().split("\n");
    expect(lines[0]).toBe(`id,note,row,explained,score,start,${names.join(",")}`);
    expect(lines[1]).toMatch(/^p1,"a ""b"", c",0,output 1,/);
    expect(lines[2]).toBe("007,,1,,,,,,");
    expect(lines[3]).toMatch(/^p3,x,2,output 1,/);
  });

  test("of other formats are carried as texts", async () => {
    const text = JSON.stringify([{ id: 7, a: 1, b: 2, c: 3, when: null, tags: ["x"] }]);
    const run = await explained("cells.json", text, "--columns", "a,b,c");
    expect(run.status, run.stderr).toBe(0);
    expect(run.lines[0]?.slice(0, 3)).toEqual(["id", "when", "tags"]);
    expect(run.lines[1]?.slice(0, 3)).toEqual(["7", "", '"[""x""]"']);
  });
});

describe("names that contradict a table's header", () => {
  const text = "a,b,c\n1,2,3\n";
  test.each<[string, string, string[], string]>([
    ["twice.csv", text, ["--columns", "a,b,a"], '--columns names "a" twice'],
    ["none.csv", text, ["--columns", "a,b,d"], 'has no column "d": its columns are a, b, c'],
    ["same.csv", "a,a,b\n1,2,3\n", [], '2 of them are called "a"'],
    ["like.csv", "A b,a_b,c\n1,2,3\n", ["--columns", "a-b,c,c"], '2 of them are called "a-b"'],
  ])("%s is refused: %s %s", async (file, content, args, why) => {
    const run = await explained(file, content, ...args);
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain(why);
  });

  test.each([
    [["a", "c", "b"], 'feature 1 is "c", and the column there is "b"'],
    [["a", "b", "x"], 'no column is called "x"'],
    [["a", "b"], "there are 2 names and 3 columns"],
  ])("--labels-input %j is refused", async (given, why) => {
    const labels = await shop.file("names.json", JSON.stringify(given));
    const run = await explained("named.csv", text, "--labels-input", labels);
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain("the names of the model's features are not those of");
    expect(run.stderr).toContain(why);
  });

  test("--labels-input names the columns of a table without names, and agrees with --columns", async () => {
    const labels = await shop.file("good.txt", "c\na\nb\n");
    const bare = await explained("bare3.csv", "1,2,3\n", "--labels-input", labels);
    expect(bare.lines[0]?.slice(-3)).toEqual(["c", "a", "b"]);
    const chosen = await explained("abc.csv", text, "--columns", "c,a,b", "--labels-input", labels);
    expect(chosen.status, chosen.stderr).toBe(0);
    expect(chosen.lines[0]?.slice(-3)).toEqual(["c", "a", "b"]);
  });

  test("--labels-input that cannot be read says what it was to be", async () => {
    const run = await explained("abc2.csv", text, "--labels-input", shop.path("nowhere.txt"));
    expect(run.stderr).toContain("cannot read the names of the features");
  });
});
