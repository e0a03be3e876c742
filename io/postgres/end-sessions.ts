/** Ends other sessions: those of a database that is taken away from its users, and those of workers that are dead. */
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/**
 * Ends the sessions that a database has now and waits until they are gone. New ones may come, and do at once where an
 * application connects again: they are none of these, however many there are. Throws `DatabaseBusy` after ten seconds.
 */
export async function endSessionsOf(session: Session, oid: number): Promise<void> {
  const busy = within(`oid ${oid}`);
  // Whoever starts locks the database before reading its settings, and is listed as a session of it only afterwards.
  let starting = await startingIn(session, oid);
  while (starting.length > 0) {
    const still = new Set(await startingIn(session, oid));
    starting = starting.filter((pid) => still.has(pid));
    busy(starting.length);
    await pause(5);
  }
  const sessions = await session.query<{ pid: number }>(
    "select pid from pg_stat_activity where datid = $1::oid",
    [oid],
  );
  const pids = sessions.map(({ pid }) => pid);
  await endWhere(session, "datid = $1::oid and pid = any ($2::int[])", [oid, pids], busy);
}

/** Ends the sessions whose application name begins with these words: their owner is dead or fenced. Waits until they are gone. */
export async function endSessions(session: Session, application: string): Promise<void> {
  // Whole words: the tenth attempt is not the first.
  const begins = "starts_with(application_name || ' ', rtrim($1::text) || ' ')";
  await endWhere(session, begins, [application], within(application));
}

/**
 * Background workers have no user and are left alone; they let go by themselves. All are told before any is waited for:
 * the server's own waiting looks ten times a second, at one after the other.
 */
async function endWhere(
  session: Session,
  condition: string,
  values: unknown[],
  busy: (sessions: number) => void,
): Promise<void> {
  for (;;) {
    const [left] = await session.query<{ count: number }>(
      `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
        where ${condition} and pid <> pg_backend_pid() and usesysid is not null`,
      values,
    );
    if (left === undefined || left.count === 0) return;
    busy(left.count);
    await pause(5);
  }
}

/** The processes that are starting a session of the database. */
async function startingIn(session: Session, oid: number): Promise<number[]> {
  const found = await session.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'object' and database = 0 and classid = 'pg_database'::regclass
      and objid = $1::oid and mode = 'RowExclusiveLock' and granted`,
    [oid],
  );
  return found.map(({ pid }) => pid);
}

/** What throws `DatabaseBusy` once sessions have been ended for ten seconds. */
function within(database: string): (sessions: number) => void {
  const deadline = Date.now() + 10_000;
  return (sessions) => {
    if (Date.now() > deadline) throw new RehearsalError("DatabaseBusy", { database, sessions });
  };
}
