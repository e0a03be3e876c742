/** A server's databases as the benches speak to them: one session for each piece of work. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { openSession, type Session } from "../io/postgres/session.ts";

/** What the work answers; its session is closed whatever becomes of it. */
export async function onDatabase<T>(
  address: DatabaseAddress,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(address, { application: "bench" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The rows of one query. */
export function queryOn<Row extends object>(address: DatabaseAddress, text: string): Promise<Row[]> {
  return onDatabase(address, (session) => session.query<Row>(text));
}
