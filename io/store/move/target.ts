/** The database that a store is imported into: whether it can take the rows, and what has to be otherwise while they come. */
import { RehearsalError } from "../../../core/errors.ts";
import { quoteName, quoteQualified } from "../../../core/names.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { loadOrder } from "../../../core/store/relations.ts";
import { readTargets } from "../../postgres/import-targets.ts";
import type { Session } from "../../postgres/session.ts";
import { tableOf } from "../model-statements.ts";
import { type FillingSequence, sequencesFor } from "./sequences.ts";

export interface Target {
  tables: { model: StoreModel; sequences: FillingSequence[] }[];
  /** Foreign keys of tables that are no model to tables of models; quoted and qualified. */
  outside: { table: string; by: string; constraint: string }[];
  /** Statements before the load, and those behind it that undo them. */
  changes: string[];
  putBack: string[];
}

/**
 * Throws `StoreTargetUnfit` when tables or columns lack, or have to be filled and are not kept; with `replace` also when columns are
 * not kept that would be emptied with the rows.
 */
export async function readTarget(
  session: Session,
  definition: StoreDefinition,
  { replace }: { replace: boolean },
): Promise<Target> {
  await assertFit(session, definition, replace);
  const target: Target = { tables: [], outside: [], changes: [], putBack: [] };
  for (const model of definition.models) {
    target.tables.push({ model, sequences: await sequencesFor(session, model) });
    for (const { table, name } of await session.query<{ table: string; name: string }>(TRIGGERS, [
      tableOf(model),
    ])) {
      target.changes.push(`alter table ${table} disable trigger ${quoteName(name)}`);
      target.putBack.push(`alter table ${table} enable trigger ${quoteName(name)}`);
    }
  }
  const tables = definition.models.map(tableOf);
  target.outside = await session.query(OUTSIDE, [tables]);
  await haveCirclesWait(session, definition, target);
  return target;
}

/**
 * Whether what its models' tables hold could give way to what a store of them holds. Throws `StoreTargetReferenced` where rows of a
 * table that is no model point at one that is, and `StoreTargetUnfit`.
 */
export async function assertReplaceable(session: Session, definition: StoreDefinition): Promise<void> {
  const { outside } = await readTarget(session, definition, { replace: true });
  for (const { table, by, constraint } of outside) {
    const found = await session.query(`select from ${by} limit 1`);
    if (found.length > 0) throw new RehearsalError("StoreTargetReferenced", { table, by, constraint });
  }
}

async function assertFit(session: Session, { models }: StoreDefinition, replace: boolean): Promise<void> {
  const there = await readTargets(session);
  const problems: string[] = [];
  for (const { schema, table, columns } of models) {
    const name = quoteQualified(schema, table);
    const found = there.find((one) => one.schema === schema && one.name === table);
    if (found === undefined) {
      problems.push(`it has no table ${name}`);
      continue;
    }
    const held = new Map(found.columns.map((column) => [column.name, column]));
    for (const column of columns) {
      const its = held.get(column.name);
      if (its === undefined || its.generated)
        problems.push(`${name} has no column ${quoteName(column.name)} to be filled`);
      held.delete(column.name);
    }
    for (const { name: left, nullable, filled, generated } of held.values())
      if (!generated && (replace || (!nullable && !filled)))
        problems.push(`${name} has a column ${quoteName(left)} that the store does not keep`);
  }
  if (problems.length > 0)
    throw new RehearsalError("StoreTargetUnfit", {
      ...{ database: session.address.database, problems: problems.slice(0, 20).join("; ") },
    });
}

/** Of tables that point at each other none can be the first: their constraints wait for the end, also those that usually do not. */
async function haveCirclesWait(session: Session, definition: StoreDefinition, target: Target): Promise<void> {
  for (const group of loadOrder(definition)) {
    const names = new Set(group.map(({ name }) => name));
    for (const model of group)
      for (const { name, references } of model.relations) {
        if (references === model.name || !names.has(references)) continue;
        const [known] = await session.query<{ deferrable: boolean; deferred: boolean }>(
          "select condeferrable as deferrable, condeferred as deferred from pg_constraint where conrelid = $1::regclass and conname = $2",
          [tableOf(model), name],
        );
        if (known === undefined || known.deferred) continue;
        const alter = `alter table ${tableOf(model)} alter constraint ${quoteName(name)}`;
        target.changes.push(`${alter} deferrable initially deferred`);
        target.putBack.push(
          `${alter} ${known.deferrable ? "deferrable initially immediate" : "not deferrable"}`,
        );
      }
  }
}

/** Those of a table and its partitions that fire for everybody who writes, and not always. */
const TRIGGERS = `with members as (
    select $1::regclass::oid as oid union select relid from pg_partition_tree($1::regclass))
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as "table", t.tgname::text as name
  from members m join pg_class c on c.oid = m.oid join pg_namespace n on n.oid = c.relnamespace
    join pg_trigger t on t.tgrelid = c.oid
  where t.tgenabled = 'O' and not t.tgisinternal and t.tgparentid = 0 order by 1, 2`;

const OUTSIDE = `with own as (select one::regclass::oid as oid from unnest($1::text[]) one)
  select quote_ident(pn.nspname) || '.' || quote_ident(p.relname) as "table",
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) as "by", k.conname::text as "constraint"
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and k.confrelid in (select oid from own) and k.conrelid not in (select oid from own)
  order by 1, 2, 3`;
