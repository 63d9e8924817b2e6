/** What went wrong outside of an answer, each message until what it speaks of is gone or has succeeded. */

/** What a message speaks of: opening a model, bringing a picture, reading or writing another file. */
export type Matter = "model" | "picture" | "file";

export interface Problem {
  readonly matter: Matter;
  readonly text: string;
}

export class Problems {
  /** The newest message of each matter, oldest first. */
  list: readonly Problem[] = $state.raw([]);

  tell(matter: Matter, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.list = [...this.list.filter((each) => each.matter !== matter), { matter, text }];
  }

  /** These are gone, have succeeded, are tried again, or their messages were dismissed. */
  clear(...matters: readonly Matter[]): void {
    if (this.list.some(({ matter }) => matters.includes(matter))) {
      this.list = this.list.filter(({ matter }) => !matters.includes(matter));
    }
  }
}
