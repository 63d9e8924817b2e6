/** Reads custom composites from JSON. Its schema is schema/composite.schema.json. */

import { OptionError } from "../errors.ts";
import { suggestion } from "../suggestion.ts";
import {
  compositeNames,
  composites,
  layerKinds,
  seeds,
  lrpDefaults,
  type Composite,
  type CompositeName,
  type LayerKind,
} from "./composites.ts";
import { strideModes } from "./stride-modes.ts";
import { readDepth, type DepthKind } from "./depth-kind.ts";
import { checkRule, parseRule } from "./rule-choice.ts";
import { isOwn, type Choice, type OwnRule, type RuleChoice } from "./rule-text.ts";
import type { LinearRule, PlainRule, RecurrentRule } from "./rules/index.ts";
import { shownValue } from "../plain-text.ts";

/** Kinds of layers with weights. */
type LinearKind = "first convolution" | "first" | DepthKind | "convolution" | "dense" | "affine";

/** A rule for each kind of layer: as text, with its options, or a function. */
export type OwnRules = {
  readonly [Kind in LayerKind]?:
    | string
    | RuleChoice
    | OwnRule
    | (Kind extends LinearKind ? LinearRule : Kind extends "recurrent" ? RecurrentRule : PlainRule);
};

/**
 * A custom composite. {@link parseComposite} has the defaults.
 * @example { extends: "epsilon-plus", rules: { first: (layer, R, m) => layer.pullBack(R, m.square(layer.weights)) } }
 */
export interface OwnComposite extends Partial<Omit<Composite, "rules">> {
  /** The composite whose rules, seed and strides hold where this one says nothing. */
  readonly extends?: CompositeName;
  /** By kind of layer: {@link layerKinds}. */
  readonly rules?: OwnRules;
}

type Fields = Readonly<Record<string, unknown>>;

const keys = ["$schema", "name", "about", "source", "extends", "seed", "strides", "rules"];
const kinds: readonly string[] = [...Object.keys(layerKinds), "stride>=NUMBER", "depth>=NUMBER"];

/**
 * Reads a composite from JSON:
 *
 * ```json
 * {
 *   "name": "mine",
 *   "extends": "epsilon-plus",
 *   "strides": "average",
 *   "rules": { "first": "flat", "convolution": { "rule": "gamma", "gamma": 0.1 }, "dense": "epsilon:0.01" }
 * }
 * ```
 *
 * With `extends`, the other composite has the defaults. Without it, `convolution` and `dense` are required, and the defaults
 * are those of all LRP composites: sums and averages share, maxima follow the gradient, activations pass. A {@link Composite}
 * is valid JSON. In a program a rule can also be a function: a `LinearRule` for layers with weights, a
 * `RecurrentRule` for recurrent ones, else a `PlainRule` ({@link OwnComposite}).
 *
 * @param file where the JSON comes from, for errors
 * @throws OptionError naming the unknown field or value, and the allowed ones
 *
 * @example
 *     const composite = parseComposite(JSON.parse(await readFile("mine.json", "utf8")), "mine.json");
 *     const { model } = compile(source, { composite });
 */
export function parseComposite(json: unknown, file?: string): Composite {
  const fail = (what: string, why: string, fix: { fix?: string } = {}): OptionError =>
    new OptionError({ what, ...(file === undefined ? {} : { where: file }), why, ...fix });
  if (!isObject(json)) throw fail("cannot read the composite", "it is not an object");
  refuseUnknown(json, keys, "a composite has no", fail);

  const text = (key: string, orElse: string): string => {
    const value = json[key] ?? orElse;
    if (typeof value === "string") return value;
    throw fail(`${key} of the composite cannot be ${shownValue(value)}`, "it is text");
  };
  const oneOf = <T extends string>(key: string, allowed: readonly T[], orElse: T): T => {
    const value = text(key, orElse);
    const found = allowed.find((each) => each === value);
    if (found !== undefined) return found;
    throw fail(
      `${key} of the composite cannot be ${shownValue(value)}`,
      `it is one of ${allowed.join(", ")}`,
      suggestion(value, allowed),
    );
  };

  const base: Composite | undefined =
    json["extends"] === undefined ? undefined : composites[oneOf("extends", compositeNames, "epsilon-plus")];
  const name = text("name", "custom");
  if ((compositeNames as readonly string[]).includes(name))
    throw fail(`a composite cannot be named "${name}"`, "relprop has one of that name", {
      fix: "choose another",
    });
  const given = json["rules"] ?? {};
  if (!isObject(given)) throw fail("cannot read the composite", "its rules are not an object");
  const named = Object.fromEntries(Object.entries(given).filter(([kind]) => !readDepth(kind)));
  refuseUnknown(named, kinds, "there are no layers of the kind", fail);
  const chosen = Object.entries(given).map(([kind, rule]): [string, Choice] => [
    kind,
    readChoice(rule, file === undefined ? kind : `${file}, ${kind}`),
  ]);
  const rules: Composite["rules"] = {
    ...(base?.rules ?? lrpDefaults),
    ...Object.fromEntries(chosen),
  };
  for (const kind of ["convolution", "dense"] as const) {
    if (rules[kind]) continue;
    throw fail("the composite is not complete", `it has no rule for ${kind} layers`, {
      fix: `name one, or start from another composite: "extends": "epsilon-plus"`,
    });
  }
  return {
    name,
    about: text("about", base?.about ?? ""),
    source: text("source", base?.source ?? file ?? ""),
    seed: oneOf("seed", seeds, base?.seed ?? "logit"),
    strides: oneOf("strides", strideModes, base?.strides ?? "exact"),
    rules,
  };
}

function readChoice(value: unknown, where: string): Choice {
  if (typeof value === "function") return { rule: `function ${value.name}`, of: value as OwnRule["of"] };
  if (isObject(value) && isOwn(value as unknown as Choice)) return value as unknown as OwnRule;
  if (typeof value === "string") return parseRule(value, `${where}: ${value}`);
  if (isObject(value) && typeof value["rule"] === "string") {
    const { rule, ...options } = value;
    return checkRule(rule as string, options, where);
  }
  throw new OptionError({
    what: `cannot read the rule ${shownValue(value)}`,
    where,
    why: 'it is neither text nor an object with the text "rule"',
    fix: 'write for example "gamma:0.1" or {"rule": "gamma", "gamma": 0.1}',
  });
}

function refuseUnknown(
  fields: Fields,
  allowed: readonly string[],
  what: string,
  fail: (what: string, why: string, fix: { fix?: string }) => OptionError,
): void {
  const unknown = Object.keys(fields).find((key) => !allowed.includes(key));
  if (unknown === undefined) return;
  throw fail(`${what} "${unknown}"`, `there are ${allowed.join(", ")}`, suggestion(unknown, allowed));
}

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
