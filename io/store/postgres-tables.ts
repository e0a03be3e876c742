/** Whether the tables of a database are those that a store's definition was made of. */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import type { Session } from "../postgres/session.ts";
import { addressOf } from "./postgres-refusals.ts";

/**
 * Throws `StoreSchemaDiffers` with what lacks or is of another type; what a table has besides does no harm, for a release may
 * add columns before the application knows them. Returns the constraints of the primary keys, as `addressOf` writes them.
 */
export async function assertTables(
  session: Session,
  { models }: StoreDefinition,
): Promise<ReadonlySet<string>> {
  const found = await session.query<{
    schema: string;
    table: string;
    columns: Record<string, string>;
    constraint: string | null;
  }>(
    `select n.nspname as schema, c.relname as table, k.conname as constraint,
      (select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from unnest($1::text[], $2::text[]) as wanted (schema, name)
    join pg_namespace n on n.nspname = wanted.schema
    join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name and c.relkind in ('r', 'p')
    left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'`,
    [models.map(({ schema }) => schema), models.map(({ table }) => table)],
  );
  const differences = models.flatMap(({ schema, table, columns }) => {
    const there = found.find((one) => one.schema === schema && one.table === table);
    if (there === undefined) return [`there is no table ${schema}.${table}`];
    return columns.flatMap(({ name, type }) => {
      const actual = Object.hasOwn(there.columns, name) ? there.columns[name] : undefined;
      if (actual === type) return [];
      return actual === undefined
        ? [`${schema}.${table} has no column ${name}`]
        : [`${schema}.${table}.${name} is ${actual}, not ${type}`];
    });
  });
  if (differences.length > 0)
    throw new RehearsalError("StoreSchemaDiffers", { differences: differences.slice(0, TOLD).join("; ") });
  return new Set(
    found.flatMap(({ schema, constraint }) => (constraint === null ? [] : [addressOf(schema, constraint)])),
  );
}

const TOLD = 10;
