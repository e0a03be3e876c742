/** Measures files while they run on the copy: time, locks, rewrites, rows, WAL; told by the server, from the same session. */
import { quoteQualified } from "../../core/names.ts";
import type { ItemMeasure, LockTaken, RunMeasure, StatementMeasure } from "../../core/report.ts";
import type { Run } from "../../core/runs.ts";
import type { Observer } from "./observer.ts";
import { openSession, type Session } from "./session.ts";
import { readTableFiles, replacedTables } from "./table-files.ts";

interface Relation {
  name: string;
  /** The file on disk; another number after a rewrite. */
  file: number | null;
}

/** An observer, and the measures it has gathered; the fingerprint of each run is put in by the caller. */
export function measureRuns(session: Session): {
  observer: Observer;
  runs: Omit<RunMeasure, "fingerprint">[];
  /** What each file changed in its transaction, in order. */
  writes: { path: string; changed: RunMeasure["changed"] }[];
  /** By run: the tables that lie in another file afterwards. */
  replaced: string[][];
} {
  const runs: Omit<RunMeasure, "fingerprint">[] = [];
  let before = new Map<string, Relation>();
  let held = new Set<string>();
  let watch: LockWatch | undefined;
  let changedBefore: RunMeasure["changed"] = {};
  let started = 0;
  let runStarted = 0;
  let begun: Run | undefined;
  let wal = 0;
  const writes: { path: string; changed: RunMeasure["changed"] }[] = [];
  const replaced: string[][] = [];
  let files: Awaited<ReturnType<typeof readTableFiles>> = new Map();
  let writesBefore = 0;
  let open: { path: string; since: RunMeasure["changed"] } | undefined;
  const closeFile = (now: RunMeasure["changed"]) => {
    if (open !== undefined) writes.push({ path: open.path, changed: changesSince(open.since, now) });
    open = undefined;
  };
  const observer: Observer = {
    runBegins: async (run) => {
      // A transaction that is tried again takes the place of the one that was taken back.
      if (run === begun) {
        runs.pop();
        writes.length = writesBefore;
        replaced.length = runs.length;
      }
      begun = run;
      writesBefore = writes.length;
      open = undefined;
      runs.push({ transactional: run.transactional, milliseconds: 0, items: [], changed: {} });
      before = await readRelations(session);
      files = await readTableFiles(session);
      changedBefore = await readChanges(session);
      held = new Set((await ownLocks(session, session.pid)).map(keyOf));
      runStarted = performance.now();
    },
    statementBegins: async (item, statement) => {
      const run = last(runs);
      if (run.transactional && open?.path !== item.path) {
        const since = open === undefined ? changedBefore : await readChanges(session);
        closeFile(since);
        open = { path: item.path, since };
      }
      wal = await walPosition(session);
      // Outside a transaction locks are gone when the statement has ended: somebody else must look while it runs, and
      // what the statement is known to lock counts even if it was too quick to be seen.
      if (!run.transactional) watch = await watchLocks(session, await knownLocks(session, statement.locks));
      started = performance.now();
    },
    statementEnded: async (item, statement, result) => {
      const milliseconds = performance.now() - started;
      const run = last(runs);
      const seen = watch ? await watch.end() : await ownLocks(session, session.pid);
      watch = undefined;
      const fresh = seen.filter((lock) => !held.has(keyOf(lock)) && before.has(lock.oid));
      for (const lock of run.transactional ? seen : []) held.add(keyOf(lock));
      const measure: StatementMeasure = {
        line: statement.line,
        summary: statement.summary,
        sql: statement.sql,
        milliseconds,
        rows: result?.rowCount ?? null,
        locks: distinct(
          fresh.map((lock) => ({ relation: before.get(lock.oid)?.name ?? lock.oid, mode: lock.mode })),
        ),
        rewritten: await findRewritten(session, before, seen),
        walBytes: (await walPosition(session)) - wal,
      };
      itemOf(run, item).statements.push(measure);
    },
    statementFailed: async () => {
      const ended = watch?.end();
      watch = undefined;
      // The statement's own failure is the one to tell.
      await ended?.catch((error: unknown) => error);
    },
    runEnds: async () => {
      const run = last(runs);
      run.milliseconds = performance.now() - runStarted;
      for (const item of run.items)
        item.milliseconds = item.statements.reduce((sum, statement) => sum + statement.milliseconds, 0);
      const now = run.transactional ? await readChanges(session) : {};
      closeFile(now);
      if (run.transactional) run.changed = changesSince(changedBefore, now);
      replaced[runs.length - 1] = replacedTables(files, await readTableFiles(session));
    },
  };
  return { observer, runs, writes, replaced };
}

function last<T>(list: T[]): T {
  const item = list.at(-1);
  if (item === undefined) throw new Error("a statement was measured before its run began");
  return item;
}

function itemOf(
  run: Omit<RunMeasure, "fingerprint">,
  item: { kind: ItemMeasure["kind"]; path: string },
): ItemMeasure {
  const current = run.items.at(-1);
  if (current?.path === item.path) return current;
  const fresh: ItemMeasure = {
    kind: item.kind,
    path: item.path,
    milliseconds: 0,
    idempotent: "not claimed",
    statements: [],
  };
  run.items.push(fresh);
  return fresh;
}

interface HeldLock {
  oid: string;
  mode: string;
}

const keyOf = (lock: HeldLock) => `${lock.oid} ${lock.mode}`;

function distinct(locks: LockTaken[]): LockTaken[] {
  const seen = new Map(locks.map((lock) => [`${lock.relation} ${lock.mode}`, lock]));
  return [...seen.values()].sort((a, b) => (a.relation + a.mode < b.relation + b.mode ? -1 : 1));
}

/** The relation locks of a backend, without those on the system's catalogs and on our own schema. */
async function ownLocks(session: Session, pid: number): Promise<HeldLock[]> {
  return session.query<HeldLock>(
    `select l.relation as oid, l.mode from pg_locks l
      where l.pid = $1 and l.locktype = 'relation' and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
        and l.relation >= 16384
        and not exists (select 1 from pg_class c where c.oid = l.relation and c.relnamespace = to_regnamespace('rehearsal'))`,
    [pid],
  );
}

interface LockWatch {
  end(): Promise<HeldLock[]>;
}

/** The locks that a statement takes by its kind, on the relations that its names mean here. */
async function knownLocks(session: Session, locks: readonly LockTaken[]): Promise<HeldLock[]> {
  return session.query<HeldLock>(
    `select to_regclass(l.relation)::oid as oid, l.mode
      from unnest($1::text[], $2::text[]) as l(relation, mode) where to_regclass(l.relation) is not null`,
    [locks.map((lock) => lock.relation), locks.map((lock) => lock.mode)],
  );
}

/** Looks at the session's locks from another one, again and again, until told to stop. */
async function watchLocks(watched: Session, known: readonly HeldLock[]): Promise<LockWatch> {
  const watcher = await openSession(watched.address, { application: "rehearsal lock watch" });
  const seen = new Map(known.map((lock) => [keyOf(lock), lock]));
  const began = performance.now();
  let over = false;
  const looking = (async () => {
    while (!over) {
      for (const lock of await ownLocks(watcher, watched.pid)) seen.set(keyOf(lock), lock);
      // Without a pause at first, for most statements are quick; later it would only burn a core.
      if (performance.now() - began > 200) await watcher.query("select pg_sleep(0.005)");
    }
  })();
  return {
    end: async () => {
      over = true;
      await looking.finally(() => watcher.close());
      return [...seen.values()];
    },
  };
}

/** Tables, indexes and materialized views that stand now, with their files. */
async function readRelations(session: Session): Promise<Map<string, Relation>> {
  const found = await session.query<{ oid: string; schema: string; name: string; file: string | null }>(
    `select c.oid, n.nspname as schema, c.relname as name, pg_relation_filenode(c.oid) as file
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'i', 'I', 'S', 'v', 'f') and c.oid >= 16384 and n.nspname not in ('rehearsal', 'pg_toast')`,
  );
  return new Map(
    found.map(({ oid, schema, name, file }) => [
      oid,
      { name: quoteQualified(schema, name), file: file === null ? null : Number(file) },
    ]),
  );
}

/** Which of the locked relations have another file than before; remembers the new file. */
async function findRewritten(
  session: Session,
  before: Map<string, Relation>,
  locks: HeldLock[],
): Promise<string[]> {
  const exclusive = [
    ...new Set(locks.filter((lock) => lock.mode === "AccessExclusiveLock").map((lock) => lock.oid)),
  ];
  const candidates = exclusive.filter((oid) => before.has(oid));
  if (candidates.length === 0) return [];
  const now = await session.query<{ oid: string; file: string | null }>(
    "select oid, pg_relation_filenode(oid) as file from pg_class where oid = any ($1::oid[])",
    [candidates],
  );
  const rewritten: string[] = [];
  for (const { oid, file } of now) {
    const known = before.get(oid);
    if (known === undefined || file === null || known.file === Number(file)) continue;
    known.file = Number(file);
    rewritten.push(known.name);
  }
  return rewritten.sort();
}

async function walPosition(session: Session): Promise<number> {
  const [row] = await session.query<{ bytes: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes",
  );
  return Number(row?.bytes ?? 0);
}

/**
 * What this session has changed and not yet reported to the statistics, table by table; our own schema left out.
 * Earlier transactions, also those taken back, may still be in it: take the difference of two readings.
 */
export async function readChanges(session: Session): Promise<RunMeasure["changed"]> {
  const found = await session.query<{
    schema: string;
    name: string;
    inserted: string;
    updated: string;
    deleted: string;
  }>(
    `select schemaname as schema, relname as name, n_tup_ins as inserted, n_tup_upd as updated, n_tup_del as deleted
      from pg_stat_xact_user_tables
      where n_tup_ins + n_tup_upd + n_tup_del > 0 and schemaname <> 'rehearsal' and schemaname !~ '^pg_toast'`,
  );
  return Object.fromEntries(
    found.map((row) => [
      quoteQualified(row.schema, row.name),
      { inserted: Number(row.inserted), updated: Number(row.updated), deleted: Number(row.deleted) },
    ]),
  );
}

/** The rows changed between two readings; tables without any are left out. */
export function changesSince(
  before: RunMeasure["changed"],
  now: RunMeasure["changed"],
): RunMeasure["changed"] {
  const none = { inserted: 0, updated: 0, deleted: 0 };
  const differences = Object.entries(now).map(([table, counts]) => {
    const earlier = before[table] ?? none;
    const inserted = counts.inserted - earlier.inserted;
    const updated = counts.updated - earlier.updated;
    const deleted = counts.deleted - earlier.deleted;
    return [table, { inserted, updated, deleted }] as const;
  });
  return Object.fromEntries(
    differences.filter(([, counts]) => Object.values(counts).some((count) => count > 0)),
  );
}
