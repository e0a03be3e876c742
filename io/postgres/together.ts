/** Several pieces of work that stand or fall as one. */
import { openSession, type Session } from "./session.ts";

/**
 * Waits until every work has ended, however it ends. The first failure aborts `stop`, which all of them have to heed, and is what is
 * thrown: the failures that follow from the abort say nothing new.
 */
export async function together<T extends readonly Promise<unknown>[]>(
  stop: AbortController,
  works: T,
): Promise<{ [Place in keyof T]: Awaited<T[Place]> }> {
  const guarded = works.map((work) =>
    work.catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(guarded);
  stop.signal.throwIfAborted();
  return (await Promise.all(guarded)) as { [Place in keyof T]: Awaited<T[Place]> };
}

/**
 * From now on an abort ends the session: the server is asked to, and the connection is dropped without waiting, for the server may be
 * what does not answer. The returned function undoes that.
 */
export function dropOnAbort(
  session: Pick<Session, "address" | "pid" | "destroy">,
  signal: AbortSignal,
  application: string,
): () => void {
  const drop = () => {
    session.destroy();
    // Not cancelled: that would pass by a statement that is still on its way. A server that is out of reach has nothing to end.
    void openSession(session.address, { application, patienceSeconds: 0 })
      .then((other) => other.query(END, [session.pid, application]).finally(() => other.close()))
      .catch(() => undefined);
  };
  signal.addEventListener("abort", drop, { once: true });
  return () => signal.removeEventListener("abort", drop);
}

/** By its name as well, for another's session may have its number by now. */
const END = "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and application_name = $2";
