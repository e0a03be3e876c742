/** Columns of relations and composite types: what most have is sent for each, what few have only where it is so. */
import { named, options } from "./facts.ts";

const RARE: Record<string, string> = {
  collation: `case when a.attcollation <> t.typcollation then nullif(a.attcollation, 0)::regcollation::text end`,
  storage: `case when a.attstorage <> t.typstorage then
    case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' when 'x' then 'extended' end end`,
  compression: "case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end",
  statistics: "nullif(a.attstattarget, -1)",
  inherited: "case when not a.attislocal and not a.relispartition then true end",
  options: options("a.attoptions"),
  serverOptions: options("a.attfdwoptions"),
  grants: options("a.attacl::text[]"),
};

/** SQL: the columns of every relation of the user's, indexes not, each in a row: several ask for them. */
export const ATTRIBUTES = `select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity,
    a.attgenerated, a.attcollation, a.attstorage, a.attcompression, a.attstattarget, a.attislocal, a.attoptions,
    a.attfdwoptions, a.attacl, r.relispartition
  from pg_attribute a join relation r on r.oid = a.attrelid
  where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and a.attnum > 0 and not a.attisdropped`;

/** Only what is generated speaks of other columns. Without a table to look in, the server need not open each one that has defaults. */
const EXPRESSION = "pg_get_expr(d.adbin, case when a.attgenerated = '' then 0 else d.adrelid end)";

/** SQL: the columns of every relation of the user's, as one JSON array by `attrelid`, in no order. */
export const COLUMNS = `select a.attrelid, json_agg(json_build_array(
      a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, ${EXPRESSION}, a.attidentity, a.attgenerated,
      case when a.attcollation <> t.typcollation or a.attstorage <> t.typstorage or a.attcompression <> ''
          or a.attstattarget >= 0 or not a.attislocal or a.attoptions is not null or a.attfdwoptions is not null
          or a.attacl is not null then json_build_array(${Object.values(RARE).join(", ")}) end
    )) as columns
  from attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
  group by a.attrelid`;

const IDENTITY: Record<string, string> = { a: "always", d: "by default" };
const GENERATED: Record<string, string> = { s: "stored", v: "virtual" };

type ColumnRow = [
  number: number,
  name: string,
  type: string,
  notNull: boolean,
  expression: string | null,
  identity: string,
  generated: string,
  rare: unknown[] | null,
];

type Facts = { [fact: string]: unknown };

const NONE: ReadonlyMap<number, Facts> = new Map();
const RARE_NAMES = Object.keys(RARE);

/** Puts columns by name, and their order where it says something, in the place of the rows that were sent; the columns by number. */
export function nameColumns(facts: Facts): ReadonlyMap<number, Facts> {
  if (facts.columns === undefined) return NONE;
  const rows = (facts.columns as ColumnRow[]).sort(([one], [other]) => one - other);
  const byNumber = new Map(rows.map((row) => [row[0], columnOf(row)]));
  // From entries, for a column may be called `__proto__`.
  facts.columns = Object.fromEntries(rows.map(([number, name]) => [name, byNumber.get(number)]));
  if (facts.ordered === true) facts.order = rows.map(([, name]) => name);
  delete facts.ordered;
  return byNumber;
}

function columnOf([, , type, notNull, expression, identity, generated, rare]: ColumnRow): Facts {
  const column: Facts = { type };
  if (notNull) column.notNull = notNull;
  if (expression !== null) column.default = expression;
  if (identity) column.identity = IDENTITY[identity];
  if (generated) column.generated = GENERATED[generated];
  return rare === null ? column : { ...column, ...named(RARE_NAMES, rare) };
}
