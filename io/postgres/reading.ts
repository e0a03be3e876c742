/** A consistent look at a database: the transaction it happens in, and the settings that could change how a value or a definition reads. */
import { quoteLiteral } from "../../core/names.ts";
import { openSession, type Session } from "./session.ts";

/**
 * Runs `work` under one snapshot with every setting pinned that shows in what is read.
 * Inside a transaction that already stands it joins it by a savepoint, sees what that transaction did and leaves
 * its settings as they were; otherwise it opens a read-only, repeatable-read transaction of its own, and `alone` is true.
 */
export async function reading<T>(session: Session, work: (alone: boolean) => Promise<T>): Promise<T> {
  if (!(await inTransaction(session)))
    return session.transaction(async () => {
      await session.execute(PINNED);
      return work(true);
    }, BEGIN);
  await session.execute(`savepoint rehearsal_reading; ${PINNED}`);
  try {
    return await work(false);
  } finally {
    // Rolling back is what puts the settings back. After a lost connection there is nothing to put back, and the first error matters.
    await session
      .execute("rollback to savepoint rehearsal_reading; release savepoint rehearsal_reading")
      .catch((error: Error) => error);
  }
}

const BEGIN = "begin isolation level repeatable read, read only";

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

/** The first command of a transaction has one time stamp for both; without parameters this is one command, so only a standing transaction is older. */
async function inTransaction(session: Session): Promise<boolean> {
  const [row] = await session.query<{ stands: boolean }>(
    "select pg_catalog.now() <> pg_catalog.statement_timestamp() as stands",
  );
  return row?.stands === true;
}

/** SET LOCAL statements: with them a value has one text whatever the settings of the server, the database and the role are. */
export const PINNED = Object.entries({
  search_path: "pg_catalog, pg_temp",
  quote_all_identifiers: "off",
  datestyle: "'ISO, YMD'",
  intervalstyle: "postgres",
  timezone: "UTC",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmlbinary: "base64",
  lc_monetary: "'C'",
  row_security: "off",
  // Compiling a query over the catalogs takes longer than running it.
  jit: "off",
  // Right after a restore the catalogs have no statistics, and a loop over what was thought to be one row does not end.
  enable_nestloop: "off",
})
  .map(([name, value]) => `set local ${name} = ${value}`)
  .join("; ");
