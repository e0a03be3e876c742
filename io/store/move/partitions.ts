/** Partitions come and go by DDL, of which a feed tells nothing: which ones a table had is kept beside the cursor, and what has changed is read. */
import * as z from "zod";
import type { Json } from "../../../core/canonical-json.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import type { Session } from "../../postgres/session.ts";
import type { Notes } from "../head.ts";

/** By the model's name, its table's partitions by their oids; only of tables that have some. */
export type Partitions = z.infer<typeof partitions>;

const partitions = z.record(z.string(), z.array(z.string()));

/** In the notes of the head. */
const NOTE = "partitions";

/**
 * As the session's snapshot has them: a partition that came later is found later, with all its rows. (pg_partition_tree would tell of
 * it at once.)
 */
export async function readPartitions(
  session: Session,
  { models }: Pick<StoreDefinition, "models">,
): Promise<Partitions> {
  const tables = models.map(({ name, schema, table }) => ({ name, schema, table }));
  const found = await session.query<{ name: string; parts: string[] }>(
    `with recursive parts (name, part) as (
        select t.name, c.oid from jsonb_to_recordset($1::jsonb) as t (name text, schema text, "table" text)
          join pg_namespace n on n.nspname = t.schema
          join pg_class c on c.relnamespace = n.oid and c.relname = t.table and c.relkind = 'p'
        union all select p.name, i.inhrelid from parts p join pg_inherits i on i.inhparent = p.part)
      select name, array_agg(part::text order by part) as parts from parts group by name order by name`,
    [JSON.stringify(tables)],
  );
  return Object.fromEntries(found.map(({ name, parts }) => [name, parts]));
}

/** The models whose partitions are others than the notes say. */
export function repartitioned(definition: StoreDefinition, notes: Notes, now: Partitions): StoreModel[] {
  const before = partitions.parse(notes[NOTE] ?? {});
  return definition.models.filter(({ name }) => (before[name] ?? []).join() !== (now[name] ?? []).join());
}

export function withPartitions(notes: Notes, now: Partitions): Notes {
  return { ...notes, [NOTE]: now as unknown as Json };
}
