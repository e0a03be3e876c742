/** A copy is brought up from one backup to the next: what changed in between is there, nothing else was touched, and what does not add up is refused. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { Writers } from "../../core/changed-tables.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { bringUp } from "../../io/postgres/bring-up.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { follow } from "../feed.ts";
import {
  dropDatabases,
  execute,
  freshDatabase,
  newestServer,
  olderThanAll,
  rows,
  servers,
} from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

/** Without autovacuum: were it to come by between two backups, it would write every page, and each would be read again. */
const SOME = `create table much (id int primary key, note text) with (autovacuum_enabled = off);
  insert into much select g, repeat(md5(g::text), 6) from generate_series(1, 20000) g;
  create table child (id int primary key, parent int references much, price money) with (fillfactor = 50, autovacuum_enabled = off);
  insert into child select g, g, g from generate_series(1, 500) g;
  create table still (a text); insert into still values ('as it was');
  create sequence turns; create materialized view mv as select count(*) from child;
  select lo_from_bytea(7001, 'one')`;

test.each(servers)(
  "a copy on Postgres $major follows rows, sequences, large objects and matviews, and only changed pages are read again",
  async (server) => {
    const { source, target, before, writers } = await pair(server, SOME);
    await execute(
      source,
      `insert into much select g, 'new' from generate_series(20001, 20100) g; update much set note = 'changed' where id = 3;
       delete from child where id > 490; update child set price = price * 2 where id = 1;
       select nextval('turns'); select lo_put(7001, 0, 'two'); select lo_from_bytea(7002, 'three')`,
    );
    const now = await following(source, before);
    const much = now.data.filter(({ table }) => table === '"public"."much"');
    const own = much.filter(({ key }) => !before.data.some((object) => object.key === key));
    expect(much.length).toBeGreaterThan(8);
    expect(own.length).toBeLessThanOrEqual(3);
    expect(await bring({ source, target, before, now, writers })).toEqual(
      expect.arrayContaining(['"public"."much"', '"public"."child"']),
    );
    expect(compareBaselines(await baselineOf(source), await baselineOf(target))).toEqual([]);
    expect(await rows(target, "select count::int as n from public.mv")).toEqual([{ n: 490 }]);
    expect(await rows(target, "select convert_from(lo_get(7002), 'UTF8') as v")).toEqual([{ v: "three" }]);
    await dropDatabases(source, target);
  },
);

test("large objects have the rights, with who gave them, and the comments that they have in the original", async () => {
  const [ann, ben] = [`lo_ann_${process.pid}`, `lo_ben_${process.pid}`];
  const server = newestServer();
  await execute(server.address, `create role ${ann}; create role ${ben}`);
  const { source, target, before, writers } = await pair(
    server,
    `select lo_from_bytea(oid, 'one') from generate_series(7001, 7005) oid;
     comment on large object 7001 is 'the first'; grant all on large object 7002 to ${ben}`,
  );
  await execute(
    source,
    String.raw`comment on large object 7001 is 'it''s \ first'; comment on large object 7003 is 'the third';
      revoke update on large object 7001 from postgres; alter large object 7002 owner to ${ann};
      grant select, update on large object 7003 to ${ann} with grant option;
      set role ${ann}; grant select on large object 7003 to ${ben} with grant option; set role ${ben};
      grant select on large object 7003 to public; reset role; revoke all on large object 7004 from postgres;
      select lo_put(7005, 0, 'two')`,
  );
  const now = await following(source, before);
  await bring({ source, target, before, now, writers });
  const said = (address: DatabaseAddress) =>
    rows(
      address,
      `select oid::int, pg_get_userbyid(lomowner) as owner, obj_description(oid, 'pg_largeobject') as comment,
        (select array_agg(one::text order by one::text) from unnest(lomacl) one) as rights
        from pg_largeobject_metadata order by oid`,
    );
  expect(await said(target)).toEqual(await said(source));
  expect((await said(target))[3]).toMatchObject({ oid: 7004, rights: null, comment: null });
  expect(compareBaselines(await baselineOf(source), await baselineOf(target))).toEqual([]);
  await dropDatabases(source, target);
  await execute(server.address, `drop role ${ann}; drop role ${ben}`);
});

test.each(servers)(
  "a large object's comment that is taken away on Postgres $major, and nothing else of any of them, is gone from the copy and the backup",
  async (server) => {
    const { source, target, before, writers } = await pair(
      server,
      `select lo_from_bytea(oid, 'one') from generate_series(7001, 7003) oid;
       comment on large object 7001 is 'the first'; comment on large object 7002 is 'the second'`,
    );
    // With nothing said anew, the archive of then stands for that of now.
    const same = await following(source, before);
    expect(same.toc).toEqual(before.toc);
    await execute(source, "comment on large object 7001 is null");
    const now = await following(source, before);
    expect(now.largeObjects).toEqual(before.largeObjects);
    await bring({ source, target, before, now, writers });
    const restored = await freshDatabase(server);
    await restore({
      ...{ store: bucket.store, manifest: now, application: "test" },
      target: restored,
      connections: 1,
    });
    const comments =
      "select oid::int, obj_description(oid, 'pg_largeobject') as comment from pg_largeobject_metadata order by oid";
    const expected = [null, "the second", null].map((comment, place) => ({ oid: 7001 + place, comment }));
    expect(await rows(target, comments)).toEqual(expected);
    expect(await rows(restored, comments)).toEqual(expected);
    await dropDatabases(source, target, restored);
  },
);

test("bytes of no encoding and amounts in the database's own currency come as they are", async () => {
  const name = `bring_up_${process.pid}`;
  const source = { ...newestServer().address, database: name };
  await execute(
    newestServer().address,
    `create database ${name} template template0 encoding 'SQL_ASCII' locale 'C'`,
  );
  await execute(
    newestServer().address,
    `alter database ${name} set idle_in_transaction_session_timeout = '100ms'`,
  );
  await execute(
    source,
    String.raw`create table t (id int primary key, text text, price money); insert into t values (1, E'\xe4', '1.50')`,
  );
  const target = { ...newestServer().address, database: `${name}_copy` };
  await execute(
    newestServer().address,
    `create database ${name}_copy template template0 encoding 'SQL_ASCII' locale 'C'`,
  );
  const before = await take(source);
  const writers = await load(target, before);
  await execute(
    source,
    String.raw`insert into t select g, E'\xf6\\n\t', g::money from generate_series(2, 999) g; delete from t where id = 1`,
  );
  const now = await following(source, before);
  await bring({ source, target, before, now, writers });
  expect(compareBaselines(await baselineOf(source), await baselineOf(target))).toEqual([]);
  await dropDatabases(source, target);
});

test("a trigger of the copy that writes elsewhere, always, is found, and the copy stays as it was", async () => {
  const { source, target, before, writers } = await pair(
    newestServer(),
    `${SOME}; create table told (what text);
     create function tell() returns trigger language plpgsql as $$ begin insert into public.told values (tg_op); return null; end $$;
     create trigger tell after delete on child for each row execute function tell();
     alter table child enable always trigger tell`,
  );
  await execute(
    source,
    "alter table child disable trigger tell; delete from child where id = 5; alter table child enable always trigger tell",
  );
  const now = await following(source, before);
  const held = await baselineOf(target);
  expect(await refusalOf(() => bring({ source, target, before, now, writers }))).toMatchObject({
    code: "CopyDiffers",
    message: expect.stringContaining("public.told was written to by something else"),
    hint: expect.stringContaining("production was not touched"),
  });
  expect(compareBaselines(held, await baselineOf(target))).toEqual([]);
  await dropDatabases(source, target);
});

test("a change feed of the copy stays silent, for its rows come along", async () => {
  const { source, target, before, writers } = await pair(newestServer(), SOME, ["child"]);
  await execute(source, "delete from child where id = 5; insert into child values (501, 1, 1)");
  const now = await following(source, before);
  await bring({ source, target, before, now, writers });
  expect(compareBaselines(await baselineOf(source), await baselineOf(target))).toEqual([]);
  await execute(
    target,
    "truncate changes; set session_replication_role = replica; delete from child where id = 6",
  );
  expect(await rows(target, "select change from public.changes")).toEqual([{ change: "delete" }]);
  await dropDatabases(source, target);
});

test("a trigger of the copy that truncates another table, always, is found as well, for it leaves no counts", async () => {
  const { source, target, before, writers } = await pair(
    newestServer(),
    `${SOME}; create function empty() returns trigger language plpgsql as $$ begin truncate public.still; return null; end $$;
     create trigger empty after delete on child for each row execute function empty();
     alter table child enable always trigger empty`,
  );
  await execute(
    source,
    "alter table child disable trigger empty; delete from child where id = 5; alter table child enable always trigger empty",
  );
  const now = await following(source, before);
  const held = await baselineOf(target);
  expect(await refusalOf(() => bring({ source, target, before, now, writers }))).toMatchObject({
    code: "CopyDiffers",
    message: expect.stringContaining("truncated"),
    hint: expect.stringContaining("production was not touched"),
  });
  expect(compareBaselines(held, await baselineOf(target))).toEqual([]);
  await dropDatabases(source, target);
});

test("rows that are loaded through the table they are partitions of are counted and hashed as well, and so are those beside them", async () => {
  const { source, target, before, writers } = await pair(
    newestServer(),
    `${SOME}; create type mood as enum ('sad', 'happy', 'calm', 'keen'); create table felt (how mood, n int) partition by hash (how);
     create table felt_0 partition of felt for values with (modulus 2, remainder 0);
     create table felt_1 partition of felt for values with (modulus 2, remainder 1);
     insert into felt select (enum_range(null::mood))[1 + g % 4], g from generate_series(1, 400) g;
     create function spoil() returns trigger language plpgsql as $$ begin new.n = new.n + 1; return new; end $$;
     create trigger spoil before insert on felt for each row execute function spoil()`,
  );
  await execute(source, "delete from felt where n = 7; delete from child where id = 5");
  const now = await following(source, before);
  await bring({ source, target, before, now, writers });
  const all = "select how::text, n from public.felt order by n, how";
  expect(await rows(target, all)).toEqual(await rows(source, all));
  await execute(
    target,
    "alter table felt_0 enable always trigger spoil; alter table felt_1 enable always trigger spoil",
  );
  await execute(source, "delete from felt where n = 9");
  const later = await following(source, now);
  expect(
    await refusalOf(() => bring({ source, target, before: now, now: later, writers: {} })),
  ).toMatchObject({
    code: "CopyDiffers",
    message: expect.stringContaining("felt"),
  });
  await dropDatabases(source, target);
});

test("a copy is refused when somebody has written to what is to go", async () => {
  const { source, target, before, writers } = await pair(newestServer(), SOME);
  await execute(source, "update much set note = 'changed' where id = 3");
  await execute(target, "update much set note = 'mine' where id = 5");
  const now = await following(source, before);
  expect(await refusalOf(() => bring({ source, target, before, now, writers }))).toMatchObject({
    code: "CopyDiffers",
  });
  await dropDatabases(source, target);
});

async function pair(server: (typeof servers)[number], sql: string, followed: string[] = []) {
  const [source, target] = [await freshDatabase(server, sql), await freshDatabase(server)];
  if (followed.length > 0) await follow(source, followed);
  // What is younger than a transaction of other tests that is still open would be copied again.
  await olderThanAll(source);
  const before = await take(source);
  return { source, target, before, writers: await load(target, before) };
}

let prefixes = 0;
const common = { application: "test", connections: 2 };
const take = (source: DatabaseAddress, base?: BackupManifest) =>
  backUp({
    ...{ ...common, source, store: bucket.store, prefix: `bring-up/${++prefixes}/`, chunkBytes: 300_000 },
    ...(base && { base, sameStructure: true }),
  });
const following = (source: DatabaseAddress, base: BackupManifest) => take(source, base);
const load = (target: DatabaseAddress, manifest: BackupManifest) =>
  restore({ ...common, target, store: bucket.store, manifest }).then(({ writers }) => writers);
const bring = (options: {
  source: DatabaseAddress;
  target: DatabaseAddress;
  before: BackupManifest;
  now: BackupManifest;
  writers: Writers;
}) => bringUp({ application: "test", store: bucket.store, ...options });

async function baselineOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}
