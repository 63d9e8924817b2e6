/** Prints an inspection as text. */

import type { InspectedNode, InspectedTensor, Inspection, NodeState } from "./inspect.ts";

/** The mark before the line of a node: one character, which programs can parse. */
const marks: Readonly<Record<NodeState, string>> = {
  explained: "✓",
  "carries no relevance": "·",
  refused: "✗",
  behind: "?",
};

/**
 * An inspection as text without colours: a table of nodes (✓ explained, · carries no relevance, ✗ refused, ? behind a
 * refused node), then obstacles, problems, alternatives and notes, then the conclusion. The last line has no "\n".
 */
export function inspectionText(inspection: Inspection): string {
  const { explanation, nodes } = inspection;
  return [
    ...heading(inspection),
    ...(explanation
      ? Object.entries(explanation).map(([key, value]) => `  ${key.padEnd(13)}  ${value}`)
      : []),
    ...(nodes.length > 0 ? ["", ...nodeTable(nodes)] : []),
    ...findings(inspection),
    "",
    conclusion(inspection),
  ].join("\n");
}

const tensorText = ({ name, dataType, shape }: InspectedTensor): string =>
  `${name} ${dataType}[${shape.join(", ")}]`;

function heading({ model, plan, explanation, outputs: answers }: Inspection): string[] {
  const { opset, producer, nodes, parameters, inputs, outputs } = model;
  const about = [
    `opset ${opset ?? "unknown"}`,
    ...(producer === "" ? [] : [producer]),
    `${nodes} nodes`,
    `${parameters.toLocaleString("en-US")} parameters`,
  ];
  const lines = [
    ["model", about.join(", ")],
    ["inputs", inputs.map(tensorText).join(", ")],
    ["outputs", outputs.map(tensorText).join(", ")],
  ];
  if (explanation) lines.push(["explanation", "this model is one that relprop compiled:"]);
  if (plan) {
    const start = plan.explained === plan.output ? "" : `, from its logits "${plan.explained}"`;
    const stop = plan.layer === plan.input ? "" : `, down to "${plan.layer}"`;
    const from = plan.inputs.map((name) => `"${name}"`).join(", ");
    lines.push([
      "explains",
      `output "${plan.output}" from input${plan.inputs.length > 1 ? "s" : ""} ${from}${start}${stop}`,
    ]);
    for (const { name, kind, why, layout } of answers) {
      lines.push(["read as", `${answers.length > 1 ? `"${name}": ` : ""}${kind}: ${why} (${layout})`]);
    }
    lines.push(["composite", `${plan.composite}, seed ${plan.seed}, strides ${plan.strides}`]);
  }
  return lines.map(([name = "", value = ""]) => `${name.padEnd(11)}  ${value}`);
}

function nodeTable(nodes: readonly InspectedNode[]): string[] {
  const head = ["", "node", "operator", "canonical form", "output", "rule", "why"];
  const cells = nodes.map(({ state, name, operator, form, shape, rule, why }) => [
    marks[state],
    name,
    operator,
    form,
    shape ? `[${shape.join(", ")}]` : "?",
    rule ?? (state === "refused" || state === "behind" ? state : ""),
    why,
  ]);
  return aligned([head, ...cells]);
}

/** Rows of cells as lines with aligned columns. The last column is not padded. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const padded = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
    );
    return padded.join("  ").trimEnd();
  });
}

function findings({ obstacles, problems, alternatives, notes, explanation }: Inspection): string[] {
  const lines: string[] = [];
  const section = (title: string, content: readonly string[]): void => {
    if (content.length > 0) lines.push("", title, ...content.map((line) => `  ${line}`));
  };
  section(
    "in the way",
    obstacles.flatMap(({ node, operator, path, why, rules, behind }) => [
      `${operator} "${node}" on the way from ${path.join(" <- ")}`,
      `  ${why}`,
      ...(behind > 0 ? [`  nodes behind it, whose shapes are not known: ${behind}`] : []),
      ...(rules.length > 0 ? [`  rules that can cross it: ${rules.join(", ")}`] : []),
    ]),
  );
  if (!explanation) {
    section(
      "cannot be compiled",
      problems.flatMap(({ what, where, why, fix }) => [
        `${what}${where === undefined ? "" : ` (${where})`}: ${why}`,
        ...(fix === undefined ? [] : [`  ${fix}`]),
      ]),
    );
  }
  section("alternatives", aligned(alternatives.map(({ option, does }) => [option, does])));
  section(
    "notes on canonical form",
    notes.map(({ node, operator, rewrite, why }) => `${operator} "${node}" (${rewrite}): ${why}`),
  );
  return lines;
}

function conclusion({ nodes, obstacles, explanation, canCompile }: Inspection): string {
  if (explanation)
    return "It can be run as it is; to explain it otherwise, compile the model it was made from.";
  const count = (state: NodeState): number => nodes.filter((node) => node.state === state).length;
  const counts = `${count("explained")} nodes explained, ${count("carries no relevance")} carry no relevance, ${count("refused")} refused${count("behind") > 0 ? `, ${count("behind")} behind ${obstacles.length === 1 ? "it" : "them"}` : ""}`;
  if (canCompile) return `${counts}: this model can be explained.`;
  const reason = obstacles.length > 0 ? "see what is in the way" : "see why it cannot be compiled";
  return `${counts}: this model cannot be explained like this, ${reason}.`;
}
