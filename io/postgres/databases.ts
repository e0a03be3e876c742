/**
 * Whole databases: made, cloned, closed, renamed and dropped. A database is known by its object identifier, for a
 * promotion renames them, and every function here finds out from the catalog what is left to do: run again, it goes on.
 */
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteName } from "../../core/names.ts";
import { endSessionsOf } from "./end-sessions.ts";
import type { Session } from "./session.ts";

export interface DatabaseRow {
  oid: number;
  name: string;
  owner: string;
  bytes: number;
}

/** The database of that oid as the catalog has it now, or undefined. */
export async function findDatabase(session: Session, by: { oid: number } | { name: string }) {
  const [row] = await session.query<{ oid: number; name: string; owner: string; bytes: string }>(
    `select oid::int8::float8 as oid, datname as name, pg_get_userbyid(datdba) as owner,
        case when datallowconn then pg_database_size(oid) else 0 end as bytes
      from pg_database where ${"oid" in by ? "oid = $1::oid" : "datname = $1"}`,
    ["oid" in by ? by.oid : by.name],
  );
  return row && ({ ...row, bytes: Number(row.bytes) } satisfies DatabaseRow);
}

/** What a database is made with. */
export interface DatabaseFacts {
  owner: string;
  /** As the server names it: `UTF8`. */
  encoding: string;
  localeProvider: "libc" | "icu" | "builtin";
  collate: string;
  ctype: string;
  locale: string | null;
  icuRules: string | null;
  /** Where the database's tables lie that name none of their own; template0's when not given, which needs no right on it. */
  tablespace?: string | null;
}

/** Makes an empty database with the encoding, locale, tablespace and owner of another; replaces one of that name. */
export async function createDatabaseLike(session: Session, sourceOid: number, name: string): Promise<number> {
  const facts = await readDatabaseFacts(session, sourceOid);
  await dropDatabase(session, name);
  return createDatabase(session, name, facts);
}

/** What a database was made with. */
export async function readDatabaseFacts(session: Session, oid: number): Promise<DatabaseFacts> {
  // PG 17 renamed the column of the ICU locale and added the builtin provider.
  const localeColumn = session.major >= 17 ? "datlocale" : "daticulocale";
  const [found] = await session.query<DatabaseFacts>(
    `select pg_encoding_to_char(encoding) as encoding,
        case datlocprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' end as "localeProvider",
        datcollate as collate, datctype as ctype, ${localeColumn} as locale, daticurules as "icuRules",
        pg_get_userbyid(datdba) as owner, spcname as tablespace
      from pg_database d left join pg_tablespace t on t.oid = d.dattablespace
        and t.oid <> (select dattablespace from pg_database where datname = 'template0')
      where d.oid = $1::oid`,
    [oid],
  );
  if (found === undefined) throw new RehearsalError("NotFound", { what: "database", name: String(oid) });
  return found;
}

/** Makes an empty database; the server refuses a name that is taken. Returns its oid. */
export async function createDatabase(session: Session, name: string, facts: DatabaseFacts): Promise<number> {
  const { localeProvider: provider, locale, icuRules: rules } = facts;
  const localeOption = { libc: undefined, icu: "icu_locale", builtin: "builtin_locale" }[provider];
  const options = [
    "template template0",
    `encoding ${quoteLiteral(facts.encoding)}`,
    `locale_provider ${provider}`,
    `lc_collate ${quoteLiteral(facts.collate)}`,
    `lc_ctype ${quoteLiteral(facts.ctype)}`,
    ...(localeOption && locale ? [`${localeOption} ${quoteLiteral(locale)}`] : []),
    ...(rules ? [`icu_rules ${quoteLiteral(rules)}`] : []),
    ...(facts.tablespace ? [`tablespace ${quoteName(facts.tablespace)}`] : []),
  ];
  await session.execute(`create database ${quoteName(name)} ${options.join(" ")}`);
  await session.execute(`alter database ${quoteName(name)} owner to ${quoteName(facts.owner)}`);
  return oidOf(session, name);
}

/**
 * Clones a database that nobody is connected to; replaces one of that name. File by file whatever its size: through the write-ahead
 * log a small one would be quicker, but a disk without room for it would only be found out later, by the whole server.
 */
export async function cloneDatabase(session: Session, source: string, name: string): Promise<number> {
  await dropDatabase(session, name);
  await session.execute(
    `create database ${quoteName(name)} template ${quoteName(source)} strategy file_copy`,
  );
  return oidOf(session, name);
}

async function oidOf(session: Session, name: string): Promise<number> {
  const made = await findDatabase(session, { name });
  if (made === undefined) throw new RehearsalError("NotFound", { what: "database", name });
  return made.oid;
}

/** Drops a database whoever is connected; one that is not there is fine. */
export async function dropDatabase(session: Session, name: string): Promise<void> {
  await session.execute(`drop database if exists ${quoteName(name)} with (force)`);
}

/** The same for the database of that oid, whatever it is called by now. */
export async function dropDatabaseOf(session: Session, oid: number): Promise<void> {
  const found = await findDatabase(session, { oid });
  if (found !== undefined) await dropDatabase(session, found.name);
}

/** Carries what stands outside a database's own dump: settings, settings of roles in it, access rights, comment, limit. */
export async function carryDatabaseProperties(session: Session, fromOid: number, to: string): Promise<void> {
  const target = quoteName(to);
  const settings = await session.query<{ role: string | null; setting: string }>(
    `select case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end as role, unnest(s.setconfig) as setting
      from pg_db_role_setting s where s.setdatabase = $1::oid`,
    [fromOid],
  );
  for (const { role, setting } of settings) {
    const name = setting.slice(0, setting.indexOf("="));
    const value = setting.slice(setting.indexOf("=") + 1);
    const subject = role === null ? `database ${target}` : `role ${quoteName(role)} in database ${target}`;
    await session.execute(`alter ${subject} set ${quoteSetting(name)} to ${settingValue(name, value)}`);
  }
  const [facts] = await session.query<{ limit: number; comment: string | null; granted: boolean }>(
    `select datconnlimit as limit, shobj_description(oid, 'pg_database') as comment, datacl is not null as granted
      from pg_database where oid = $1::oid`,
    [fromOid],
  );
  if (facts === undefined) return;
  if (facts.limit !== -1) await session.execute(`alter database ${target} connection limit ${facts.limit}`);
  if (facts.comment !== null)
    await session.execute(`comment on database ${target} is ${quoteLiteral(facts.comment)}`);
  // At once: who died amid it could be turned away by what they had taken from themselves.
  if (facts.granted) await session.transaction(() => carryRights(session, fromOid, to));
}

/** What `carryDatabaseProperties` carries, as one text that two databases have alike exactly when they are alike in it. */
export async function readDatabaseProperties(session: Session, oid: number): Promise<string> {
  const [row] = await session.query<{ properties: string }>(
    `select json_build_array(d.datconnlimit, shobj_description(d.oid, 'pg_database'),
        array(select s.setrole || ' ' || setting from pg_db_role_setting s, unnest(s.setconfig) setting
          where s.setdatabase = d.oid order by 1),
        array(select distinct format('%s %s %s', a.grantee, a.privilege_type, a.is_grantable)
          from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a order by 1))::text as properties
      from pg_database d where d.oid = $1::oid`,
    [oid],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "database", name: String(oid) });
  return row.properties;
}

/**
 * Lets the session's own login into a database that its role owns: who acts as an owner may still be turned away at the door.
 * True when it was given leave for that, which `turnOwnLoginAway` takes back.
 */
export async function letOwnLoginIn(session: Session, name: string): Promise<boolean> {
  const [door] = await session.query<{ login: string; open: boolean }>(
    "select session_user::text as login, has_database_privilege(session_user, $1, 'connect') as open",
    [name],
  );
  if (door === undefined || door.open) return false;
  await session.execute(`grant connect on database ${quoteName(name)} to ${quoteName(door.login)}`);
  return true;
}

/** So that a database that is handed on lets in whom its original does, and nobody else. An owner's own right is left. */
export async function turnOwnLoginAway(session: Session, name: string): Promise<void> {
  const [own] = await session.query<{ login: string }>(
    "select session_user::text as login from pg_database where datname = $1 and pg_get_userbyid(datdba) <> session_user",
    [name],
  );
  if (own !== undefined)
    await session.execute(`revoke connect on database ${quoteName(name)} from ${quoteName(own.login)}`);
}

/** Nobody but its owner and superusers may connect. */
export async function closeToPublic(session: Session, name: string): Promise<void> {
  await session.execute(`revoke all on database ${quoteName(name)} from public`);
}

async function carryRights(session: Session, fromOid: number, name: string): Promise<void> {
  const target = quoteName(name);
  const rights = await session.query<{ grantee: string | null; privilege: string; grantable: boolean }>(
    `select case when a.grantee <> 0 then pg_get_userbyid(a.grantee) end as grantee, a.privilege_type as privilege,
        a.is_grantable as grantable
      from pg_database d, aclexplode(d.datacl) a where d.oid = $1::oid`,
    [fromOid],
  );
  // Whoever was let in for the making of a copy has no right in the database whose place it takes.
  const others = await session.query<{ grantee: string }>(
    `select distinct pg_get_userbyid(a.grantee) as grantee from pg_database d, aclexplode(d.datacl) a
      where d.datname = $1 and a.grantee not in (0, d.datdba)`,
    [name],
  );
  for (const { grantee } of others)
    await session.execute(`revoke all on database ${target} from ${quoteName(grantee)}`);
  await session.execute(`revoke all on database ${target} from public`);
  for (const { grantee, privilege, grantable } of rights) {
    const to = grantee === null ? "public" : quoteName(grantee);
    await session.execute(
      `grant ${privilege} on database ${target} to ${to}${grantable ? " with grant option" : ""}`,
    );
  }
}

function quoteSetting(name: string): string {
  return name.split(".").map(quoteName).join(".");
}

/** List settings are stored as a list already quoted by the server, and must not be quoted as a whole. */
function settingValue(name: string, value: string): string {
  const lists = ["search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"];
  return lists.includes(name.toLowerCase()) && value !== "" ? value : quoteLiteral(value);
}

/**
 * Ends every session of a database and refuses new ones, superusers' as well: an application that reconnects at once
 * is turned away by the server. Throws `DatabaseBusy` when sessions do not end within ten seconds.
 */
export async function closeDatabase(session: Session, oid: number): Promise<void> {
  const database = await findDatabase(session, { oid });
  if (database === undefined) throw new RehearsalError("NotFound", { what: "database", name: String(oid) });
  await refusePrepared(session, database.name);
  await session.execute(`alter database ${quoteName(database.name)} with allow_connections false`);
  await endSessionsOf(session, oid);
}

/** A prepared transaction belongs to no session that could be ended, and keeps the database from being renamed. */
async function refusePrepared(session: Session, name: string): Promise<void> {
  const [prepared] = await session.query<{ count: number; gid: string }>(
    "select count(*)::int as count, min(gid) as gid from pg_prepared_xacts where database = $1",
    [name],
  );
  if (prepared !== undefined && prepared.count > 0)
    throw new RehearsalError("TransactionsPrepared", {
      database: name,
      count: prepared.count,
      first: prepared.gid,
    });
}

/**
 * Makes a database reachable that a fence was closing when it died: under another name when it still had its own, for
 * under its own everybody would find it. Does nothing to one that takes sessions.
 */
export async function reopenClosed(
  session: Session,
  oid: number,
  own: string,
  fenced: string,
): Promise<void> {
  const [row] = await session.query<{ name: string; open: boolean }>(
    "select datname as name, datallowconn as open from pg_database where oid = $1::oid",
    [oid],
  );
  if (row === undefined || row.open) return;
  await moveDatabase(session, oid, row.name === own ? fenced : row.name);
}

/** Gives a database another name, ending its sessions first, and lets sessions in; does only what is left to do. */
export async function moveDatabase(session: Session, oid: number, name: string): Promise<void> {
  const database = await findDatabase(session, { oid });
  if (database === undefined) throw new RehearsalError("NotFound", { what: "database", name: String(oid) });
  if (database.name !== name) {
    await closeDatabase(session, oid);
    await session.execute(`alter database ${quoteName(database.name)} rename to ${quoteName(name)}`);
  }
  await session.execute(`alter database ${quoteName(name)} with allow_connections true`);
}

/** New sessions of the database start read-only, or as before. */
export async function setReadOnly(session: Session, name: string, readOnly: boolean): Promise<void> {
  const change = readOnly ? "set default_transaction_read_only to on" : "reset default_transaction_read_only";
  await session.execute(`alter database ${quoteName(name)} ${change}`);
}

/** Drops the databases that a promotion or a task made for its own use: copies of any attempt. */
export async function dropScratch(session: Session, id: string, except: readonly number[]): Promise<void> {
  const found = await session.query<{ name: string }>(
    `select datname as name from pg_database
      where exists (select from unnest($1::text[]) as part where strpos(datname, part) > 0) and oid <> all ($2::oid[])`,
    [[`__pristine_${id}_`, `__rehearsed_${id}_`, `__scratch_${id}_`], except],
  );
  for (const { name } of found) await dropDatabase(session, name);
}
