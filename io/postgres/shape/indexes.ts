/**
 * Indexes, those behind constraints too. The server prints a definition one object at a time, and looks up each part of it anew; for
 * the many that are made of columns alone this writes it as the server would.
 */
import { type Kind, number, when } from "./catalog.ts";
import type { Class } from "./classes.ts";
import { inOrder, options } from "./facts.ts";
import type { Identifiers } from "./identifiers.ts";
import { settle } from "./settle.ts";

/** Nothing but columns, their operator classes and a condition; what only few indexes have they have not. */
const PLAIN = `x.indexprs is null and x.indnatts = x.indnkeyatts and not x.indnullsnotdistinct
  and x.indisvalid and not x.indisclustered and not x.indisreplident
  and r.reloptions is null and not r.relispartition and r.reltablespace = 0 and m.amname in ('btree', 'hash', 'gin')`;

/** SQL: the plain ones, in groups by method. */
export const INDEXES = `select json_build_array(m.amname, x.indisunique, json_agg(${number("x.indexrelid")}),
    json_agg(${number("x.indrelid")}), json_agg(x.indkey::text), json_agg(x.indclass::text), json_agg(x.indcollation::text),
    json_agg(x.indoption::text), json_agg(pg_get_expr(x.indpred, x.indrelid))) as value
  from pg_index x join relation r on r.oid = x.indexrelid join pg_am m on m.oid = r.relam
  where ${PLAIN} group by m.amname, x.indisunique`;

/** SQL: the operator classes that are the default of their type. */
export const DEFAULT_CLASSES = `select json_agg(json_build_array(${number("oid")}, ${number("opcmethod")}, ${number("opcintype")})) as value
  from pg_opclass where opcdefault`;

/** All others. */
export const otherIndexes: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: "'index'",
  name: ["r.nspname", "r.relname"],
  of: ["pg_class", "x.indrelid"],
  facts: {
    definition: "pg_get_indexdef(r.oid)",
    options: options("r.reloptions"),
    // The index of a table with a foreign partition has no part there, which Postgres minds only after a restore.
    invalid: when(`not x.indisvalid and not exists (
      select from pg_partition_tree(case r.relkind when 'I' then x.indrelid end) p join pg_class f on f.oid = p.relid where f.relkind = 'f')`),
    clustered: when("x.indisclustered"),
    replicaIdentity: when("x.indisreplident"),
    partitionOf: when(
      "r.relispartition",
      "(select inhparent::regclass::text from pg_inherits where inhrelid = r.oid)",
    ),
    // Only an expression has statistics of its own.
    statistics: when(
      "x.indexprs is not null",
      `(select json_object_agg(attnum, attstattarget order by attnum) from pg_attribute
        where attrelid = r.oid and attnum > 0 and attstattarget >= 0)`,
    ),
    tablespace: "ts.spcname",
  },
  from: `pg_index x join relation r on r.oid = x.indexrelid join pg_am m on m.oid = r.relam
    left join pg_tablespace ts on ts.oid = r.reltablespace
  where not (${PLAIN})`,
};

/** The facts of one that is not plain. Behind a key Postgres suffers only plain indexes, with options; of any other the definition holds them. */
export function withConstraint(
  { definition, options, ...facts }: Facts,
  constraint: string | undefined,
): Facts {
  if (constraint === undefined) return inOrder({ ...facts, definition });
  return inOrder({ ...facts, constraint, ...(options !== undefined && { options }) });
}

type Facts = { [fact: string]: unknown };

type Group = [
  method: string,
  unique: boolean,
  oids: number[],
  tables: number[],
  columns: string[],
  classes: string[],
  collations: string[],
  options: string[],
  conditions: (string | null)[],
];

export interface PlainIndex {
  index: Class;
  table: Class;
  method: string;
  unique: boolean;
  /** The columns with their directions and without; nothing where an operator class or a collation must be named. */
  keys: { directed: string; plain: string } | undefined;
  condition: string | null;
}

/** By identifier. */
export function plainIndexesOf(
  groups: readonly unknown[][],
  classes: ReadonlyMap<number, Class>,
  byDefault: readonly unknown[][],
  identifiers: Identifiers,
): Map<number, PlainIndex> {
  const numbers = vectorReader();
  const unsaid = unsaidClasses(byDefault.flat() as DefaultClass[]);
  const found = new Map<number, PlainIndex>();
  for (const [
    method,
    unique,
    oids,
    tables,
    columns,
    operators,
    collations,
    options,
    conditions,
  ] of groups as Group[])
    for (const [place, oid] of oids.entries()) {
      const index = classes.get(oid);
      const table = classes.get(tables[place] ?? 0);
      if (index === undefined || table === undefined) continue;
      const vectors = [columns, operators, collations, options].map((of) => numbers(of[place] ?? ""));
      const keys = keysOf(table, vectors, unsaid, identifiers);
      found.set(oid, { index, table, method, unique, keys, condition: conditions[place] ?? null });
    }
  return found;
}

/** As the server prints it; undefined when only the server can. */
export function indexDefinition(plain: PlainIndex, identifiers: Identifiers): string | undefined {
  const { index, table, method, unique, keys, condition } = plain;
  // What stands in several lines by itself the server writes in one line here.
  if (keys === undefined || condition?.includes("\n")) return undefined;
  const [what, only] = [unique ? "UNIQUE INDEX" : "INDEX", index.kind === "I" ? "ONLY " : ""];
  const made = `CREATE ${what} ${identifiers.quote(index.name)} ON ${only}${identifiers.qualified(table)} USING ${method} (${keys.directed})`;
  return condition === null ? made : `${made} WHERE ${settle(condition)}`;
}

/** Reads `1 3`; of the same few most indexes are made. */
function vectorReader(): (text: string) => number[] {
  const known = new Map<string, number[]>();
  return (text) => {
    const numbers = known.get(text) ?? text.split(" ").map(Number);
    known.set(text, numbers);
    return numbers;
  };
}

const DIRECTION = ["", " DESC NULLS LAST", " NULLS FIRST", " DESC"];

function keysOf(
  table: Class,
  [columns = [], classes = [], collations = [], options = []]: number[][],
  unsaid: (operatorClass: number, type: number) => boolean,
  identifiers: Identifiers,
): PlainIndex["keys"] {
  let directed = "";
  let plain = "";
  for (const [place, number] of columns.entries()) {
    const column = table.columns[number];
    const collation = collations[place];
    if (column === undefined || (collation !== 0 && collation !== column.collation)) return undefined;
    if (!unsaid(classes[place] ?? 0, column.type)) return undefined;
    const name = identifiers.quote(column.name);
    directed += `${place === 0 ? "" : ", "}${name}${DIRECTION[options[place] ?? 0]}`;
    plain += `${place === 0 ? "" : ", "}${name}`;
  }
  return { directed, plain };
}

type DefaultClass = [oid: number, method: number, type: number];

/** Types of the server's own, whose identifiers are the same everywhere. */
const [TEXT, VARCHAR, ANYARRAY, ANYENUM] = [25, 1043, 2277, 3500];
const FIRST_OF_USERS = 16384;

/**
 * The server leaves an operator class unsaid when it is the default of the column's type: when it is the default of
 * exactly that type, or of what the type is a case of while having no default of its own. The server's own classes
 * for these methods take no options.
 */
function unsaidClasses(byDefault: readonly DefaultClass[]): (oid: number, type: number) => boolean {
  const known = new Map(byDefault.map(([oid, method, type]) => [oid, { method, type }]));
  const own = new Set(byDefault.map(([, method, type]) => `${method} ${type}`));
  return (oid, type) => {
    const found = known.get(oid);
    if (found === undefined || oid >= FIRST_OF_USERS) return false;
    if (found.type === type) return true;
    const covers =
      (found.type === TEXT && type === VARCHAR) || found.type === ANYARRAY || found.type === ANYENUM;
    return covers && !own.has(`${found.method} ${type}`);
  };
}
