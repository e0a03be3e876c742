/** The SQL of a prune, made from a plan: names are quoted, values that come from outside are bound, and keys are compared as the database's own indexes do. */
import { quoteLiteral, quoteName } from "../../../core/names.ts";
import type { PlannedPrune, PlannedReference, PrunePlan, Tie } from "../../../core/prune/plan.ts";
import type { Condition } from "../../../core/prune/policy.ts";
import type { PrunableTable, TableKey } from "../../../core/prune/tables.ts";
import type { Session } from "../session.ts";

/** What tells that two values are equal, as `operator(schema.=)`: of a foreign key's columns, and of a primary key's. */
export interface Operators {
  ofKey(key: TableKey): readonly string[];
  ofTable(table: Pick<PrunableTable, "quoted">): readonly string[];
}

/** Reads the operators of every foreign key, and of the plan's primary keys. */
export async function readOperators(session: Session): Promise<Operators> {
  const rows = await session.query<{ on: string; name: string; operators: string[] }>(OPERATORS);
  const found = new Map(rows.map(({ on, name, operators }) => [`${on} ${name}`, operators]));
  return {
    ofKey: ({ on, constraint }) =>
      found.get(`${quoteName(on.schema)}.${quoteName(on.name)} ${constraint}`) ?? [],
    ofTable: ({ quoted }) => found.get(`${quoted} `) ?? [],
  };
}

const NAMED = `'operator(' || quote_ident(on_.nspname) || '.' || o.oprname || ')'`;
const QUOTED = (part: string) => `'"' || replace(${part}, '"', '""') || '"'`;

const OPERATORS = `select ${QUOTED("n.nspname")} || '.' || ${QUOTED("c.relname")} as on, k.conname::text as name,
    to_json(array(select ${NAMED} from unnest(k.conpfeqop) with ordinality as u (oid, at)
      join pg_operator o on o.oid = u.oid join pg_namespace on_ on on_.oid = o.oprnamespace order by u.at)) as operators
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and n.nspname not like 'pg\\_%'
  union all
  select ${QUOTED("n.nspname")} || '.' || ${QUOTED("c.relname")}, '',
    to_json(array(select ${NAMED} from unnest(i.indclass) with ordinality as u (oid, at)
      join pg_opclass f on f.oid = u.oid
      join pg_amop s on s.amopfamily = f.opcfamily and s.amopstrategy = 3
        and s.amoplefttype = f.opcintype and s.amoprighttype = f.opcintype
      join pg_operator o on o.oid = s.amopopr join pg_namespace on_ on on_.oid = o.oprnamespace order by u.at))
  from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
  where i.indisprimary and n.nspname not like 'pg\\_%'`;

/** Kinds of rows that `rowsOfRecords` gives. */
export const TIED = 0;
export const POINTED = 1;
export const NAMED_BY_PAYLOAD = 2;
export const MARK = 3;

/**
 * All that has to be known of some records in one statement: their rows with what they hold, what points at them, which of them
 * payloads name. Parameters: an array of texts for each column of the root's primary key; and, as text, the number of the
 * transaction behind which payloads are new and looked at, null for all of them.
 */
export function rowsOfRecords(plan: PrunePlan, operators: Operators): string {
  const { root, prune, pointers, references } = plan;
  const since = `$${root.primaryKey.length + 1}`;
  const pruned = (index: number) => {
    const table = prune[index]?.table;
    if (table === undefined) throw new Error(`the plan prunes no table ${index}`);
    return table;
  };
  const parts = [
    ...prune.map(
      (_, index) =>
        `select ${TIED} as kind, ${index} as n, t.at, t.key, t.parent as other, t.sha, t.okey, t.osha, t.obytes from t${index} t`,
    ),
    ...pointers.map(({ key, to, from }, index) => {
      const child = `${quoteName(key.on.schema)}.${quoteName(key.on.name)} c`;
      const same = pointsAt(operators, key, pruned(to));
      if (from === undefined)
        return `select ${POINTED}, ${index}, t.at, t.key, null::text[], ${NOTHING} from t${to} t
          where exists (select from ${child} where ${same})`;
      return `select ${POINTED}, ${index}, t.at, t.key, ${keyOf("c", prune[from]?.table)}, ${NOTHING}
        from ${child} join t${to} t on ${same}`;
    }),
    ...references.map((reference, index) => namedByPayload(plan, operators, reference, index, since)),
    `select ${MARK}, 0, 0, array[pg_snapshot_xmin(pg_current_snapshot())::text], null::text[], ${NOTHING}`,
  ];
  return `with ${rootsOf(plan, operators)},
    ${prune.map((one, index) => `t${index} as materialized (${tiedRows(plan, operators, one, index)})`).join(",\n")}
    ${parts.join("\nunion all\n")}`;
}

const NOTHING = "null::text, null::text, null::text, null::text";

/** The root's rows that the parameters name, with their place among them, and as `c0`, `c1` … the columns that keys may point at. */
export function rootsOf({ root }: PrunePlan, operators: Operators): string {
  const typed = root.primaryKey.map((name) => typeOf(root, name));
  const parameters = root.primaryKey.map((_, index) => `$${index + 1}::text[]`).join(", ");
  const names = root.primaryKey.map((_, index) => `k${index}`).join(", ");
  const same = root.primaryKey.map((name, index) => {
    const value = `case when pg_input_is_valid(k.k${index}, ${quoteLiteral(typed[index] ?? "")}) then k.k${index}::${typed[index]} end`;
    // By its canonical text alone: "01" is no record's name.
    return `r.${quoteName(name)} ${operators.ofTable(root)[index] ?? "="} ${value} and r.${quoteName(name)}::text = k.k${index}`;
  });
  const columns = root.columns.map(({ name }, index) => `r.${quoteName(name)} as c${index}`).join(", ");
  return `roots as materialized (select k.at::int as at, ${columns} from ${root.quoted} r
    join unnest(${parameters}) with ordinality as k (${names}, at) on ${same.join(" and ")})`;
}

/** A column of the root as `roots r` has it. */
export function rootColumn({ root }: PrunePlan, name: string): string {
  return `c${root.columns.findIndex((column) => column.name === name)}`;
}

/** FROM and JOIN of a table's way to `roots r`; the table itself is `t`, those on the way h1, h2 … */
export function alongTie(plan: PrunePlan, operators: Operators, table: PrunableTable, tie: Tie): string {
  const { from, on } = wayTo(operators, table, tie, (column) => rootColumn(plan, column));
  return `${from} join roots r on ${on}`;
}

/** The way up to the root, and what of its last table has to be equal to the root `r`. */
export function wayTo(
  operators: Operators,
  table: PrunableTable,
  { hops }: Tie,
  ofRoot: (column: string) => string,
): { from: string; on: string } {
  let from = `${table.quoted} t`;
  let on = "true";
  for (const [index, { key, to }] of hops.entries()) {
    const [left, last] = [index === 0 ? "t" : `h${index}`, index === hops.length - 1];
    const right = last ? "r" : `h${index + 1}`;
    const same = key.columns
      .map((column, at) => {
        const theirs = key.referencedColumns[at] ?? "";
        return `${right}.${last ? ofRoot(theirs) : quoteName(theirs)} ${operators.ofKey(key)[at] ?? "="} ${left}.${quoteName(column)}`;
      })
      .join(" and ");
    if (last) on = same;
    else from += ` join ${to.quoted} ${right} on ${same}`;
  }
  return { from, on };
}

/** Columns that something points at are `x` with their place in the table. */
function exposed(name: string, table: PrunableTable): string {
  return `x${table.columns.findIndex((column) => column.name === name)}`;
}

function tiedRows(plan: PrunePlan, operators: Operators, one: PlannedPrune, index: number): string {
  const { table, tie, goesWith, object } = one;
  const parent = goesWith && plan.prune[goesWith.table]?.table;
  const pointed = new Set([
    ...plan.pointers.flatMap(({ key, to }) => (to === index ? key.referencedColumns : [])),
    ...plan.references.flatMap(({ to, column }) => (to === index ? [column] : [])),
  ]);
  const columns = [
    "r.at",
    `${keyOf("t", table)} as key`,
    `${parent ? keyOf(`h${goesWith.hop}`, parent) : "null::text[]"} as parent`,
    `${hashOf(table)} as sha`,
    `${object ? `t.${quoteName(object.key)}::text` : "null::text"} as okey`,
    `${object?.sha256 ? hexOf(table, object.sha256) : "null::text"} as osha`,
    `${object?.bytes ? `t.${quoteName(object.bytes)}::text` : "null::text"} as obytes`,
    ...[...pointed].map((name) => `t.${quoteName(name)} as ${exposed(name, table)}`),
  ];
  return `select ${columns.join(", ")} from ${alongTie(plan, operators, table, tie)}
    where ${[...whichOf(one), "true"].join(" and ")}`;
}

/** What the rows `t` of a pruned table have to meet, besides being tied to a record. */
export function whichOf({ table, where, stays }: PlannedPrune): string[] {
  const held = stays.filter((all) => all.length > 0);
  return [
    ...where.map((condition) => meets("t", table, condition)),
    ...held.map((all) => `not (${all.map((one) => meets("t", table, one)).join(" and ")})`),
  ];
}

/** sha256 of all values of `t`, in hex, as they are printed. */
export function hashOf(table: PrunableTable): string {
  const columns = table.columns.map(({ name }) => `t.${quoteName(name)}`).join(", ");
  return `encode(sha256(convert_to(row(${columns})::text, 'UTF8')), 'hex')`;
}

/** A checksum that a text column has in hex, and a bytea column as it is. */
export function hexOf(table: PrunableTable, column: string): string {
  return typeOf(table, column) === "bytea"
    ? `encode(t.${quoteName(column)}, 'hex')`
    : `lower(t.${quoteName(column)}::text)`;
}

/** The primary key's texts, as an array. */
export function keyOf(alias: string, table: PrunableTable | undefined): string {
  const texts = (table?.primaryKey ?? []).map((name) => `${alias}.${quoteName(name)}::text`);
  return `array[${texts.join(", ")}]::text[]`;
}

export function typeOf(table: PrunableTable, name: string): string {
  return table.columns.find((column) => column.name === name)?.type ?? "text";
}

/** Types whose values are compared as themselves, so that an index serves; texts of all others are. */
const COMPARED = /^(text|character varying|boolean|smallint|integer|bigint|uuid)(\(\d+\))?$/;

/** Whether a row meets a condition: true or false, never null. */
export function meets(alias: string, table: PrunableTable, condition: Condition): string {
  const column = `${alias}.${quoteName(condition.column)}`;
  if ("present" in condition) return `${column} is ${condition.present ? "not " : ""}null`;
  const type = typeOf(table, condition.column);
  const values = `array[${condition.oneOf.map(quoteLiteral).join(", ")}]`;
  const same = COMPARED.test(type)
    ? `${column} = any (${values}::${type.replace(/\(\d+\)$/, "")}[])`
    : `${column}::text = any (${values}::text[])`;
  return `coalesce(${same}, false)`;
}

/** A row of a pruned table `t` is what a row `c` points at. */
function pointsAt(operators: Operators, key: TableKey, table: PrunableTable): string {
  return key.columns
    .map(
      (column, at) =>
        `t.${exposed(key.referencedColumns[at] ?? "", table)} ${operators.ofKey(key)[at] ?? "="} c.${quoteName(column)}`,
    )
    .join(" and ");
}

function namedByPayload(
  plan: PrunePlan,
  operators: Operators,
  { snapshot: at, path, to, column, type, within }: PlannedReference,
  index: number,
  since: string,
): string {
  const snapshot = plan.snapshots[at];
  const table = plan.prune[to]?.table;
  if (snapshot === undefined || table === undefined) throw new Error(`the plan has no snapshot ${at}`);
  const said = `jsonb_path_query(s.payload, ${quoteLiteral(path)}::jsonpath) as v (v)`;
  const same = sameAsSaid(`t.${exposed(column, table)}`, type);
  const payload = `t.${quoteName(snapshot.payload)}::jsonb as payload`;
  const source = within
    ? `(select r.at, ${payload} from ${alongTie(plan, operators, snapshot.table, snapshot.tie)}) s`
    : `(select ${payload} from ${snapshot.table.quoted} t
        where ${since}::text is null or age(t.xmin) <= age(${since}::text::xid8::xid)
          or pg_snapshot_xmin(pg_current_snapshot())::text::bigint - ${since}::text::bigint > ${FAR}) s`;
  return `select distinct ${NAMED_BY_PAYLOAD}, ${index}, t.at, t.key, null::text[], ${NOTHING}
    from ${source} cross join lateral ${said} join t${to} t on ${within ? "t.at = s.at and " : ""}${same}`;
}

/** Ages of transactions count around 2^32: of a number further behind than this they would say nothing. */
const FAR = 1_000_000_000;

/** Whether a column has the value `v.v` that a payload says: numbers by their value, whether they stand as number or text; uuids in any case of letters. */
export function sameAsSaid(column: string, type: string): string {
  const said = "(v.v #>> '{}')";
  const number = `case when ${said} ~ '^\\s*[+-]?[0-9]{1,100}([.][0-9]{1,100})?\\s*$' then ${said}::numeric end`;
  if (type.startsWith("numeric")) return `${column} = ${number}`;
  // Compared as the column's own type, so that its index serves.
  if (/^(smallint|integer|bigint)$/.test(type))
    return `${column} = case when trunc(${number}) = ${number} and abs(${number}) < 9223372036854775808
      then (${number})::bigint end`;
  if (type === "uuid")
    return `${column} = case when pg_input_is_valid(${said}, 'uuid') then ${said}::uuid end`;
  if (type.includes("citext")) return `lower(${column}::text) = lower(${said})`;
  return `${column}::text = ${said}`;
}
