/** What people meet first: several inputs and their figures, ids beside features, files that are empty or of another kind. */

import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { npyFile, readNpy } from "@relprop/core/heatmap";
import { float32Tensor, type Model } from "@relprop/core/onnx";
import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { NetBuilder } from "../../../relprop/test/support/output-models.ts";
import { Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();

/** y = x·A + z·B, in which relevance of an input's element is its value times its weight, by hand. */
const weights = { x: [1, 0, -2, 1, 3, 0.5], z: [2, -1, 0, 4] };

/** @param ofZ of yes and no, it chooses numbers and has no relevance */
function pair(ofZ: "float32" | "bool" = "float32"): Model {
  const b = new NetBuilder();
  const constant = (numbers: readonly number[], dims: readonly number[]) =>
    b.constant(float32Tensor(Float32Array.from(numbers), dims), "W");
  const x = b.input("x", "float32", ["N", 3]);
  const z = b.input("z", ofZ, ["N", 2]);
  const one = constant([1], [1, 1]);
  const numbers = ofZ === "bool" ? b.op("Where", [z, one, constant([0], [1, 1])]) : z;
  const ofX = b.op("MatMul", [x, constant(weights.x, [3, 2])]);
  b.output(b.op("Add", [ofX, b.op("MatMul", [numbers, constant(weights.z, [2, 2])])]), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("pair") };
}

const x = [1, 2, -1];
const z = [0.5, -2];
const npy = (name: string, numbers: readonly number[], dims = [1, numbers.length]): Promise<string> =>
  shop.file(name, npyFile(Float32Array.from(numbers), dims));
const explain = async (...args: string[]): Promise<CommandRun> =>
  shop.run(
    "explain",
    ...args,
    "-m",
    await shop.model(pair(), "pair"),
    ...(args.includes("--method") ? [] : ["--composite", "epsilon"]),
  );
const words = async (run: CommandRun, name: string): Promise<string[]> =>
  [...(await readFile(join(run.folder, name), "utf8")).matchAll(/<text[^>]*>([^<]*)/g)].map(([, text = ""]) =>
    text.replaceAll("\u00a0", " "),
  );

const lastThree = (line = ""): number[] => line.split(",").slice(-3).map(Number);
/** What an error says, behind what was said before. */
const last = ({ stderr }: CommandRun): string => stderr.slice(stderr.lastIndexOf("relprop: ")).trim();

describe("several inputs", () => {
  test("have sums, strongest places, one ledger, and a figure each", async () => {
    const run = await explain(
      await npy("both.npy", x),
      "--feed",
      `z=${await npy("z.npy", z)}`,
      "-c",
      "1",
      "--ledger",
      "--save",
      "svg",
    );
    expect(run.status, run.stderr).toBe(0);
    // 2·1 − 1·0.5 = 1.5, and −0.5·1 − 2·4 = −8.5; of −7 together.
    expect(run.stdout).toContain("\n  x 1.5; strongest: [1] 2, [2] −0.5, [0] 0\n");
    expect(run.stdout).toContain("\n  z −8.5; strongest: [1] −8, [0] −0.5\n");
    expect(run.stdout).toContain("\n  100.0 % of the logit reached the inputs (x −21.4 %, z 121.4 %)\n");
    expect(run.stderr).toContain("explained inputs x, z");
    expect((await readdir(run.folder)).filter((name) => /figure/.test(name)).toSorted()).toEqual(
      ["x.figure.png", "x.figure.svg", "z.figure.png", "z.figure.svg"].map((end) => `both.1-class-1.${end}`),
    );
    const ofX = await words(run, "both.1-class-1.x.figure.svg");
    expect(ofX).toEqual(
      expect.arrayContaining(["both.1-class-1: x", "relevance 1.5 of −7", "feature 1", "2"]),
    );
    const ofZ = await words(run, "both.1-class-1.z.figure.svg");
    expect(ofZ).toEqual(expect.arrayContaining(["both.1-class-1: z", "relevance −8.5 of −7", "−8"]));
    const npz = unzipSync(await readFile(join(run.folder, "both.1-class-1.relevance.npz")));
    const numbers = (name: string): number[] => [...readNpy(npz[`${name}.npy`] ?? new Uint8Array()).data];
    expect(numbers("x").map((each) => Math.round(1e4 * each) / 1e4)).toEqual([0, 2, -0.5]);
    expect(numbers("z").map((each) => Math.round(1e4 * each) / 1e4)).toEqual([-0.5, -8]);
  });

  test.each(["integrated-gradients", "input-x-gradient"])(
    "%s explains one, and says which",
    async (method) => {
      const one = ["--method", method, "-c", "1", "--json"];
      const files = [await npy("both.npy", x), "--feed", `z=${await npy("z.npy", z)}`];
      const said = await explain(...files, "--method", method, "-c", "1");
      expect(said.stderr).toContain(
        "explains one input x, and takes z as a constant (--input chooses another)",
      );
      for (const [input, sum] of [
        ["x", 1.5],
        ["z", -8.5],
      ] as const) {
        const run = await explain(...files, ...one, "--input", input);
        expect(run.status, run.stderr).toBe(0);
        const { reached } = JSON.parse(run.stdout.split("\n")[0] ?? "") as {
          reached: Record<string, number>;
        };
        expect(Object.keys(reached)).toEqual([input]);
        expect(reached[input]).toBeCloseTo(sum, 4);
      }
    },
  );

  test("with a rate: a row of a table, and a few numbers beside a signal, are still a table", async () => {
    const b = new NetBuilder();
    const signal = b.input("signal", "float32", ["N", 1, 100]);
    const row = b.input("row", "float32", ["N", 4]);
    const means = b.reshape(b.op("GlobalAveragePool", [b.relu(b.conv(signal, 1, 3, [5]))]), [-1, 3]);
    b.output(b.dense(b.concat([means, row], 1), 7, 2), "logits");
    const graph = b.graph("beside");
    const model = await shop.model(
      { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph },
      "beside",
    );
    const main = await npy(
      "signal.npy",
      Array.from({ length: 100 }, (_, i) => Math.sin(i / 3)),
      [1, 1, 100],
    );
    for (const [file, names] of [
      [await shop.file("row.csv", "age,smokes,hours,pressure\n61,1,2.5,148\n"), ["age", "pressure"]],
      [await npy("row.npy", [61, 1, 2.5, 148]), ["feature 0", "feature 3"]],
    ] as const) {
      const run = await shop.run(
        "explain",
        main,
        "-m",
        model,
        "--feed",
        `row=${file}`,
        "--rate",
        "50",
        "--save",
        "svg",
        "-c",
        "1",
      );
      expect(run.status, run.stderr).toBe(0);
      const drawn = await words(run, "signal.1-class-1.row.figure.svg");
      expect(drawn).toEqual(expect.arrayContaining([...names, "148"]));
      expect(drawn).not.toContain("time (s)");
      expect(await words(run, "signal.1-class-1.signal.figure.svg")).toContain("time (s)");
    }
  });
});

describe("columns beside the features", () => {
  const main = "id,a,b,c\np1,1,2,-1\np2,0,1,1\n";
  /** z is of yes and no, which have no relevance: the rows of the table are all that is explained. */
  const rows = async (fed: string): Promise<{ run: CommandRun; lines: string[] }> => {
    const model = await shop.model(pair("bool"), "flags");
    const file = await shop.file("rows.csv", main);
    const run = await shop.run(
      "explain",
      file,
      "-m",
      model,
      "-c",
      "1",
      "--composite",
      "epsilon",
      "--feed",
      `z=${fed}`,
    );
    expect(run.status, run.stderr).toBe(0);
    return {
      run,
      lines: (await readFile(join(run.folder, "rows.1-class-1.relevance.csv"), "utf8")).trimEnd().split("\n"),
    };
  };

  test("are carried from a fed table too, row by row, and told apart", async () => {
    const { lines } = await rows(await shop.file("fed.csv", 'id,day,d,e\nq1,"Mon, 1st",1,0\nq2,,0,1\n'));
    expect(lines[0]).toBe("id,z.id,day,row,explained,score,start,a,b,c");
    expect(lines[1]).toMatch(/^p1,q1,"Mon, 1st",0,class 1,/);
    expect(lines[2]).toMatch(/^p2,q2,,1,class 1,/);
    // x·weights by hand: [0, 2, −0.5] and [0, 1, 0.5], of which ε keeps some millionths.
    for (const [i, expected] of [
      [0, 2, -0.5],
      [0, 1, 0.5],
    ].entries())
      for (const [j, each] of lastThree(lines[i + 1]).entries())
        expect(each).toBeCloseTo(expected[j] ?? 0, 4);
  });

  test("of one row for all are the same in each", async () => {
    const { lines } = await rows(await shop.file("one.csv", "site,d,e\nZürich,1,1\n"));
    expect(lines.map((line) => line.split(",").slice(0, 2).join(","))).toEqual([
      "id,site",
      "p1,Zürich",
      "p2,Zürich",
    ]);
  });

  test("called as the table's own columns are told apart from these", async () => {
    const { lines } = await rows(await shop.file("clash.csv", "a,row,d,e\nk7,k8,1,1\nk9,k6,0,0\n"));
    expect(lines[0]).toBe("id,z.a,z.row,row,explained,score,start,a,b,c");
    expect(lines[2]).toMatch(/^p2,k9,k6,1,/);
  });

  test("are not in arrays, and that is said", async () => {
    const file = await shop.file("rows.csv", main);
    const fed = await shop.file("fed.csv", "id,d,e\nq1,0.5,-2\nq2,3,1\n");
    const run = await explain(file, "--feed", `z=${fed}`, "-c", "1");
    expect(run.status, run.stderr).toBe(0);
    expect(run.stderr).toContain(
      'rows.csv: the results are arrays, without "id", "z.id"; their samples are in the order of the rows',
    );
    expect(Object.keys(unzipSync(await readFile(join(run.folder, "rows.1-class-1.relevance.npz"))))).toEqual([
      "x.npy",
      "z.npy",
    ]);
  });
});

describe("one clear line for", () => {
  test.each<[name: string, content: string, why: string]>([
    ["a.npy", "", 'cannot read "…": it is empty'],
    ["a.npz", "", 'cannot read "…": it is empty'],
    ["a.csv", "", 'cannot read "…": it is empty'],
    ["a.tsv", "\n \n", 'cannot read "…": it is empty'],
    ["a.json", "", 'cannot read "…": it is empty'],
    ["a.jsonl", "", 'cannot read "…": it is empty'],
    ["a.parquet", "", 'cannot read "…": it is empty'],
    ["b.json", "[]", 'cannot read "…": it holds no numbers'],
    ["head.csv", "a,b,c\n", 'cannot explain "…": it has no rows'],
    ["none.npz", "PK\u0005\u0006" + "\0".repeat(18), 'cannot read "…": it holds no .npy'],
  ])("%s that holds nothing", async (name, content, why) => {
    const file = await shop.file(name, content);
    const run = await explain(file, "--feed", `z=${await npy("z.npy", z)}`);
    expect(run.status).toBeGreaterThan(0);
    expect(last(run)).toBe(`relprop: ${why.replace("…", file)}`);
  });

  test("an array of no samples", async () => {
    const run = await explain(await npy("zero.npy", [], [0, 3]), "--feed", `z=${await npy("z.npy", z)}`);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/cannot explain ".*zero\.npy": it has no samples/);
  });

  test("folders and pictures in place of files", async () => {
    const folder = shop.path("folder");
    await mkdir(folder, { recursive: true });
    const gif = await shop.file("x.gif", "GIF89a");
    const main = await npy("both.npy", x);
    const fed = ["--feed", `z=${await npy("z.npy", z)}`];
    for (const [args, why] of [
      [[main, ...fed, "--labels", folder], `cannot read the class names "${folder}": it is a folder`],
      [
        [main, ...fed, "--labels-input", folder],
        `cannot read the names of the features "${folder}": it is a folder`,
      ],
      [[main, ...fed, "--card", folder], `cannot read "${folder}": it is a folder`],
      [[main, ...fed, "--card", `${folder}/none`], `cannot read "${folder}/none": there is no such file`],
      [[main, "--feed", `z=${folder}`], `cannot feed "${main}": "${folder}" has no file called "both"`],
      [
        [main, "--feed", `z=${gif}`],
        `cannot feed "${gif}": it is a picture, and the inputs to feed are "z" [N, 2]`,
      ],
      [[gif, ...fed], `cannot feed "${gif}": it is a picture, and the inputs to feed are "x" [N, 3]`],
      [[folder, ...fed], `no arrays or sounds in "${folder}": it has no npy, npz, csv`],
    ] as const) {
      const run = await explain(...args);
      expect(run.status, args.join(" ")).toBeGreaterThan(0);
      expect(run.stderr).toContain(`relprop: ${why}`);
    }
  });

  test("records that arrays have none of", async () => {
    const run = await explain(
      await npy("both.npy", x),
      "--feed",
      `z=${await npy("z.npy", z)}`,
      "--save",
      "json,svg",
    );
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(
      "relprop: cannot save json: arrays are explained, and a file may have millions of rows; take --json",
    );
    expect(await readdir(run.folder).catch(() => [])).toEqual([]);
  });
});
