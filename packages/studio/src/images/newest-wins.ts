/** One job at a time; of those that came meanwhile only the newest is done. */

/** Gives a function that takes jobs. `work` must not throw. */
export function newestWins<T>(work: (job: T) => Promise<void>): (job: T) => void {
  let waiting: { readonly job: T } | undefined;
  let isBusy = false;
  const run = async (): Promise<void> => {
    isBusy = true;
    while (waiting) {
      const { job } = waiting;
      waiting = undefined;
      await work(job);
    }
    isBusy = false;
  };
  return (job) => {
    waiting = { job };
    if (!isBusy) void run();
  };
}
