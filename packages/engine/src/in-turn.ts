/** Serializes jobs of one engine: its callers in different modes do not know of each other. */

const lastOf = new WeakMap<object, Promise<unknown>>();

/** Runs the job after all earlier jobs of the same engine have ended, whether or not they failed. */
export function inTurn<Result>(engine: object, job: () => Promise<Result>): Promise<Result> {
  const before = lastOf.get(engine) ?? Promise.resolve();
  const mine = before.then(job, job);
  lastOf.set(engine, mine);
  return mine;
}
