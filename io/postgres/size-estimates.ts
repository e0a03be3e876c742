/** How large tables are, without waiting for whoever holds one of them. */
import { RehearsalError } from "../../core/errors.ts";
import type { TableSize } from "../../core/lint/lint.ts";
import type { Session } from "./session.ts";

/** Rows as the planner estimates them, bytes with indexes and TOAST, partitions added up; by the quoted qualified names given, those that are no tables left out. */
export async function estimateSizes(
  session: Session,
  names: readonly string[],
): Promise<Record<string, TableSize>> {
  if (names.length === 0) return {};
  try {
    return await session.transaction(async () => {
      // Measuring a table takes a lock that nobody minds, but behind an ALTER TABLE it would wait.
      await session.execute("set local lock_timeout = '250ms'");
      const found = await session.query<{ name: string; rows: string; bytes: string }>(SIZES, [names]);
      return Object.fromEntries(
        found.map(({ name, rows, bytes }) => [name, { rows: Number(rows), bytes: Number(bytes) }]),
      );
    });
  } catch (error) {
    // Somebody holds one of them just now: nothing is known then, and the rules are as strict as they can be.
    if (error instanceof RehearsalError && (error.facts as { sqlstate?: string }).sqlstate === "55P03")
      return {};
    throw error;
  }
}

/** A table that was never analysed has -1 rows; a partitioned one has no bytes of its own. */
const SIZES = `
  select named.name, sum(greatest(part.reltuples, 0))::bigint as rows,
    sum(pg_catalog.pg_total_relation_size(part.oid))::bigint as bytes
  from unnest($1::text[]) as named (name)
  join pg_catalog.pg_class whole on whole.oid = pg_catalog.to_regclass(named.name) and whole.relkind in ('r', 'm', 'p')
  cross join lateral (
    select whole.oid as oid where whole.relkind <> 'p'
    union all
    select relid from pg_catalog.pg_partition_tree(whole.oid) where whole.relkind = 'p' and isleaf
  ) as leaf
  join pg_catalog.pg_class part on part.oid = leaf.oid
  group by named.name`;
