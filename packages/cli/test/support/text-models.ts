/** Small text models and tokenizers, written by hand. */

import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "@relprop/core/onnx";

export const words = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "great",
  "boring",
  "film",
  "a",
  "un",
  "##able",
  "##s",
  "<i>",
];
export const features = 4;
export const classes = 3;

/** Numbers without a pattern, in [−1, 1]. */
export const wave = (length: number, shift = 1): number[] =>
  Array.from({ length }, (_, i) => Math.sin(7 * i + shift));

export const table = wave(words.length * features);
export const weights = wave(classes * features, 2);
export const biases = wave(classes, 3);

const model = (b: GraphBuilder): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph: b.graph("text"),
});

function embedding(b: GraphBuilder, shape: (string | number)[], rows = words.length): Value {
  const ids = b.input("input_ids", "int64", shape);
  const e = b.constant(float32Tensor(wave(rows * features), [rows, features]), "words");
  return b.op("Gather", [e, ids], { axis: int(0) }, "embedding");
}

const linear = (b: GraphBuilder, x: Value): Value =>
  b.op(
    "Gemm",
    [
      x,
      b.constant(float32Tensor(weights, [classes, features]), "w"),
      b.constant(float32Tensor(biases, [classes]), "c"),
    ],
    { transB: int(1) },
  );

/** Vectors of the words, their mean, a linear layer: [N, classes]. */
export function bagOfWords(shape: (string | number)[] = ["N", "T"]): Model {
  const b = new GraphBuilder();
  const x = embedding(b, shape);
  b.output(linear(b, b.op("ReduceMean", [x], { axes: ints([1]), keepdims: int(0) })), "logits");
  return model(b);
}

/** The sum of the words that attention_mask keeps, a linear layer; 12 tokens always. */
export function maskedSum(): Model {
  const b = new GraphBuilder();
  const x = embedding(b, ["N", 12]);
  const mask = b.op("Cast", [b.input("attention_mask", "int64", ["N", 12])], { to: int(9) });
  const zero = b.constant(float32Tensor([0], []), "zero");
  const kept = b.op("Where", [b.op("Unsqueeze", [mask, b.integers([2])]), x, zero]);
  b.output(linear(b, b.op("ReduceSum", [kept, b.integers([1])], { keepdims: int(0) })), "logits");
  return model(b);
}

/** One head of attention whose first token is classified, as BERT's [CLS]; takes all that BERT takes. */
export function attention(length: string | number = "T"): Model {
  const b = new GraphBuilder();
  const x = embedding(b, ["N", length]);
  const mask = b.op("Cast", [b.input("attention_mask", "int64", ["N", length])], { to: int(1) });
  const types = b.input("token_type_ids", "int64", ["N", length]);
  const kinds = b.constant(float32Tensor(wave(2 * features, 5), [2, features]), "kinds");
  const h = b.op("Add", [x, b.op("Gather", [kinds, types], { axis: int(0) })]);
  const project = (name: string, shift: number): Value =>
    b.op("MatMul", [h, b.constant(float32Tensor(wave(features ** 2, shift), [features, features]), name)]);
  const scores = b.op("MatMul", [
    project("q", 6),
    b.op("Transpose", [project("k", 7)], { perm: ints([0, 2, 1]) }),
  ]);
  const hidden = b.op("Mul", [
    b.op("Sub", [mask, b.constant(float32Tensor([1], []), "one")]),
    b.constant(float32Tensor([1e4], []), "much"),
  ]);
  const shares = b.op("Softmax", [b.op("Add", [scores, b.op("Unsqueeze", [hidden, b.integers([1])])])], {
    axis: int(2),
  });
  const mixed = b.op("Add", [h, b.op("MatMul", [shares, project("v", 8)])]);
  const first = b.op("Gather", [mixed, b.integer(0)], { axis: int(1) });
  b.output(linear(b, first), "logits");
  return model(b);
}

/** For each token the words by what is next to it in the table, [N, T, words]: the last token alone decides. */
export function nextWords(): Model {
  const b = new GraphBuilder();
  const x = embedding(b, ["N", "T"]);
  const head = b.constant(float32Tensor(wave(features * words.length, 9), [features, words.length]), "head");
  b.output(b.op("MatMul", [x, head]), "logits");
  return model(b);
}

/** Labels for each token, [N, T, classes], and a number for each, [N, T]. */
export function perToken(): Model {
  const b = new GraphBuilder();
  const x = embedding(b, ["N", "T"]);
  const labels = b.op("MatMul", [x, b.constant(float32Tensor(weights, [features, classes]), "w")]);
  b.output(labels, "labels");
  b.output(b.op("ReduceSum", [labels, b.integers([2])], { keepdims: int(0) }), "starts");
  return model(b);
}

/**
 * A decoder with one head of causal attention by ONNX Runtime's own operator, [N, T, words], and with a cache of what came
 * before, as language models are exported by default.
 * @param room length of the cache; undefined is none
 */
export function decoder(room: string | number | undefined): Model {
  const b = new GraphBuilder();
  const x = embedding(b, ["N", "T"]);
  const project = (name: string, shift: number): Value =>
    b.op("MatMul", [x, b.constant(float32Tensor(wave(features ** 2, shift), [features, features]), name)]);
  const parts = [project("q", 6), project("k", 7), project("v", 8)];
  const shape = ["N", 1, room ?? 0, features];
  const pasts =
    room === undefined
      ? []
      : ["key", "value"].map((name) => b.input(`past_key_values.0.${name}`, "float32", shape));
  // The builder writes operators of ai.onnx alone: this stands in for the other one.
  const attended = b.op("Identity", [x], {}, "attended");
  const head = b.constant(float32Tensor(wave(features * words.length, 9), [features, words.length]), "head");
  b.output(b.op("MatMul", [b.op("Add", [attended, x]), head]), "logits");
  const plain = model(b);
  const inputs = [...parts.map(({ name }) => name), ...(pasts.length > 0 ? ["", "", ""] : [])];
  const nodes = plain.graph.nodes.map((node) =>
    node.outputs[0] === "attended"
      ? {
          ...node,
          opType: "MultiHeadAttention",
          domain: "com.microsoft",
          inputs: [...inputs, ...pasts.map(({ name }) => name)],
          outputs: ["attended", ...(pasts.length > 0 ? ["present.0.key", "present.0.value"] : [])],
          attributes: { num_heads: int(1), unidirectional: int(1) },
        }
      : node,
  );
  const presents = pasts.map(({ name }) => ({
    name: name.replace("past_key_values", "present"),
    dataType: "float32" as const,
    shape: ["N", 1, "L", features],
  }));
  const graph = { ...plain.graph, nodes, outputs: [...plain.graph.outputs, ...presents] };
  return { ...plain, opsets: { ...plain.opsets, "com.microsoft": 1 }, graph };
}

const special = (ids: readonly number[]): object[] =>
  ids.map((id) => ({
    id,
    content: words[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));

const vocabulary = Object.fromEntries(words.map((word, id) => [word, id]));

/** Every word between spaces is a token; nothing stands around the text. */
export const wordLevel = {
  version: "1.0",
  added_tokens: special([0, 1]),
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: null,
  decoder: null,
  model: { type: "WordLevel", vocab: vocabulary, unk_token: "[UNK]" },
};

/** As BERT's: pieces of words, [CLS] and [SEP] around the text. */
export const wordPiece = {
  version: "1.0",
  added_tokens: special([0, 1, 2, 3]),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    vocab: vocabulary,
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
  },
};
