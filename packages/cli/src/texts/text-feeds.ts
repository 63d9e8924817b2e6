/** The inputs of a text model besides token ids, and padding to a fixed length. */

import type { Tensor as OrtTensor, TensorConstructor } from "onnxruntime-node";
import { InputError, OptionError, type InputArray } from "@relprop/core";
import type { Shape, Value } from "@relprop/core/onnx";
import { isSetting } from "@relprop/core/internal";
import { excerpt } from "./plain-text.ts";
import type { Tokenized } from "./tokenize.ts";

/** The values of an input for one text, by the names in Hugging Face's exports. */
type Filling = (text: Tokenized, length: number) => number[];

const fillings: Readonly<Record<string, Filling>> = {
  /** 1 at tokens, 0 at padding. */
  attention_mask: ({ tokens }, length) =>
    filled(
      tokens.map(() => 1),
      length,
      0,
    ),
  /** Which of the two texts a token belongs to. */
  token_type_ids: ({ types }, length) => filled(types, length, 0),
  position_ids: (_text, length) => Array.from({ length }, (_, i) => i),
  /** The same, where the whole text stands after an empty cache. */
  cache_position: (_text, length) => Array.from({ length }, (_, i) => i),
};

const filled = (numbers: readonly number[], length: number, rest: number): number[] =>
  Array.from({ length }, (_, i) => numbers[i] ?? rest);

/** The inputs for one text. */
export interface TextFeed {
  /** Token ids, [1, T]. */
  readonly ids: InputArray;
  readonly others: Readonly<Record<string, OrtTensor>>;
  /** T: the text's tokens and the padding. */
  readonly length: number;
}

/** Makes the inputs of a model from texts. */
export class TextFeeder {
  readonly #Tensor: TensorConstructor;
  readonly #ids: Value;
  readonly #others: readonly Value[];
  readonly #padding: number | undefined;
  readonly #longest: number | undefined;

  /**
   * @param inputs of the source model
   * @param ids name of the input for the tokens
   * @param limits the padding token, and the maximum length of a text, if known
   * @throws OptionError for inputs that cannot be made from a text
   */
  constructor(
    Tensor: TensorConstructor,
    inputs: readonly Value[],
    ids: string,
    limits: { readonly padding: number | undefined; readonly longest: number | undefined },
  ) {
    this.#Tensor = Tensor;
    const given = inputs.find(({ name }) => name === ids);
    if (!given) throw new Error(`the model has no input "${ids}"`);
    this.#ids = given;
    this.#others = inputs.filter(({ name }) => name !== ids);
    this.#padding = limits.padding;
    this.#longest = limits.longest;
    checkInputs(this.#ids, this.#others);
  }

  /** The maximum number of tokens in a text. */
  get most(): number {
    return Math.min(fixedLength(this.#ids.shape) ?? Infinity, this.#longest ?? Infinity);
  }

  /** @throws InputError if the text is too long, or cannot be padded */
  feed(input: string, text: Tokenized): TextFeed {
    const length = this.#length(input, text.tokens.length);
    // Without a padding token any will do, since the mask hides it.
    const padding = this.#padding ?? 0;
    const ids = filled(
      text.tokens.map(({ id }) => id),
      length,
      padding,
    );
    const others = this.#others.map((value) => {
      const numbers = (fillings[value.name] as Filling)(text, length);
      return [value.name, this.#tensor(value, numbers)] as const;
    });
    return {
      ids: { data: Int32Array.from(ids), dims: [1, length] },
      others: Object.fromEntries(others),
      length,
    };
  }

  #length(input: string, count: number): number {
    const fixed = fixedLength(this.#ids.shape);
    if (count > this.most) {
      throw new InputError({
        what: `cannot explain the text ${excerpt(input)}`,
        why: `it has ${count} tokens, and the model takes ${this.most}`,
        fix: "shorten it",
      });
    }
    if (fixed === undefined || fixed === count) return count;
    if (this.#others.some(({ name }) => name === "attention_mask")) return fixed;
    throw new InputError({
      what: `cannot explain the text ${excerpt(input)}`,
      why: `it has ${count} tokens, the model takes exactly ${fixed}, and it has no input attention_mask to hide the padding`,
      fix: "export the model with an open length (dynamic axes)",
    });
  }

  #tensor({ name, dataType, shape }: Value, numbers: readonly number[]): OrtTensor {
    const dims = shape.length === 1 ? [numbers.length] : [1, numbers.length];
    switch (dataType) {
      case "int64":
        return new this.#Tensor("int64", BigInt64Array.from(numbers, BigInt), dims);
      case "int32":
        return new this.#Tensor("int32", Int32Array.from(numbers), dims);
      case "float32":
        return new this.#Tensor("float32", Float32Array.from(numbers), dims);
      case "bool":
        return new this.#Tensor("bool", Uint8Array.from(numbers), dims);
      default:
        throw new OptionError({
          what: "cannot feed the model a text",
          where: `input "${name}"`,
          why: `it takes ${dataType}, not int64, int32, float32 or bool`,
        });
    }
  }
}

/** T of [N, T], if the model fixes it. */
function fixedLength(shape: Shape): number | undefined {
  const length = shape[1];
  return typeof length === "number" ? length : undefined;
}

function checkInputs(ids: Value, others: readonly Value[]): void {
  if (ids.shape.length !== 2) {
    throw new OptionError({
      what: "cannot feed the model a text",
      where: `input "${ids.name}"`,
      why: `it has the shape [${ids.shape.join(", ")}], not [N, T]`,
    });
  }
  const unknown = others.filter(({ name }) => !Object.hasOwn(fillings, name));
  const strange = unknown.map(({ name }) => name);
  if (strange.length === 0) return;
  const areSettings = unknown.every(isSetting);
  throw new OptionError({
    what: "cannot feed the model a text",
    why: `it also needs ${list(strange)}, which cannot be made from a text (only ${Object.keys(fillings).join(", ")} can)`,
    fix: areSettings
      ? `fix ${strange.length === 1 ? "it" : "each"} with --set ${strange[0]}=VALUE`
      : "export the model without them, or explain it with the library, which takes any input",
  });
}

/** The first few names. */
const list = (names: readonly string[]): string =>
  names.slice(0, 4).join(", ") + (names.length > 4 ? ` and ${names.length - 4} more` : "");
