/**
 * Probes: sessions that do, again and again while files run on the copy, what services do, and wait where those would. They only plan
 * (EXPLAIN): that takes the locks of a reader or writer, of indexes and partitions too, and neither changes a row nor fires a trigger.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Probing, type Wait, waitsFor, watchedAs } from "../../core/blocked.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import type { Lock } from "../../core/statement-locks.ts";
import { openSession, type Session } from "./session.ts";

interface ProbeOptions {
  /** On the copy, and the one that runs the files. */
  session: Session;
  application: string;
  /** What the files lock by what is known of their statements, in their own words. */
  locks: readonly Lock[];
  policy: Pick<Policy, "searchPath" | "lockTimeout">;
}

export interface Probes {
  /** Ends the probing, which takes no longer than a probe's own limit. */
  end(): Promise<Probing>;
}

/** Tables beyond these, the largest first, are told by the clock alone. */
const TABLES = 16;

/**
 * A probe gives way before the server would look for a deadlock, so none is found that a probe was part of, and well before the files
 * would give up on a lock that it holds meanwhile; then it asks again.
 */
const giveWay = (lockTimeout: number) => Math.max(1, Math.min(200, Math.floor(lockTimeout / 4)));

/** Waits that are shorter are no waits: the machine was busy. */
const NOTICED = 5;

/** More waits than these are kept only when somebody saw whom they were for. */
const KEPT = 50_000;

/** How long a probe has waited before the server is asked for whom. */
const ASKED_AFTER = 15;

/** Starts a reader and a writer for each table that the files keep readers or writers from; a server without room for all gets fewer. */
export async function startProbes(options: ProbeOptions): Promise<Probes> {
  const tables = await findTables(options.session);
  const targets = await findTargets(options);
  const room = await spareConnections(options.session);
  const waits: Wait[] = [];
  const watched = new Set<string>();
  const [sampler, ...sessions] = await openAll(options, targets.length === 0 ? 0 : room, targets.length + 1);
  const probes = targets.flatMap((target, index): Probe[] => {
    const session = sessions[index];
    return session === undefined ? [] : [{ ...target, session }];
  });
  const over = new AbortController();
  // All of them together ask no more than 250 times a second.
  const rest = Math.max(10, probes.length * 4);
  const running = probes.map((probe) => run(probe, rest, over.signal, { waits, watched }));
  if (sampler !== undefined) running.push(sample(sampler, options.session.pid, probes, over.signal));
  return {
    end: async () => {
      over.abort();
      await Promise.all(running);
      await Promise.all([sampler, ...sessions].map((session) => session?.close()));
      return { waits, watched, tables };
    },
  };
}

interface Target {
  relation: string;
  traffic: "reads" | "writes";
}

interface Probe extends Target {
  session: Session;
  /** What it waits for just now. */
  wait?: Wait;
}

/** A quarter of the connections that nobody has: production lives on the same server. */
async function spareConnections(session: Session): Promise<number> {
  const [row] = await session.query<{ spare: number }>(
    `select (least(
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - (select count(*) from pg_stat_activity where backend_type = 'client backend'),
        (select rolconnlimit - (select count(*) from pg_stat_activity where usesysid = r.oid)
          from pg_roles r where rolname = current_user and rolconnlimit >= 0)
      ) / 4)::int as spare`,
  );
  return row?.spare ?? 0;
}

/** As many sessions as there is room for; a server that fills up meanwhile gives fewer. */
async function openAll(
  { session, application, policy }: ProbeOptions,
  room: number,
  wanted: number,
): Promise<Session[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: Math.max(0, Math.min(room, wanted)) }, () =>
      openSession(session.address, {
        ...{ application: `${application} probe`, patienceSeconds: 0 },
        lockTimeout: giveWay(policy.lockTimeout),
      }),
    ),
  );
  const sessions = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failure = opened.find((one) => one.status === "rejected")?.reason as unknown;
  const full = failure instanceof RehearsalError && failure.code === "ConnectionsExhausted";
  if (failure === undefined || full) return sessions;
  await Promise.all(sessions.map((one) => one.close()));
  throw failure;
}

/** What can be named by a statement of a service. */
async function findTables(session: Session): Promise<Set<string>> {
  const found = await session.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'v', 'f') and c.oid >= 16384`,
  );
  return new Set(found.map(({ schema, name }) => quoteQualified(schema, name)));
}

/** The tables that stand and will be locked against readers or writers; of an index, its table. */
async function findTargets({ session, locks, policy }: ProbeOptions): Promise<Target[]> {
  const strong = locks.filter(({ mode }) => waitsFor("writes", mode));
  const named = await session.transaction(async () => {
    await session.execute(`set local search_path = ${policy.searchPath.map(quoteName).join(", ")}`);
    // Under the files' own path nothing is called that somebody could have put before the catalog's.
    return session.query<{ oid: string; mode: string }>(
      `select pg_catalog.to_regclass(l.relation)::pg_catalog.oid as oid, l.mode
        from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) as l(relation, mode)`,
      [strong.map(({ relation }) => relation), strong.map(({ mode }) => mode)],
    );
  }, "begin read only");
  const found = await session.query<{ schema: string; name: string; mode: string; kind: string }>(
    `select n.nspname as schema, t.relname as name, l.mode, t.relkind as kind
      from unnest($1::oid[], $2::text[]) as l(oid, mode)
        left join pg_index i on i.indexrelid = l.oid
        join pg_class t on t.oid = coalesce(i.indrelid, l.oid)
        join pg_namespace n on n.oid = t.relnamespace
      where t.relkind in ('r', 'p', 'm') and n.nspname <> 'rehearsal'
      order by pg_relation_size(t.oid) desc, t.oid`,
    [named.map(({ oid }) => oid), named.map(({ mode }) => mode)],
  );
  const targets = new Map<string, Target>();
  const tables = new Set<string>();
  for (const { schema, name, mode, kind } of found) {
    const relation = quoteQualified(schema, name);
    if (!tables.has(relation) && tables.size === TABLES) continue;
    tables.add(relation);
    for (const traffic of ["reads", "writes"] as const)
      if (waitsFor(traffic, mode) && (traffic === "reads" || kind !== "m"))
        targets.set(watchedAs({ relation, traffic }), { relation, traffic });
  }
  return [...targets.values()];
}

async function run(
  probe: Probe,
  rest: number,
  over: AbortSignal,
  { waits, watched }: { waits: Wait[]; watched: Set<string> },
): Promise<void> {
  const { relation, traffic, session } = probe;
  const sql = `explain (costs off) ${traffic === "reads" ? "select 1" : "delete"} from ${relation}`;
  let stands = true;
  while (stands && !over.aborted) {
    const began = performance.now();
    const wait: Wait = { relation, traffic, began, ended: began };
    probe.wait = wait;
    stands = await patiently(session, sql, over);
    wait.ended = performance.now();
    const kept = wait.mode !== undefined || waits.length < KEPT;
    if (wait.ended - began > NOTICED && kept) waits.push(wait);
    delete probe.wait;
    await pause(rest, undefined, { signal: over }).catch(() => undefined);
  }
  if (stands) watched.add(watchedAs(probe));
}

/** False when the table is not to be read or written any more: dropped, renamed, or not ours to touch. */
async function patiently(session: Session, sql: string, over: AbortSignal): Promise<boolean> {
  for (;;) {
    try {
      await session.execute(sql);
      return true;
    } catch (error) {
      // What ends a probe is no fault of the release: whatever is wrong with the server the release's own session meets as well.
      if (!(error instanceof RehearsalError) || (error.facts as { sqlstate?: string }).sqlstate !== "55P03")
        return false;
      if (over.aborted) return true;
    }
  }
}

/** Asks the server, as long as a probe waits, in which mode the run holds what it waits for. */
async function sample(
  session: Session,
  watched: number,
  probes: readonly Probe[],
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    await pause(ASKED_AFTER, undefined, { signal: over }).catch(() => undefined);
    const due = performance.now() - ASKED_AFTER;
    const waiting = probes.filter(
      ({ wait }) => wait !== undefined && wait.mode === undefined && wait.began < due,
    );
    if (waiting.length === 0) continue;
    const found = await session
      .query<{ pid: number; mode: string; wanted: string }>(
        `select w.pid, w.mode as wanted, h.mode from pg_locks w
          join pg_locks h on h.locktype = w.locktype and h.database = w.database and h.relation = w.relation and h.granted
          where not w.granted and w.locktype = 'relation' and h.pid = $1 and w.pid = any ($2::int[])`,
        [watched, waiting.map((probe) => probe.session.pid)],
      )
      // As with the probes: a session that is lost here is not the release's.
      .catch(() => []);
    for (const { pid, mode, wanted } of found) {
      const wait = waiting.find((probe) => probe.session.pid === pid)?.wait;
      if (wait !== undefined && waitsFor(wanted === "AccessShareLock" ? "reads" : "writes", mode))
        wait.mode = mode;
    }
  }
}
