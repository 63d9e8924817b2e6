/** The result of an explained text: the card on the page, and the records of `--json`. */

import { z } from "zod";
import { ledgerSchema } from "../run/ledger-record.ts";
import { scoreSchema } from "../run/score.ts";

const token = z.strictObject({
  token: z.string().describe("as the vocabulary has it: ##ing, Ġgreat"),
  id: z.int(),
  text: z.string().describe("as it is read: ing, great"),
  startsWord: z.boolean().describe("whether a space comes before it"),
  special: z.boolean().describe("stands for no text, as [CLS]"),
  relevance: z.number().describe("unitless, summed over the token's vector"),
});

const about = {
  v: z.literal(2).describe("version of this form"),
  input: z.string().describe("the text"),
  pair: z.string().exactOptional().describe("the second text"),
};

/** An explained class of a text. */
export const textResultSchema = z.strictObject({
  ...about,
  answer: z
    .enum(["class", "place", "label", "word", "next word", "embedding"])
    .describe(
      "what is explained: a class of the text, one of its tokens, the label or word of the tokens at `positions`, or a vector",
    ),
  class: z.int().describe("index of the class, token, label or word"),
  label: z.string(),
  value: z.number().exactOptional().describe("what the model puts out"),
  unit: z.string().exactOptional(),
  logit: z
    .number()
    .exactOptional()
    .describe("before softmax or sigmoid, where there is one, or where the output is logits"),
  probability: z
    .number()
    .exactOptional()
    .describe(
      "a softmax over all classes, or a sigmoid where they do not exclude each other; absent where the model means none",
    ),
  position: z
    .int()
    .exactOptional()
    .describe("the token whose label or word is explained; the next word follows it"),
  positions: z.array(z.int()).exactOptional().describe("the same, of several tokens, added up"),
  generated: z
    .int()
    .exactOptional()
    .describe("which of the generated words is explained, from 0; its text ends with those before it"),
  against: z
    .strictObject({ index: z.int(), label: z.string() })
    .exactOptional()
    .describe("the class that this one was told apart from"),
  start: z
    .number()
    .describe("sum of the relevance to start with; with `against` the difference of the two classes"),
  tokens: z.array(token),
  padding: z
    .strictObject({ tokens: z.int(), relevance: z.number() })
    .exactOptional()
    .describe("what filled the text up to the model's length, and its relevance"),
  ledger: ledgerSchema.exactOptional(),
  top: z.array(scoreSchema).describe("the five best classes of the last of the positions"),
  ms: z.number().describe("time for this text, in milliseconds"),
});

/** A text that could not be explained. */
const textFailureSchema = z.strictObject({
  v: about.v,
  input: about.input,
  error: z.strictObject({
    what: z.string().exactOptional(),
    why: z.string(),
    fix: z.string().exactOptional(),
  }),
});

/** The last line of a run. */
const textSummarySchema = z.strictObject({
  v: about.v,
  summary: z.strictObject({
    done: z.int(),
    failed: z.int(),
    seconds: z.number(),
    folder: z.string(),
    page: z.string().exactOptional(),
  }),
});

/** A line of what `relprop explain --text … --json` prints. */
export const textRecordSchema: z.ZodType = z
  .union([textResultSchema, textFailureSchema, textSummarySchema])
  .describe(
    "A line of what `relprop explain --text … --json` prints: an explained class, a failure, or the summary.",
  );

/** An explained class of a text. */
export type TextResult = z.infer<typeof textResultSchema>;
/** A token and its relevance. */
export type ExplainedToken = TextResult["tokens"][number];
