/** Work that goes on ahead of whoever takes its results, in order and within bounds. */

/** Where one side waits for the other. Only one waits at a time. */
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
 * Works on a source's items before the results are asked for, and gives these in the source's order. At most `count`
 * items are begun and not taken yet, however fast the source is. What the source or the work throws is thrown at its
 * place in the order. When the reader stops, nothing more is begun and what is begun ends before the reader goes on.
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item> | Iterable<Item>,
  count: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const begun: Promise<Result>[] = [];
  const state = { isRead: false, isClosed: false };
  // The reading side waits for room, the giving one where nothing is begun.
  const signal = new Signal();
  const read = async (): Promise<void> => {
    for await (const item of source) {
      if (state.isClosed) return;
      const result = work(item);
      // It is heard when its turn comes.
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
