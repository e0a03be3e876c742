/** How many rows were ever written, by the server's statistics: two readings that differ prove that somebody wrote. */
import { digestOf } from "../../core/digest.ts";
import type { Session } from "./session.ts";

/**
 * A digest of every table's counts of inserted, updated, deleted and truncated rows. Sessions report when they end, so
 * end them first. Our own schema and temporary tables are left out.
 */
export async function readWriteCounters(session: Session): Promise<string> {
  const rows = await session.query<{ table: string; writes: string }>(
    `select s.relid::text as table, (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::text || '/' || pg_relation_filenode(s.relid) as writes
      from pg_stat_user_tables s where s.schemaname <> 'rehearsal' order by s.relid`,
  );
  return digestOf(rows.map(({ table, writes }) => [table, writes]));
}
