/** A second session that reads under the first one's snapshot. By itself, for the API may come to read, and opens no session on a database. */
import { quoteLiteral } from "../../core/names.ts";
import { BEGIN, PINNED } from "./reading.ts";
import { openSession, type Session } from "./session.ts";

/** SQL: what `openBeside` has to know; null in a transaction of somebody else's, whose changes nobody else sees. */
export const BESIDE = `json_build_object('snapshot', pg_export_snapshot(), 'user', current_user,
  'application', current_setting('application_name'), 'statementTimeout', current_setting('statement_timeout'),
  'lockTimeout', current_setting('lock_timeout'))`;

/** What `BESIDE` gave. */
export interface Beside {
  snapshot: string;
  user: string;
  application: string;
  statementTimeout: string;
  lockTimeout: string;
}

/**
 * A second session that sees what the first one sees, as long as the transaction of the first stands. Undefined when there is none to be
 * had, which is no failure: a server or a role may have no more connections, and the first session can ask for everything itself.
 */
export async function openBeside(
  { address }: Session,
  { snapshot, user, application, statementTimeout, lockTimeout }: Beside,
): Promise<Session | undefined> {
  const session = await openSession(address, { application, patienceSeconds: 0 }).catch(() => undefined);
  try {
    const begin = `${BEGIN}; set transaction snapshot ${quoteLiteral(snapshot)}; ${PINNED};
      set local statement_timeout = ${quoteLiteral(statementTimeout)}; set local lock_timeout = ${quoteLiteral(lockTimeout)}`;
    const [row] = (await session?.query<{ user: string }>(`${begin}; select current_user as "user"`)) ?? [];
    if (row?.user === user) return session;
  } catch {
    // As if it had not been let in.
  }
  await session?.close();
  return undefined;
}
