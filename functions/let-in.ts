/** Takes a fence away: the database has its own name again and takes writers, whatever state a promotion left it in. */
import { findDatabase, moveDatabase, setReadOnly } from "../io/postgres/databases.ts";
import { endSessionsOf } from "../io/postgres/end-sessions.ts";
import type { Session } from "../io/postgres/session.ts";

/** Does only what is left to do; sessions that began while the database was read-only would stay so, and are ended. */
export async function letIn(maintenance: Session, production: { oid: number; name: string }): Promise<void> {
  const found = await findDatabase(maintenance, { oid: production.oid });
  if (found === undefined) throw new Error(`the database with oid ${production.oid} is gone`);
  const [readOnly] = await maintenance.query(
    `select 1 from pg_db_role_setting, unnest(setconfig) as setting
      where setdatabase = $1::oid and setrole = 0 and setting = 'default_transaction_read_only=on'`,
    [production.oid],
  );
  if (readOnly !== undefined) {
    await setReadOnly(maintenance, found.name, false);
    await endSessionsOf(maintenance, production.oid);
  }
  await moveDatabase(maintenance, production.oid, production.name);
}
