/** An engine does one thing at a time; its callers in different modes know nothing of each other. */

const lastOf = new WeakMap<object, Promise<unknown>>();

/** Runs the job when all jobs given before for the same engine have ended, well or not. */
export function inTurn<Result>(engine: object, job: () => Promise<Result>): Promise<Result> {
  const before = lastOf.get(engine) ?? Promise.resolve();
  const mine = before.then(job, job);
  lastOf.set(engine, mine);
  return mine;
}
