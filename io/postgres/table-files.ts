/** Which file on disk a table lies in, and where its columns stand: whoever empties, rewrites or replaces it cannot keep both. */
import { quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";

interface TableFile {
  oid: string;
  /** Null where it has none of its own, as a partitioned table. */
  file: string | null;
  /** Numbers of its columns, by name. */
  places: Map<string, number>;
}

/** By quoted qualified name; tables and materialized views, our own schema left out. */
export async function readTableFiles(session: Session): Promise<Map<string, TableFile>> {
  const found = await session.query<{
    schema: string;
    name: string;
    oid: string;
    file: string | null;
    columns: string[];
    numbers: number[];
  }>(
    `select n.nspname as schema, c.relname as name, c.oid::text as oid, pg_relation_filenode(c.oid)::text as file,
        array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
        array(select a.attnum::int from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as numbers
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and c.oid >= 16384 and n.nspname <> 'rehearsal' and n.nspname !~ '^pg_'`,
  );
  return new Map(
    found.map(({ schema, name, oid, file, columns, numbers }) => [
      quoteQualified(schema, name),
      { oid, file, places: new Map(columns.map((column, index) => [column, numbers[index] ?? 0])) },
    ]),
  );
}

/** The tables of both readings that are others by now, or lie in another file. */
export function replacedTables(
  before: ReadonlyMap<string, TableFile>,
  now: ReadonlyMap<string, TableFile>,
): string[] {
  return [...now].flatMap(([name, { oid, file }]) => {
    const known = before.get(name);
    return known !== undefined && (known.oid !== oid || known.file !== file) ? [name] : [];
  });
}
