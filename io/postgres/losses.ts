/** Counts what a release would lose: the rows of tables and the values of columns, as they stand before it. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";

/** Milliseconds that one count may take. */
const PATIENCE = 60_000;

interface Counted {
  /** A table, or a column behind its table's name. */
  kind: string;
  /** Schema first, where it is given. */
  name: readonly string[];
}

/** The rows of a table, or the values of a column that are not null; null for what does not stand there, is no table, or takes too long. */
export async function countContent(
  session: Session,
  { kind, name }: Counted,
  searchPath: string,
): Promise<number | null> {
  const column = kind === "column" ? name.at(-1) : undefined;
  const table = kind === "column" ? name.slice(0, -1) : name;
  try {
    return await session.transaction(async () => {
      await session.execute(
        `set local search_path = ${searchPath}; set local statement_timeout = ${PATIENCE}`,
      );
      const [found] = await session.query<{ schema: string; name: string; own: string }>(
        `select n.nspname as schema, c.relname as name, case c.relkind when 'r' then 'only ' else '' end as own
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.oid = pg_catalog.to_regclass($1) and c.relkind in ('r', 'p')
            and ($2::text is null or exists (select 1 from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attname = $2 and a.attnum > 0 and not a.attisdropped))`,
        [table.map(quoteName).join("."), column ?? null],
      );
      if (found === undefined) return null;
      const what = column === undefined ? "*" : quoteName(column);
      const [row] = await session.query<{ count: string }>(
        `select pg_catalog.count(${what}) as count from ${found.own}${quoteQualified(found.schema, found.name)}`,
      );
      return Number(row?.count ?? 0);
    }, "begin read only");
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "StatementFailed" && tookTooLong(error))
      return null;
    throw error;
  }
}

function tookTooLong(error: RehearsalError): boolean {
  return (error.facts as { sqlstate?: unknown }).sqlstate === "57014";
}
