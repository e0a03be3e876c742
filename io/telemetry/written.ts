/** What is on its way to the log while its writer is still being loaded: an invocation does not end before it is there. */

const underWay = new Set<Promise<void>>();

/** Remembers a writing until it is done. */
export function writing(work: Promise<void>): Promise<void> {
  underWay.add(work);
  void work.then(
    () => underWay.delete(work),
    () => undefined,
  );
  return work;
}

/** Resolves when all that was told until now is written; throws what a writing threw. */
export async function written(): Promise<void> {
  const all = [...underWay];
  try {
    await Promise.all(all);
  } finally {
    for (const one of all) underWay.delete(one);
  }
}
