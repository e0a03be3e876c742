/** The sessions of an application's store: opened when they are needed, given out one at a time, and never more than it may have. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { openSession, type Session } from "../postgres/session.ts";

export interface SessionPool {
  /** Runs the work on a session that nobody else has meanwhile; a session on which the server was lost is not given out again. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Waits for the work under way; whoever comes afterwards is told `StoreClosed`. */
  close(): Promise<void>;
}

/** A session that has been idle for longer is asked whether it lives: the server, or what stands before it, may have ended it. */
const IDLE_MILLISECONDS = 5_000;

interface Idle {
  session: Session;
  since: number;
}

export function openPool(address: DatabaseAddress, application: string, most: number): SessionPool {
  const idle: Idle[] = [];
  const waiting: (() => void)[] = [];
  let out = 0;
  let closed = false;

  const take = async (): Promise<Session> => {
    for (let found = idle.pop(); found !== undefined; found = idle.pop()) {
      if (performance.now() - found.since < IDLE_MILLISECONDS || (await lives(found.session)))
        return found.session;
    }
    const session = await openSession(address, { application });
    // Single statements as well: one writer that is not serializable spoils it for those that are. And money has the text by which
    // stores are made, compared and brought back.
    await session.execute("set default_transaction_isolation = 'serializable'; set lc_monetary = 'C'");
    return session;
  };

  return {
    use: async (work) => {
      if (closed) throw new RehearsalError("StoreClosed", {});
      while (out >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      out++;
      let session: Session | undefined;
      try {
        session = await take();
        const result = await work(session);
        idle.push({ session, since: performance.now() });
        return result;
      } catch (error) {
        if (error instanceof RehearsalError && error.code === "DatabaseUnreachable") session?.destroy();
        // Not every failure tells whether the session lives: it is asked before it is given out.
        else if (session !== undefined) idle.push({ session, since: Number.NEGATIVE_INFINITY });
        throw error;
      } finally {
        out--;
        waiting.shift()?.();
      }
    },
    close: async () => {
      closed = true;
      while (out > 0) await new Promise<void>((resolve) => waiting.push(resolve));
      // Those who wait for this as well.
      for (const wake of waiting.splice(0)) wake();
      await Promise.all(idle.splice(0).map(({ session }) => session.close()));
    },
  };
}

async function lives(session: Session): Promise<boolean> {
  try {
    await session.query("select 1");
    return true;
  } catch {
    // A new one takes its place, and tells when there is none to be had.
    session.destroy();
    return false;
  }
}
