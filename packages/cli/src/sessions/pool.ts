/** Things that one piece of work has at a time, such as sessions. */
export class Pool<Thing> {
  readonly #free: Thing[];
  readonly #waiting: ((thing: Thing) => void)[] = [];

  constructor(things: readonly Thing[]) {
    this.#free = [...things];
  }

  /** Does the work with the next thing that is free; who asked first has it first. */
  async use<Result>(work: (thing: Thing) => Promise<Result>): Promise<Result> {
    const thing = this.#free.shift() ?? (await new Promise<Thing>((take) => this.#waiting.push(take)));
    try {
      return await work(thing);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(thing);
      else this.#free.push(thing);
    }
  }
}
