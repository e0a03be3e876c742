/**
 * What a database may be made of, backed up and restored: on the same major, on every newer one, and what cannot come along is
 * named.
 * Long because all cases take the same database of every kind of object from one server to another.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseArchive } from "../../core/archive.ts";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import { diffShapes } from "../../core/shape.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { carryDatabaseProperties, createDatabaseLike, findDatabase } from "../../io/postgres/databases.ts";
import { type RestoreOptions, restore } from "../../io/postgres/restore.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";
import { makeTablespace } from "../tablespace.ts";
import {
  entriesOf,
  largeObjectsOf,
  linesOf,
  nextValuesOf,
  portableEntries,
  structureOf,
} from "./holdings.ts";

let bucket: TestBucket;
const kinds: { major: number; sql: string }[] = [];
beforeAll(async () => {
  bucket = await startBucket();
  for (const [file, major] of [
    ["every-kind.sql", 16],
    ["every-kind-17.sql", 17],
    ["every-kind-18.sql", 18],
  ] as const)
    kinds.push({ major, sql: await readFile(new URL(`../fixtures/${file}`, import.meta.url), "utf8") });
});
afterAll(() => bucket.stop());

type Server = (typeof servers)[number];

/** Everything that a server of this major can hold. */
async function fillWithEveryKind(address: DatabaseAddress, { major }: Server): Promise<void> {
  for (const kind of kinds) if (kind.major <= major) await execute(address, kind.sql);
}

/** The fixture's roles, on a server where no database was made from it. */
async function makeRoles({ address }: Server): Promise<void> {
  const [first] = kinds;
  await execute(address, first?.sql.slice(0, first.sql.indexOf("create schema")) ?? "");
}

let prefixes = 0;
const take = (source: DatabaseAddress) =>
  backUp({
    ...{ source, application: "round trip", store: bucket.store, connections: 2, chunkBytes: 65_536 },
    prefix: `trips/${++prefixes}/`,
  });

const bring = (target: DatabaseAddress, manifest: BackupManifest, more: Partial<RestoreOptions> = {}) =>
  restore({
    ...{ target, application: "round trip", store: bucket.store, manifest, connections: 2 },
    ...more,
  });

async function inSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const shapeOf = (address: DatabaseAddress) => inSession(address, readShape);
const baselineOf = (address: DatabaseAddress) => inSession(address, (session) => readBaseline(session));

/** What a database is besides what is in it. */
async function propertiesOf({ database, ...server }: DatabaseAddress) {
  const locale =
    (await inSession({ ...server, database }, async ({ major }) => major)) >= 17
      ? "datlocale"
      : "daticulocale";
  return rows(
    { ...server, database },
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, datlocprovider::text as provider,
        datcollate, datctype, ${locale} as locale, daticurules, datcollversion, datconnlimit, datallowconn, datistemplate,
        spcname as tablespace, shobj_description(d.oid, 'pg_database') as comment,
        (select json_agg(a::text order by a::text) from unnest(datacl) a) as rights,
        (select json_agg(json_build_array(setrole::regrole, setconfig) order by setrole) from pg_db_role_setting where setdatabase = d.oid) as settings
      from pg_database d join pg_tablespace t on t.oid = dattablespace where datname = current_database()`,
  );
}

/** By the ways of the locale's providers; the last has come with 17. */
const LOCALES = [
  { major: 16, options: "locale_provider icu icu_locale 'de-AT' icu_rules '&v < w <<< W' locale 'C'" },
  { major: 17, options: "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'" },
];

describe.each(servers)("on Postgres $major", (server) => {
  const { address, major } = server;

  test("a database of every kind of object comes back, with its own locale, settings, rights and comment", async () => {
    const { options } = LOCALES.findLast((locale) => locale.major <= major) ?? { options: "" };
    const source = { ...address, database: `every "kind" ${process.pid}` };
    const target = { ...address, database: `its 'copy' ${process.pid}` };
    const name = quoteName(source.database);
    await makeRoles(server);
    await makeTablespace(server.address, "own place");
    await execute(
      address,
      `create database ${name} template template0 encoding 'UTF8' ${options} tablespace "own place"`,
    );
    for (const change of [
      `alter database ${name} owner to kind_owner`,
      `alter database ${name} connection limit 77`,
      `alter database ${name} set datestyle = 'SQL, DMY'`,
      `alter database ${name} set search_path = "Weird.Schema; --", app, public`,
      `alter database ${name} set custom.setting = 'it''s "mine"'`,
      `alter role "kind reader; ""x""" in database ${name} set work_mem = '5MB'`,
      `alter role kind_owner in database ${name} set statement_timeout = '1s'`,
      `comment on database ${name} is E'a database''s\\ncomment'`,
      `revoke connect on database ${name} from public`,
      `grant connect, temporary on database ${name} to "kind reader; ""x""" with grant option`,
    ])
      await execute(address, change);
    await execute(source, "create table beside (a int) tablespace pg_default");
    await fillWithEveryKind(source, server);

    const manifest = await take(source);
    await inSession(address, async (maintenance) => {
      const found = await findDatabase(maintenance, { name: source.database });
      await createDatabaseLike(maintenance, found?.oid ?? 0, target.database);
      await carryDatabaseProperties(maintenance, found?.oid ?? 0, target.database);
    });
    expect(await bring(target, manifest)).toMatchObject({ withoutTablespace: [] });

    expect(await structureOf(target)).toBe(await structureOf(source));
    expect(diffShapes(await shapeOf(source), await shapeOf(target))).toEqual([]);
    expect(compareBaselines(manifest.baseline, await baselineOf(target))).toEqual([]);
    expect(await linesOf(target)).toEqual(await linesOf(source));
    expect(await largeObjectsOf(target)).toEqual(await largeObjectsOf(source));
    expect(await propertiesOf(target)).toEqual(await propertiesOf(source));
    const bytes = "select oid::int, lo_get(oid) as bytes from pg_largeobject_metadata order by oid";
    expect(await rows(target, bytes)).toEqual(await rows(source, bytes));
    expect(await nextValuesOf(target)).toEqual(await nextValuesOf(source));
    await dropDatabases(source, target);
    await execute(address, 'drop tablespace "own place"');
  });

  test.each(servers.filter((newer) => newer.major > major))(
    "a database of every kind of object is restored on Postgres $major",
    async (newer) => {
      const source = await freshDatabase(server);
      const target = await freshDatabase(newer);
      await fillWithEveryKind(source, server);
      await makeRoles(newer);
      const manifest = await take(source);
      await bring(target, manifest);
      expect(compareBaselines(manifest.baseline, await baselineOf(target))).toEqual([]);
      expect(await linesOf(target)).toEqual(await linesOf(source));
      expect(await largeObjectsOf(target)).toEqual(await largeObjectsOf(source));
      expect(portableEntries(entriesOf(await structureOf(target)))).toEqual(
        portableEntries(entriesOf(await structureOf(source))),
      );
      expect(await nextValuesOf(target)).toEqual(await nextValuesOf(source));
      await dropDatabases(source, target);
    },
  );

  test("tables and indexes come back into their tablespaces, or into those that take their place", async () => {
    for (const name of ["fast", 'large "x"']) await makeTablespace(server.address, name);
    const source = await freshDatabase(
      server,
      `create table t (id int primary key using index tablespace fast, a int) tablespace "large ""x""";
       create index on t (a) tablespace fast; insert into t select g, g from generate_series(1, 9) g;
       create table parted (id int) partition by range (id) tablespace fast;
       create table low partition of parted for values from (0) to (9);
       create table high partition of parted for values from (9) to (99) tablespace pg_default;
       create materialized view v tablespace fast as select a from t; create table plain (a int)`,
    );
    const manifest = await take(source);
    expect(manifest.notCarried.tablespaces).toEqual(["fast", 'large "x"']);
    const places = `select c.relname::text as name, coalesce(spcname, '') as in from pg_class c left join pg_tablespace t on t.oid = reltablespace
      where relnamespace = 'public'::regnamespace order by 1`;
    const placesOf = async (target: DatabaseAddress) =>
      new Map((await rows<{ name: string; in: string }>(target, places)).map((row) => [row.name, row.in]));

    const same = await freshDatabase(server);
    expect(await bring(same, manifest)).toMatchObject({ withoutTablespace: [] });
    const before = await placesOf(source);
    expect(await placesOf(same)).toEqual(before);
    expect(before.get("t_pkey")).toBe("fast");

    const mapped = await freshDatabase(server);
    await bring(mapped, manifest, { tablespaces: { fast: 'large "x"', 'large "x"': "pg_default" } });
    const after = await placesOf(mapped);
    expect(after.get("v")).toBe('large "x"');
    expect(after.get("t")).toBe("");

    // As on a server that has only one of them.
    await dropDatabases(source, same, mapped);
    await execute(address, "drop tablespace fast");
    const other = await freshDatabase(server);
    expect(await bring(other, manifest)).toMatchObject({ withoutTablespace: ["fast"] });
    const there = await placesOf(other);
    expect([there.get("t"), there.get("t_pkey"), there.get("v")]).toEqual(['large "x"', "", ""]);
    expect(compareBaselines(manifest.baseline, await baselineOf(other))).toEqual([]);

    const refused = await freshDatabase(server);
    await expect(bring(refused, manifest, { tablespaces: { fast: "nowhere" } })).rejects.toMatchObject({
      code: "RestoreTargetUnfit",
      message: expect.stringContaining('no tablespace "nowhere", which was to take the place of "fast"'),
      hint: expect.stringContaining("template0"),
    });
    await expect(bring(refused, manifest, { tablespaces: { fsat: "pg_default" } })).rejects.toMatchObject({
      code: "RestoreTargetUnfit",
      message: expect.stringContaining('nothing of the backup lies in a tablespace "fsat"'),
    });
    await dropDatabases(other, refused);
    await execute(address, 'drop tablespace "large ""x"""');
  });
});

test("a partition or an heir without its table's default has none in the copy, and an index over a foreign partition is as it was", async () => {
  const columns = (own: (value: string) => string) =>
    `id int, n numeric(8, 2)${own("1")}, c varchar(9)${own("'c'")}, t text${own("'t'")}, d given${own("3")},
      " DEFAULT NULL" varchar(20) default ' DEFAULT NULL, ', chosen numeric(8, 2) default null`;
  const source = await freshDatabase(
    newestServer(),
    `create domain given as int default 2;
     create table parted (${columns((value) => ` default ${value}`)}) partition by range (id);
     create table low (${columns(() => "")}); alter table parted attach partition low for values from (0) to (9);
     create index on parted (id);
     create table mother (d given default 3, n numeric(8, 2) default nullif(1, 2)); create table heir () inherits (mother);
     alter table heir alter d drop default, alter n drop default;
     create foreign data wrapper without_handler; create server nowhere foreign data wrapper without_handler;
     create foreign table far partition of parted for values from (9) to (99) server nowhere`,
  );
  const target = await freshDatabase(newestServer());
  await bring(target, await take(source));
  expect(diffShapes(await shapeOf(source), await shapeOf(target))).toEqual([]);
  expect(await structureOf(target)).toBe(await structureOf(source));
  const given = { n: null, c: null, t: null, d: 2, " DEFAULT NULL": " DEFAULT NULL, ", chosen: null };
  for (const database of [source, target]) {
    await execute(database, "insert into low (id) values (1); insert into heir default values");
    expect(await rows(database, "select * from public.low")).toEqual([{ id: 1, ...given }]);
    expect(await rows(database, "select * from public.heir")).toEqual([{ d: 2, n: null }]);
  }
  await dropDatabases(source, target);
});

test("an index whose expression looks into another table is built when that has its rows, however small it is", async () => {
  const source = await freshDatabase(
    newestServer(),
    `create table names (id int primary key, name text); insert into names select g, 'name ' || g from generate_series(1, 5) g;
     create function named(int) returns text language sql immutable as 'select name from public.names where id = $1';
     create table many (id int, note text); insert into many select g % 5 + 1, repeat('x', 100) from generate_series(1, 3000) g;
     create index many_named on many (named(id)); create index many_some on many (id) where named(id) = 'name 2'`,
  );
  const target = await freshDatabase(newestServer());
  const manifest = await take(source);
  await bring(target, manifest, { connections: 1 });
  const found = await rows(
    target,
    `select set_config('enable_seqscan', 'off', false) as set, set_config('enable_bitmapscan', 'off', false) as also,
      (select count(*)::int from public.many where public.named(id) = 'name 3') as named,
      (select count(*)::int from public.many where id = 2 and public.named(id) = 'name 2') as some`,
  );
  expect(found).toEqual([{ set: "off", also: "off", named: 600, some: 600 }]);
  await dropDatabases(source, target);
});

test("a table that nobody can analyze, for its owner may not call what its index calls, is restored as the others are", async () => {
  const source = await freshDatabase(
    newestServer(),
    `do $$ begin create role forgetful; exception when duplicate_object then null; end $$;
     create function twice(int) returns int language sql immutable as 'select $1 * 2';
     create table theirs (a int); create index theirs_twice on theirs (twice(a)); insert into theirs values (1);
     create table ours (a int); insert into ours values (1);
     alter table theirs owner to forgetful; revoke execute on function twice(int) from public`,
  );
  const target = await freshDatabase(newestServer());
  const manifest = await take(source);
  await bring(target, manifest);
  expect(compareBaselines(manifest.baseline, await baselineOf(target))).toEqual([]);
  expect(await structureOf(target)).toBe(await structureOf(source));
  const known = "select tablename::text as name from pg_stats where schemaname = 'public'";
  expect(await rows(target, known)).toEqual([{ name: "ours" }]);
  await dropDatabases(source, target);
});

test("security labels are carried; where nobody provides them the restore is refused and says which", async () => {
  const source = await freshDatabase(newestServer(), "create table t (a int)");
  const label = await openSession(source, { application: "test" });
  // The embedded servers have no label provider, so the catalog is written as one would have written it.
  await label.execute("set allow_system_table_mods = on");
  await label.query(
    "insert into pg_seclabel values ('public.t'::regclass, 'pg_class'::regclass, 0, 'a provider', 'it''s secret')",
  );
  await label.close();
  const manifest = await take(source);
  const { entries } = parseArchive(await bucket.store.get(manifest.toc.key));
  expect(entries.find(({ kind }) => kind === "SECURITY LABEL")?.definition.trim()).toBe(
    `SECURITY LABEL FOR "a provider" ON TABLE public.t IS 'it''s secret';`,
  );
  const target = await freshDatabase(newestServer());
  await expect(bring(target, manifest)).rejects.toMatchObject({
    code: "RestoreRefused",
    facts: { entry: "SECURITY LABEL public.TABLE t", reason: expect.stringContaining("a provider") },
  });
  await dropDatabases(source, target);
});

test.each(servers.filter(({ major }) => major >= 18))(
  "an extension's configuration tables bring the rows that were added to it, and no others, on Postgres $major",
  async (server) => {
    const folder = await mkdtemp(join(tmpdir(), "rehearsal-extension-"));
    const extension = join(folder, "extension");
    await mkdir(extension);
    await writeFile(
      join(extension, "settled.control"),
      "default_version = '1.0'\nrelocatable = false\nschema = settled\n",
    );
    await writeFile(
      join(extension, "settled--1.0.sql"),
      `create table settled.options (name text primary key, value text, own bool default true);
       insert into settled.options values ('built in', '1', false);
       create sequence settled.numbers; create table settled.internal (a int);
       select pg_catalog.pg_extension_config_dump('settled.options', 'where own');
       select pg_catalog.pg_extension_config_dump('settled.numbers', '');`,
    );
    const source = await freshDatabase(server);
    const target = await freshDatabase(server);
    for (const { database } of [source, target])
      await execute(
        server.address,
        `alter database "${database}" set extension_control_path = '$system:${folder}'`,
      );
    await execute(
      source,
      `create schema settled; create extension settled; insert into settled.options values ('mine', E'a\\tb'), ('too', null);
       select setval('settled.numbers', 42); insert into settled.internal values (1)`,
    );
    const manifest = await take(source);
    expect(manifest.extensions).toContainEqual({ name: "settled", version: "1.0" });
    await bring(target, manifest);
    const options = "select name, value, own from settled.options order by name";
    expect(await rows(target, options)).toEqual(await rows(source, options));
    expect(await rows(target, "select nextval('settled.numbers') as next")).toEqual([{ next: "43" }]);
    expect(await rows(target, "select * from settled.internal")).toEqual([]);
    expect(await structureOf(target)).toBe(await structureOf(source));
    await dropDatabases(source, target);
    await rm(folder, { recursive: true });
  },
);

test("what a dump of one database cannot hold is named: in the manifest, each by its kind", async () => {
  const server = newestServer();
  await execute(
    server.address,
    "do $$ begin create role only_grantee; exception when duplicate_object then null; end $$",
  );
  const source = await freshDatabase(
    server,
    `create table t (a int); insert into t values (1), (1); grant select on t to only_grantee;
     create subscription "of it all" connection 'dbname=nowhere' publication p with (connect = false)`,
  );
  await execute(source, "create unique index concurrently broken on t (a)").catch(() => undefined);
  await execute(
    source,
    `create function pg_catalog.ours(int) returns int language sql as 'select 1'; create view information_schema.mine as select 1 as a;
     create type pg_catalog.mood as enum ('low')`,
  );
  await execute(source, "begin; insert into t values (2); prepare transaction 'prepared ''one'''");
  const target = await freshDatabase(server);
  const { notCarried, baseline } = await take(source);
  expect(notCarried).toEqual({
    roles: expect.arrayContaining(["only_grantee", "postgres"]),
    tablespaces: [],
    subscriptions: ["of it all"],
    replicationSlots: [],
    preparedTransactions: ["prepared 'one'"],
    otherDatabases: expect.arrayContaining(["postgres", target.database]),
    invalidIndexes: ["public.broken"],
    systemObjects: [
      ...["function pg_catalog.ours(integer)", "type pg_catalog.mood", "view information_schema.mine"],
    ],
  });
  expect(baseline.tables['"public"."t"']?.rows).toBe(2);
  await execute(source, "rollback prepared 'prepared ''one'''");
  await execute(
    source,
    `alter subscription "of it all" set (slot_name = none); drop subscription "of it all"`,
  );
  await dropDatabases(source, target);
});

test("an exclusion over partitions, which Postgres dumps in a way that it cannot read, is refused by name", async () => {
  const server = newestServer();
  // Only since 17 may it span partitions; on 16 each of them has its own.
  const spans = server.major >= 17;
  const source = await freshDatabase(
    server,
    `create table rooms (room int4range, at int4range) partition by list (room);
     create table rooms_one partition of rooms for values in ('[1,2)');
     alter table ${spans ? "rooms" : "rooms_one"} add constraint apart exclude using gist (room with =, at with &&)`,
  );
  const target = await freshDatabase(server);
  const manifest = await take(source);
  if (spans)
    await expect(bring(target, manifest)).rejects.toMatchObject({
      code: "RestoreRefused",
      facts: { entry: expect.stringMatching(/^INDEX ATTACH public\.rooms_one/), sqlstate: "42P17" },
    });
  else await bring(target, manifest);
  await dropDatabases(source, target);
});
