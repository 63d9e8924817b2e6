/** Tokens as readable text, without the marks of tokenizers. */

/** A token of the vocabulary. */
export interface RawToken {
  readonly id: number;
  /** As in the vocabulary: `##ing`, `Ġgreat`, `▁great`, `[CLS]`. */
  readonly token: string;
  /** Whether it stands for no text: `[CLS]`, `<s>`. */
  readonly special: boolean;
}

/** A readable token. */
export interface ShownToken extends RawToken {
  /** Its text: `ing`, `great`, `[CLS]`. */
  readonly text: string;
  /** Whether a space comes before it. */
  readonly startsWord: boolean;
}

/**
 * How a vocabulary marks the beginnings of words.
 * - `bytes`: tokens are encoded bytes, among them the space before a word (GPT-2, RoBERTa, Llama 3);
 * - `spaces`: `▁` stands for the space before a word (SentencePiece: Llama 2, T5, XLM-R);
 * - `prefix`: pieces that continue a word begin with a mark (WordPiece: BERT);
 * - `suffix`: pieces that end a word end with a mark (CLIP);
 * - `words`: every token is a word.
 */
export type WordMarks =
  | { readonly kind: "bytes" }
  | { readonly kind: "spaces" }
  | { readonly kind: "prefix" | "suffix"; readonly mark: string }
  | { readonly kind: "words" };

/** The vocabulary's mark of the space before a word; empty if it has none. */
export const spaceMark = ({ kind }: WordMarks): string =>
  kind === "bytes" ? "Ġ" : kind === "spaces" ? "▁" : "";

/** Shown for later parts of a character, which its first token shows as a whole. */
const partOfCharacter = "·";
const space = "␣";

/**
 * Reads tokens.
 * @param decode decodes ids, for vocabularies of bytes
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

/** A single token as text, with its leading space if the vocabulary marks one. */
export function readToken(raw: RawToken, marks: WordMarks, decode: (ids: number[]) => string): string {
  const hasSpaces = marks.kind === "bytes" || marks.kind === "spaces";
  if (raw.special || !hasSpaces) return raw.token;
  const { text, startsWord } = word(textAt([raw], 0, marks, decode)[0], undefined, marks);
  return startsWord ? ` ${text}` : text;
}

/** The text of a token with its marks, and the number of tokens it takes: a character can span several. */
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
