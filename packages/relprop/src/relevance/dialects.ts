/**
 * Dialects: the rules of other libraries under the same names (docs/rules.md §7), as options of our rules. A dialect only
 * sets options that neither composite nor user set. It does not choose rules. Without a dialect rules are zennit's.
 */

import type { LayerKind, NamedKind } from "./composites.ts";
import { readDepth } from "./depth-kind.ts";
import { ruleText } from "./rule-text.ts";
import type { RuleName, RuleOptions } from "./rules/index.ts";

export interface Dialect {
  /** One line for --help and the documentation. */
  readonly about: string;
  /** The library and version whose behaviour was measured. */
  readonly source: string;
  readonly rules: Readonly<Partial<Record<RuleName, RuleOptions>>>;
  /** Rules with different options on a kind of layer. */
  readonly exceptions?: Readonly<
    Partial<Record<NamedKind, Readonly<Partial<Record<RuleName, RuleOptions>>>>>
  >;
}

/** The options that a dialect sets for a rule on a kind of layer. */
export const usualOptions = (
  { rules, exceptions }: Pick<Dialect, "rules" | "exceptions">,
  rule: RuleName,
  kind?: LayerKind,
): RuleOptions => ({ ...rules[rule], ...(kind && exceptions?.[namedKind(kind)]?.[rule]) });

const namedKind = (kind: LayerKind): NamedKind => (readDepth(kind) ? "convolution" : (kind as NamedKind));

/** Clamps or adds to weights, whatever the input's sign, and leaves the bias alone. */
const captumWeights = { split: "weights", bias: "whole", epsilon: 1e-9 } as const;
/** Adds ε to z regardless of its sign. ε is larger in layers than in sums and products of tensors. */
const lxtLayer = { stabilizer: "unsigned", epsilon: 1e-6 } as const;
const lxtTensors = { stabilizer: "unsigned", epsilon: 1e-8 } as const;
/** Divides by z, or by ε where z = 0. */
const innvestigateShare = { stabilizer: "zero", epsilon: 1e-7 } as const;

export const dialects = {
  captum: {
    about: "rules modify weights only: no split of the input by sign, the bias whole; ε 1e-9",
    source: "captum 0.9.0",
    rules: {
      epsilon: { epsilon: 1e-9 },
      gamma: captumWeights,
      zplus: captumWeights,
      "alpha-beta": { ...captumWeights, alpha: 1, beta: 0 },
      norm: { epsilon: 1e-9 },
    },
  },
  innvestigate: {
    about: "no bias in z⁺ and w², the whole bias in both halves of α-β; ε only where a denominator is 0",
    source: "iNNvestigate 2.1.2",
    rules: {
      epsilon: { epsilon: 1e-7 },
      zplus: { ...innvestigateShare, bias: false },
      "alpha-beta": { ...innvestigateShare, bias: "whole" },
      zbox: innvestigateShare,
      wsquare: { ...innvestigateShare, bias: false },
      flat: innvestigateShare,
      norm: innvestigateShare,
    },
  },
  lxt: {
    about: "ε is added without the sign of z",
    source: "LXT 2.1",
    rules: { epsilon: lxtLayer, norm: lxtTensors, uniform: lxtTensors, signal: lxtLayer },
    exceptions: { normalization: { norm: lxtLayer }, average: { norm: lxtLayer } },
  },
} satisfies Record<string, Dialect>;

/** One of {@link dialectNames}. */
export type DialectName = keyof typeof dialects;

/** The names that `dialect` may have. */
export const dialectNames: readonly DialectName[] = Object.keys(dialects) as DialectName[];

/** A dialect as text, one line a rule, exceptions with the kind of layer: for --help and the documentation. */
export function dialectText(name: DialectName): string {
  const { about, source, rules, exceptions = {} }: Dialect = dialects[name];
  const texts = (options: Dialect["rules"]): string[] =>
    Object.entries(options).map(([rule, chosen]) => ruleText({ rule: rule as RuleName, ...chosen }));
  const special = Object.entries(exceptions).flatMap(([kind, options]) =>
    texts(options).map((text) => `${kind}: ${text}`),
  );
  return [`${name}: ${about} (${source})`, ...[...texts(rules), ...special].map((line) => `  ${line}`)].join(
    "\n",
  );
}
