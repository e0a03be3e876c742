/** Brings a copy up to what its fenced original holds now: the tables that differ are copied again, whole. */
import { type Baseline, comparableTables } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteLiteral, quoteName, quoteQualified } from "../../core/names.ts";
import type { OnProgress } from "../../core/progress.ts";
import { openCopySession } from "./copy.ts";
import { portableSettings } from "./portable-settings.ts";
import { openSession, type Session } from "./session.ts";

export interface RefreshOptions {
  /** The fenced original: nobody writes to it any more. */
  source: DatabaseAddress;
  target: DatabaseAddress;
  application: string;
  /** What the copy holds, and what the original holds. */
  before: Baseline;
  now: Baseline;
  onProgress?: OnProgress;
}

/**
 * Copies the tables, sequences and large objects that differ. One transaction on the copy, without triggers and without
 * checks of foreign keys (they held in the original); populated materialized views are refreshed last. Returns what was copied.
 */
export async function refreshCopy(options: RefreshOptions): Promise<string[]> {
  const { source, target, application, before, now } = options;
  const [held, holds] = [comparableTables(before), comparableTables(now)];
  const changed = Object.keys(holds).filter(
    (table) => holds[table]?.checksum !== held[table]?.checksum || holds[table]?.rows !== held[table]?.rows,
  );
  const original = await openSession(source, { application, readOnly: true });
  const from = await openCopySession(source, { application });
  const into = await openCopySession(target, { application });
  let rows = 0;
  try {
    const settings = portableSettings(original.major, await encodingOf(original));
    const kinds = await tableKinds(original, changed);
    await from.execute(`begin isolation level repeatable read, read only; ${settings}`);
    await into.execute(`begin; ${settings}; set local session_replication_role = replica`);
    for (const { name, columns, parted } of kinds) {
      options.onProgress?.({ done: { bytes: 0, rows }, now: name });
      const list = columns.length === 0 ? "" : ` (${columns.map(quoteName).join(", ")})`;
      // A plain TRUNCATE is refused for a table that others refer to; ONLY, for an inheritance child is a table of its own.
      await into.execute(`delete from ${parted ? "" : "only "}${name}`);
      rows += await into.copyIn(
        `copy ${name}${list} from stdin`,
        from.copyOut(
          `copy ${parted ? `(select ${columns.map(quoteName).join(", ")} from ${name})` : `${name}${list}`} to stdout`,
        ),
      );
    }
    for (const [name, { last, called }] of Object.entries(now.sequences))
      if (before.sequences[name]?.last !== last || before.sequences[name]?.called !== called)
        await into.execute(`select pg_catalog.setval(${quoteLiteral(name)}::regclass, ${last}, ${called})`);
    if (
      now.largeObjects.checksum !== before.largeObjects.checksum ||
      now.largeObjects.count !== before.largeObjects.count
    )
      await refreshLargeObjects(original, into);
    await into.execute("set local session_replication_role = origin");
    for (const name of changed.length > 0 ? await materializedViews(original) : [])
      await into.execute(`refresh materialized view ${name}`);
    await into.execute("commit");
    return changed;
  } finally {
    await from.close();
    await into.close();
    await original.close();
  }
}

async function encodingOf(session: Session): Promise<string> {
  const [row] = await session.query<{ encoding: string }>(
    "select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()",
  );
  return row?.encoding ?? "UTF8";
}

interface TableKind {
  name: string;
  columns: string[];
  /** A table that holds its rows in partitions. */
  parted: boolean;
}

/** The columns that COPY carries; a generated one is computed again. */
async function tableKinds(session: Session, names: string[]): Promise<TableKind[]> {
  return session.query<TableKind>(
    `select t.name, to_json(array(select a.attname::text from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum)) as columns,
        c.relkind = 'p' as parted
      from unnest($1::text[]) as t(name) join pg_class c on c.oid = t.name::regclass`,
    [names],
  );
}

/** Populated materialized views; one can only stand on those made before it. */
async function materializedViews(session: Session): Promise<string[]> {
  const found = await session.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and c.relispopulated order by c.oid`,
  );
  return found.map(({ schema, name }) => quoteQualified(schema, name));
}

/** Large objects have no table to compare by: all of them are written again, with owner and rights as they stand. */
async function refreshLargeObjects(
  original: Session,
  into: { execute(sql: string): Promise<void> },
): Promise<void> {
  await into.execute("select pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata");
  const objects = await original.query<{ oid: string; owner: string }>(
    "select oid, pg_get_userbyid(lomowner) as owner from pg_largeobject_metadata order by oid",
  );
  for (const { oid, owner } of objects) {
    await into.execute(`select pg_catalog.lo_create(${oid})`);
    for (let offset = 0; ; offset += LARGE_OBJECT_SLICE) {
      const [slice] = await original.query<{ hex: string }>(
        "select encode(lo_get($1::oid, $2::int8, $3::int4), 'hex') as hex",
        [oid, offset, LARGE_OBJECT_SLICE],
      );
      if (!slice?.hex) break;
      await into.execute(`select pg_catalog.lo_put(${oid}, ${offset}, '\\x${slice.hex}'::bytea)`);
    }
    await into.execute(`alter large object ${oid} owner to ${quoteName(owner)}`);
  }
  const rights = await original.query<{ oid: string; grantee: string | null; privilege: string }>(
    `select m.oid, case when a.grantee <> 0 then pg_get_userbyid(a.grantee) end as grantee, a.privilege_type as privilege
      from pg_largeobject_metadata m, aclexplode(m.lomacl) a`,
  );
  for (const { oid, grantee, privilege } of rights)
    await into.execute(
      `grant ${privilege} on large object ${oid} to ${grantee === null ? "public" : quoteName(grantee)}`,
    );
}

/** Bytes of a large object per statement. */
const LARGE_OBJECT_SLICE = 1 << 20;
