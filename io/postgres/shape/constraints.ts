/**
 * Constraints of tables and domains. The server prints one at a time and looks up each name anew, which takes many times longer than
 * to write the usual ones as it would.
 */
import { type Kind, number, when } from "./catalog.ts";
import type { Class } from "./classes.ts";
import type { Identifiers } from "./identifiers.ts";
import type { PlainIndex } from "./indexes.ts";

const notValidated = when("not c.convalidated");

/** NOT NULL and foreign keys of one column, with nothing said behind them; keys, of which `bare` are without as well. */
const bare = (major: number) =>
  `c.convalidated and not c.condeferrable ${major >= 18 ? "and not c.conperiod" : ""}`;
const usual = (
  major: number,
) => `(c.contype in ('p', 'u') or ${bare(major)} and (c.contype = 'n' and not c.connoinherit
    or c.contype = 'f' and c.confmatchtype = 's' and c.confdelsetcols is null and cardinality(c.conkey) = 1))`;

/**
 * What follows from a parent table is left out, for a dump leaves it out too and its names come out anew:
 * inherited CHECK and NOT NULL, and the copies of a foreign key that partitions have. Whether a partition has an
 * inherited one also by itself is forgotten when it is attached anew, so that does not count.
 */
const OWN = `case c.contype when 't' then false when 'f' then c.conparentid = 0
  when 'c' then c.coninhcount = 0 or c.conislocal when 'n' then c.coninhcount = 0 or c.conislocal else true end`;
const INHERITED = "(c.contype in ('c', 'n') and c.coninhcount > 0)";

/** SQL: the usual ones, in groups of what is alike in all but names and columns. */
export function usualConstraints(major: number): string {
  const group = `c.contype, ${bare(major)}, ${INHERITED}, c.confupdtype, c.confdeltype`;
  return `select json_build_array(${group}, json_agg(${number("c.oid")}), json_agg(c.conname),
    json_agg(${number("c.conrelid")}), json_agg(c.conkey[1]) filter (where c.contype in ('n', 'f')),
    json_agg(${number("c.conindid")}) filter (where c.contype in ('p', 'u')),
    json_agg(${number("c.confrelid")}) filter (where c.contype = 'f'),
    json_agg(c.confkey[1]) filter (where c.contype = 'f')) as value
  from pg_constraint c where c.conrelid <> 0 and ${usual(major)} and ${OWN} group by ${group}`;
}

/** All others of tables. */
export const otherConstraints = (major: number): Kind => ({
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["r.nspname", "r.relname"],
  of: ["pg_class", "r.oid"],
  facts: { definition: "pg_get_constraintdef(c.oid)", notValidated },
  from: `pg_constraint c join relation r on r.oid = c.conrelid where not ${usual(major)} and ${OWN} and not (${INHERITED} and r.relispartition)`,
});

/** NOT NULL is a fact of the domain. */
export const domainConstraints: Kind = {
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["s.nspname", "t.typname"],
  of: ["pg_type", "t.oid"],
  facts: { definition: "pg_get_constraintdef(c.oid)", notValidated },
  from: `pg_constraint c join pg_type t on t.oid = c.contypid join space s on s.oid = t.typnamespace
  where c.contype <> 'n'`,
};

type Group = [
  type: "n" | "p" | "u" | "f",
  bare: boolean,
  inherited: boolean,
  onUpdate: string,
  onDelete: string,
  oids: number[],
  names: string[],
  tables: number[],
  columns: number[] | null,
  indexes: number[] | null,
  others: number[] | null,
  otherColumns: number[] | null,
];

export interface UsualConstraint {
  oid: number;
  name: string;
  table: Class;
  /** The index behind a key. */
  index: number | undefined;
  /** As the server prints it; undefined when only the server can. */
  definition: string | undefined;
}

/** Each with its definition. */
export function* usualConstraintsOf(
  groups: readonly unknown[][],
  classes: ReadonlyMap<number, Class>,
  indexes: ReadonlyMap<number, PlainIndex>,
  identifiers: Identifiers,
): Generator<UsualConstraint> {
  for (const [
    type,
    bare,
    inherited,
    onUpdate,
    onDelete,
    oids,
    names,
    tables,
    ...columns
  ] of groups as Group[]) {
    const [numbers, behind, others, otherNumbers] = columns;
    const after = `${action("UPDATE", onUpdate)}${action("DELETE", onDelete)}`;
    for (const [place, oid] of oids.entries()) {
      const table = classes.get(tables[place] ?? 0);
      if (table === undefined || (inherited && table.partition)) continue;
      const index = behind?.[place];
      const column = table.columns[numbers?.[place] ?? 0];
      let definition: string | undefined;
      if (type === "n" && column !== undefined) definition = `NOT NULL ${identifiers.quote(column.name)}`;
      else if (type === "f") {
        const other = classes.get(others?.[place] ?? 0);
        const target = other?.columns[otherNumbers?.[place] ?? 0];
        if (column !== undefined && other !== undefined && target !== undefined)
          definition = `FOREIGN KEY (${identifiers.quote(column.name)}) REFERENCES ${identifiers.qualified(other)}(${identifiers.quote(target.name)})${after}`;
      } else if (type !== "n" && bare) definition = key(type, indexes.get(index ?? 0));
      yield { oid, name: names[place] ?? "", table, index, definition };
    }
  }
}

function key(type: "p" | "u", index: PlainIndex | undefined): string | undefined {
  if (index?.method !== "btree" || index.keys === undefined) return undefined;
  return `${type === "p" ? "PRIMARY KEY" : "UNIQUE"} (${index.keys.plain})`;
}

const ACTIONS: Readonly<Record<string, string>> = {
  r: "RESTRICT",
  c: "CASCADE",
  n: "SET NULL",
  d: "SET DEFAULT",
};

function action(event: string, letter: string): string {
  return ACTIONS[letter] === undefined ? "" : ` ON ${event} ${ACTIONS[letter]}`;
}
