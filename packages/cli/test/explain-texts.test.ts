import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { writeModel, type Model } from "@relprop/core/onnx";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runCommand } from "../src/commands/run-command.ts";
import { textRecordSchema, type TextResult } from "../src/texts/text-result.ts";
import {
  attention,
  bagOfWords,
  biases,
  classes,
  decoder,
  features,
  maskedSum,
  nextWords,
  perToken,
  table,
  weights,
  wordLevel,
  wordPiece,
  words,
} from "./support/text-models.ts";

let folder: string;
let stdout: string;
let stderr: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-texts-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  [stdout, stderr] = ["", ""];
  vi.stubEnv("RELPROP_CACHE", join(folder, "cache"));
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("FORCE_COLOR", undefined);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => (stdout += String(text)) !== "");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => (stderr += String(text)) !== "");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A folder with a model, its tokenizer and other files beside it; the model's path. */
async function save(name: string, model: Model, files: Readonly<Record<string, unknown>>): Promise<string> {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "model.onnx"), Buffer.concat(writeModel(model).chunks));
  for (const [file, content] of Object.entries(files))
    await writeFile(join(place, file), typeof content === "string" ? content : JSON.stringify(content));
  return join(place, "model.onnx");
}

const labels = { id2label: { 0: "negative", 1: "neutral", 2: "positive" } };

const explain = (model: string, ...args: string[]): Promise<number> =>
  runCommand(["explain", model, "-o", join(folder, "out"), ...args]);

/** Records of a run with --json; each fits the schema. */
async function explained(model: string, ...args: string[]): Promise<TextResult[]> {
  expect(await explain(model, "--json", ...args), stderr).toBe(0);
  const records = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  for (const record of records) expect(textRecordSchema.parse(record)).toEqual(record);
  return records.slice(0, -1) as TextResult[];
}

/** What a class gets from a word of a text by the linear model: Σ_f table · weights. */
const contribution = (word: string, index: number): number => {
  const id = words.indexOf(word);
  let sum = 0;
  for (let f = 0; f < features; f++)
    sum += (table[id * features + f] ?? 0) * (weights[index * features + f] ?? 0);
  return sum;
};

describe("relevance of tokens", () => {
  test("is what the formula of a linear model says", async () => {
    const path = await save("bag", bagOfWords(), { "tokenizer.json": wordLevel, "config.json": labels });
    const text = "a great film film";
    const args = ["--composite", "epsilon", "--epsilon", "1e-9"];
    const all = await explained(path, "--text", text, "-c", "positive", "-c", "0", ...args);
    expect(all.map(({ class: index, label }) => [index, label])).toEqual([
      [2, "positive"],
      [0, "negative"],
    ]);
    for (const { tokens, class: index, logit } of all) {
      expect(tokens.map((token) => token.text)).toEqual(text.split(" "));
      let sum = biases[index] ?? 0;
      for (const token of tokens) {
        const expected = contribution(token.text, index) / 4;
        expect(token.relevance).toBeCloseTo(expected, 5);
        sum += expected;
      }
      expect(logit).toBeCloseTo(sum, 5);
    }
  });

  test("of one class rather than another is the difference", async () => {
    const path = await save("bag", bagOfWords(), { "tokenizer.json": wordLevel, "config.json": labels });
    const args = ["-c", "2", "--against", "negative", "--composite", "epsilon", "--epsilon", "1e-9"];
    const [result] = await explained(path, "--text", "boring a", ...args, "--seed", "logit");
    expect(result).toMatchObject({ class: 2, against: { index: 0, label: "negative" } });
    for (const { text, relevance } of result?.tokens ?? [])
      expect(relevance).toBeCloseTo((contribution(text, 2) - contribution(text, 0)) / 2, 5);
  });

  test("stays with the text where the model has a fixed length, and none goes to what fills it up", async () => {
    const path = await save("fixed", maskedSum(), { "tokenizer.json": wordLevel });
    // No stabiliser is between this and the formula; the sum of two tokens can be near 0.
    const args = ["-c", "1", "--method", "input-x-gradient"];
    const [result] = await explained(path, "--text", "boring film", ...args);
    expect(result?.tokens).toHaveLength(2);
    for (const { text, relevance } of result?.tokens ?? [])
      expect(relevance).toBeCloseTo(contribution(text, 1), 5);
    expect(result?.padding).toEqual({ tokens: 10, relevance: 0 });
  });

  test("crosses attention, and the ledger accounts for it; pieces of words keep theirs", async () => {
    const path = await save("attention", attention(), { "tokenizer.json": wordPiece, "config.json": labels });
    const [result] = await explained(
      path,
      "--text",
      "A great film, unable films",
      "--pair",
      "boring",
      "--ledger",
    );
    const tokens = result?.tokens ?? [];
    expect(tokens.map(({ text, startsWord }) => (startsWord ? text : `+${text}`))).toEqual([
      "[CLS]",
      "a",
      "great",
      "film",
      "[UNK]",
      "un",
      "+able",
      "film",
      "+s",
      "[SEP]",
      "boring",
      "[SEP]",
    ]);
    expect(tokens.map(({ special }) => special)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      true,
    ]);
    const { start, reached, stayed, verdict } = result?.ledger ?? {
      start: 0,
      reached: 0,
      stayed: {},
      verdict: "",
    };
    const sum = tokens.reduce((total, { relevance }) => total + relevance, 0);
    expect(sum).toBeCloseTo(reached, 5);
    expect(start).toBeCloseTo(result?.logit ?? 0, 5);
    expect(Object.values(stayed).reduce((total, share) => total + share, reached)).toBeCloseTo(start, 5);
    expect(verdict).toContain("of the logit reached the input");
    // The second text has another kind of tokens: the model reads which they are.
    stdout = "";
    const [alone] = await explained(path, "--text", "A great film, unable films");
    expect(alone?.logit).not.toBeCloseTo(result?.logit ?? 0, 3);
  });
});

test("a text that fills up a fixed length is explained as one of an open length", async () => {
  const files = { "tokenizer.json": wordPiece };
  const open = await save("open", attention(), files);
  const fixed = await save("padded", attention(12), files);
  const args = ["--text", "a great film", "-c", "1"];
  const [expected] = await explained(open, ...args);
  stdout = "";
  const [found] = await explained(fixed, ...args);
  expect(found?.logit).toBeCloseTo(expected?.logit ?? Number.NaN, 5);
  expect(found?.tokens).toHaveLength(5);
  for (const [i, { relevance }] of (found?.tokens ?? []).entries())
    expect(relevance).toBeCloseTo(expected?.tokens[i]?.relevance ?? Number.NaN, 5);
  expect(found?.padding).toEqual({ tokens: 7, relevance: 0 });
});

describe("answers for each token", () => {
  const files = { "tokenizer.json": wordPiece };

  test("of a language model: the next word, which the last token decides", async () => {
    const path = await save("words", nextWords(), { "tokenizer.json": wordLevel });
    const [best] = await explained(path, "--text", "a great film");
    expect(best).toMatchObject({ answer: "next word", position: 2 });
    expect(best?.label).toBe(words[best?.class ?? -1]);
    const relevance = best?.tokens.map((token) => token.relevance) ?? [];
    expect(relevance.slice(0, 2)).toEqual([0, 0]);
    expect(relevance[2]).toBeCloseTo(best?.logit ?? 0, 4);
    stdout = "";
    const [asked] = await explained(path, "--text", "a great film", "--class", "boring", "--position", "-3");
    expect(asked).toMatchObject({ class: 5, label: "boring", position: 0 });
    expect(await explain(path, "--text", "a", "--class", "great film")).toBe(2);
    expect(stderr).toContain("it is not one token of the vocabulary");
  });

  test("of a decoder with a cache: the same as without one, since the cache is empty", async () => {
    const cached = await save("cached", decoder("P"), { "tokenizer.json": wordLevel });
    const plain = await save("uncached", decoder(undefined), { "tokenizer.json": wordLevel });
    const args = ["--text", "a great film", "--class", "boring"];
    const [expected] = await explained(plain, ...args);
    stdout = "";
    const [found] = await explained(cached, ...args);
    expect(found?.tokens.every(({ relevance }) => relevance !== 0)).toBe(true);
    for (const [i, token] of (expected?.tokens ?? []).entries())
      expect(found?.tokens[i]?.relevance).toBeCloseTo(token.relevance, 6);
    expect(found?.logit).toBe(expected?.logit);
    expect(await explain(cached, ...args)).toBe(0);
    expect(stderr).toMatch(/cache +empty: each text is read whole/);
  });

  test("of the words that a decoder writes: each as the next word of the text before it", async () => {
    const config = { eos_token_id: 1 };
    const files = { "tokenizer.json": wordLevel, "config.json": config };
    const path = await save("writer", decoder("P"), files);
    const all = await explained(path, "--text", "a film", "--generate", "3");
    expect(all.map(({ generated, position }) => [generated, position])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    let text = "a film";
    for (const { generated: _generated, input, ...result } of all) {
      expect(input).toBe("a film");
      stdout = "";
      const [alone] = await explained(path, "--text", text);
      expect({ ...alone, ms: 0 }).toEqual({ ...result, input: text, ms: 0 });
      text += ` ${result.label.trim()}`;
    }
    stdout = "";
    const first = all[0]?.class ?? 0;
    const ended = await save("ended", decoder("P"), { ...files, "config.json": { eos_token_id: [first] } });
    expect(await explained(ended, "--text", "a film", "--generate", "3")).toHaveLength(1);
    stdout = "";
    const short = { ...files, "config.json": { max_position_embeddings: 3 } };
    const small = await save("short-decoder", decoder("P"), short);
    expect(await explained(small, "--text", "a film", "--generate", "3")).toHaveLength(2);
  });

  test("of a masked one: the word at the mask", async () => {
    const config = { mask_token: { content: "[UNK]" } };
    const path = await save("masked", nextWords(), { ...files, "tokenizer_config.json": config });
    const [result] = await explained(path, "--text", "great thing");
    expect(result).toMatchObject({ answer: "word", position: 2 });
    expect(await explain(path, "--text", "great film")).toBe(1);
    expect(stderr).toContain("put one [UNK] in place of the word to guess");
  });

  test("of a tagger: the token has to be named", async () => {
    const path = await save("tagger", perToken(), { ...files, "config.json": labels });
    expect(await explain(path, "--text", "a film")).toBe(2);
    expect(stderr).toContain("choose one with --position: 0 [CLS], 1 a, 2 film, 3 [SEP]");
    stderr = "";
    const [result] = await explained(path, "--text", "a film", "--position", "2", "--class", "neutral");
    expect(result).toMatchObject({ answer: "label", position: 2, label: "neutral" });
    expect(result?.tokens.map(({ relevance }) => relevance !== 0)).toEqual([false, false, true, false]);
    expect(await explain(path, "--text", "a film", "--position", "4")).toBe(1);
    expect(stderr).toContain("it has the tokens 0 to 3");
    expect(await explain(path, "--text", "a film", "--position", "1", "--seed", "softmax")).toBe(2);
  });

  test("where an answer starts: the best place, or the one that is named", async () => {
    const path = await save("tagger", perToken(), files);
    const args = ["--text", "a film", "--output", "starts"];
    const [best] = await explained(path, ...args);
    expect(best).toMatchObject({ answer: "place", class: best?.top[0]?.index });
    stdout = "";
    const [byName] = await explained(path, ...args, "--class", "film");
    stdout = "";
    const [byNumber] = await explained(path, ...args, "--position", "2");
    expect(byName).toMatchObject({ class: 2, label: "film" });
    expect(byNumber?.tokens).toEqual(byName?.tokens);
  });
});

describe("what is printed and written", () => {
  const text = "a <script>alert(1)</script> <i> great";
  const evil = { id2label: { 0: "<b>no</b>", 1: "so", 2: "yes" } };

  test("a table without colours, the verdict, and where things are", async () => {
    const path = await save("bag", bagOfWords(), { "tokenizer.json": wordLevel, "config.json": labels });
    expect(await explain(path, "--text", "a great film", "--ledger", "-c", "positive")).toBe(0);
    expect(stdout).toMatch(/^ +[+−]\d\S* {2}a +[+−]*\n +[+−]\S+ {2}great .*\n +[+−]\S+ {2}film/);
    expect(stdout).toMatch(/\n {2}positive 0\.\d{3}; strongest tokens: \w+ [+−]\S+, /);
    expect(stdout).toMatch(/% of the logit reached the input/);
    expect(stderr).toMatch(/tokenizer .*answers with 3 classes .*texts 1\n1 text explained/s);
  });

  test("colours where the terminal has them", async () => {
    const path = await save("bag", bagOfWords(), { "tokenizer.json": wordLevel });
    vi.stubEnv("NO_COLOR", undefined);
    vi.stubEnv("FORCE_COLOR", "3");
    expect(await explain(path, "--text", "a great \u001b[2J film")).toBe(0);
    // oxlint-disable-next-line no-control-regex
    expect(stdout).toMatch(/^(\u001b\[48;2;[\d;]+m\S+\u001b\[0m ?){4}\n/);
    expect(stdout).not.toContain("\u001b[2J");
  });

  test("a page in which nothing of the text is markup", async () => {
    const path = await save("evil", bagOfWords(), { "tokenizer.json": wordLevel, "config.json": evil });
    expect(await explain(path, "--text", text, "-c", "0", "--quiet")).toBe(0);
    expect(stdout + stderr).toBe("");
    const page = await readFile(join(folder, "out", "texts.html"), "utf8");
    expect(page).toContain('<h2 dir="auto">a &lt;script&gt;alert(1)&lt;/script&gt; &lt;i&gt; great</h2>');
    expect(page).toMatch(
      /<span style="background: rgb\(\d+ \d+ \d+\); color: [^"]+" title="&lt;i&gt;: [^"]+">&lt;i&gt;<\/span>/,
    );
    expect(page).toContain("Red speaks for “&lt;b&gt;no&lt;/b&gt;”, blue against it.");
    expect(page).toMatch(/<tr><th scope="row">great<\/th><td>[+−]/);
    expect(page).not.toMatch(/<script|<i>|<b>/);
  });

  test("texts of a file or of stdin, one a line", async () => {
    const path = await save("bag", bagOfWords(), { "tokenizer.json": wordLevel });
    const file = join(folder, "texts.txt");
    await writeFile(file, "a film\r\n\nboring\n");
    const fromFile = await explained(path, "--text", "great", "--text-file", file);
    expect(fromFile.map(({ input }) => input)).toEqual(["great", "a film", "boring"]);
    stdout = "";
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from(["a film\n"]) as typeof process.stdin);
    const [fromStdin] = await explained(path, "--text-file", "-");
    expect(fromStdin?.tokens).toEqual(fromFile[1]?.tokens);
  });

  test("attnlrp is chosen for attention, another method or composite if it is asked for", async () => {
    const path = await save("attention", attention(), { "tokenizer.json": wordPiece });
    await explain(path, "--text", "a film");
    expect(stderr).toContain("composite attnlrp · seed logit");
    await explain(path, "--text", "a film", "--method", "input-x-gradient");
    expect(stderr).toContain("method input-x-gradient");
    await explain(path, "--text", "a film", "--composite", "cp-lrp");
    expect(stderr).toContain("composite cp-lrp");
  });
});

describe("what cannot be explained", () => {
  const cases: [string, number, RegExp, () => Promise<string>, string[]][] = [
    [
      "no tokenizer",
      4,
      /no tokenizer\.json beside it; give .*--tokenizer/,
      () => save("bare", bagOfWords(), {}),
      ["--text", "a"],
    ],
    [
      "a broken one",
      4,
      /cannot read ".*tokenizer\.json".*JSON/,
      () => save("broken", bagOfWords(), { "tokenizer.json": "{" }),
      ["--text", "a"],
    ],
    [
      "one without a model",
      4,
      /cannot read ".*tokenizer\.json".*model/,
      () => save("empty", bagOfWords(), { "tokenizer.json": {} }),
      ["--text", "a"],
    ],
    [
      "one of an unknown kind",
      4,
      /cannot use the tokenizer .*Magic/,
      () => save("magic", bagOfWords(), { "tokenizer.json": { ...wordLevel, model: { type: "Magic" } } }),
      ["--text", "a"],
    ],
    [
      "ids beyond the table",
      4,
      /does not fit the model.*token 99 of "far".*rows 0 to 11/,
      () =>
        save("far", bagOfWords(), {
          "tokenizer.json": {
            ...wordLevel,
            model: { ...wordLevel.model, vocab: { ...wordLevel.model.vocab, far: 99 } },
          },
        }),
      ["--text", "far"],
    ],
    [
      "no token for a part of the text",
      1,
      /has no token for a part of it/,
      () =>
        save("nounk", bagOfWords(), {
          "tokenizer.json": { ...wordLevel, added_tokens: [], model: { type: "WordLevel", vocab: { a: 0 } } },
        }),
      ["--text", "a b"],
    ],
    [
      "an empty text",
      1,
      /cannot explain the text "": it is empty/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", ""],
    ],
    [
      "a text longer than the model's positions",
      1,
      /it has 3 tokens, and the model takes 2; shorten it/,
      () =>
        save("short", bagOfWords(), {
          "tokenizer.json": wordLevel,
          "config.json": { max_position_embeddings: 2 },
        }),
      ["--text", "a a a"],
    ],
    [
      "one longer than the model's fixed length",
      1,
      /it has 13 tokens, and the model takes 12/,
      () => save("fixed", maskedSum(), { "tokenizer.json": wordLevel }),
      ["--text", "a ".repeat(13)],
    ],
    [
      "one shorter than it, without a mask",
      1,
      /takes exactly 5, and it has no input attention_mask/,
      () => save("exact", bagOfWords(["N", 5]), { "tokenizer.json": wordLevel }),
      ["--text", "a"],
    ],
    [
      "a cache that is never empty",
      4,
      /cache of earlier tokens empty.*\[N, 1, 3, 4\].*always has the same length.*dynamic axes/s,
      () => save("full", decoder(3), { "tokenizer.json": wordLevel }),
      ["--text", "a"],
    ],
    [
      "words of a classifier",
      2,
      /cannot generate words.*does not predict the next word/s,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", "a", "--generate", "2"],
    ],
    [
      "words that are named and generated",
      2,
      /--class and --position would name a word.*leave one or the other out/s,
      () => save("decoder", decoder("P"), { "tokenizer.json": wordLevel }),
      ["--text", "a", "--generate", "2", "--class", "film", "--position", "0"],
    ],
    [
      "image options",
      2,
      /--size, --batch and --text do not go together|--size, --batch, .*--text/,
      () => save("bag", bagOfWords(), {}),
      ["--text", "a", "--size", "5", "-b", "2"],
    ],
    [
      "images",
      2,
      /"photo\.jpg" is read as an image/,
      () => save("bag", bagOfWords(), {}),
      ["photo.jpg", "--text", "a"],
    ],
    [
      "text options without a text",
      2,
      /cannot use --tokenizer.*add --text/,
      () => save("bag", bagOfWords(), {}),
      ["--tokenizer", "t.json"],
    ],
    [
      "a position of a classifier",
      2,
      /answers once for the whole text/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", "a", "--position", "0"],
    ],
    [
      "a class that is not there",
      2,
      /the model has the classes 0 to 2/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", "a", "-c", "7"],
    ],
    [
      "the softmax and a class",
      2,
      /--class and --seed softmax/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", "a", "-c", "1", "--seed", "softmax"],
    ],
    [
      "a class rather than itself",
      2,
      /name the same class/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text", "a", "-c", "1", "--against", "1"],
    ],
    [
      "a file without texts",
      2,
      /cannot read the texts/,
      () => save("bag", bagOfWords(), { "tokenizer.json": wordLevel }),
      ["--text-file", "/nowhere.txt"],
    ],
    [
      "no model",
      4,
      /there is no model ".*gone\.onnx"/,
      async () => join(folder, "gone.onnx"),
      ["--text", "a"],
    ],
  ];
  test.each(cases)("%s: exit code %i", async (_name, code, message, model, args) => {
    expect(await explain(await model(), ...args)).toBe(code);
    expect(stderr).toMatch(message);
  });

  test("a text that fails is named, the others are explained", async () => {
    const path = await save("short", bagOfWords(), {
      "tokenizer.json": wordLevel,
      "config.json": { max_position_embeddings: 2 },
    });
    expect(await explain(path, "--text", "a a a", "--text", "a film", "--json")).toBe(1);
    const records = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    for (const record of records) expect(textRecordSchema.parse(record)).toEqual(record);
    expect(records).toMatchObject([
      { input: "a a a", error: { fix: "shorten it" } },
      { input: "a film", class: expect.any(Number) },
      { summary: { done: 1, failed: 1 } },
    ]);
  });
});

test("the support models have as many classes as their names say", () => {
  expect(Object.keys(labels.id2label)).toHaveLength(classes);
});
