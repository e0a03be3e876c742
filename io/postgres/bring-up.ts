/** Brings a restored copy from one backup of its original up to a later one: rows of objects that are no longer in it go, rows of new objects come. */
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { type Baseline, compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import { type Change, findChanges, type Writers } from "../../core/changed-tables.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { RESTORING } from "../../core/feed-migration.ts";
import { quoteLiteral, quoteQualified } from "../../core/names.ts";
import type { OnProgress } from "../../core/progress.ts";
import { readObject } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import { findTables, type HashedTable, readBaseline, selectSums } from "./baseline.ts";
import { type CopySession, openCopySession } from "./copy.ts";
import { refreshLargeObjects } from "./large-objects-anew.ts";
import { portableSettings } from "./portable-settings.ts";
import { PINNED } from "./reading.ts";
import { openSession, type Session } from "./session.ts";

interface BringUpOptions {
  /** The fenced original: nobody writes to it any more. */
  source: DatabaseAddress;
  /** Restored from `before`, and written to by nobody since. */
  target: DatabaseAddress;
  application: string;
  store: ObjectStore;
  before: BackupManifest;
  /** What the restore said of `before`. */
  writers: Writers;
  /** Of the same structure. */
  now: BackupManifest;
  onProgress?: OnProgress;
}

/**
 * One transaction on the copy, without triggers and without checks of foreign keys (they held in the original); populated
 * materialized views are refreshed last. What was taken out and what came in is counted and hashed against the manifests, and
 * nothing else may have been written. Returns the tables that changed. Throws `CopyDiffers`, and the copy is as it was.
 */
export async function bringUp(options: BringUpOptions): Promise<string[]> {
  const { source, target, application, before, now } = options;
  const changes = findChanges(before, now, options.writers);
  const original = await openSession(source, { application, readOnly: true });
  const into = await openCopySession(target, { application });
  try {
    const hashed = await hashedTables(options, changes);
    const indirect = await leaves(options, changes);
    await into.execute(
      `begin; ${portableSettings(original.major, now.database.encoding)}; set local session_replication_role = replica; set local ${RESTORING} = on`,
    );
    // They are what a write where none belongs is found by; only a superuser can have switched them off.
    const [counts] = await into.readRow("select current_setting('track_counts')");
    if (counts !== "on") await into.execute("set local track_counts = on");
    const done = { bytes: 0, rows: 0 };
    const files = await into.readRow(FILES);
    for (const change of changes) {
      options.onProgress?.({ done: { ...done }, now: change.name });
      await takeOut(into, change);
    }
    for (const change of changes)
      for (const object of change.come) {
        const rows = await into.copyIn(change.copyInto, readObject(options.store, object));
        done.rows += rows;
        done.bytes += object.rawBytes;
        options.onProgress?.({ done: { ...done }, now: change.name });
      }
    for (const change of changes) await assertCome(into, change, hashed);
    for (const { root, tables } of indirect) await assertRouted(into, root, tables, now.baseline);
    await assertNothingElse(into, changes, indirect);
    if ((await into.readRow(FILES)).join() !== files.join())
      throw differs("of the copy", "was truncated or written anew by something else");
    for (const [name, { last, called }] of Object.entries(now.baseline.sequences)) {
      const held = before.baseline.sequences[name];
      if (held?.last !== last || held.called !== called)
        await into.execute(`select pg_catalog.setval(${quoteLiteral(name)}::regclass, ${last}, ${called})`);
    }
    const [one, other] = [before.baseline.largeObjects, now.baseline.largeObjects];
    // Another archive may mean other owners and rights of the same objects.
    if (one.checksum !== other.checksum || one.count !== other.count || before.toc.key !== now.toc.key)
      await refreshLargeObjects(original, into);
    await into.execute("set local session_replication_role = origin");
    for (const name of changes.length > 0 ? await materializedViews(original) : [])
      await into.execute(`refresh materialized view ${name}`);
    await into.execute("commit");
  } finally {
    await into.close();
    await original.close();
  }
  await assertBeside(options);
  return changes.map(({ name }) => name);
}

async function takeOut(into: CopySession, { name, writers, gone, direct }: Change): Promise<void> {
  // A plain TRUNCATE is refused for a table that others refer to; ONLY, for an inheritance child is a table of its own.
  const which = writers === null ? "" : ` where xmin = any('{${writers.join(",")}}'::pg_catalog.xid[])`;
  const [count] = await into.readRow(
    `with gone as (delete from ${direct ? "only " : ""}${name}${which} returning 1) select count(*) from gone`,
  );
  if (Number(count) !== gone) throw differs(name, `lost ${count} rows where ${gone} had to go`);
}

/** The rows that came, and no others, carry this transaction's number. */
async function assertCome(
  into: CopySession,
  { name, come, direct }: Change,
  hashed: Map<string, HashedTable>,
) {
  const table = hashed.get(name);
  if (!direct || table === undefined) return;
  const rows = come.reduce((sum, object) => sum + object.rows, 0);
  const checksum = String(come.reduce((sum, object) => sum + BigInt(object.checksum ?? 0), 0n));
  await into.execute(`savepoint sums; ${PINNED}`);
  const [found, sum] = await into.readRow(selectSums(table, "xmin = pg_current_xact_id()::xid"));
  await into.execute("rollback to savepoint sums; release savepoint sums");
  if (Number(found) !== rows) throw differs(name, `took ${found} rows where ${rows} had to come`);
  if (sum !== checksum) throw differs(name, "did not take what the original holds");
}

/** A trigger that fires ALWAYS, or a rule, may write where nobody expects it: the transaction's own counts tell. */
async function assertNothingElse(
  into: CopySession,
  changes: Change[],
  indirect: { tables: HashedTable[] }[],
): Promise<void> {
  if (changes.length === 0) return;
  const expected = changes.map(({ name, gone, come, direct }) => {
    const rows = come.reduce((sum, object) => sum + object.rows, 0);
    return `(${quoteLiteral(name)}::regclass, ${direct ? rows : 0}, ${direct ? gone : 0})`;
  });
  // Those were read as a whole.
  const read = indirect.flatMap(({ tables }) => tables.map(({ name }) => `${quoteLiteral(name)}::regclass`));
  const [wrong = ""] = await into.readRow(
    `select coalesce(min(encode(convert_to(relid::regclass::text, 'UTF8'), 'hex')), '')
      from pg_stat_xact_user_tables s left join (values ${expected.join(", ")}) e(id, come, gone) on e.id = s.relid
      where s.schemaname !~ '^pg_temp' and s.relid <> all(array[${read.join(", ")}]::oid[]) and (n_tup_ins, n_tup_upd, n_tup_del) <> (coalesce(come, 0), 0, coalesce(gone, 0))`,
  );
  if (wrong !== "") throw differs(Buffer.from(wrong, "hex").toString(), "was written to by something else");
}

/** The copy's own partitions may not be the original's: the same rows, in whichever of them. */
async function assertRouted(into: CopySession, root: string, tables: HashedTable[], expected: Baseline) {
  const [was, is] = [
    { rows: 0, checksum: 0n },
    { rows: 0, checksum: 0n },
  ];
  await into.execute(`savepoint sums; ${PINNED}`);
  for (const table of tables) {
    const [rows, checksum = "0"] = await into.readRow(selectSums(table));
    is.rows += Number(rows);
    is.checksum += BigInt(checksum);
    was.rows += expected.tables[table.name]?.rows ?? 0;
    was.checksum += BigInt(expected.tables[table.name]?.checksum ?? 0);
  }
  await into.execute("rollback to savepoint sums; release savepoint sums");
  if (is.rows !== was.rows) throw differs(root, `holds ${is.rows} rows where ${was.rows} were expected`);
  if (is.checksum !== was.checksum) throw differs(root, "did not take what the original holds");
}

/** A TRUNCATE leaves no counts behind, but another file. */
const FILES = `select hashtextextended(coalesce(string_agg(oid::text || ' ' || coalesce(pg_relation_filenode(oid), 0)::text, ',' order by oid), ''), 0)
  from pg_class where relkind = 'r' and relpersistence <> 't'`;

/** Sequences and large objects are few or small: they are read again. */
async function assertBeside({ target, application, now }: BringUpOptions): Promise<void> {
  const session = await openSession(target, { application, readOnly: true });
  try {
    const held = await readBaseline(session, { tables: [] });
    const differences = compareBaselines({ ...now.baseline, tables: {} }, held);
    if (differences.length > 0)
      throw new RehearsalError("CopyDiffers", {
        differences: differences.slice(0, 5).map(describeBaselineDifference).join("; "),
      });
  } finally {
    await session.close();
  }
}

async function hashedTables({ target, application }: BringUpOptions, changes: Change[]) {
  const session = await openSession(target, { application, readOnly: true });
  try {
    const tables = await findTables(session, { tables: changes.map(({ name }) => name) });
    return new Map(tables.map((table) => [table.name, table]));
  } finally {
    await session.close();
  }
}

/** The partitions behind each table that is loaded through. */
async function leaves({ target, application }: BringUpOptions, changes: Change[]) {
  const session = await openSession(target, { application, readOnly: true });
  try {
    const found: { root: string; tables: HashedTable[] }[] = [];
    for (const { name } of changes.filter(({ direct }) => !direct)) {
      const partitions = await session.query<{ schema: string; name: string }>(
        `select n.nspname::text as schema, c.relname::text as name from pg_partition_tree($1::regclass) t
          join pg_class c on c.oid = t.relid join pg_namespace n on n.oid = c.relnamespace where t.isleaf`,
        [name],
      );
      const tables = partitions.map(({ schema, name }) => quoteQualified(schema, name));
      found.push({ root: name, tables: await findTables(session, { tables }) });
    }
    return found;
  } finally {
    await session.close();
  }
}

function differs(table: string, problem: string): RehearsalError {
  return new RehearsalError("CopyDiffers", { differences: `table ${table} ${problem}` });
}

/** Populated materialized views; one can only stand on those made before it. */
async function materializedViews(session: Session): Promise<string[]> {
  const found = await session.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and c.relispopulated order by c.oid`,
  );
  return found.map(({ schema, name }) => quoteQualified(schema, name));
}
