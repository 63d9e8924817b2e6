/**
 * Vision transformers (Dosovitskiy et al. 2021, arXiv 2010.11929), with torchvision's and timm's names. Width, depth and
 * patches follow from shapes, the number of heads from the width, and the size of the input from the position embedding.
 */

import { int, ints, type Model, type Tensor } from "../../onnx/graph.ts";
import { OptionError } from "../../errors.ts";
import { float32Data, float32Tensor } from "../../onnx/tensor.ts";
import { add, conv } from "./blocks.ts";
import { type CardParts, type Family, countOf, imageNetCard } from "./family.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";
import { type AttentionNames, layerNorm, weightAndBias, selfAttention, tokenMlp } from "./token-blocks.ts";

/** Heads by width: tiny, small, base, large, huge. */
const kinds: ReadonlyMap<number, { readonly letter: string; readonly heads: number }> = new Map([
  [192, { letter: "ti", heads: 3 }],
  [384, { letter: "s", heads: 6 }],
  [768, { letter: "b", heads: 12 }],
  [1024, { letter: "l", heads: 16 }],
  [1280, { letter: "h", heads: 16 }],
]);

/** Names of the parts in the state dict. */
interface Names {
  readonly patches: string;
  readonly classToken: string;
  readonly positions: string;
  readonly block: (index: number) => string;
  readonly norms: readonly [beforeAttention: string, beforeMlp: string];
  readonly attention: (block: string) => AttentionNames;
  readonly mlp: (state: StateDict, block: string) => readonly [first: string, second: string];
  readonly norm: string;
  readonly head: string;
}

const torchvision: Names = {
  patches: "conv_proj",
  classToken: "class_token",
  positions: "encoder.pos_embedding",
  block: (index) => `encoder.layers.encoder_layer_${index}`,
  norms: ["ln_1", "ln_2"],
  attention: (block) => ({
    inner: [`${block}.self_attention.in_proj_weight`, `${block}.self_attention.in_proj_bias`],
    outer: weightAndBias(`${block}.self_attention.out_proj`),
  }),
  // torchvision's published files are from before 2022, when these had other names.
  mlp: (state, block) =>
    state.has(`${block}.mlp.linear_1.weight`)
      ? [`${block}.mlp.linear_1`, `${block}.mlp.linear_2`]
      : [`${block}.mlp.0`, `${block}.mlp.3`],
  norm: "encoder.ln",
  head: "heads.head",
};
const timm: Names = {
  patches: "patch_embed.proj",
  classToken: "cls_token",
  positions: "pos_embed",
  block: (index) => `blocks.${index}`,
  norms: ["norm1", "norm2"],
  attention: (block) => ({
    inner: weightAndBias(`${block}.attn.qkv`),
    outer: weightAndBias(`${block}.attn.proj`),
  }),
  mlp: (_, block) => [`${block}.mlp.fc1`, `${block}.mlp.fc2`],
  norm: "norm",
  head: "head",
};
const epsilon = 1e-6;

/** The settings that follow from the shapes of a state dict. */
interface Form {
  readonly name: string;
  readonly names: Names;
  readonly heads: number | undefined;
  readonly patch: number;
  /** Number of tokens without the class token. */
  readonly tokens: number;
}

export const vit: Family = {
  name: "vit",
  summary:
    "ViT B/16, B/32, L/16, L/32, H/14 (Dosovitskiy et al. 2021), torchvision weights; ViT and DeiT of timm",
  recognize: (state) => {
    const names = [torchvision, timm].find(
      (each) => state.has(each.classToken) && state.has(each.attention(each.block(0)).inner[0]),
    );
    if (!names) return undefined;
    const form = formOf(state, names);
    const side = Math.round(Math.sqrt(form.tokens)) * form.patch;
    const buildIt = (options?: BuildOptions): Model => build(state, form, side, options);
    if (names === torchvision)
      return { card: imageNetCard(form.name, cardParts(form, side)), guesses: [], build: buildIt };
    return { card: imageNetCard(form.name, timmCard(side), false), guesses: [timmGuess], build: buildIt };
  },
};

function formOf(state: StateDict, names: Names): Form {
  const [width = 0, , patch = 16] = state.get(`${names.patches}.weight`)?.dims ?? [];
  const kind = kinds.get(width);
  const name = kind ? `vit_${kind.letter}_${patch}` : "vit";
  const tokens = Math.max(1, (state.get(names.positions)?.dims[1] ?? 197) - 1);
  return { name, names, heads: kind?.heads, patch, tokens };
}

/** torchvision's files of other sizes are those trained by SWAG (Singh et al. 2022). */
function cardParts({ name }: Form, size: number): CardParts {
  if (size !== 224) return { size, shortSide: size, interpolation: "bicubic" };
  return name === "vit_l_16" ? { shortSide: 242 } : {};
}

const half = [0.5, 0.5, 0.5];
const timmCard = (size: number): CardParts => ({
  size,
  shortSide: size === 224 ? 248 : size,
  interpolation: "bicubic",
  mean: half,
  std: half,
});
const timmGuess =
  "mean and std 0.5 and bicubic, as timm's vit_* have it; DeiT's are ImageNet's (a config.json beside the file says)";

function build(
  state: StateDict,
  form: Form,
  side: number,
  { size = [side, side], file = "checkpoint" }: BuildOptions = {},
): Model {
  const { names, heads, patch, tokens } = form;
  if (size.some((pixels) => pixels !== side)) {
    throw new OptionError({
      what: `cannot build ${form.name} from "${file}"`,
      why: `its position embedding is for ${side} × ${side} pixels, not ${size.join(" × ")}`,
      fix: "leave the size out, or interpolate the embedding and save the weights again",
    });
  }
  const net = new NetBuilder(state, form.name, { size, file }, patch);
  const isSquare = (side / patch) ** 2 === tokens;
  if (!isSquare)
    net.addProblem(
      `${names.positions} has ${tokens} positions beside the class token, not a square of patches`,
    );
  let x = net.input(`${names.patches}.weight`);
  x = conv(net, x, names.patches, { kernel: patch, stride: patch, pad: 0, bias: true });
  if (heads === undefined)
    net.addProblem(
      `${names.patches}.weight is ${x.width ?? 0} wide, expected ${[...kinds.keys()].join(", ")}`,
    );
  x = withPositions(net, isSquare ? x : { value: undefined, width: x.width }, names, tokens);
  const count = Math.max(
    1,
    countOf(state, (index) => names.attention(names.block(index)).inner[0]),
  );
  for (let index = 0; index < count; index++) {
    const block = names.block(index);
    const [first, second] = names.norms;
    const normed = layerNorm(net, x, `${block}.${first}`, epsilon);
    const attended = selfAttention(net, normed, names.attention(block), heads ?? 1, `${block}.attention`);
    x = add(net, attended, x, `${block}.sum`);
    const again = layerNorm(net, x, `${block}.${second}`, epsilon);
    x = add(net, tokenMlp(net, again, ...names.mlp(state, block)), x, block);
  }
  const normed = layerNorm(net, x, names.norm, epsilon);
  const first = net.op("Gather", [normed.value, net.builder.integer(0)], { axis: int(1) }, "class");
  return net.finishLinear({ value: first, width: x.width }, names.head);
}

/**
 * [N, C, h, w] -> tokens [N, 1 + h·w, C], with the class token first and the position embedding added. The class token is
 * constant, so it is added to the embedding of the first position, where the padded tokens are 0.
 */
function withPositions(net: NetBuilder, x: Flow, names: Names, tokens: number): Flow {
  const { width } = x;
  const token = net.tensor(names.classToken, [1, 1, width]);
  const withToken = (table: Tensor): Tensor => (token ? firstRowAdded(table, token) : table);
  const positions = net.weight(names.positions, [1, tokens + 1, width], withToken);
  if (!token || width === undefined) return { value: undefined, width };
  const { builder } = net;
  const lines = net.op("Reshape", [x.value, builder.integers([0, width, -1])], {}, "patches.lines");
  const sequence = net.op("Transpose", [lines], { perm: ints([0, 2, 1]) }, "patches");
  const padded = net.op("Pad", [sequence, builder.integers([0, 1, 0, 0, 0, 0])], {}, "tokens.padded");
  return { value: net.op("Add", [padded, positions], {}, "tokens"), width };
}

/** A table [1, T, C] with a vector of C added to its first row. */
function firstRowAdded(table: Tensor, vector: Tensor): Tensor {
  const sum = Float32Array.from(float32Data(table));
  for (const [i, number] of float32Data(vector).entries()) sum[i] = (sum[i] ?? 0) + number;
  return float32Tensor(sum, table.dims);
}
