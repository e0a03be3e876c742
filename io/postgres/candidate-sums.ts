/** What rows come to that are about to go: counted and hashed where they lie, as a baseline counts and hashes them. */
import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Sums } from "../../core/policy-test.ts";
import { findTables, type HashedTable, tableBaseline } from "./baseline.ts";
import { rowHash } from "./row-hash.ts";
import type { Session } from "./session.ts";

/** A table, and rows of it by the texts of their primary keys. */
interface NamedRows {
  /** Quoted and qualified; it may be partitioned. */
  table: string;
  primaryKey: readonly { name: string; type: string }[];
  keys: readonly (readonly string[])[];
}

/** Their rows and checksums by the table or partition that holds them. */
export async function sumRows(session: Session, named: NamedRows): Promise<Sums> {
  const sums: Sums = {};
  if (named.keys.length === 0) return sums;
  for (const leaf of await leavesOf(session, named.table)) {
    const { primaryKey, keys } = named;
    const columns = primaryKey.map((_, place) => keys.map((key) => key[place] ?? ""));
    const given = primaryKey.map((_, place) => `$${place + 1}::text[]`).join(", ");
    const names = primaryKey.map((_, place) => `k${place}`).join(", ");
    const same = primaryKey.map(({ name, type }, place) => `t.${quoteName(name)} = k.k${place}::${type}`);
    const [row] = await session.query<{ rows: string; checksum: string }>(
      `select count(*) as rows, coalesce(sum(${rowHash(leaf.columns)}), 0)::text as checksum
        from unnest(${given}) as k (${names}) join only ${leaf.name} t on ${same.join(" and ")}`,
      columns,
    );
    if (row !== undefined && row.rows !== "0")
      sums[leaf.name] = { rows: Number(row.rows), checksum: row.checksum };
  }
  return sums;
}

/** Of a table those rows that were there before the transaction `since` began; by the table or partition that holds them. */
export async function sumOlderRows(session: Session, table: string, since: string) {
  const older: Record<string, ReturnType<typeof tableBaseline>> = {};
  let newer = 0;
  for (const leaf of await leavesOf(session, table)) {
    const isNew = "age(t.xmin) < age($1::xid)";
    const [row] = await session.query<{ rows: string; checksum: string; newer: string }>(
      `select count(*) filter (where not ${isNew}) as rows, count(*) filter (where ${isNew}) as newer,
          coalesce(sum(${rowHash(leaf.columns)}) filter (where not ${isNew}), 0)::text as checksum
        from only ${leaf.name} t`,
      [since],
    );
    if (row === undefined) throw new Error("an aggregate returned no row");
    older[leaf.name] = tableBaseline(leaf, Number(row.rows), row.checksum);
    newer += Number(row.newer);
  }
  return { older, newer };
}

/** A number that every later transaction's is larger than. */
export async function drawTransaction(session: Session): Promise<string> {
  const [row] = await session.query<{ xid: string }>("select pg_current_xact_id()::xid::text as xid");
  if (row === undefined) throw new Error("the server returned no row");
  return row.xid;
}

/** The tables that hold a table's rows: itself, or its partitions. */
async function leavesOf(session: Session, table: string): Promise<HashedTable[]> {
  const found = await session.query<{ schema: string; name: string }>(
    `select n.nspname::text as schema, c.relname::text as name
      from (select $1::regclass as relid union select relid from pg_partition_tree($1::regclass)) p
        join pg_class c on c.oid = p.relid join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'`,
    [table],
  );
  return findTables(session, { tables: found.map(({ schema, name }) => quoteQualified(schema, name)) });
}
