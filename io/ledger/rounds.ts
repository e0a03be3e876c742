/** Where the functions of the clock were when they last came by. */
import type { Session } from "../postgres/session.ts";

/** What the last round left, as it was left; undefined when there was none. */
export async function readRound(session: Session, name: string): Promise<unknown> {
  const [row] = await session.query<{ state: unknown }>("select state from ledger.rounds where name = $1", [
    name,
  ]);
  return row?.state;
}

/** Leaves something for the next round, and notes the time. */
export async function noteRound(session: Session, name: string, state: object = {}): Promise<void> {
  await session.query(
    `insert into ledger.rounds (name, state) values ($1, $2)
      on conflict (name) do update set state = excluded.state, at = now()`,
    [name, JSON.stringify(state)],
  );
}

/** Whether the last round began at least so many seconds ago, by the ledger's clock, or there was none. */
export async function roundIsDue(session: Session, name: string, seconds: number): Promise<boolean> {
  const recent = await session.query(
    "select from ledger.rounds where name = $1 and at > now() - make_interval(secs => $2)",
    [name, seconds],
  );
  return recent.length === 0;
}
