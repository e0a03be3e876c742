/** Many small things at a store at once, but not all of them. */

const MOST = 16;

/** Does the work for each, some at once; the first failure is thrown once what is under way has ended, and nothing more is begun. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of left) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
