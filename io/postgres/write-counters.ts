/** How many rows were ever written, by the server's statistics: two readings that differ prove that somebody wrote. */
import { randomUUID } from "node:crypto";
import { digestOf } from "../../core/digest.ts";
import type { Session } from "./session.ts";

/**
 * A digest of every table's counts of inserted, updated, deleted and truncated rows, large objects included. Sessions report when they end, so
 * end them first. Our own schema and temporary tables are left out.
 */
export async function readWriteCounters(session: Session): Promise<string> {
  const [counting] = await session.query<{ on: string }>("select current_setting('track_counts') as on");
  // Where nobody counts no two readings may be taken for equal.
  if (counting?.on !== "on") return digestOf(randomUUID());
  const rows = await session.query<{ table: string; writes: string }>(
    `select s.relid::text as table, (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::text || '/' || pg_relation_filenode(s.relid) as writes
      from pg_stat_all_tables s
      where s.schemaname !~ '^(pg_toast|pg_temp|information_schema$|rehearsal$)'
        and (s.schemaname <> 'pg_catalog' or s.relname in ('pg_largeobject', 'pg_largeobject_metadata'))
      order by s.relid`,
  );
  return digestOf(rows.map(({ table, writes }) => [table, writes]));
}
