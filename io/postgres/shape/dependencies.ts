/** What hangs on what, as far as a shape says it: what extensions brought, the columns that sequences go with, and what says that it needs an extension. */
import { number } from "./catalog.ts";
import type { Owner } from "./sequences.ts";

/** SQL: in groups by what they say. A range type brings its functions as an extension does. */
export const DEPENDENCIES = `select json_build_array(d.classid::regclass::text,
    case d.deptype when 'e' then 'brought' when 'x' then 'dependsOn' when 'a' then 'ownedBy'
      else case d.refclassid when 'pg_class'::regclass then 'identityOf' else 'brought' end end,
    json_agg(${number("d.objid")}), json_agg(${number("d.refobjid")}), json_agg(d.refobjsubid),
    json_agg((select extname from pg_extension e where e.oid = d.refobjid)) filter (where d.deptype = 'x')) as value
  from pg_depend d
  where d.refclassid = 'pg_extension'::regclass and d.deptype in ('e', 'x')
    or d.refclassid = 'pg_type'::regclass and d.deptype = 'i' and d.classid in ('pg_proc'::regclass, 'pg_cast'::regclass)
    or d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0 and d.objsubid = 0
      and d.classid = 'pg_class'::regclass and d.objid in (select seqrelid from pg_sequence)
  group by d.classid, d.refclassid, d.deptype`;

type Group = [
  catalog: string,
  what: "brought" | "dependsOn" | Owner["how"],
  oids: number[],
  others: number[],
  columns: number[],
  extensions: string[] | null,
];

export interface Dependencies {
  /** What extensions brought of a catalog. */
  brought(catalog: string): ReadonlySet<number>;
  /** By sequence. */
  owners: Map<number, Owner>;
  dependsOn: { catalog: string; oid: number; extension: string }[];
}

export function dependenciesOf(groups: readonly unknown[][]): Dependencies {
  const brought = new Map<string, Set<number>>();
  const found: Dependencies = {
    brought: (catalog) => brought.get(catalog) ?? new Set(),
    owners: new Map(),
    dependsOn: [],
  };
  for (const [catalog, what, oids, others, columns, extensions] of groups as Group[]) {
    if (what === "brought") brought.set(catalog, new Set([...found.brought(catalog), ...oids]));
    else
      for (const [place, oid] of oids.entries())
        if (what === "dependsOn")
          found.dependsOn.push({ catalog, oid, extension: extensions?.[place] ?? "" });
        else found.owners.set(oid, { how: what, table: others[place] ?? 0, column: columns[place] ?? 0 });
  }
  return found;
}
