/** How many rows tables hold, and how much they take on disk: counted where that is quick, else as the server reckons. */
import { quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";

export interface TableSize {
  rows: number;
  /** False where the server's own estimate was taken. */
  exact: boolean;
  /** With indexes and what is stored out of line; of a partitioned table, its partitions'. */
  bytes: number;
}

/** Bytes up to which a table is counted: some tenths of a second. */
const COUNTED = 256 * 1024 ** 2;

/** Tables that share a statement. */
const AT_ONCE = 50;

const SIZES = `select n.nspname::text as schema, c.relname::text as name, c.relkind = 'p' as partitioned,
    sum(pg_total_relation_size(part.oid))::text as bytes, sum(greatest(l.reltuples, 0))::text as reckoned
  from pg_class c join pg_namespace n on n.oid = c.relnamespace,
    lateral (select relid::oid as oid from pg_partition_tree(c.oid) where isleaf and c.relkind = 'p'
      union all select c.oid where c.relkind = 'r') part
    join pg_class l on l.oid = part.oid
  where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'rehearsal')
  group by n.nspname, c.relname, c.relkind`;

interface SizeRow {
  schema: string;
  name: string;
  partitioned: boolean;
  bytes: string;
  reckoned: string;
}

/** By quoted qualified name; a partitioned table without partitions is not among them. */
export async function readTableSizes(session: Session): Promise<Map<string, TableSize>> {
  const found = await session.query<SizeRow>(SIZES);
  const sizes = new Map<string, TableSize>();
  const small: SizeRow[] = [];
  for (const table of found) {
    const [bytes, rows] = [Number(table.bytes), Math.round(Number(table.reckoned))];
    sizes.set(quoteQualified(table.schema, table.name), { rows, exact: false, bytes });
    if (bytes <= COUNTED) small.push(table);
  }
  for (let from = 0; from < small.length; from += AT_ONCE) {
    const some = small.slice(from, from + AT_ONCE);
    // A child by INHERITS is a table of its own; a partition is its parent's.
    const counts = some.map(
      ({ schema, name, partitioned }, place) =>
        `select ${place} as place, count(*)::text as rows from ${partitioned ? "" : "only "}${quoteQualified(schema, name)}`,
    );
    for (const { place, rows } of await session.query<{ place: number; rows: string }>(
      counts.join("\nunion all\n"),
    )) {
      const table = some[place];
      const size = table && sizes.get(quoteQualified(table.schema, table.name));
      if (size !== undefined) Object.assign(size, { rows: Number(rows), exact: true });
    }
  }
  return sizes;
}
