/** What a backup says of its source besides the data: the server, the database, the snapshot, and what does not come along. */
import type { Archive } from "../../core/archive.ts";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { digestOf } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/** Exports the transaction's snapshot; the transaction has to stay open as long as others are to take it. */
export async function exportSnapshot(holder: Session): Promise<BackupManifest["snapshot"]> {
  return only(
    await holder.query<BackupManifest["snapshot"]>(
      `select pg_export_snapshot() as id, ${MOMENT},
        to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "takenAt"`,
    ),
  );
}

const MOMENT = `pg_current_snapshot()::text as transactions,
  case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end::text as lsn`;

/** The statement's snapshot, and the write-ahead log's position. */
export async function readMoment(
  session: Session,
): Promise<Pick<BackupManifest["snapshot"], "transactions" | "lsn">> {
  return only(
    await session.query<Pick<BackupManifest["snapshot"], "transactions" | "lsn">>(`select ${MOMENT}`),
  );
}

export async function readServer(session: Session): Promise<BackupManifest["server"]> {
  const facts = only(
    await session.query<Omit<BackupManifest["server"], "major">>(
      `select current_setting('server_version') as version, system_identifier::text as system,
        case when not pg_is_in_recovery() then ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
        ${RUNNING_SINCE} as "runningSince"
      from pg_control_system()`,
    ),
  );
  return { ...facts, major: session.major };
}

/** A crash does not start the postmaster anew, but loses all statistics. */
const RUNNING_SINCE = `(select to_char(greatest(pg_postmaster_start_time(), stats_reset) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    from pg_stat_archiver)`;

export async function readDatabase(session: Session): Promise<BackupManifest["database"]> {
  // PG 17 renamed the column of the locale that is not libc's.
  const locale = session.major >= 17 ? "datlocale" : "daticulocale";
  const rules = session.major >= 16 ? "daticurules" : "null";
  return only(
    await session.query<BackupManifest["database"]>(
      `select oid::int8::float8 as oid, datname as name, pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding,
        case datlocprovider when 'c' then 'libc' when 'i' then 'icu' else 'builtin' end as "localeProvider",
        datcollate as collate, datctype as ctype, ${locale} as locale, ${rules} as "icuRules",
        datcollversion as "collationVersion", to_regnamespace('public') is not null as "hasPublicSchema"
      from pg_database where datname = current_database()`,
    ),
  );
}

export async function readExtensions(session: Session): Promise<BackupManifest["extensions"]> {
  return session.query<{ name: string; version: string }>(
    "select extname as name, extversion as version from pg_extension order by extname",
  );
}

/** A digest of what may change how a stored value reads though its row does not: labels of enums and versions of extensions. */
export async function readTypesDigest(session: Session): Promise<string> {
  const rows = await session.query<{ fact: string }>(
    `select enumtypid || ' ' || oid || ' ' || enumlabel as fact from pg_enum
      union all select extname || ' ' || extversion from pg_extension order by 1`,
  );
  return digestOf(rows.map(({ fact }) => fact));
}

/** Roles are those that own an entry of the archive or that something in this database depends on (pg_shdepend leaves out the bootstrap superuser). */
export async function readNotCarried(
  session: Session,
  archive: Archive,
): Promise<BackupManifest["notCarried"]> {
  const here = "(select oid from pg_database where datname = current_database())";
  const { roles, ...others } = only(
    await session.query<BackupManifest["notCarried"]>(
      `select ${names(`select distinct r.rolname from pg_shdepend d join pg_roles r on r.oid = d.refobjid
          where d.refclassid = 'pg_authid'::regclass and d.dbid = ${here}`)} as roles,
        ${names(`select spcname from pg_tablespace t where t.spcname not like 'pg\\_%'
          and (exists (select from pg_class c where c.reltablespace = t.oid)
            or exists (select from pg_database d where d.oid = ${here} and d.dattablespace = t.oid))`)} as tablespaces,
        ${names(`select subname from pg_subscription where subdbid = ${here}`)} as subscriptions,
        ${names("select slot_name from pg_replication_slots where database = current_database()")} as "replicationSlots",
        ${names("select gid from pg_prepared_xacts where database = current_database()")} as "preparedTransactions",
        ${names("select datname from pg_database where datname <> current_database() and not datistemplate")} as "otherDatabases",
        ${names(`select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
          from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_class t on t.oid = i.indrelid
          where not (i.indisvalid and i.indisready) and t.relkind <> 'p' and n.nspname not in ('pg_toast', 'pg_catalog')`)} as "invalidIndexes",
        ${names(SYSTEM_OBJECTS)} as "systemObjects"`,
    ),
  );
  const owners = archive.entries.map((entry) => entry.owner).filter((owner) => owner !== "");
  return { ...others, roles: [...new Set([...roles, ...owners])].sort() };
}

/** The first oid that initdb does not give away (FirstNormalObjectId, access/transam.h). What extensions put there, they put there again. */
const SYSTEM_OBJECTS = `select (pg_identify_object(made.catalog, made.oid, 0)).type || ' ' || (pg_identify_object(made.catalog, made.oid, 0)).identity
  from (
    select 'pg_class'::regclass as catalog, oid, relnamespace as schema from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all select 'pg_proc'::regclass, oid, pronamespace from pg_proc
    union all select 'pg_type'::regclass, oid, typnamespace from pg_type where typrelid = 0 and typcategory <> 'A'
    union all select 'pg_operator'::regclass, oid, oprnamespace from pg_operator
    union all select 'pg_collation'::regclass, oid, collnamespace from pg_collation
    union all select 'pg_ts_config'::regclass, oid, cfgnamespace from pg_ts_config
    union all select 'pg_ts_dict'::regclass, oid, dictnamespace from pg_ts_dict
  ) made where made.oid >= 16384 and made.schema in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    and not exists (select from pg_depend d where d.classid = made.catalog and d.objid = made.oid and d.deptype in ('e', 'i'))`;

/**
 * Throws `BackupDisturbed` when a table was truncated, rewritten or dropped after the snapshot was taken and before pg_dump had locked it:
 * such changes are not under a snapshot, so the data would be missing in silence. The catalog's rows are read under the snapshot,
 * pg_relation_filenode tells what is true now, and from the locks on both stay equal.
 */
export async function assertUndisturbed(holder: Session): Promise<void> {
  const disturbed = await holder.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence <> 't' and c.relfilenode <> 0 and n.nspname <> 'pg_catalog'
        and n.nspname <> 'information_schema' and pg_relation_filenode(c.oid) is distinct from c.relfilenode
      order by 1 limit 10`,
  );
  if (disturbed.length === 0) return;
  throw new RehearsalError("BackupDisturbed", { tables: disturbed.map((table) => table.name).join(", ") });
}

/** A list of names as JSON, which the driver reads as an array. */
function names(query: string): string {
  return `coalesce((select json_agg(name::text order by name::text) from (${query}) found (name)), '[]')`;
}

function only<Row>(rows: Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("the server returned no row where there always is one");
  return row;
}
