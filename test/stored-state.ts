/** What lies in a database's files, so that what was done once can be told from what was done again. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { rows } from "./postgres.ts";

interface StoredRelation {
  name: string;
  /** `r` or `i`. */
  kind: string;
  file: number;
  /** Of an index none. */
  writers: object[];
}

/** Tables of schema public that hold rows, with their files and who wrote them, and indexes with their files. */
export async function storedStateOf(address: DatabaseAddress): Promise<StoredRelation[]> {
  const found = await rows<Omit<StoredRelation, "writers">>(
    address,
    `select c.oid::regclass::text as name, relkind::text as kind, pg_relation_filenode(c.oid)::int as file from pg_class c
      join pg_namespace n on n.oid = relnamespace where nspname = 'public' and relkind in ('r', 'i')
        and pg_relation_size(c.oid) > 0 order by 1`,
  );
  const state: StoredRelation[] = [];
  for (const one of found) {
    const of = `select xmin::text as writer, count(*)::int as rows from ${one.name} group by 1 order by 1`;
    const writers = one.kind === "i" ? [] : await rows<object>(address, of);
    // A load that was cut short has left bytes, and no rows.
    if (one.kind === "i" || writers.length > 0) state.push({ ...one, writers });
  }
  return state;
}
