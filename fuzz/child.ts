/** The process that is put at risk: round after round, each decided by the seed and its number. */

import { kinds } from "./kinds/index.ts";
import { Random } from "./random.ts";

export interface Order {
  readonly seed: number;
  readonly first: number;
  /** Only this round. */
  readonly only: boolean;
}

/** What the parent is told. */
export type Report =
  | { readonly round: number; readonly kind: string; readonly step: string }
  | { readonly round: number; readonly kind: string; readonly outcome: string }
  | { readonly round: number; readonly kind: string; readonly finding: string; readonly bytes: string };

const mostMemory = 2 ** 30;
const tell = (report: Report): boolean | undefined => process.send?.(report);

process.once("message", (order: Order) => void work(order));

async function work({ seed, first, only }: Order): Promise<void> {
  const before = process.memoryUsage().rss;
  const last = only ? first : Infinity;
  for (let round = first; round <= last; round++) {
    const random = new Random(seed * 1_000_003 + round);
    const chosen = random.of(kinds);
    const { name: kind } = chosen;
    tell({ round, kind, step: "make" });
    const input = await chosen.make(random);
    try {
      const outcome = await chosen.use(input, (step) => tell({ round, kind, step }));
      const { rss } = process.memoryUsage();
      if (rss - before > mostMemory) throw new Error(`${Math.round(rss / 2 ** 20)} MB of memory`);
      tell({ round, kind, outcome });
    } catch (error) {
      const finding = error instanceof Error ? (error.stack ?? error.message) : String(error);
      tell({ round, kind, finding, bytes: Buffer.from(chosen.bytes(input)).toString("base64") });
    }
  }
  process.disconnect();
}
