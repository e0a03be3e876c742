/** Who waits for one of our sessions on production: looked at from another one, which reads what the server knows of locks and nothing else. */
import { setTimeout as pause } from "node:timers/promises";
import type { Traffic } from "../../core/blocked.ts";
import type { SeenWait } from "../../core/comparison.ts";
import { quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";

export interface Waiters {
  /** Stops looking and closes the session. */
  end(): Promise<SeenWait[]>;
}

/** Milliseconds between two looks: closely at first, for most migrations are quick; and never more than a sixth of a session's time. */
const APART = 20;
const LATER = 100;
const CLOSELY = 5_000;
const SHARE = 5;

/** Milliseconds that the last look is waited for. */
const PARTING = 1_000;

/** More statements than these are not told apart. */
const TOLD = 10_000;

interface Seen {
  wait: string;
  locktype: string;
  mode: string;
  milliseconds: number;
  schema: string | null;
  name: string | null;
}

/** Looks, from `session`, at who waits for the backend `watched`, until told to stop; a session that is lost sees no more. */
export function watchWaiters(session: Session, watched: number): Waiters {
  const over = new AbortController();
  const waits = new Map<string, { relation: string | null; traffic: Traffic; milliseconds: number }>();
  const started = performance.now();
  const looking = (async () => {
    while (!over.signal.aborted) {
      const began = performance.now();
      // What the migration itself meets is told by its own session.
      const found = await session.query<Seen>(WAITING, [watched]).catch(() => undefined);
      if (found === undefined) return;
      for (const seen of found) note(seen);
      const took = performance.now() - began;
      const apart = began - started < CLOSELY ? APART : LATER;
      await pause(Math.max(apart, took * SHARE), undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    end: async () => {
      over.abort();
      const ended = looking.then(() => session.close());
      // What was migrated waits for nobody who only looked.
      await Promise.race([ended, pause(PARTING, undefined, { ref: false })]);
      session.destroy();
      return summed([...waits.values()]);
    },
  };

  function note({ wait, locktype, mode, milliseconds, schema, name }: Seen): void {
    const traffic = trafficOf(locktype, mode);
    if (traffic === undefined || (!waits.has(wait) && waits.size >= TOLD)) return;
    const relation = schema === null || name === null ? null : quoteQualified(schema, name);
    waits.set(wait, { relation, traffic, milliseconds });
  }
}

/** Whoever waits for a row waits for a transaction's end, and holds a lock on the row's place until then. */
const WAITING = `select l.pid || ' ' || l.waitstart as wait, l.locktype, l.mode, n.nspname as schema, c.relname as name,
    (extract(epoch from clock_timestamp() - l.waitstart) * 1000)::float8 as milliseconds
  from pg_locks l
    left join pg_class c on c.oid = coalesce(l.relation, (select t.relation from pg_locks t
      where t.pid = l.pid and t.locktype = 'tuple' and t.granted limit 1))
    left join pg_namespace n on n.oid = c.relnamespace
  where not l.granted and l.waitstart is not null and $1 = any (pg_blocking_pids(l.pid))`;

/** Undefined for what neither reads nor writes: another schema's change, or the server's own cleaning. */
function trafficOf(locktype: string, mode: string): Traffic | undefined {
  if (locktype === "transactionid" || locktype === "tuple") return "rows";
  if (locktype !== "relation") return undefined;
  if (mode === "AccessShareLock") return "reads";
  return mode === "RowShareLock" || mode === "RowExclusiveLock" ? "writes" : undefined;
}

function summed(waits: readonly Omit<SeenWait, "count">[]): SeenWait[] {
  const found = new Map<string, SeenWait>();
  for (const { relation, traffic, milliseconds } of waits) {
    const key = `${traffic} ${relation}`;
    const known = found.get(key);
    const longest = Math.max(milliseconds, known?.milliseconds ?? 0);
    found.set(key, { relation, traffic, milliseconds: longest, count: (known?.count ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}
