import { withoutControls } from "@relprop/core/internal";
import { describe, expect, test } from "vitest";
import { excerpt } from "../src/texts/plain-text.ts";
import { onColor, type ColorDepth } from "../src/terminal/terminal-colors.ts";
import { readToken, readTokens, type WordMarks } from "../src/texts/token-text.ts";

const raw = (token: string, id: number, special = false) => ({ id, token, special });
const none = (): string => "";

/** Texts, "_" where a word starts. */
const read = (
  tokens: readonly string[],
  marks: WordMarks,
  decode = none as (ids: number[]) => string,
): string[] =>
  readTokens(
    tokens.map((token, id) => raw(token, id, /^[[<][a-zA-Z/]+[\]>]$/.test(token))),
    marks,
    decode,
  ).map(({ text, startsWord }) => (startsWord ? "_" : "") + text);

describe("tokens as they are read", () => {
  test("WordPiece", () => {
    const tokens = ["[CLS]", "un", "##able", "##", "[SEP]"];
    expect(read(tokens, { kind: "prefix", mark: "##" })).toEqual(["_[CLS]", "_un", "able", "_##", "_[SEP]"]);
  });

  test("SentencePiece, characters in bytes", () => {
    const tokens = ["<s>", "▁the", "m", "▁", "<0xC3>", "<0xA9>", "<0x41>"];
    expect(read(tokens, { kind: "spaces" })).toEqual(["_<s>", "_the", "m", "_␣", "é", "·", "A"]);
  });

  test("bytes, characters cut in two", () => {
    const bytes = [[0x54], [0x20, 0xc3], [0xa9], [0xff]];
    const decode = (ids: number[]): string =>
      new TextDecoder().decode(Uint8Array.from(ids.flatMap((id) => bytes[id] ?? [])));
    expect(read(["T", "ĠÃ", "©", "ÿ"], { kind: "bytes" }, decode)).toEqual(["_T", "_é", "·", "\uFFFD"]);
  });

  test("CLIP", () => {
    const tokens = ["un", "able</w>", "to</w>"];
    expect(read(tokens, { kind: "suffix", mark: "</w>" })).toEqual(["_un", "able", "_to"]);
  });

  test("one by itself keeps the space in front", () => {
    expect(readToken(raw("▁cat", 1), { kind: "spaces" }, none)).toBe(" cat");
    expect(readToken(raw("Ġcat", 1), { kind: "bytes" }, () => " cat")).toBe(" cat");
    expect(readToken(raw("##s", 1), { kind: "prefix", mark: "##" }, none)).toBe("##s");
  });
});

test("texts cannot command the terminal", () => {
  expect(withoutControls("a\u001b[2J\n\u007f\u009b\u202eb")).toBe("a␛[2J␊␡\uFFFD\uFFFDb");
  expect(excerpt("x".repeat(70))).toBe(`"${"x".repeat(60)}…"`);
});

test.each<[ColorDepth, string]>([
  [24, "\u001b[48;2;255;0;0;38;2;0;0;0mx\u001b[0m"],
  [8, "\u001b[48;5;196;38;5;16mx\u001b[0m"],
  [4, "\u001b[41m\u001b[30mx\u001b[39m\u001b[49m"],
  [1, "x"],
])("a background in %i bits", (depth, expected) => {
  expect(onColor("x", [255, 0, 0], 1, depth)).toBe(expected);
});
