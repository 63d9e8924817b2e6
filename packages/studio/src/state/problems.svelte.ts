/** Problems outside of an answer. Each message stays until its topic is gone or has succeeded. */

/** The topic of a message: opening a model, fetching a picture, reading or writing another file. */
export type ProblemTopic = "model" | "picture" | "file";

export interface Problem {
  readonly matter: ProblemTopic;
  readonly text: string;
}

export class Problems {
  /** The newest message of each topic, oldest first. */
  list: readonly Problem[] = $state.raw([]);

  tell(matter: ProblemTopic, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.list = [...this.list.filter((each) => each.matter !== matter), { matter, text }];
  }

  /** Removes the messages of topics that are gone, have succeeded, are tried again, or were dismissed. */
  clear(...matters: readonly ProblemTopic[]): void {
    if (this.list.some(({ matter }) => matters.includes(matter))) {
      this.list = this.list.filter(({ matter }) => !matters.includes(matter));
    }
  }
}
