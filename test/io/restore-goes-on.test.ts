/** A restore that stopped goes on: what was done is not done again, the end is that of one made in one go, and what cannot be believed is refused. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { diffShapes } from "../../core/shape.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { bringUp } from "../../io/postgres/bring-up.ts";
import { type RestoreOptions, restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { storedStateOf } from "../stored-state.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

/** Something of whatever a restore makes in another way; `much` comes in a dozen objects. */
const SOME = `create table much (id int primary key, note text) with (autovacuum_enabled = off);
  insert into much select g, repeat(md5(g::text), 6) from generate_series(1, 20000) g;
  create table child (id int primary key, parent int references much, price money check (price > '0')) with (autovacuum_enabled = off);
  insert into child select g, g, g from generate_series(1, 500) g;
  create index on child (parent); create index on much (note); create unique index on much (id, note);
  create table parts (id int, at date) partition by range (at);
  create table parts_old partition of parts for values from ('2000-01-01') to ('2020-01-01');
  create table parts_new partition of parts default;
  insert into parts select g, date '2018-01-01' + g from generate_series(1, 2000) g;
  alter table parts add primary key (id, at);
  create sequence turns; select nextval('turns');
  create materialized view mv as select count(*) from child; create unique index on mv (count);
  create view seen as select id from child; comment on view seen is 'it''s seen -- by all';
  create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger touch before update on child for each row execute function touch();
  create rule quiet as on delete to parts_new do nothing;
  alter table child enable row level security; create policy mine on child using (id > 0);
  create publication everything for all tables;
  create function told() returns event_trigger language plpgsql as $$ begin raise exception 'no more changes of the schema'; end $$;
  grant select on much to public; alter default privileges grant select on tables to public;
  select lo_from_bytea(7001, 'one'), lo_from_bytea(7002, 'two'); comment on large object 7001 is 'first'; grant select on large object 7002 to public;
  create event trigger closed on ddl_command_start execute function told()`;

test.each(servers)(
  "a restore on Postgres $major that is cut off again and again loads and makes each thing once, and ends as if it never was",
  async (server) => {
    const { source, target, manifest } = await pair(server, SOME);
    const cuts = await cutOffAtEach(target, manifest);
    // One attempt for each object and each entry behind the rows, but for those that two sessions had done at once.
    expect(cuts).toBeGreaterThan(15);
    await expectSame(source, target);
    // The last of them went with the record, so that its database is like its source.
    await expect(execute(target, "create table late ()")).rejects.toThrow("no more changes of the schema");
    await dropDatabases(source, target);
  },
);

test.each(servers)(
  "a copy made in several goes on Postgres $major is brought up to a later backup by who wrote which object's rows",
  async (server) => {
    const { source, target, manifest } = await pair(
      server,
      SOME.replace(/create event trigger.*/, "select 1"),
    );
    const told: string[] = [];
    await cutOff(target, manifest, { after: 3, of: "object" });
    await cutOff(target, manifest, { after: 4, of: "object" });
    const { writers } = await load(target, manifest, { onKept: (what) => told.push(what) });
    expect(Object.keys(writers).sort()).toEqual(manifest.data.map(({ key }) => key).sort());
    const objects = manifest.data.length + manifest.largeObjects.length;
    expect(told.filter((what) => what === "object").length).toBeLessThanOrEqual(objects - 7);
    await execute(
      source,
      `update much set note = 'changed' where id in (3, 9000, 19999); delete from child where id > 490;
       insert into much values (20001, 'new'); select nextval('turns'); select lo_put(7001, 0, 'two')`,
    );
    const now = await take(source, manifest);
    expect(now.data.filter(({ key }) => manifest.data.some((one) => one.key === key)).length).toBeGreaterThan(
      5,
    );
    const changed = await bringUp({
      ...{
        source,
        target,
        application: "bring-up test",
        store: bucket.store,
        before: manifest,
        writers,
        now,
      },
    });
    expect(changed).toEqual(expect.arrayContaining(['"public"."much"', '"public"."child"']));
    await expectSame(source, target);
    await dropDatabases(source, target);
  },
);

test("tables loaded before a cut keep their files, their rows' writers, and their indexes", async () => {
  const { source, target, manifest } = await pair(newestServer(), SOME);
  const objects = manifest.data.length + manifest.largeObjects.length;
  await cutOff(target, manifest, { after: objects, of: "object" });
  const loaded = await storedStateOf(target);
  expect(new Set(loaded.map(({ kind }) => kind))).toEqual(new Set(["r", "i"]));
  await load(target, manifest, {});
  // What stands on a materialized view is written anew when that is filled.
  const lasting = loaded.filter(({ name }) => !name.includes("mv"));
  expect(await storedStateOf(target)).toEqual(expect.arrayContaining(lasting));
  await expectSame(source, target);
  await dropDatabases(source, target);
});

test("what died before its rows, or whose record was touched or tells of another backup, is refused as not empty", async () => {
  const { source, target, manifest } = await pair(
    newestServer(),
    SOME.replace(/create event trigger.*/, "select 1"),
  );
  const refused = {
    code: "RestoreTargetUnfit",
    message: expect.stringContaining("it is not empty"),
    hint: expect.stringContaining("restore into a new database"),
  };
  await execute(target, "create table half_made ()");
  expect(await refusalOf(() => load(target, manifest, {}))).toMatchObject(refused);
  await execute(target, "drop table half_made");
  await cutOff(target, manifest, { after: 3 });
  const other = await take(source);
  expect(await refusalOf(() => load(target, other, {}))).toMatchObject(refused);
  const [record] = await rows<{ name: string }>(
    target,
    "select quote_ident(nspname) as name from pg_namespace where nspname ~ '^rehearsal_restore_'",
  );
  await execute(target, `delete from ${record?.name}.done where kind = 'begun'`);
  expect(await refusalOf(() => load(target, manifest, {}))).toMatchObject(refused);
  await execute(target, `alter table ${record?.name}.done rename column writer to somebody`);
  expect(await refusalOf(() => load(target, manifest, {}))).toMatchObject(refused);
  await dropDatabases(source, target);
});

test("the record of a copy with unlogged tables is unlogged as well: a crash of the server empties both", async () => {
  const { source, target, manifest } = await pair(
    newestServer(),
    "create unlogged table fleeting (a int); insert into fleeting values (1); create table lasting (a int); insert into lasting values (1)",
  );
  await cutOff(target, manifest, { after: 1 });
  expect(
    await rows(
      target,
      "select relname::text as name from pg_class where relpersistence = 'u' and relkind = 'r' order by 1",
    ),
  ).toEqual([{ name: "done" }, { name: "fleeting" }]);
  await load(target, manifest, {});
  await expectSame(source, target);
  await dropDatabases(source, target);
});

async function pair(server: { address: DatabaseAddress }, sql: string) {
  const source = await freshDatabase(server, sql);
  const target = await freshDatabase(server);
  return { source, target, manifest: await take(source) };
}

let taken = 0;

function take(source: DatabaseAddress, base?: BackupManifest): Promise<BackupManifest> {
  return backUp({
    ...{ source, application: "backup test", store: bucket.store, connections: 2 },
    ...{ prefix: `goes-on/${++taken}/`, chunkBytes: 512 * 1024 },
    ...(base !== undefined && { base }),
  });
}

function load(target: DatabaseAddress, manifest: BackupManifest, more: Partial<RestoreOptions>) {
  return restore({
    ...{ target, application: "restore test", store: bucket.store, manifest, connections: 2 },
    ...more,
  });
}

class Cut extends Error {}

/** A restore that is cut off once so much, or so much of a kind, has come to stay; false when it came to its end before. */
async function cutOff(
  target: DatabaseAddress,
  manifest: BackupManifest,
  { after, of }: { after: number; of?: "object" | "entry" },
): Promise<boolean> {
  const stop = new AbortController();
  let kept = 0;
  const onKept: RestoreOptions["onKept"] = (what) => {
    if (of === undefined || of === what) kept++;
    if (kept === after) stop.abort(new Cut());
  };
  try {
    await load(target, manifest, { onKept, signal: stop.signal });
    return false;
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
  }
  // As whoever goes on does: nobody else is at work in it any more.
  await gone(target);
  return true;
}

async function cutOffAtEach(target: DatabaseAddress, manifest: BackupManifest): Promise<number> {
  let cuts = 0;
  while (await cutOff(target, manifest, { after: 1 })) cuts++;
  return cuts;
}

async function gone(target: DatabaseAddress): Promise<void> {
  const others =
    "pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'";
  for (;;) {
    const left = await rows(target, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
    if (left.length === 0) return;
  }
}

async function expectSame(source: DatabaseAddress, target: DatabaseAddress): Promise<void> {
  const [was, is] = await Promise.all([source, target].map(contentOf));
  if (was === undefined || is === undefined) throw new Error("nothing was read");
  expect(diffShapes(was.shape, is.shape)).toEqual([]);
  expect(compareBaselines(was.baseline, is.baseline)).toEqual([]);
  expect(await rows(target, "select nspname from pg_namespace where nspname ~ '^rehearsal_restore'")).toEqual(
    [],
  );
}

async function contentOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "oracle" });
  try {
    return { shape: await readShape(session), baseline: await readBaseline(session) };
  } finally {
    await session.close();
  }
}
