/** The planner's statistics of all that a restore has made, gathered by several sessions at once. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/**
 * What a plain ANALYZE reads: every table, partitions with the table they belong to, materialized views, catalogs. But not what
 * has foreign tables below it: a restore asks nothing of other servers, which may not even be there.
 */
const ANALYZED = `with recursive below as (
    select inhparent as parent, inhrelid as member from pg_inherits
    union select below.parent, i.inhrelid from below join pg_inherits i on i.inhparent = below.member
  ), far as (
    select parent from below join pg_class c on c.oid = below.member where c.relkind = 'f'
  ), wanted as (
    select c.oid, n.nspname::text as schema, c.relname::text as name, pg_relation_size(c.oid)
        + coalesce((select sum(pg_relation_size(member)) from below where c.relkind = 'p' and parent = c.oid), 0) as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't' and c.oid not in (select parent from far)
      and (not c.relispartition
        or c.oid in (select inhrelid from pg_inherits where inhparent in (select parent from far)))
  )
  select schema, name, bytes::text as bytes from wanted order by schema = 'pg_catalog', bytes desc, oid`;
/** Tables up to this size share a statement. */
const SMALL = 1024 ** 2;
const HANDFUL = 100;

/**
 * Finds by the session what there is, and has the workers gather its statistics, the largest tables first. What a role may not analyze is left out by the server, as in a plain
 * ANALYZE; so is a table whose indexes or statistics call what its owner may not, or what fails: the source cannot analyze it either.
 */
export async function analyzeAll(
  session: Session,
  workers: readonly { execute(sql: string): Promise<unknown> }[],
  stop: AbortController,
): Promise<void> {
  const found = await session.query<{ schema: string; name: string; bytes: string }>(ANALYZED);
  const handfuls: string[][] = [];
  let open: string[] | undefined;
  for (const { schema, name, bytes } of found) {
    const table = quoteQualified(schema, name);
    if (Number(bytes) > SMALL) handfuls.push([table]);
    else if (open !== undefined && open.length < HANDFUL) open.push(table);
    else {
      open = [table];
      handfuls.push(open);
    }
  }
  const work = async (worker: (typeof workers)[number]) => {
    for (let next = handfuls.shift(); next !== undefined; next = handfuls.shift())
      try {
        await worker.execute(`analyze ${next.join(", ")}`);
      } catch (error) {
        if (!isOwnFault(error)) throw error;
        // Those before it are analyzed already, which does them no harm.
        if (next.length > 1) handfuls.push(...next.map((table) => [table]));
      }
  };
  await together(stop, workers.map(work));
}

/** The server refused because of what the table is, not for want of room, a connection or an operator's patience. */
function isOwnFault(error: unknown): boolean {
  if (!(error instanceof RehearsalError)) return false;
  if (error.code === "PermissionMissing") return true;
  if (error.code !== "StatementFailed") return false;
  return !/^(53|54|57|58|XX)/.test((error.facts as { sqlstate: string }).sqlstate);
}
