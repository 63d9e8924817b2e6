/** Arrays, tables and signals through the command: the numbers that come out, the files, and what is refused. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync, zipSync } from "fflate";
import { npyFile, readNpy } from "@relprop/core/heatmap";
import { describe, expect, test } from "vitest";
import type { ArrayRunOptions } from "../../src/arrays/array-options.ts";
import { explainArrays } from "../../src/arrays/explain-arrays.ts";
import { Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();
const caseFile = (path: string): string =>
  fileURLToPath(new URL(`../../../relprop/test/cases/${path}`, import.meta.url));
const here = (name: string): string =>
  fileURLToPath(new URL(`../../../../examples/tables/${name}`, import.meta.url));
const tumours = here("tumours.onnx");

/** What the command says where nothing is given. */
const plain: ArrayRunOptions = {
  model: tumours,
  compile: {},
  device: "cpu",
  cache: false,
  force: false,
  json: false,
  quiet: true,
  folder: "",
  jobs: 2,
  classes: [],
  targets: [],
  pixels: [],
  boxes: [],
  feeds: new Map(),
  figures: 0,
  svg: false,
  theme: "light",
  pictures: {},
};

interface Said {
  readonly v: number;
  readonly summary?: { readonly done: number; readonly skipped: number; readonly failed: number };
  readonly sample: number;
  readonly class: number;
  readonly start: number;
  readonly probability: number;
  readonly reached: Readonly<Record<string, number>>;
}

const records = ({ stdout }: CommandRun): Said[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Said);

const answers = (run: CommandRun): Said[] => records(run).filter((each) => "reached" in each);

const rowsOf = async (path: string): Promise<string[][]> =>
  (await readFile(path, "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.split(","));

/** The numbers of the table's 30 features. */
async function features(): Promise<Float32Array> {
  const [, ...rows] = await rowsOf(here("tumours.csv"));
  return Float32Array.from(rows.flatMap((row) => row.slice(1, 31).map(Number)));
}

/** Runs on the network of tumours. */
const explain = (...args: string[]): Promise<CommandRun> => shop.run("explain", ...args, "-m", tumours);

/** How much relevance reached each row. */
const reached = async (path: string): Promise<number[]> => {
  const run = await explain(path, "--json", "--figures", "0");
  expect(run.status, `${path}: ${run.stderr}`).toBe(0);
  return answers(run).map((each) => each.reached["X"] ?? 0);
};

describe("a signal", () => {
  test.each([
    ["epsilon", -0.10689202],
    ["epsilon-plus", -0.10937202],
  ])("reaches what zennit says under %s, in float64", async (composite, referee) => {
    const input = caseFile("inputs/signal/input.npy");
    const model = caseFile("inputs/signal/model.onnx");
    const run = await shop.run("explain", input, "-m", model, "-c", "1", "--composite", composite, "--json");
    expect(run.status, run.stderr).toBe(0);
    const [answer] = answers(run);
    expect(answer?.reached["input"]).toBeCloseTo(referee, 6);
    const { data, dims } = readNpy(await readFile(join(run.folder, "input.1-output-1.relevance.npy")));
    expect(dims).toEqual([1, 8, 128]);
    expect(data.reduce((sum, number) => sum + number, 0)).toBeCloseTo(referee, 6);
  });

  test("is drawn with its time", async () => {
    const model = caseFile("inputs/signal/model.onnx");
    const run = await shop.run(
      "explain",
      caseFile("inputs/signal/input.npy"),
      "-m",
      model,
      "--rate",
      "64",
      "--save",
      "svg",
    );
    expect(run.status, run.stderr).toBe(0);
    const svg = await readFile(join(run.folder, "input.figure.svg"), "utf8");
    expect(svg).toContain("time (s)");
    expect(await readFile(join(run.folder, "arrays.html"), "utf8")).toContain("input.figure.png");
  });
});

describe("a picture and a table", () => {
  const model = caseFile("inputs/image-and-table/model.onnx");
  const clinical = caseFile("inputs/image-and-table/clinical.npy");

  test("are explained together, whichever comes first", async () => {
    const picture = caseFile("inputs/image-and-table/input.npy");
    const run = await shop.run(
      "explain",
      picture,
      "--feed",
      `clinical=${clinical}`,
      "-m",
      model,
      "--composite",
      "epsilon-plus",
      "--json",
    );
    expect(run.status, run.stderr).toBe(0);
    // zennit, float64
    expect(answers(run)[0]?.reached["image"]).toBeCloseTo(-0.06600568, 6);
    expect(answers(run)[0]?.reached["clinical"]).toBeCloseTo(-0.0074617, 6);
    const npz = unzipSync(await readFile(join(run.folder, "input.relevance.npz")));
    expect(Object.keys(npz)).toEqual(["image.npy", "clinical.npy"]);
    expect(readNpy(npz["clinical.npy"] ?? new Uint8Array()).dims).toEqual([1, 5]);
    const other = await shop.run(
      "explain",
      clinical,
      "--feed",
      `image=${picture}`,
      "-m",
      model,
      "--composite",
      "epsilon-plus",
      "--json",
      "--input",
      "image",
    );
    expect(answers(other)[0]?.reached).toEqual(answers(run)[0]?.reached);
  });

  test("a table may name the pictures", async () => {
    const { data } = readNpy(await readFile(clinical));
    const png = caseFile("inputs/image-and-table/input.png");
    const table = await shop.file(
      "patients.csv",
      `file,a,b,c,d,e\n${png},${data.join(",")}\nmissing.png,${data.join(",")}\n`,
    );
    const run = await shop.run(
      "explain",
      table,
      "-m",
      model,
      "--composite",
      "epsilon-plus",
      "--json",
      "--std",
      "1",
      "--mean",
      "0",
    );
    expect(run.status, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/row 1 of .*missing\.png/);
    expect(answers(run)).toHaveLength(1);
    expect(answers(run)[0]?.reached["clinical"]).toBeCloseTo(-0.0074617, 3);
  });

  test("nothing runs where an input is not fed", async () => {
    const run = await shop.run("explain", caseFile("inputs/image-and-table/input.npy"), "-m", model);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(
      'nothing feeds "clinical" float32 [1, 5]; give it with --feed clinical=FILE',
    );
    const typo = await shop.run(
      "explain",
      caseFile("inputs/image-and-table/input.npy"),
      "-m",
      model,
      "--feed",
      `clinic=${clinical}`,
    );
    expect(typo.status).toBe(2);
    expect(typo.stderr).toContain('the model has no input "clinic"');
  });
});

describe("a table", () => {
  test("is explained row by row, as scikit-learn and a float64 gradient have it", async () => {
    const run = await explain(here("tumours.csv"), "-c", "1", "--composite", "epsilon", "--json");
    expect(run.status, run.stderr).toBe(0);
    const referee = JSON.parse(await readFile(here("tumours.json"), "utf8")) as {
      probability: number[];
      gradientTimesInput: number[][];
    };
    const [head = [], ...rows] = await rowsOf(join(run.folder, "tumours.1-class-1.relevance.csv"));
    const first = ["patient", "diagnosis", "row", "explained", "score", "start", "mean radius"];
    expect(head.slice(0, 7)).toEqual(first);
    expect(rows).toHaveLength(24);
    for (const [i, row] of rows.entries()) {
      expect(Number(row[4])).toBeCloseTo(referee.probability[i] ?? 0, 5);
      const wanted = referee.gradientTimesInput[i] ?? [];
      const largest = Math.max(...wanted.map(Math.abs));
      for (const [f, number] of wanted.entries())
        expect(Math.abs(Number(row[6 + f]) - number)).toBeLessThan(1e-4 * largest);
    }
  });

  test("of any format gives the same numbers", async () => {
    const data = await features();
    const dims = [24, 30];
    const rows = Array.from({ length: 24 }, (_, i) => Array.from(data.subarray(30 * i, 30 * i + 30)));
    const [head = []] = await rowsOf(here("tumours.csv"));
    const columnMajor = npyFile(
      Float32Array.from({ length: 720 }, (_, i) => data[30 * (i % 24) + Math.floor(i / 24)] ?? 0),
      dims,
    );
    const doubles = new Uint8Array(128 + 8 * 720);
    doubles.set(npyFile(new Float32Array(0), [0]).subarray(0, 128));
    const header = `{'descr': '>f8', 'fortran_order': False, 'shape': (24, 30), }`.padEnd(117);
    doubles.set(new TextEncoder().encode(`${header}\n`), 10);
    new DataView(doubles.buffer).setUint16(8, 118, true);
    for (const [i, number] of data.entries())
      new DataView(doubles.buffer).setFloat64(128 + 8 * i, number, false);
    const fortran = Uint8Array.from(columnMajor);
    fortran.set(new TextEncoder().encode("True, "), Buffer.from(fortran).indexOf("False,"));
    const files: Record<string, string | Uint8Array> = {
      "plain.npy": npyFile(data, dims),
      "fortran.npy": fortran,
      "doubles.npy": doubles,
      "named.npz": zipSync({ "X.npy": npyFile(data, dims) }),
      "alone.npz": zipSync({ "arr_0.npy": npyFile(data, dims) }, { level: 0 }),
      "lists.json": JSON.stringify(rows),
      "byName.json": JSON.stringify({ X: rows }),
      "objects.json": JSON.stringify(
        rows.map((row) => Object.fromEntries(row.map((n, f) => [head[f + 1] ?? "", n]))),
      ),
      "lines.jsonl": rows
        .map((row) => JSON.stringify(Object.fromEntries(row.map((n, f) => [head[f + 1] ?? "", n]))))
        .join("\n"),
      "semicolons.csv": rows.map((row) => row.join(";")).join("\r\n"),
      "tabs.tsv": `\uFEFF${head.slice(1, 31).join("\t")}\n${rows.map((row) => row.join("\t")).join("\n")}\n`,
    };
    const paths = await Promise.all(Object.entries(files).map(([name, content]) => shop.file(name, content)));
    const wanted = await reached(here("tumours.csv"));
    expect(wanted).toHaveLength(24);
    for (const path of paths) expect(await reached(path), path).toEqual(wanted);
  });

  test("broken rows fail alone, and are named", async () => {
    const [head = [], ...rows] = await rowsOf(here("tumours.csv"));
    const cells = rows.slice(0, 5).map((row) => row.slice());
    cells[1]?.splice(4, 1, "");
    cells[3]?.splice(8, 1, "abc");
    const path = await shop.file("holes.csv", [head, ...cells].map((row) => row.join(",")).join("\n"));
    const run = await explain(path, "--columns", head.slice(1, 31).join(","));
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(
      `cannot explain row 1 of "${path}" (counted from 0): column "mean area" is empty`,
    );
    expect(run.stderr).toContain(
      `row 3 of "${path}" (counted from 0): column "mean concave points" is "abc", no number`,
    );
    const [, ...written] = await rowsOf(join(run.folder, "holes.relevance.csv"));
    expect(written.map((row) => row.filter((cell) => cell !== "").length)).toEqual([36, 3, 36, 3, 36]);
  });

  test("columns that do not fit are named", async () => {
    const path = await shop.file("few.csv", "a,b,name\n1,2,x\n");
    const run = await explain(path);
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(
      "it has 2 columns of numbers (a, b), and 1 of other things; the model takes 30",
    );
    expect(run.stderr).toContain("--columns");
    const empty = await explain(await shop.file("empty.csv", ""));
    expect(empty.status).not.toBe(0);
    expect(empty.stderr).toContain("it is empty");
  });

  test("goes on where it was interrupted, to the same numbers", async () => {
    const data = await features();
    const long = new Float32Array(30 * 600).map((_, i) => data[i % 720] ?? 0);
    const path = await shop.file(
      "long.csv",
      Array.from({ length: 600 }, (_, i) => long.subarray(30 * i, 30 * i + 30).join(",")).join("\n"),
    );
    const run = (folder: string, interrupted: () => boolean): Promise<number> =>
      explainArrays([path], { ...plain, folder, batch: 50 }, interrupted);
    let polled = 0;
    const [half, whole] = [shop.path("half"), shop.path("whole")];
    expect(await run(half, () => ++polled > 6)).toBe(130);
    expect((await readdir(half)).some((name) => name.endsWith(".csv"))).toBe(false);
    expect(await run(half, () => false)).toBe(0);
    expect(await run(whole, () => false)).toBe(0);
    const [a, c] = await Promise.all(
      [half, whole].map((folder) => readFile(join(folder, "long.relevance.csv"), "utf8")),
    );
    expect(a).toBe(c);
    expect((await readdir(half)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

describe("further inputs", () => {
  const model = caseFile("inputs/image-and-table/model.onnx");

  /** How much relevance reached the table beside each of two pictures. */
  async function fromTable(table: string): Promise<{ status: number; reached: number[]; stderr: string }> {
    const { data } = readNpy(await readFile(caseFile("inputs/image-and-table/input.npy")));
    const folder = shop.path("pair");
    await mkdir(folder, { recursive: true });
    for (const name of ["a", "b"])
      await writeFile(join(folder, `${name}.npy`), npyFile(data, [1, 1, 24, 24]));
    const run = await shop.run(
      "explain",
      folder,
      "-m",
      model,
      "--feed",
      `clinical=${table}`,
      "--json",
      "--figures",
      "0",
    );
    return {
      status: run.status,
      stderr: run.stderr,
      reached: answers(run).map((each) => each.reached["clinical"] ?? 0),
    };
  }

  test("a row of a table stands beside each file, as a row of an array does", async () => {
    const rows = ["1,2,3,4,5", "5,-4,3,-2,1"];
    const csv = await fromTable(await shop.file("rows.csv", rows.join("\n")));
    const npy = await fromTable(
      await shop.file("rows.npy", npyFile(Float32Array.from(rows.join(",").split(","), Number), [2, 5])),
    );
    expect(csv.status, csv.stderr).toBe(0);
    expect(csv.reached).toHaveLength(2);
    expect(csv.reached[0]).not.toBe(csv.reached[1]);
    expect(csv.reached).toEqual(npy.reached);
  });

  test("as many as there are of the others, or one", async () => {
    const three = await fromTable(await shop.file("three.csv", "1,2,3,4,5\n1,2,3,4,5\n1,2,3,4,5"));
    expect(three.status).toBe(1);
    expect(three.stderr).toContain("it has 3 samples");
    const one = await fromTable(await shop.file("one.csv", "1,2,3,4,5"));
    expect(one.status, one.stderr).toBe(0);
    expect(one.reached[0]).toBe(one.reached[1]);
  });
});

describe("models without samples in front", () => {
  test("attention on [T, N, C] keeps its two samples apart", async () => {
    const model = caseFile("ledger/batch-in-attention/model.onnx");
    const run = await shop.run(
      "explain",
      caseFile("ledger/batch-in-attention/input.npy"),
      "-m",
      model,
      "-c",
      "1",
      "--composite",
      "attnlrp",
      "--ledger",
      "--json",
    );
    expect(run.status, run.stderr).toBe(0);
    const biases = answers(run).map(
      (each) => (each as unknown as { ledger: { stayed: { bias: number } } }).ledger.stayed.bias,
    );
    expect(biases).toHaveLength(2);
    expect(biases[0]).toBeCloseTo(-0.264598, 5);
    expect(biases[1]).toBeCloseTo(-0.013547, 5);
  });

  test("a graph is one sample", async () => {
    const model = caseFile("ledger/graph-nodes/model.onnx");
    const edges = caseFile("ledger/graph-nodes/edge_index.npy");
    const run = await shop.run(
      "explain",
      caseFile("ledger/graph-nodes/x.npy"),
      "--feed",
      `edge_index=${edges}`,
      "-m",
      model,
      "--target",
      "1,1",
      "--composite",
      "epsilon",
      "--json",
    );
    expect(run.status, run.stderr).toBe(0);
    expect(answers(run)).toHaveLength(1);
    const { dims } = readNpy(await readFile(join(run.folder, "x.target-1-1.relevance.npy")));
    expect(dims.slice(1)).toEqual(readNpy(await readFile(caseFile("ledger/graph-nodes/x.npy"))).dims);
  });
});

describe("what a second run does", () => {
  test("failed rows fail again, and say so", async () => {
    const data = await features();
    const hurt = data.slice(0, 60);
    hurt[3] = Number.NaN;
    const path = await shop.file("hurt.npy", npyFile(hurt, [2, 30]));
    const folder = shop.path("hurt");
    expect(await explainArrays([path], { ...plain, folder }, () => false)).toBe(1);
    expect(await explainArrays([path], { ...plain, folder }, () => false)).toBe(1);
    const { data: relevance } = readNpy(await readFile(join(folder, "hurt.relevance.npy")));
    expect(relevance.subarray(0, 30).every(Number.isNaN)).toBe(true);
    expect(relevance.subarray(30).some(Number.isNaN)).toBe(false);
  });

  test("a file of the same name from elsewhere keeps the earlier results", async () => {
    const data = await features();
    const folder = shop.path("same");
    for (const [i, name] of ["c", "d"].entries()) {
      await mkdir(shop.path(name));
      const path = join(shop.path(name), "x.npy");
      await writeFile(path, npyFile(data.slice(30 * i, 30 * i + 30), [30]));
      for (let twice = 0; twice < 2; twice++)
        expect(await explainArrays([path], { ...plain, folder }, () => false)).toBe(0);
    }
    const written = (await readdir(folder)).filter((name) => name.endsWith(".npy"));
    expect(written).toHaveLength(2);
  });

  test("results in another output folder below are no inputs", async () => {
    const data = await features();
    const folder = shop.path("nested");
    await mkdir(folder);
    await writeFile(join(folder, "x.npy"), npyFile(data, [24, 30]));
    expect(await explainArrays([folder], { ...plain, folder: join(folder, "one") }, () => false)).toBe(0);
    expect(await explainArrays([folder], { ...plain, folder: join(folder, "two") }, () => false)).toBe(0);
    expect(await readdir(join(folder, "two"))).toEqual([
      ".relprop-manifest.jsonl",
      "arrays.html",
      "x.relevance.npy",
    ]);
  });
});

describe("files", () => {
  test("of equal names in two folders do not overwrite each other, and results are no inputs", async () => {
    const data = await features();
    const folder = shop.path("two");
    for (const [i, name] of ["a", "b"].entries()) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, "x.npy"), npyFile(data.slice(30 * i, 30 * i + 30), [30]));
    }
    const out = join(folder, "out");
    const run = (): Promise<number> => explainArrays([folder], { ...plain, folder: out }, () => false);
    const written = (): Promise<Buffer[]> =>
      Promise.all(["a", "b"].map((name) => readFile(join(out, name, "x.relevance.npy"))));
    expect(await run()).toBe(0);
    const [first, second] = await written();
    expect(first).not.toEqual(second);
    expect(await run()).toBe(0);
    expect(await written()).toEqual([first, second]);
    expect((await readdir(join(out, "a"))).length).toBe(1);
    expect((await readdir(out)).toSorted()).toEqual([".relprop-manifest.jsonl", "a", "arrays.html", "b"]);
  });

  test("that are damaged end in one line each", async () => {
    const data = await features();
    const whole: Record<string, Uint8Array> = {
      npy: npyFile(data, [24, 30]),
      npz: zipSync({ "X.npy": npyFile(data, [24, 30]) }),
      csv: await readFile(here("tumours.csv")),
      parquet: new TextEncoder().encode("PAR1 no parquet PAR1"),
    };
    let random = 7;
    const next = (below: number): number => {
      random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
      return random % below;
    };
    const folder = shop.path("damaged");
    await mkdir(folder);
    for (const [kind, bytes] of Object.entries(whole)) {
      for (let i = 0; i < 60; i++) {
        const hurt =
          i % 2 === 0 ? Uint8Array.from(bytes) : Uint8Array.from(bytes.subarray(0, next(bytes.length)));
        for (let j = 0; j < 4 && hurt.length > 0; j++) hurt[next(Math.min(hurt.length, 300))] = next(256);
        await writeFile(join(folder, `${kind}${i}.${kind}`), hurt);
      }
    }
    await writeFile(join(folder, "good.npy"), npyFile(data, [24, 30]));
    const run = await shop.run(
      "explain",
      folder,
      "-m",
      tumours,
      "--json",
      "--figures",
      "0",
      "--columns",
      (await rowsOf(here("tumours.csv")))[0]?.slice(1, 31).join(",") ?? "",
    );
    expect(run.status).toBe(1);
    expect(records(run).at(-1)?.summary?.done).toBeGreaterThan(23);
    const failures = records(run).filter((each) => "error" in each);
    expect(failures.length).toBeGreaterThan(100);
    expect(run.stderr).not.toMatch(/\n\s+at |undefined|TypeError|RangeError/);
  });
});
