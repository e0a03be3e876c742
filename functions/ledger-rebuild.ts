/** The ledger rebuilt from its copy in the bucket, when the control database is lost: for an operator, at night. */
import { RehearsalError } from "../core/errors.ts";
import { type FoundCopy, findCopy, readCopy } from "../io/ledger/copy-reading.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { putBack, type TellRead } from "../io/ledger/rebuild.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { readApplied, readIdentity } from "../io/postgres/target-schema.ts";
import { migrateControl, OWN } from "./control.ts";
import { proveLog } from "./log-proof.ts";

export interface Rebuildable {
  /** The first and the last object that a rebuild reads. */
  from: number;
  to: number;
  /** When the last of them was written: what was committed later is not in it. */
  at: string;
  /** Of the promotion log. */
  events: number;
  /** The newest of the control database's migrations that it had. */
  migration: number;
  /** How many there are of each table's. */
  rows: Record<string, number>;
}

export interface Rebuilt extends Rebuildable {
  /** The hash of the last event that was there. */
  head: string;
  /** Promotions and tasks that were under way, and go on. */
  interrupted: string[];
}

/** Reads and proves the whole copy, and says what is in it; the control database is not asked. Throws `LedgerCopyMissing` and `LedgerCopyBroken`. */
export async function readRebuildable(store: ObjectStore, tell?: TellRead): Promise<Rebuildable> {
  const copy = await findCopy(store);
  const { from, to } = copy;
  const keys = new Map<string, Set<string>>();
  for await (const { head, lines } of readCopy(store, { from, to })) {
    for (const { table, key, row } of lines) {
      const known = keys.get(table) ?? new Set();
      keys.set(table, known);
      if (row === undefined) known.delete(JSON.stringify(key));
      else known.add(JSON.stringify(key));
    }
    tell?.(head.number - from + 1, to - from + 1);
  }
  const rows = Object.fromEntries([...keys].sort().map(([table, known]) => [table, known.size]));
  return { ...summary(copy), rows };
}

/**
 * Rebuilds the ledger in an empty control database, whose schema is made anew by `files`, the service's own migrations. All rows
 * come in one transaction, behind which the promotion log was proved, in them and in its copies. Throws
 * `ControlDatabaseNotEmpty`, `RunnerBusy`, `LedgerCopyMissing`, `LedgerCopyBroken`, `LedgerCopyNewer` and `LogBroken`; nothing was
 * rebuilt then.
 */
export async function rebuildLedger(
  ledger: Session,
  store: ObjectStore,
  files: readonly { path: string; bytes: Uint8Array }[],
  tell?: TellRead,
): Promise<Rebuilt> {
  // It goes with the session. Whoever asks once more, for an answer that is late, would drop what the first has made.
  const [turn] = await ledger.query<{ mine: boolean }>("select pg_try_advisory_lock(7230271, 4) as mine");
  if (!turn?.mine) throw new RehearsalError("RunnerBusy", { database: ledger.address.database });
  await assertEmpty(ledger);
  const copy = await findCopy(store);
  await makeTables(ledger, copy, files);
  const { rows, head, interrupted } = await ledger.transaction(async () => {
    const rows = await putBack(ledger, store, copy, tell);
    const proof = await proveLog(ledger, store);
    if (proof.broken !== undefined) throw new RehearsalError("LogBroken", proof.broken);
    const found = await ledger.query<{ id: string }>("select id from ledger.interrupted order by id");
    const interrupted = found.map(({ id }) => id);
    const { from, to, head } = copy;
    await appendEvent(ledger, {
      type: "ledger.rebuilt",
      data: { from, to, at: head.at, events: proof.events, head: proof.head, interrupted },
    });
    return { rows, head: proof.head, interrupted };
  });
  await migrateControl(ledger, files);
  return { ...summary(copy), rows, head, interrupted };
}

function summary({ from, to, head }: FoundCopy): Omit<Rebuildable, "rows"> {
  return { from, to, at: head.at, events: head.event, migration: head.migration };
}

/** What shows that somebody has worked with a ledger; whatever else is in one came by itself. */
const WORKED = ["people", "environments", "releases", "promotions", "tasks"];

/** Throws `ControlDatabaseNotEmpty` where there is a ledger of somebody, or anything that is none. */
async function assertEmpty(ledger: Session): Promise<void> {
  const { database } = ledger.address;
  const full = (found: string) => new RehearsalError("ControlDatabaseNotEmpty", { database, found });
  const tables = await ledger.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rehearsal')
      order by 1, 2`,
  );
  const foreign = tables.find(({ schema }) => schema !== "ledger");
  if (foreign !== undefined) throw full(`it has the table ${foreign.schema}.${foreign.name}`);
  for (const { name } of tables.filter(({ name }) => WORKED.includes(name))) {
    const [count] = await ledger.query<{ rows: string }>(`select count(*) as rows from ledger.${name}`);
    if (Number(count?.rows) > 0) throw full(`ledger.${name} has ${count?.rows} rows`);
  }
}

/**
 * Makes the tables as they were when the copy was made: what later migrations do with rows, they do with these. An empty
 * ledger that is there makes room, unless another service keeps it.
 */
async function makeTables(
  ledger: Session,
  { head }: FoundCopy,
  files: readonly { path: string; bytes: Uint8Array }[],
): Promise<void> {
  const numberOf = (path: string) => Number(/(\d+)_[^/]*$/.exec(path)?.[1] ?? 0);
  if (!files.some(({ path }) => numberOf(path) === head.migration))
    throw new RehearsalError("LedgerCopyNewer", { what: `migration ${head.migration}` });
  const identity = await readIdentity(ledger);
  if (identity === undefined || identity.environment === OWN)
    await ledger.execute("drop schema if exists ledger cascade; drop schema if exists rehearsal cascade");
  await migrateControl(
    ledger,
    files.filter(({ path }) => numberOf(path) <= head.migration),
  );
  const applied = Math.max(0, ...(await readApplied(ledger)).map(({ version }) => version ?? 0));
  if (applied !== head.migration)
    throw new RehearsalError("ControlDatabaseNotEmpty", {
      database: ledger.address.database,
      found: `its keeper has brought it to migration ${applied}, and the copy is of ${head.migration}`,
    });
}
