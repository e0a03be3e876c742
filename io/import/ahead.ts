/** Work on what comes, several at once, in the order in which it came. */

/** Results in order; at most `most` are under way or wait to be taken, and beyond one no more than `weight` of them together. */
export async function* ahead<T, R>(
  source: AsyncIterable<T>,
  { most, weight, weigh }: { most: number; weight: number; weigh: (item: T) => number },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const items = source[Symbol.asyncIterator]();
  const waiting: { result: Promise<R>; weight: number }[] = [];
  let carried = 0;
  let ended = false;
  const take = async (): Promise<R> => {
    const first = waiting.shift();
    if (first === undefined) throw new Error("nothing is under way");
    const result = await first.result;
    carried -= first.weight;
    return result;
  };
  try {
    while (!ended || waiting.length > 0) {
      while (!ended && waiting.length < most && (waiting.length === 0 || carried < weight)) {
        const next = await items.next();
        if (next.done) {
          ended = true;
          break;
        }
        const result = work(next.value);
        // Whoever takes it is told; until then nobody listens.
        result.catch(() => undefined);
        const size = weigh(next.value);
        carried += size;
        waiting.push({ result, weight: size });
      }
      if (waiting.length > 0) yield await take();
    }
  } finally {
    await Promise.allSettled(waiting.map(({ result }) => result));
    await items.return?.(undefined);
  }
}

/** What comes, with the next one already under way while this one is worked on. */
export async function* oneAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  const items = source[Symbol.asyncIterator]();
  let next = items.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = items.next();
      // Whoever takes it is told.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    // A generator that is asked twice answers in turn.
    await next.catch(() => undefined);
    await items.return?.(undefined);
  }
}
