/** What is fuzzed: how an input of a kind is made from random choices, and what must hold of it. */

import type { Random } from "./random.ts";

/** One kind of input. */
export interface Kind<Input = unknown> {
  readonly name: string;
  /** A damaged input. */
  readonly make: (random: Random) => Input | Promise<Input>;
  /**
   * Uses the input as the program does. An error of relprop's own is an answer.
   * @param enter says what is done next, so that a death of the process is laid at the right door
   * @returns what came out, in a word or two, for the count
   * @throws {@link Finding} or an error that is not relprop's own
   */
  readonly use: (input: Input, enter: (step: string) => void) => string | Promise<string>;
  /** The input as a file, to look at. */
  readonly bytes: (input: Input) => Uint8Array;
}

/** What must never happen, in a sentence. */
export class Finding extends Error {}

export const kind = <Input>(given: Kind<Input>): Kind => given as Kind;
