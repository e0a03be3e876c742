/** What has a row in pg_class: tables, views, indexes, sequences and composite types, by identifier; each takes what it is made of from here. */
import { pathOf } from "../../../core/shape.ts";
import { grants, number, role } from "./catalog.ts";
import type { Column } from "./columns.ts";

export interface Class {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `relkind`. */
  readonly kind: string;
  readonly owner: string;
  readonly grants: string[] | null;
  readonly unlogged: boolean;
  /** It is a part of another. */
  readonly partition: boolean;
  /** As in an address. */
  readonly path: string;
  /** By number, with holes; empty when it is an index. */
  readonly columns: Column[];
}

/** SQL: those in the user's schemas, in groups of what is alike in all but identifier and name. */
export const CLASSES = `select json_build_array(s.nspname, c.relkind, ${role("c.relowner")},
    ${grants("c.relacl", `case c.relkind when 'S' then 's'::"char" else 'r' end`, "c.relowner")},
    c.unlogged, c.relispartition, c.oids, c.names) as value
  from (
    select relnamespace, relkind, relowner, relacl, relpersistence = 'u' as unlogged, relispartition,
      json_agg(${number("oid")}) as oids, json_agg(relname) as names
    from pg_class where relnamespace in (select oid from space)
    group by relnamespace, relkind, relowner, relacl, relpersistence, relispartition
  ) c join space s on s.oid = c.relnamespace`;

type Group = [
  schema: string,
  kind: string,
  owner: string,
  grants: string[] | null,
  unlogged: boolean,
  partition: boolean,
  oids: number[],
  names: string[],
];

/** Without those that extensions brought. */
export function classesOf(groups: readonly unknown[][], brought: ReadonlySet<number>): Map<number, Class> {
  const classes = new Map<number, Class>();
  for (const [schema, kind, owner, grants, unlogged, partition, oids, names] of groups as Group[]) {
    const before = `${pathOf([schema])}.`;
    for (const [place, oid] of oids.entries()) {
      if (brought.has(oid)) continue;
      const name = names[place] ?? "";
      const path = before + pathOf([name]);
      const columns: Column[] = [];
      classes.set(oid, {
        oid,
        schema,
        name,
        path,
        kind,
        owner,
        grants,
        unlogged,
        partition,
        columns,
      });
    }
  }
  return classes;
}
