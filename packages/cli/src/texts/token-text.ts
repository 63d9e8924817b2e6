/** Tokens as people read them: pieces of words without the marks that tokenizers put on them. */

/** A token of the vocabulary, on its way to be read. */
export interface RawToken {
  readonly id: number;
  /** As the vocabulary has it: `##ing`, `Ġgreat`, `▁great`, `[CLS]`. */
  readonly token: string;
  /** Whether it stands for no text: `[CLS]`, `<s>`. */
  readonly special: boolean;
}

/** A token as it is shown. */
export interface ShownToken extends RawToken {
  /** What it says: `ing`, `great`, `[CLS]`. */
  readonly text: string;
  /** Whether a space comes before it. */
  readonly startsWord: boolean;
}

/**
 * How a vocabulary tells where words begin.
 * - `bytes`: tokens are bytes in disguise, a space in front of words is one of them (GPT-2, RoBERTa, Llama 3);
 * - `spaces`: `▁` stands for the space in front of a word (SentencePiece: Llama 2, T5, XLM-R);
 * - `prefix`: pieces that go on with a word begin with a mark (WordPiece: BERT);
 * - `suffix`: pieces that end a word end with a mark (CLIP);
 * - `words`: every token is a word.
 */
export type WordMarks =
  | { readonly kind: "bytes" }
  | { readonly kind: "spaces" }
  | { readonly kind: "prefix" | "suffix"; readonly mark: string }
  | { readonly kind: "words" };

/** The space in front of a word, as the vocabulary writes it; empty if it does not. */
export const spaceMark = ({ kind }: WordMarks): string =>
  kind === "bytes" ? "Ġ" : kind === "spaces" ? "▁" : "";

/** A part of a character only: the whole of it is shown at its first token. */
const partOfCharacter = "·";
const space = "␣";

/**
 * Reads tokens.
 * @param decode text of some ids, for vocabularies of bytes
 */
export function readTokens(
  tokens: readonly RawToken[],
  marks: WordMarks,
  decode: (ids: number[]) => string,
): ShownToken[] {
  const shown: ShownToken[] = [];
  for (let at = 0; at < tokens.length;) {
    const raw = tokens[at] as RawToken;
    const before = tokens[at - 1];
    const isBare = raw.special || before === undefined || before.special;
    const [said, length] = raw.special ? [raw.token, 1] : textAt(tokens, at, marks, decode);
    const { text, startsWord } = raw.special ? { text: said, startsWord: true } : word(said, before, marks);
    shown.push({ ...raw, text: text === "" ? space : text, startsWord: startsWord || isBare });
    for (let i = 1; i < length; i++)
      shown.push({ ...(tokens[at + i] as RawToken), text: partOfCharacter, startsWord: false });
    at += length;
  }
  return shown;
}

/** One token by itself, a space in front of it where the vocabulary has one there. */
export function readToken(raw: RawToken, marks: WordMarks, decode: (ids: number[]) => string): string {
  const hasSpaces = marks.kind === "bytes" || marks.kind === "spaces";
  if (raw.special || !hasSpaces) return raw.token;
  const { text, startsWord } = word(textAt([raw], 0, marks, decode)[0], undefined, marks);
  return startsWord ? ` ${text}` : text;
}

/** The token's text with the marks on it, and of how many tokens it is: characters can be cut into bytes. */
function textAt(
  tokens: readonly RawToken[],
  at: number,
  marks: WordMarks,
  decode: (ids: number[]) => string,
): [text: string, length: number] {
  const raw = tokens[at] as RawToken;
  const most = Math.min(4, tokens.length - at);
  if (marks.kind === "bytes") {
    for (let length = 1; length <= most; length++) {
      const ids = tokens.slice(at, at + length).map(({ id }) => id);
      const text = decode(ids);
      if (!text.includes("\uFFFD")) return [text, length];
    }
    return [decode([raw.id]), 1];
  }
  const bytes: number[] = [];
  for (let length = 1; length <= most; length++) {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(tokens[at + length - 1]?.token ?? "")?.[1];
    if (byte === undefined) break;
    bytes.push(Number.parseInt(byte, 16));
    const text = new TextDecoder().decode(Uint8Array.from(bytes));
    if (!text.includes("\uFFFD")) return [text, length];
  }
  return [raw.token, 1];
}

function word(
  text: string,
  before: RawToken | undefined,
  marks: WordMarks,
): { text: string; startsWord: boolean } {
  switch (marks.kind) {
    case "bytes":
      return { text: text.replace(/^ /, ""), startsWord: text.startsWith(" ") };
    case "spaces":
      return { text: text.replace(/^▁/, "").replaceAll("▁", " "), startsWord: text.startsWith("▁") };
    case "prefix": {
      const goesOn = text.startsWith(marks.mark) && text !== marks.mark;
      return { text: goesOn ? text.slice(marks.mark.length) : text, startsWord: !goesOn };
    }
    case "suffix": {
      const ends = text.endsWith(marks.mark) && text !== marks.mark;
      const startsWord = before?.token.endsWith(marks.mark) ?? true;
      return { text: ends ? text.slice(0, -marks.mark.length) : text, startsWord };
    }
    case "words":
      return { text, startsWord: true };
  }
}
