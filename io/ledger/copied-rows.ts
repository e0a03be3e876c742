/** Rows of the ledger as the copy has them: every column as the server's own text, whatever its type. */
import type { CopyLine } from "../../core/ledger-copy.ts";
import { quoteLiteral, quoteName, quoteQualified } from "../../core/names.ts";
import type { Session } from "../postgres/session.ts";

/** The tables of the ledger that have no copy, and why a rebuilt ledger can do without their rows. */
export const UNCOPIED: Readonly<Record<string, string>> = {
  changes: "it holds what is still to be copied",
  copies: "how far the copy is stands in the copy itself",
  limits: "a crash may forget counters; the table is unlogged for the same reason",
  rounds: "the functions of the clock begin anew",
  sessions: "whoever had signed in does so again; nobody's session is kept outside the ledger",
  shared_backups: "a backup that is being shared dies with its snapshot, and the next attempt shares anew",
  shared_runs: "as shared_backups",
  shared_units: "as shared_backups",
  sign_ins: "links that sign in live for minutes; another one is asked for",
};

/** A table that has a copy. */
export interface CopiedTable {
  name: string;
  /** Columns of the primary key, in its order. */
  key: string[];
  columns: { name: string; type: string }[];
}

/** The tables that have a copy, by name: those whose changes are noted. */
export async function readCopiedTables(session: Session): Promise<CopiedTable[]> {
  return session.query<CopiedTable>(
    `select c.relname as name,
        (select json_agg(a.attname order by k.n) from unnest(i.indkey::int2[]) with ordinality as k (attnum, n)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum) as key,
        (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'ledger'
        join pg_index i on i.indrelid = c.oid and i.indisprimary
      where exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = c.oid and p.proname = 'note_change' and p.pronamespace = n.oid)
      order by c.relname collate "C"`,
  );
}

/** SQL of a row `t`'s key, as the marks have it. */
export function keySql({ key }: CopiedTable): string {
  return `jsonb_build_array(${key.map((column) => `t.${quoteName(column)}::text`).join(", ")})`;
}

/** SQL of all columns of a row `t`, each as text. */
export function rowSql({ columns }: CopiedTable): string {
  const names = columns.map(({ name }) => quoteLiteral(name)).join(", ");
  const values = columns.map(({ name }) => `t.${quoteName(name)}::text`).join(", ");
  return `jsonb_object(array[${names}], array[${values}])`;
}

/** SQL of a table's own name. */
export function tableSql({ name }: CopiedTable): string {
  return quoteQualified("ledger", name);
}

interface MarkedRow {
  relation: string;
  key: string[];
  row: Record<string, string | null> | null;
}

/**
 * The marked rows as they are now, each once, the longest marked first, and no more than fit into so many bytes, but one at least.
 * A mark of a row that is gone gives no row.
 */
export async function readMarkedRows(
  session: Session,
  tables: readonly CopiedTable[],
  marks: readonly { id: string; relation: string }[],
  bytes: number,
): Promise<CopyLine[]> {
  const marked = new Set(marks.map(({ relation }) => relation));
  const parts = tables
    .filter(({ name }) => marked.has(name))
    .map((table) => {
      const found = table.key
        .map((column, at) => {
          const type = table.columns.find(({ name }) => name === column)?.type ?? "text";
          return `t.${quoteName(column)} = (m.key ->> ${at})::${type}`;
        })
        .join(" and ");
      // The offset keeps the planner at a look by the primary key for each mark: it does not know how few there are.
      return `select m.relation, m.key, m.id, r.row from marks m
        left join lateral (select ${rowSql(table)} as row from ${tableSql(table)} t where ${found} offset 0) r on true
        where m.relation = ${quoteLiteral(table.name)}`;
    });
  const rows = await session.query<MarkedRow>(
    `with marks as materialized (
        select relation, key, min(id) as id from ledger.changes where id = any ($1::bigint[]) group by relation, key),
      found as (${parts.join(" union all ")}),
      measured as (select *, sum(coalesce(octet_length(row::text), 100)) over (order by id) as upto,
        row_number() over (order by id) as nth from found)
    select relation, key, row from measured where upto <= $2 or nth = 1 order by id`,
    [marks.map(({ id }) => id), bytes],
  );
  return rows.map(({ relation, key, row }) => ({ table: relation, key, ...(row !== null && { row }) }));
}
