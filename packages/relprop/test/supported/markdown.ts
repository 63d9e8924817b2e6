/** Markdown that is made from tables of the code. */

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

/** A table. */
export function table(head: readonly string[], content: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => "---")), ...content.map(line)].join("\n");
}
