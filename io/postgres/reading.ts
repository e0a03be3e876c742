/** A consistent look at a database: the transaction it happens in, and the settings that could change how a value or a definition reads. */
import type { Session } from "./session.ts";

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

export const BEGIN = "begin isolation level repeatable read, read only";

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
