/** Which answers can be explained against all others. */

import { OptionError } from "../errors.ts";
import type { OutputFacts } from "../outputs/output-facts.ts";

/**
 * Classes can be contrasted where they exclude each other: one list of them, or one at each place or step.
 * @throws OptionError for other outputs, with the reason; where relevance starts at probabilities; with a ledger
 */
export function refuseWithoutRivals(
  facts: OutputFacts,
  output: string,
  { start, ledger }: { readonly start?: string; readonly ledger?: boolean },
): void {
  const refuse = (why: string, fix: string): OptionError =>
    new OptionError({
      what: "cannot start relevance with a class against the others",
      where: `output "${output}", [${facts.shape.join(", ")}]`,
      why,
      fix,
    });
  const why = withoutRivals(facts);
  if (why !== undefined) throw refuse(why, "use the seed logit");
  if (start === "output" && facts.scale.kind === "probability") {
    throw refuse(
      "classes are compared by their logits, and relevance starts at probabilities",
      'start at the logits: leave out the start "output"',
    );
  }
  if (ledger) {
    throw refuse(
      "what starts for and against the class adds up to 0, so the ledger has no shares",
      "leave out the ledger, or use the seed logit",
    );
  }
}

/** Why classes have no others to be compared with; undefined if they have. */
function withoutRivals({ kind, scale, classAxis, shape }: OutputFacts): string | undefined {
  if (kind === "binary")
    return "its one number speaks for yes and against no already: it is the contrast of the two";
  if (kind === "detections") return "its numbers are boxes and scores, not one list of classes";
  if (scale.by === "sigmoid")
    return "its classes do not exclude each other: what speaks for one does not speak against another";
  if (scale.by !== "softmax") return `it is read as ${kind}, and its numbers are no probabilities of classes`;
  if (classAxis === undefined || shape[classAxis] === 1) return "it has no other class";
  return undefined;
}
