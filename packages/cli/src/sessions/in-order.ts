/** Work that runs ahead of its consumer, in order and within bounds. */

/** A signal on which one side waits at a time. */
class Signal {
  #resume: (() => void) | undefined;

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  raise(): void {
    this.#resume?.();
  }
}

/**
 * Works on a source's items before the results are requested, and yields the results in the source's order. At most
 * `count` items are started and not yet taken. An error of the source or the work is thrown at its
 * place in the order. When the consumer stops, no new work is started, and the generator ends after the running work.
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item> | Iterable<Item>,
  count: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const begun: Promise<Result>[] = [];
  const state = { isRead: false, isClosed: false };
  // The reader waits for room; the consumer waits if no work is running.
  const signal = new Signal();
  const read = async (): Promise<void> => {
    for await (const item of source) {
      if (state.isClosed) return;
      const result = work(item);
      // The error is reported when its turn comes.
      result.catch(() => undefined);
      begun.push(result);
      signal.raise();
      while (begun.length >= count && !state.isClosed) await signal.wait();
      if (state.isClosed) return;
    }
  };
  const reading = read().finally(() => {
    state.isRead = true;
    signal.raise();
  });
  reading.catch(() => undefined);
  try {
    for (;;) {
      const [next] = begun;
      if (next) {
        const result = await next;
        begun.shift();
        signal.raise();
        yield result;
      } else if (state.isRead) break;
      else await signal.wait();
    }
    await reading;
  } finally {
    state.isClosed = true;
    signal.raise();
    await Promise.allSettled([reading, ...begun]);
  }
}
