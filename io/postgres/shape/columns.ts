/** Columns of relations and composite types: most are like many others in all but their name, and what few have is sent only where it is so. */
import { number } from "./catalog.ts";
import type { Class } from "./classes.ts";
import { named, options } from "./facts.ts";
import { settle } from "./settle.ts";

export interface Column {
  readonly name: string;
  /** `pg_type.oid`. */
  readonly type: number;
  /** `pg_collation.oid`. */
  readonly collation: number;
  /** Many have the same, so it is replaced and never changed. */
  facts: Facts;
}

type Facts = { [fact: string]: unknown };

const RARE: Record<string, string> = {
  compression: "case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end",
  statistics: "nullif(a.attstattarget, -1)",
  inherited: "case when not a.attislocal and not r.relispartition then true end",
  options: options("a.attoptions"),
  serverOptions: options("a.attfdwoptions"),
  grants: options("a.attacl::text[]"),
};
const RARE_NAMES = Object.keys(RARE);

/**
 * SQL: the columns of every relation of the user's, indexes not, in groups of what is alike in type and all that comes with it;
 * what is rare is said once more by table and number.
 */
export const COLUMNS = `select json_build_array(${number("a.atttypid")}, ${number("a.attcollation")}, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity, a.attgenerated,
    case when a.attcollation <> t.typcollation then nullif(a.attcollation, 0)::regcollation::text end,
    case when a.attstorage <> t.typstorage then
      case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' when 'x' then 'extended' end end,
    a.tables, a.numbers, a.names, a.rare) as value
  from (
    select a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attstorage,
      json_agg(${number("a.attrelid")}) as tables, json_agg(a.attnum) as numbers, json_agg(a.attname) as names,
      json_agg(json_build_array(${number("a.attrelid")}, a.attnum, ${Object.values(RARE).join(", ")}))
        filter (where a.attcompression <> '' or a.attstattarget >= 0 or not a.attislocal or a.attoptions is not null
          or a.attfdwoptions is not null or a.attacl is not null) as rare
    from pg_attribute a join relation r on r.oid = a.attrelid
    where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and a.attnum > 0 and not a.attisdropped
    group by a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attstorage
  ) a join pg_type t on t.oid = a.atttypid`;

/**
 * SQL: the text of each default once, however many columns have it: many are now() or zero, and printing takes longer than
 * comparing. Only what is generated speaks of columns, by a node VAR that no name and no value can look like (their brackets are
 * written otherwise); it is printed for each table. Without a table to look in, the server need not open any.
 */
export const DEFAULTS = `select json_agg(json_build_array(d.tables, d.numbers,
    case when d.text not like '%{VAR %' then to_json(pg_get_expr(d.expression, 0)) else (
      select json_agg(case when exists (select from relation r where r.oid = t.oid) then pg_get_expr(d.expression, t.oid) end)
      from unnest(d.oids) t (oid)) end)) as value
  from (
    select adbin::text as text, any_value(adbin) as expression, array_agg(adrelid) as oids,
      json_agg(${number("adrelid")}) as tables, json_agg(adnum) as numbers
    from pg_attrdef group by adbin::text
  ) d`;

const IDENTITY: Record<string, string> = { a: "always", d: "by default" };
const GENERATED: Record<string, string> = { s: "stored", v: "virtual" };

type ColumnGroup = [
  type: number,
  collation: number,
  typeName: string,
  notNull: boolean,
  identity: string,
  generated: string,
  otherCollation: string | null,
  otherStorage: string | null,
  tables: number[],
  numbers: number[],
  names: string[],
  rare: [table: number, number: number, ...facts: unknown[]][] | null,
];

/** The text of the default, or the texts for each of the tables. */
type DefaultGroup = [tables: number[], numbers: number[], text: string | (string | null)[] | null];

/** Gives the classes their columns. */
export function addColumns(
  classes: ReadonlyMap<number, Class>,
  groups: readonly unknown[][],
  defaults: readonly unknown[][],
): void {
  for (const group of groups as ColumnGroup[]) {
    const [type, collation, , , , , , , tables, numbers, names, rare] = group;
    const alike = factsOf(group);
    for (const [place, table] of tables.entries()) {
      const columns = classes.get(table)?.columns;
      if (columns !== undefined)
        columns[numbers[place] ?? 0] = { name: names[place] ?? "", type, collation, facts: alike };
    }
    for (const [table, number, ...values] of rare ?? []) {
      const column = classes.get(table)?.columns[number];
      if (column !== undefined) column.facts = { ...column.facts, ...named(RARE_NAMES, values) };
    }
  }
  for (const [tables, numbers, text] of defaults.flat() as DefaultGroup[]) {
    const alike = typeof text === "string" ? settle(text) : undefined;
    for (const [place, table] of tables.entries()) {
      const column = classes.get(table)?.columns[numbers[place] ?? 0];
      const own = alike ?? text?.[place];
      if (column !== undefined && own != null)
        column.facts = { default: alike ?? settle(own), ...column.facts };
    }
  }
}

/** In the order in which canonical JSON has them. */
function factsOf([, , type, notNull, identity, generated, collation, storage]: ColumnGroup): Facts {
  return {
    ...(collation !== null && { collation }),
    ...(generated && { generated: GENERATED[generated] }),
    ...(identity && { identity: IDENTITY[identity] }),
    ...(notNull && { notNull }),
    ...(storage !== null && { storage }),
    type,
  };
}

/** Their names in the order of the table, and their facts by name in the order of canonical JSON. */
export function columnsOf({ columns }: Class): { order: string[]; columns: { [name: string]: Facts } } {
  const inOrder = columns.filter((column) => column !== undefined);
  const order = inOrder.map(({ name }) => name);
  // Without a prototype, for a column may be called `__proto__`, and the engine would learn the columns of each table as a type.
  const facts: { [name: string]: Facts } = Object.create(null);
  for (const column of inOrder.sort(byName)) facts[column.name] = column.facts;
  return { order, columns: facts };
}

function byName(one: Column, other: Column): number {
  return one.name < other.name ? -1 : 1;
}
