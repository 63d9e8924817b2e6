/**
 * The named composites, as data. `first` are the linear layers reached from the explained input without crossing another.
 * A composite without it gives them the rule of their family. Table: docs/rules.md §4.
 */

import { byDepth, type DepthKind } from "./depth-kind.ts";
import type { Family } from "./row-kinds.ts";
import { ruleText, type Choice } from "./rule-text.ts";
import type { RuleName } from "./rules/index.ts";
import type { Strides } from "./stride-modes.ts";

/** Kinds of layer that have names. "first" takes precedence over families, and "relu" over activations. */
export type NamedKind = Family | "first" | "first convolution" | "relu";

/**
 * Kinds of layer: those with names, and convolutions by their depth, which take precedence over `convolution`:
 * - `stride>=16`: where one place stands for 16 or more places of the picture, along each axis;
 * - `depth>=0.75`: in the last quarter, counted by the convolutions on the longest way to them.
 */
export type LayerKind = NamedKind | DepthKind;

/** Something for some kinds of layer. */
export type ByKind<T> = Readonly<Partial<Record<NamedKind, T>>> & Readonly<Record<DepthKind, T>>;

/** Descriptions of the kinds of layer with names, in the order of precedence. */
export const layerKinds: Readonly<Record<NamedKind, string>> = {
  "first convolution": "convolutions reached from the explained input without crossing another linear layer",
  first: "linear layers reached from the explained input without crossing another",
  convolution: "convolutions and transposed convolutions",
  dense: "matrix products with weights",
  affine: "factors and offsets that no linear layer could take, such as a batch-norm before it",
  sum: "additions and subtractions of tensors",
  average: "average pooling, means, sums, norms and products over axes",
  maximum: "maxima: pooling, over axes, of several tensors; minima alike",
  relu: "ReLUs, max(x, 0), by whatever name",
  activation: "functions of single elements",
  routing: "operators that only move elements",
  gate: "products of two computed tensors, element by element",
  quotient: "quotients of two computed tensors, element by element",
  product: "matrix products of two computed tensors (attention)",
  softmax: "softmax inside of the model (attention)",
  normalization: "normalisations by statistics of what they normalise, such as LayerNormalization",
  recurrent: "recurrent layers: LSTM, GRU, RNN",
};

/** The activations that get the rule for ReLUs. */
export const activationModes = ["relu", "all"] as const;
/** One of {@link activationModes}. */
export type Activations = (typeof activationModes)[number];
/**
 * Where relevance can start: softmax (all classes, no target), logit (output ⊙ target), one (target), contrastive (target against
 * all other classes by their probabilities).
 */
export const seeds = ["softmax", "logit", "one", "contrastive"] as const;
/** One of {@link seeds}. */
export type SeedRelevance = (typeof seeds)[number];

/** A rule for each kind of layer. `parseComposite` reads one from JSON. */
export interface Composite {
  /** The name of a custom composite, for the compiled model. @default "custom" */
  readonly name?: string;
  /** One line for --help and the documentation. */
  readonly about: string;
  /** The paper or library of its origin. */
  readonly source: string;
  /** Where relevance starts. */
  readonly seed: SeedRelevance;
  /** How relevance crosses strides. */
  readonly strides: Strides;
  /** The rule for each kind of layer. */
  readonly rules: ByKind<Choice>;
}

/** The default rules of all LRP composites (docs/rules.md §3). */
export const lrpDefaults = {
  affine: { rule: "epsilon" },
  sum: { rule: "norm" },
  average: { rule: "norm" },
  maximum: { rule: "gradient" },
  activation: { rule: "pass" },
  routing: { rule: "gradient" },
  gate: { rule: "signal" },
  quotient: { rule: "signal" },
  product: { rule: "uniform" },
  softmax: { rule: "norm" },
  normalization: { rule: "norm" },
  recurrent: { rule: "lstm-all" },
} satisfies Composite["rules"];

/** The rules of gradient methods. */
const gradients = {
  convolution: { rule: "gradient" },
  dense: { rule: "gradient" },
  affine: { rule: "gradient" },
  sum: { rule: "gradient" },
  average: { rule: "gradient" },
  maximum: { rule: "gradient" },
  activation: { rule: "gradient" },
  routing: { rule: "gradient" },
  gate: { rule: "gradient" },
  quotient: { rule: "gradient" },
  product: { rule: "gradient" },
  softmax: { rule: "gradient" },
  normalization: { rule: "gradient" },
  recurrent: { rule: "gradient" },
} satisfies Composite["rules"];

const lrp = { seed: "logit", strides: "exact" } as const;

/** One rule on every linear layer. */
const single = (rule: RuleName, about: string, source: string): Composite => ({
  about,
  source,
  ...lrp,
  rules: { ...lrpDefaults, convolution: { rule }, dense: { rule }, affine: { rule } },
});

const fischerStabiliser = 1e-5;
const zplusWithoutBias = { rule: "zplus", bias: false, epsilon: fischerStabiliser } as const;

export const composites = {
  fischer: {
    about:
      "z⁺ without biases from the softmax, the first layer from ones, strides as averages: where the network looked",
    source: "Fischer 2021, carried beyond VGG",
    seed: "softmax",
    strides: "average",
    rules: {
      first: { ...zplusWithoutBias, input: "ones" },
      convolution: zplusWithoutBias,
      dense: zplusWithoutBias,
      affine: { rule: "epsilon", epsilon: fischerStabiliser },
      sum: { rule: "norm", epsilon: fischerStabiliser },
      average: { rule: "norm", epsilon: fischerStabiliser },
      maximum: { rule: "norm", epsilon: fischerStabiliser },
      activation: { rule: "pass" },
      routing: { rule: "gradient" },
      gate: { rule: "signal" },
      quotient: { rule: "signal" },
      product: { rule: "uniform", epsilon: fischerStabiliser },
      softmax: { rule: "norm" },
      normalization: { rule: "norm", epsilon: fischerStabiliser },
      recurrent: { rule: "lstm-all", epsilon: fischerStabiliser },
    },
  },
  "epsilon-plus": {
    about: "z⁺ on convolutions, ε on dense layers",
    source: "Kohlbrenner et al. 2020; zennit",
    ...lrp,
    rules: { ...lrpDefaults, convolution: { rule: "zplus" }, dense: { rule: "epsilon" } },
  },
  "epsilon-plus-flat": {
    about: "flat on the first layer, z⁺ on convolutions, ε on dense layers",
    source: "Kohlbrenner et al. 2020; zennit",
    ...lrp,
    rules: {
      ...lrpDefaults,
      first: { rule: "flat" },
      convolution: { rule: "zplus" },
      dense: { rule: "epsilon" },
    },
  },
  "epsilon-plus-ones": {
    about:
      "epsilon-plus with the first layer from ones and strides as averages: the default when a class is asked for",
    source: "relprop",
    seed: "logit",
    strides: "average",
    rules: {
      ...lrpDefaults,
      first: { rule: "zplus", bias: false, input: "ones" },
      convolution: { rule: "zplus" },
      dense: { rule: "epsilon" },
      maximum: { rule: "norm" },
    },
  },
  "epsilon-gamma-plus": {
    about:
      "γ on deep convolutions, z⁺ below, the first layer from ones, ε on dense layers, strides interpolated",
    source: "relprop",
    seed: "logit",
    strides: "interpolate",
    rules: {
      ...lrpDefaults,
      first: { rule: "zplus", bias: false, input: "ones" },
      "stride>=16": { rule: "gamma", gamma: 0.25 },
      // The same where strides never get there: small inputs, signals.
      "depth>=0.75": { rule: "gamma", gamma: 0.25 },
      convolution: { rule: "zplus" },
      dense: { rule: "epsilon" },
      maximum: { rule: "norm" },
    },
  },
  "epsilon-alpha2-beta1": {
    about: "α-β with (2, 1) on convolutions, ε on dense layers",
    source: "Bach et al. 2015; zennit",
    ...lrp,
    rules: {
      ...lrpDefaults,
      convolution: { rule: "alpha-beta", alpha: 2, beta: 1 },
      dense: { rule: "epsilon" },
    },
  },
  "epsilon-alpha2-beta1-flat": {
    about: "as epsilon-alpha2-beta1, flat on the first layer",
    source: "Bach et al. 2015; zennit",
    ...lrp,
    rules: {
      ...lrpDefaults,
      first: { rule: "flat" },
      convolution: { rule: "alpha-beta", alpha: 2, beta: 1 },
      dense: { rule: "epsilon" },
    },
  },
  "epsilon-gamma-box": {
    about:
      "z-box on the first layer (bounds from the card, or --low and --high), γ on convolutions, ε on dense layers",
    source: "Montavon et al. 2019; zennit",
    ...lrp,
    rules: {
      ...lrpDefaults,
      "first convolution": { rule: "zbox" },
      convolution: { rule: "gamma", gamma: 0.25 },
      dense: { rule: "epsilon" },
    },
  },
  attnlrp: {
    about: "γ on convolutions, ε on dense layers, factors of a product share alike: for transformers",
    source: "Achtibat et al. 2024",
    ...lrp,
    rules: {
      ...lrpDefaults,
      convolution: { rule: "gamma", gamma: 0.25 },
      dense: { rule: "epsilon" },
      gate: { rule: "uniform" },
    },
  },
  "cp-lrp": {
    about: "as attnlrp, with attention weights and gates taken as constant",
    source: "Ali et al. 2022",
    ...lrp,
    rules: {
      ...lrpDefaults,
      convolution: { rule: "gamma", gamma: 0.25 },
      dense: { rule: "epsilon" },
      product: { rule: "signal" },
      softmax: { rule: "constant" },
    },
  },
  epsilon: single("epsilon", "ε on every linear layer; with --epsilon 0 LRP-0", "Bach et al. 2015"),
  gamma: single("gamma", "γ on every linear layer", "Montavon et al. 2019"),
  zplus: single("zplus", "z⁺ on every linear layer", "Montavon et al. 2017"),
  "alpha-beta": single("alpha-beta", "α-β on every linear layer", "Bach et al. 2015"),
  wsquare: single("wsquare", "w² on every linear layer", "Montavon et al. 2017"),
  flat: single("flat", "flat on every linear layer", "Lapuschkin et al. 2019"),
  "excitation-backprop": {
    about: "z⁺ on every linear layer, shares through sums and averages, gradients through activations",
    source: "Zhang et al. 2016",
    ...lrp,
    rules: {
      ...gradients,
      convolution: { rule: "zplus" },
      dense: { rule: "zplus" },
      sum: { rule: "norm" },
      average: { rule: "norm" },
    },
  },
  gradient: {
    about: "the plain gradient",
    source: "Simonyan et al. 2014",
    ...lrp,
    seed: "one",
    rules: gradients,
  },
  deconvnet: {
    about: "gradients, what is positive through ReLUs",
    source: "Zeiler & Fergus 2014",
    ...lrp,
    seed: "one",
    rules: { ...gradients, relu: { rule: "deconvnet" } },
  },
  "guided-backprop": {
    about: "gradients, what is positive through active ReLUs",
    source: "Springenberg et al. 2015",
    ...lrp,
    seed: "one",
    rules: { ...gradients, relu: { rule: "guided-backprop" } },
  },
  "beta-smooth": {
    about: "gradients, ReLUs taken as smooth ones",
    source: "Dombrowski et al. 2019",
    ...lrp,
    seed: "one",
    rules: { ...gradients, relu: { rule: "beta-smooth" } },
  },
} satisfies Record<string, Composite>;

/** The name of a composite that comes with relprop. */
export type CompositeName = keyof typeof composites;

/** The names that `composite` may have. */
export const compositeNames: readonly CompositeName[] = Object.keys(composites) as CompositeName[];

/** The kinds of layer that have rules, in the order of precedence. */
export function orderedKinds(rules: Composite["rules"]): LayerKind[] {
  const named = Object.keys(layerKinds) as LayerKind[];
  const firsts = named.indexOf("convolution");
  const all = [...named.slice(0, firsts), ...byDepth(Object.keys(rules)), ...named.slice(firsts)];
  return all.filter((kind) => rules[kind]);
}

/** A composite as text, one line a kind of layer: for --help and the documentation. */
export function compositeText(name: CompositeName): string {
  const { about, source, seed, strides, rules }: Composite = composites[name];
  const lines = orderedKinds(rules).flatMap((kind) => {
    const choice = rules[kind];
    return choice ? [`  ${kind.padEnd(17)} ${ruleText(choice)}`] : [];
  });
  return [`${name}: ${about} (${source})`, `  seed ${seed}, strides ${strides}`, ...lines].join("\n");
}
