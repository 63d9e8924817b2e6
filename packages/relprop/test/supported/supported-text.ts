/** SUPPORTED.md, made from the tables themselves. */

import { rewrites } from "../../src/canonicalize/canonicalize.ts";
import type { CompileOptions } from "../../src/index.ts";
import { contribForms } from "../../src/onnx/convert-opset/contrib.ts";
import { compositeNames, compositeText, layerKinds } from "../../src/relevance/composites.ts";
import { dialects } from "../../src/relevance/dialects.ts";
import { opTable } from "../../src/relevance/op-table.ts";
import {
  operatorsWithoutRelevance,
  refused,
  refusedContrib,
  rewrittenOperators,
} from "../../src/relevance/other-operators.ts";
import type { Family, Forms, Row } from "../../src/relevance/row-kinds.ts";
import { valuesOf } from "../../src/relevance/rule-choice.ts";
import {
  linearRules,
  optionsOf,
  recurrentRules,
  type RuleName,
  type RuleOptions,
} from "../../src/relevance/rules/index.ts";
import { table } from "./markdown.ts";

/** What relevance does at the operators of a family; in LRP composites, where nothing else is said. */
const whatRelevanceDoes: Readonly<Record<Family, string>> = {
  convolution: "crosses by any rule for layers with weights",
  dense: "crosses by any rule for layers with weights",
  affine: "crosses by any rule for layers with weights; composites choose ε",
  sum: "is shared in proportion to the parts (`norm`); a constant among them takes its share",
  average: "is shared in proportion to the parts (`norm`)",
  maximum: "goes to the winner (`gradient`), or is shared as by an average where strides are averages",
  activation: "passes unchanged (`pass`) in LRP composites; gradient methods multiply it by the slope",
  routing: "moves back to where the elements came from",
  gate: "goes to the signal, none to the gate; if neither factor comes from a sigmoid, `--rule 'NODE=uniform'` shares it",
  quotient: "goes to the dividend; the divisor counts as constant",
  product: "is shared equally between the factors, and within each in proportion to the products (`uniform`)",
  softmax: "x ⊙ (R − y·ΣR), its first-order Taylor expansion (`norm`)",
  normalization:
    "is shared in proportion to the parts; the scale of the statistics counts as constant (`norm`)",
  recurrent:
    "goes back through all steps; linear parts and sums of states share by ε, and in a product of signal and gate the signal gets all (`lstm-all`)",
};

/** z = Wx + b; x⁺, W⁺ positive and x⁻, W⁻ negative parts; S the stabiliser; J the Jacobian. */
const formulas: Readonly<Record<RuleName, string>> = {
  epsilon: "x ⊙ Wᵀ(R / S(z))",
  gamma: "`epsilon` with W + γW⁺ and b + γb⁺, by the signs of x and z",
  zplus: "x⁺ ⊙ W⁺ᵀs + x⁻ ⊙ W⁻ᵀs, s = R / S(W⁺x⁺ + W⁻x⁻ + b⁺)",
  "alpha-beta": "α times what raises z, minus β times what lowers it; α − β = 1",
  zbox: "x ⊙ Wᵀs − l ⊙ W⁺ᵀs − h ⊙ W⁻ᵀs, for inputs between l and h",
  wsquare: "(W²)ᵀ(R / S(Σ W² + b²))",
  flat: "1ᵀ(R / S(fan-in))",
  gradient: "JᵀR",
  pass: "R",
  norm: "x ⊙ Jᵀ(R / S(y))",
  constant: "0",
  signal: "R to the signal, 0 to the gate; in a matrix product x ⊙ Jᵀ(R / S(y))",
  uniform: "R / 2 to each factor; in a matrix product x ⊙ Jᵀ(R / S(2y))",
  deconvnet: "R⁺",
  "guided-backprop": "JᵀR⁺",
  "beta-smooth": "R ⊙ σ(βx)",
  "lstm-all": "in products of signal and gate: R to the signal, 0 to the gate; all else by ε",
  "lstm-half": "R / 2 to each; all else by ε",
  "lstm-prop": "R in proportion to │z│ of signal and gate before their activations; all else by ε",
};

/** One line for each option that belongs to no rule. */
const options: Readonly<Record<Exclude<keyof CompileOptions, keyof Omit<RuleOptions, "input">>, string>> = {
  composite: "which rule for which layer",
  dialect: "rules as another library defines them, where it differs",
  rules: "rules for some nodes, by name, operator, layer kind or position; before the composite",
  fallback: "what to do at operators without a rule: `gradient` or `pass`; without it they are an error",
  operators: "operators that relprop does not have, in programs only: docs/extending.md",
  seed: "where relevance starts: `softmax` (all classes), `logit` (output ⊙ target), `one` (target)",
  target: "`input` makes the target a graph input, `top1` explains each sample's highest output",
  strides: "how relevance crosses strides: `exact`, or as an `average`, which leaves no grid",
  activations: "which activations get the composite's rule for ReLUs: `relu` for ReLUs alone, or `all`",
  topK: "relevance filter: fraction of relevance kept at each layer, or `input` to give it at run time",
  filterBy:
    "how the filter finds the largest values: `sorting`, or `bisection` on GPUs, where an explainer chooses it",
  reduce: "`channels` sums relevance over them",
  start:
    "`logit` starts relevance before the softmax, sigmoid or other response that the output ends in; `output` starts at the output as it is",
  outputKind: "what the output is, if the graph does not tell: classes, binary, multi-label, values …",
  labelCount: "how many class names are known: an output of as many numbers is read as classes",
  input: "the input whose relevance is the output `relevance`",
  explain: "all inputs that are explained; the outputs of further ones are `relevance.NAME`",
  set: "further inputs that become constants of the compiled graph, by name: a rate, a switch",
  output: "the output, or any tensor, that is explained",
  layer: "where relevance stops on its way: a tensor, a node or `last-map`",
  size: "height and width, if the model leaves them open",
  ledger: "adds the output `ledger`: how much relevance arrived at each node, went on, and stayed",
  without: "savings of the compiler that are left out; a test proves that relevance stays the same",
  ledgerPrecision: "what the ledger's sums are computed in: `float64`, or `float32` for runtimes without it",
  concepts: "adds the relevance of a layer's channels, and an input that chooses among them",
  layers:
    "tensors on the way whose relevance becomes outputs too, `relevance.TENSOR`: many layers in one pass",
  maps: "how many maps, for as many targets, each sample gets in one run",
  sourceSha256: "the hash of the source file, which is written into the metadata",
};

const never = opTable.Identity.refuses;

/** Each row with the operator's name, and with the form that it is for where there are several. */
const rows: readonly { readonly name: string; readonly form?: string; readonly row: Row }[] = Object.entries(
  opTable as Readonly<Record<string, Row | Forms>>,
).flatMap(([name, row]) =>
  row.kind === "forms"
    ? Object.entries(row.rows).map(([form, each]) => ({ name, form, row: each }))
    : [{ name, row }],
);

/** Operators by the sentence that is true of them. */
function bySentence(list: ReadonlyMap<string, string>): string[][] {
  const groups = new Map<string, string[]>();
  for (const [name, sentence] of list) groups.set(sentence, [...(groups.get(sentence) ?? []), name]);
  return [...groups].map(([sentence, members]) => [names(members), sentence]);
}

const names = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(" ");

function explained(): string {
  const families = Object.keys(whatRelevanceDoes) as Family[];
  const content = families.map((family) => {
    const members = rows.filter(({ row }) => row.family === family);
    const marked = members.map(
      ({ name, form, row }) =>
        `\`${name}\`${form === undefined ? "" : ` (${form})`}${row.refuses === never ? "" : " ¹"}`,
    );
    return [family, layerKinds[family], marked.join(" "), whatRelevanceDoes[family]];
  });
  return table(["family", "what it is", "operators", "relevance"], content);
}

/** The kinds of layer that are no family, each with what it is. */
const kindsBesideFamilies = (): string =>
  Object.entries(layerKinds)
    .filter(([kind]) => !Object.hasOwn(whatRelevanceDoes, kind))
    .map(([kind, about]) => `\`${kind}\` (${about})`)
    .join(", ");

const ruleTable = (): string =>
  table(
    ["rule", "relevance of the input", "for", "options"],
    (Object.keys(formulas) as RuleName[]).map((rule) => {
      const isLinear = Object.hasOwn(linearRules, rule);
      const isRecurrent = Object.hasOwn(recurrentRules, rule);
      const where = !isLinear
        ? isRecurrent
          ? "recurrent layers"
          : "no weights"
        : rule === "gradient" || rule === "pass"
          ? "all operators"
          : "weights";
      return [`\`${rule}\``, formulas[rule], where, optionsOf[rule].join(", ")];
    }),
  );

const ruleOptionTable = (): string =>
  table(
    ["option", "values", "rules"],
    Object.entries(valuesOf).map(([option, values]) => {
      const users = (Object.keys(optionsOf) as RuleName[]).filter((rule) =>
        optionsOf[rule].includes(option as keyof RuleOptions),
      );
      const text = typeof values === "string" ? values : values.map(String).join(", ");
      return [`\`${option}\``, text, users.join(", ")];
    }),
  );

/** The whole file. */
export function supportedText(): string {
  return `# What relprop supports

Generated from the tables in \`packages/relprop/src\`; do not edit, run \`UPDATE=1 npx vitest run packages/relprop/test/supported\`.
\`relprop inspect MODEL\` says the same of one model, node by node. Models of opsets 7 to 28 of ai.onnx are read and brought to opset 17.
\`docs/architectures.md\` lists the architectures that were measured, \`docs/rules.md\` has the formulas.

## Operators

Every operator of ai.onnx up to opset 28 is in exactly one of the four lists.

### Explained

${explained()}

¹ in most forms; \`inspect\` and the error of \`compile\` state which form is not, and why. \`Linear\`, \`Affine\` and \`Silu\` are not operators of ONNX: canonicalization makes them.

### Removed before rules are assigned

Canonicalization keeps the model's outputs. Its rewrites, in this order:

${table(
  ["rewrite", "what it does"],
  rewrites.map(({ name, about }) => [name, about]),
)}

So ${names([...rewrittenOperators.keys()])} never reach a rule. If one is left, it is refused:

${table(["operators", "why one can be left"], bySentence(rewrittenOperators))}

### Carry no relevance

Their output does not depend on the values of their inputs, or changes only by jumps. Relevance ends there, and the output counts as constant.

${table(["operators", "what each does"], bySentence(operatorsWithoutRelevance))}

### Refused

These are an error that lists all such nodes, unless \`--rule NODE=pass\` or \`--fallback pass\` is given and the shape stays the same.

${table(["operators", "why"], bySentence(refused))}

### Operators of com.microsoft

ONNX Runtime's optimiser, Olive and onnxruntime-genai write them. These are spelled out in operators of ai.onnx before everything else, so that relevance is that of the plain file: ${names(Object.keys(contribForms).toSorted())}.

These are refused; so are those that compute with integers.

${table(["operators", "why"], bySentence(refusedContrib))}

## Composites

Rules are chosen by family. Three more kinds of layer come before the families: ${kindsBesideFamilies()}.

\`\`\`text
${compositeNames.map(compositeText).join("\n\n")}
\`\`\`

## Rules

z = Wx + b, y the output, R its relevance, J the operator's Jacobian, S the stabiliser, ⁺ and ⁻ the positive and negative part.

${ruleTable()}

Their options can be given for one rule, as in \`--rule 'conv*=zplus(bias=false)'\`, or for all rules that take them:

${ruleOptionTable()}

## Dialects

${table(
  ["dialect", "what differs", "measured on"],
  Object.entries(dialects).map(([name, { about, source }]) => [`\`${name}\``, about, source]),
)}

captum has rules for modules only, so it differs by construction where a forward function adds. At \`out += identity\`, which torchvision's residual networks
have, captum gives all of the relevance to both summands, and then multiplies the identity's part by the block's input, as if it were a gradient. The dialect shares
relevance there, and so does captum if each addition is its \`Addition_Module\`. \`docs/referees.md\` has the formula, and shows which digits of captum, lxt and zennit agree.

## Options

These are the options of \`compile\`, beside those of rules. The command spells them with dashes.

${table(
  ["option", "meaning"],
  Object.entries(options).map(([option, text]) => [`\`${option}\``, text]),
)}
`;
}
