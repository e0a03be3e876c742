/** Sequences: how they count and whose they are, not where they stand. */
import { number } from "./catalog.ts";
import type { Class } from "./classes.ts";
import type { Identifiers } from "./identifiers.ts";

/** SQL: in groups of those that count alike. */
export const SEQUENCES = `select json_build_array(format_type(seqtypid, null), seqstart::text, seqincrement::text,
    seqmin::text, seqmax::text, seqcache::text, seqcycle, json_agg(${number("seqrelid")})) as value
  from pg_sequence group by seqtypid, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle`;

type Group = [
  type: string,
  start: string,
  increment: string,
  minimum: string,
  maximum: string,
  cache: string,
  cycle: boolean,
  oids: number[],
];

/** The column that a sequence goes with. */
export interface Owner {
  how: "ownedBy" | "identityOf";
  table: number;
  column: number;
}

/** Each with its facts. */
export function* sequencesOf(
  groups: readonly unknown[][],
  classes: ReadonlyMap<number, Class>,
  owners: ReadonlyMap<number, Owner>,
  identifiers: Identifiers,
): Generator<[Class, { [fact: string]: unknown }]> {
  for (const [type, start, increment, minimum, maximum, cache, cycle, oids] of groups as Group[])
    for (const oid of oids) {
      const sequence = classes.get(oid);
      if (sequence === undefined) continue;
      const { owner, grants, unlogged } = sequence;
      const owned = owners.get(oid);
      const table = owned && classes.get(owned.table);
      const column = owned && table?.columns[owned.column];
      const name = table && column && `${identifiers.qualified(table)}.${identifiers.quote(column.name)}`;
      // In the order of canonical JSON.
      const facts = {
        cache,
        ...(cycle && { cycle }),
        ...(grants !== null && { grants }),
        ...(name !== undefined && owned?.how === "identityOf" && { identityOf: name }),
        ...{ increment, maximum, minimum },
        ...(name !== undefined && owned?.how === "ownedBy" && { ownedBy: name }),
        ...{ owner, start, type },
        ...(unlogged && { unlogged }),
      };
      yield [sequence, facts];
    }
}
