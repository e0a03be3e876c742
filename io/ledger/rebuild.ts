/** Puts a ledger's rows back into its empty tables, from its copy in the bucket, exactly as they were. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteName } from "../../core/names.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Session } from "../postgres/session.ts";
import { type CopiedTable, readCopiedTables, tableSql } from "./copied-rows.ts";
import { type FoundCopy, readCopy } from "./copy-reading.ts";

/** How far numbers leap that may have been given out without the copy hearing of it. */
const LEAP = 1_000_000;
const ATTEMPTS_LEAP = 1_000;

/** Told of each object that was read: how many of how many. */
export type TellRead = (done: number, of: number) => void;

/**
 * Reads the copy into a temporary table: of every row what was copied last. Must be called inside a transaction; returns the
 * sha256 of the last object.
 */
export async function stageCopy(
  session: Session,
  store: ObjectStore,
  { from, to }: Pick<FoundCopy, "from" | "to">,
  tell: TellRead = () => undefined,
): Promise<string> {
  // Nobody waits for it who could not wait longer, and all rows of a table come by one statement.
  await session.execute("set local statement_timeout = 0");
  await session.execute(
    `create temp table copied (relation text, key jsonb, "row" jsonb not null, primary key (relation, key)) on commit drop`,
  );
  let hash = "";
  for await (const part of readCopy(store, { from, to })) {
    await session.query(
      `with lines as (select l ->> 'table' as relation, l -> 'key' as key, l -> 'row' as "row" from jsonb_array_elements($1::jsonb) l),
          gone as (delete from pg_temp.copied c using lines l
            where c.relation = l.relation and c.key = l.key and l."row" is null)
        insert into pg_temp.copied as c (relation, key, "row") select * from lines where "row" is not null
          on conflict (relation, key) do update set "row" = excluded."row"`,
      [JSON.stringify(part.lines)],
    );
    hash = part.hash;
    tell(part.head.number - from + 1, to - from + 1);
  }
  await session.execute("analyze pg_temp.copied");
  return hash;
}

/**
 * Replaces all rows of the ledger by the copy's, and lets it go on where that one ended. Must be called inside a transaction,
 * on tables of the migration that the copy names. Throws `LedgerCopyBroken` and `LedgerCopyNewer`. Returns how many rows each table has.
 */
export async function putBack(
  session: Session,
  store: ObjectStore,
  copy: FoundCopy,
  tell?: TellRead,
): Promise<Record<string, number>> {
  await session.execute("lock table ledger.copies in exclusive mode");
  const tables = await readCopiedTables(session);
  await stageCopy(session, store, copy, tell);
  await assertKnown(session, tables);
  // Rows refer to each other in circles, so they are all there before the first reference is asked for.
  const references = await readReferences(session);
  for (const { table, name } of references)
    await session.execute(`alter table ${table} drop constraint ${quoteName(name)}`);
  for (const table of tables) await session.execute(`alter table ${tableSql(table)} disable trigger user`);
  const rows: Record<string, number> = {};
  for (const table of tables) rows[table.name] = await fill(session, table);
  for (const table of tables) await session.execute(`alter table ${tableSql(table)} enable trigger user`);
  for (const { table, name, definition } of references)
    await session.execute(`alter table ${table} add constraint ${quoteName(name)} ${definition}`);
  await goOnBehind(session, copy);
  return rows;
}

async function assertKnown(session: Session, tables: readonly CopiedTable[]): Promise<void> {
  const [unknown] = await session.query<{ what: string }>(
    `select distinct relation || coalesce('.' || name, '') as what
      from pg_temp.copied c cross join lateral jsonb_object_keys(c."row") as name
      where not exists (select from jsonb_to_recordset($1::jsonb) as t (relation text, name text)
        where t.relation = c.relation and t.name = name) limit 1`,
    [
      JSON.stringify(
        tables.flatMap(({ name: relation, columns }) => columns.map(({ name }) => ({ relation, name }))),
      ),
    ],
  );
  if (unknown !== undefined) throw new RehearsalError("LedgerCopyNewer", { what: unknown.what });
}

interface Reference {
  table: string;
  name: string;
  definition: string;
}

async function readReferences(session: Session): Promise<Reference[]> {
  return session.query<Reference>(
    `select c.conrelid::regclass::text as "table", c.conname as name, pg_get_constraintdef(c.oid) as definition
      from pg_constraint c join pg_namespace n on n.oid = c.connamespace
      where n.nspname = 'ledger' and c.contype = 'f' order by 1, 2`,
  );
}

/** The server's own text of a value, read by the server, is the value. */
async function fill(session: Session, table: CopiedTable): Promise<number> {
  const names = table.columns.map(({ name }) => quoteName(name)).join(", ");
  const values = table.columns
    .map(({ name, type }) => `("row" ->> ${quoteLiteral(name)})::${type}`)
    .join(", ");
  await session.execute(`delete from ${tableSql(table)}`);
  const [filled] = await session.execute(
    `insert into ${tableSql(table)} (${names}) overriding system value
      select ${values} from pg_temp.copied where relation = ${quoteLiteral(table.name)} order by key`,
  );
  return filled?.rowCount ?? 0;
}

/** The next object follows on the newest there is; what stands in those behind the copy's end is copied anew. */
async function goOnBehind(session: Session, { from, head, behind, newest }: FoundCopy): Promise<void> {
  for (const [name, last] of Object.entries(head.sequences))
    await session.query("select setval(($1::text)::regclass, $2::bigint)", [
      `ledger.${quoteName(name)}`,
      String(BigInt(last) + BigInt(LEAP)),
    ]);
  await session.query(
    `update ledger.copies set number = $1, hash = $2, whole_from = $3, whole_begun = null, event = $4, migration = $5`,
    [newest.number, newest.hash, from, head.event, head.migration],
  );
  await session.query("delete from ledger.changes");
  const again = behind.flatMap(({ lines }) => lines.map(({ table, key }) => ({ relation: table, key })));
  await session.query(
    `insert into ledger.changes (relation, key, kind)
      select distinct relation, key, 'change' from jsonb_to_recordset($1::jsonb) as r (relation text, key jsonb)`,
    [JSON.stringify(again)],
  );
  // A promotion's steps count for themselves, and the largest of them is above all.
  await session.query(
    `insert into ledger.interrupted (id, attempts_above)
      select p.id, $1 + coalesce((select max(s.attempt) from ledger.steps s where s.promotion = p.id), 0)
        from ledger.promotions p where p.status in ('created', 'running', 'waiting', 'held')
      union all select t.id, $1 + t.attempt from ledger.tasks t where t.status in ('created', 'running')
      on conflict (id) do update set attempts_above = excluded.attempts_above, rebuilt_at = now()`,
    [ATTEMPTS_LEAP],
  );
  const [prunes] = await session.query<{ there: boolean }>(
    "select to_regclass('ledger.prunes') is not null as there",
  );
  // A copy that an older version made has none.
  if (prunes?.there)
    await session.query(
      `insert into ledger.interrupted (id, attempts_above)
        select p.id, $1 + greatest(p.attempt, (select max(r.attempt) from ledger.prune_records r where r.prune = p.id))
          from ledger.prunes p where p.status in ('created', 'running')
        on conflict (id) do update set attempts_above = excluded.attempts_above, rebuilt_at = now()`,
      [ATTEMPTS_LEAP],
    );
}
