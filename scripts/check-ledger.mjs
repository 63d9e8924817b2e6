/**
 * The conservation ledger on the zoo's ResNet-50 and real photos: what reached the pixels and what stayed on the way
 * add up to what relevance started with, to 1e-4 of it. Not among the tests, since it needs the network's weights.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "relprop-ledger-"));
let failed = 0;
try {
  for (const composite of ["epsilon-plus-ones", "epsilon-plus-flat", "epsilon-alpha2-beta1"]) {
    const args = ["--class", "top1", "--composite", composite, "--ledger", "--json", "--force", "-o", folder];
    const output = execFileSync("npx", ["--no-install", "relprop", "explain", "examples/photos", ...args], {
      encoding: "utf8",
    });
    for (const line of output.trim().split("\n")) {
      const record = JSON.parse(line);
      if (!record.ledger) continue;
      const { start, reached, stayed, verdict } = record.ledger;
      const gap =
        Math.abs(start - reached - Object.values(stayed).reduce((sum, share) => sum + share, 0)) /
        Math.abs(start);
      const rest = Math.abs(stayed.rest) / Math.abs(start);
      const holds = gap <= 1e-4 && rest <= 1e-4;
      if (!holds) failed++;
      console.log(
        `${holds ? "ok  " : "FAIL"} ${composite}, ${record.input}, gap ${gap.toExponential(1)}, rest ${rest.toExponential(1)}: ${verdict}`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);
