/**
 * The deletion of a record's rows: one transaction, in which everything is proved again, and whose act tells that it was committed.
 * Long because the order of its locks, proofs and deletions is the proof.
 */
import type { Json } from "../../../core/canonical-json.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { quoteName } from "../../../core/names.ts";
import { whyNot } from "../../../core/prune/closure.ts";
import type { PrunePlan } from "../../../core/prune/plan.ts";
import type { PrunableTable } from "../../../core/prune/tables.ts";
import type { BundledRow, PruneBundle } from "../../prune-bundle.ts";
import type { Session } from "../session.ts";
import { ensureLife, LOCK_IDENTITY } from "../target-schema.ts";
import { isPastGrace } from "./backlog.ts";
import { goesWithOf, keysOf, NO_ROWS, readRows, sayWhy } from "./candidates.ts";
import { snapshotFault } from "./intact.ts";
import { type Prepared, prepare } from "./prepared.ts";
import { LIMITS, type Limits, limiting, sqlstateOf, withRetries } from "./retries.ts";
import { alongTie, type Operators, rootsOf, typeOf } from "./statements.ts";

interface DeleteOptions {
  session: Session;
  plan: PrunePlan;
  /** Read back and verified. */
  bundle: PruneBundle;
  record: string;
  /** The prune's id: what it has done to a record it does not do again. */
  act: string;
  limits?: Limits;
  /** Asked inside the transaction, as the last thing before COMMIT: whoever may no longer delete throws. */
  mayDelete?: () => Promise<void>;
  /** Told the points passed: `locked`, `proved`, `deleted`, `committed`. */
  passed?: (point: string) => void;
}

interface Deleted {
  /** By table, quoted and qualified. */
  rows: Record<string, number>;
  /** True when an earlier call had done it. */
  already: boolean;
}

/**
 * Deletes what the bundle holds of the record, all of it or nothing. Throws `PruneStale` unless every row is as it was bundled and
 * nothing that stays points at one; `PruneReachedMore` where the database would change more; `LockTimeout`, `ConflictPersists`.
 */
export async function deleteRecord(options: DeleteOptions): Promise<Deleted> {
  const { session, plan, bundle, record, limits = LIMITS } = options;
  const rows = planned(plan, bundle, record);
  if (rows.flat().length === 0) return { rows: {}, already: false };
  const counts = Object.fromEntries(
    rows.flatMap((some, index) =>
      some.length === 0 ? [] : [[plan.prune[index]?.table.quoted ?? "", some.length]],
    ),
  );
  const prepared = await prepare(session, plan);
  if (!lively.has(prepared)) await ensureLife(session);
  lively.add(prepared);
  const deleted = await withRetries(`the deletion of ${record}`, limits, () =>
    session.transaction(async () => {
      const before = await lock(options, prepared, rows);
      options.passed?.("locked");
      const done = await prove(options, prepared, rows);
      if (done !== undefined) return { rows: done, already: true };
      options.passed?.("proved");
      await effect(options, prepared, rows, { counts, before });
      await options.mayDelete?.();
      options.passed?.("deleted");
      return { rows: counts, already: false };
    }),
  ).catch((error: unknown) => {
    // A check that was put off to COMMIT, or one that nobody knew of.
    if (sqlstateOf(error)?.startsWith("23"))
      throw stale(record, `the database refuses it: ${(error as Error).message}`, error);
    throw error;
  });
  options.passed?.("committed");
  return deleted;
}

/** What was prepared on a database that is known to have the record of acts. */
const lively = new WeakSet<Prepared>();

/** The bundle's rows, by the plan's tables. Throws `PruneStale` where the policy no longer names a table of it. */
function planned(plan: PrunePlan, { manifest, rowsOf }: PruneBundle, record: string): BundledRow[][] {
  const places = manifest.tables.map(({ schema, name }) =>
    plan.prune.findIndex(({ table }) => table.schema === schema && table.name === name),
  );
  const rows: BundledRow[][] = plan.prune.map(() => []);
  for (const row of rowsOf(record)) {
    const index = places[row.table] ?? -1;
    const into = rows[index];
    if (into === undefined)
      throw stale(record, `the policy prunes no table ${manifest.tables[row.table]?.name} any more`);
    into.push({ ...row, table: index });
  }
  return rows;
}

/**
 * First whole tables, then the root, then rows: who writes a snapshot holds its table and asks for the root. From here on nobody can
 * point at the rows by a foreign key, for that takes a lock on them too.
 */
async function lock(
  { session, plan, record, limits = LIMITS }: DeleteOptions,
  prepared: Prepared,
  rows: BundledRow[][],
) {
  const { operators, call } = prepared;
  const key = keysOf(plan, [record]);
  // Those of other records, or of this one by way of another table, are not held by the lock on the root.
  const wide = new Set(
    plan.references.flatMap(({ snapshot, within }) => {
      const planned = plan.snapshots[snapshot];
      return planned !== undefined && (!within || planned.tie.hops.length > 1) ? [planned] : [];
    }),
  );
  // Who begins a promotion takes this row before anything is read, and so waits for a COMMIT whose turn the ledger let go of.
  const statements = [limiting(limits), await call("lock_identity", () => LOCK_IDENTITY, [])];
  for (const { table } of wide) statements.push(`lock table ${table.quoted} in share mode`);
  statements.push(await call("lock_root", () => lockRoot(plan, operators), key));
  for (const [index, snapshot] of plan.snapshots.entries())
    if (!wide.has(snapshot))
      statements.push(
        await call(
          `lock_snapshot_${index}`,
          () => `with ${rootsOf(plan, operators)} select count(*) from (
            select from ${alongTie(plan, operators, snapshot.table, snapshot.tie)} for share of t) s`,
          key,
        ),
      );
  for (const [index, some] of rows.entries()) {
    const table = plan.prune[index]?.table;
    if (table === undefined || some.length === 0) continue;
    statements.push(
      await call(
        `lock_${index}`,
        () =>
          `select count(*) from (select from ${table.quoted} t join ${byKeys(table, operators)} for update of t) s`,
        keysIn(table, some),
      ),
    );
  }
  // Last, and before anything is changed: what earlier transactions of the session did may still be in the counts.
  statements.push(await call("changed", () => CHANGED, []));
  return session.query<Changed>(statements.join("; "));
}

function lockRoot(plan: PrunePlan, operators: Operators): string {
  return `with ${rootsOf(plan, operators)} select from ${namedRoot(plan, operators)} for update of a`;
}

/** Whether the record is due, null when it is not there; what is wrong with its snapshots; and the act, should it have been written. */
function seeRoot(plan: PrunePlan, operators: Operators): string {
  const next = plan.root.primaryKey.length + 1;
  return `with ${rootsOf(plan, operators)}
    select (select ${isPastGrace(plan, "a")} from ${namedRoot(plan, operators)}) as due, ${snapshotFault(plan, operators)} as fault,
      (select facts from rehearsal.acts where kind = 'prune' and id = $${next} and record = $${next + 1}) as done`;
}

/** The record's row of the root, as `a`. */
function namedRoot(plan: PrunePlan, operators: Operators): string {
  const { root } = plan;
  const same = root.primaryKey.map(
    (name, at) =>
      `a.${quoteName(name)} ${operators.ofTable(root)[at] ?? "="} any (
        select r.c${root.columns.findIndex((column) => column.name === name)} from roots r)`,
  );
  return `${root.quoted} a where ${same.join(" and ")}`;
}

/** What an earlier call has deleted, when there was one. Throws `PruneStale`. */
async function prove(
  { session, plan, bundle, record, act }: DeleteOptions,
  prepared: Prepared,
  rows: BundledRow[][],
): Promise<Record<string, number> | undefined> {
  // Read anew: the statement that took the lock may have begun before somebody else's change was committed.
  const [root] = await session.query<{ done: Json | null; due: boolean | null; fault: string | null }>(
    await prepared.call("see_root", () => seeRoot(plan, prepared.operators), [
      ...keysOf(plan, [record]),
      act,
      record,
    ]),
  );
  if (root?.done) return rowsIn(root.done);
  if (root === undefined || root.due === null) throw stale(record, "there is no such record any more");
  if (!root.due) throw stale(record, "it is not archived, or its grace is not over");
  if (root.fault !== null) throw stale(record, root.fault);
  const { place, xid } = bundle.manifest.mark;
  // Elsewhere, or after a restart, the number says nothing: then all payloads are looked at.
  const since = place === prepared.place ? xid : null;
  const now = await readRows(session, plan, prepared, [record], since);
  const why = whyNot(rows.flat(), now.rows[0] ?? NO_ROWS, goesWithOf(plan));
  if (why !== undefined) {
    const { table, key } = why.row;
    throw stale(record, `${plan.prune[table]?.table.quoted} ${key.join(", ")}: ${sayWhy(plan, why.because)}`);
  }
  return undefined;
}

async function effect(
  options: DeleteOptions,
  { operators, call }: Prepared,
  rows: BundledRow[][],
  { counts, before }: { counts: Record<string, number>; before: readonly Changed[] },
): Promise<void> {
  const { session, plan, bundle, record, act } = options;
  const facts = JSON.stringify({ policy: plan.policy.name, bundle: bundle.sealed.sha256, rows: counts });
  const statements = [
    await call(
      "act",
      () => "insert into rehearsal.acts (kind, id, record, facts) values ('prune', $1, $2, $3::jsonb)",
      [act, record, facts],
    ),
  ];
  for (const [number, group] of plan.order.entries()) {
    const full = group.filter((index) => (rows[index]?.length ?? 0) > 0);
    if (full.length === 0) continue;
    const keys = group.flatMap((index) => keysIn(tableAt(plan, index), rows[index] ?? []));
    statements.push(await call(`delete_${number}`, () => deletionOf(plan, operators, group), keys));
  }
  if (plan.note !== undefined)
    statements.push(
      await call(
        "note",
        () => noteOf(plan),
        plan.note.columns.map(({ value }) => {
          if (value === "record") return record;
          if (value === "summary")
            return JSON.stringify({ policy: plan.policy.name, prune: act, rows: counts });
          return value === "time" ? null : value.text;
        }),
      ),
    );
  // What is put off to COMMIT happens now, before it is counted what was changed.
  statements.push("set constraints all immediate", await call("changed", () => CHANGED, []));
  const changed = await session.query<Changed>(statements.join("; "));
  const refuse = (table: string, problem: string) =>
    new RehearsalError("PruneReachedMore", { record, table, problem });
  const left = new Map(Object.entries(counts));
  for (const { table, ...counted } of changed) {
    const earlier = before.find((one) => one.table === table);
    const updated = Number(counted.updated) - Number(earlier?.updated ?? 0);
    const deleted = Number(counted.deleted) - Number(earlier?.deleted ?? 0);
    if (updated > 0) throw refuse(table, `would have ${updated} rows updated`);
    const wanted = left.get(table) ?? 0;
    left.delete(table);
    if (deleted !== wanted) throw refuse(table, `would lose ${deleted} rows, not ${wanted}`);
  }
  for (const [table, wanted] of left) throw refuse(table, `would lose no rows, not ${wanted}`);
}

/** Of several tables that point at each other all at once: foreign keys are checked at the end of a statement. */
function deletionOf(plan: PrunePlan, operators: Operators, group: readonly number[]): string {
  let parameter = 1;
  const parts = group.map((index) => {
    const table = tableAt(plan, index);
    const from = parameter;
    parameter += table.primaryKey.length;
    return `delete from ${table.quoted} t using ${byKeys(table, operators, from).replace(" on ", " where ")}`;
  });
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return `with ${parts.map((part, at) => `d${at} as (${part})`).join(", ")} select`;
}

/** `unnest(…) k on …`: the rows `t` whose primary keys the parameters hold, an array for each column. */
function byKeys(table: PrunableTable, operators: Operators, from = 1): string {
  const arrays = table.primaryKey.map((_, at) => `$${from + at}::text[]`).join(", ");
  const names = table.primaryKey.map((_, at) => `k${at}`).join(", ");
  const same = table.primaryKey.map(
    (name, at) =>
      `t.${quoteName(name)} ${operators.ofTable(table)[at] ?? "="} k.k${at}::${typeOf(table, name)}`,
  );
  return `unnest(${arrays}) as k (${names}) on ${same.join(" and ")}`;
}

function keysIn(table: PrunableTable, rows: readonly BundledRow[]): string[][] {
  return table.primaryKey.map((_, column) => rows.map(({ key }) => key[column] ?? ""));
}

function noteOf({ note }: PrunePlan): string {
  if (note === undefined) throw new Error("the policy has no note");
  const columns = note.columns.map(({ column }) => quoteName(column)).join(", ");
  const values = note.columns.map(({ column, value }, at) =>
    value === "time"
      ? `coalesce($${at + 1}::text, now()::text)::${typeOf(note.at, column)}`
      : `$${at + 1}::text::${typeOf(note.at, column)}`,
  );
  return `insert into ${note.at.quoted} (${columns}) values (${values.join(", ")})`;
}

interface Changed {
  table: string;
  updated: string;
  deleted: string;
}

/** What this session has changed and not yet reported, this transaction included, by the server's own count: whatever trigger, rule or cascade did it. Partitions count as their table. */
const CHANGED = `select '"' || replace(n.nspname, '"', '""') || '"."' || replace(w.relname, '"', '""') || '"' as table,
    sum(pg_stat_get_xact_tuples_updated(c.oid)) as updated, sum(pg_stat_get_xact_tuples_deleted(c.oid)) as deleted
  from pg_class c join pg_class w on w.oid = case when c.relispartition then pg_partition_root(c.oid) else c.oid end
    join pg_namespace n on n.oid = w.relnamespace
  where c.oid >= 16384 and c.relkind = 'r' and n.nspname <> 'rehearsal' and n.nspname !~ '^pg_'
    and pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid) > 0
  group by 1`;

function tableAt({ prune }: PrunePlan, index: number): PrunableTable {
  const table = prune[index]?.table;
  if (table === undefined) throw new Error(`the plan prunes no table ${index}`);
  return table;
}

function rowsIn(facts: Json): Record<string, number> {
  return (facts as { rows?: Record<string, number> }).rows ?? {};
}

function stale(record: string, reason: string, cause?: unknown): RehearsalError {
  return new RehearsalError("PruneStale", { record, reason }, { cause });
}
