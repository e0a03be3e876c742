/**
 * Backup and restore on real servers and a real object store: what comes back is what was there, or it is refused with a code.
 * Long because what damages, cuts and stalls them is set up once for all cases.
 */
import { constants, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BackupManifest,
  manifestAmount,
  manifestDigest,
  parseManifest,
} from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import { type BackupOptions, backUp } from "../../io/postgres/backup.ts";
import { assertUndisturbed } from "../../io/postgres/backup-facts.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { dumpSchema } from "../../io/postgres/dump/index.ts";
import { type RestoreOptions, restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";
import { startTcpProxy } from "../tcp-proxy.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

let prefixes = 0;
const freshPrefix = () => `backups/${++prefixes}/`;

const take = (source: DatabaseAddress, more: Partial<BackupOptions> = {}) =>
  backUp({
    ...{ source, application: "backup test", store: bucket.store, prefix: freshPrefix(), connections: 2 },
    ...more,
  });

const bring = (target: DatabaseAddress, manifest: BackupManifest, more: Partial<RestoreOptions> = {}) =>
  restore({
    ...{ target, application: "restore test", store: bucket.store, manifest, connections: 2 },
    ...more,
  });

async function baselineOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}

/** pg_dump's own words for the structure, without the line that tells the server's version. */
async function structureOf(address: DatabaseAddress) {
  return (await dumpSchema(address, { application: "test" })).replace(/^-- Dumped from .*\n/m, "");
}

/** Where the target's content departs from the manifest's. */
async function differencesIn(target: DatabaseAddress, manifest: BackupManifest) {
  return compareBaselines(manifest.baseline, await baselineOf(target));
}

const MUCH = `create table much (id int, filler text);
  insert into much select g, md5(g::text) || repeat(md5((-g)::text), 20) from generate_series(1, 60000) g`;

describe.each(servers)("on Postgres $major", (server) => {
  test("the manifest names the source, and each object is there as the manifest says", async () => {
    const source = await freshDatabase(server, "create table t (a int); insert into t values (1), (2)");
    const prefix = freshPrefix();
    const progress: number[] = [];
    const manifest = await take(source, { prefix, onProgress: ({ done }) => progress.push(done.rows) });
    expect(progress.at(-1)).toBe(manifestAmount(manifest).rows);
    expect(manifest).toMatchObject({
      format: "rehearsal-backup/2",
      server: { major: server.major },
      database: { name: source.database, owner: "postgres", encoding: "UTF8", localeProvider: "libc" },
      data: [{ table: '"public"."t"', copyInto: "COPY public.t (a) FROM stdin", rows: 2, rawBytes: 4 }],
      baseline: { tables: { '"public"."t"': { rows: 2 } } },
    });
    const stored = await bucket.store.get(`${prefix}manifest.json`);
    expect(parseManifest(stored)).toEqual(manifest);
    expect(sha256(stored)).toBe(manifestDigest(manifest));
    const objects = [manifest.toc, ...manifest.data];
    expect((await bucket.keys(prefix)).sort()).toEqual(
      [`${prefix}manifest.json`, ...objects.map((object) => object.key)].sort(),
    );
    for (const object of objects) expect(sha256(await bucket.store.get(object.key))).toBe(object.sha256);
    await dropDatabases(source);
  });

  test("large tables are cut by their pages, and come back whole while rows are changed, deleted and vacuumed", async () => {
    const source = await freshDatabase(server, CUT);
    const target = await freshDatabase(server);
    const before = await baselineOf(source);
    const writing = disturb(source);
    // However slow the writer is, it goes round six times while the backup is taken.
    let objects = 0;
    const store: ObjectStore = {
      ...bucket.store,
      putStream: async (...put) => {
        if (objects++ < 6) await writing.another();
        return bucket.store.putStream(...put);
      },
    };
    // Once the backup stands, what the writer does is none of its business.
    const options = { store, chunkBytes: 300_000, connections: 3 };
    const manifest = await take(source, options).finally(writing.stop);
    expect(await writing.ended).toBeGreaterThan(5);
    const objectsOf = (table: string) => manifest.data.filter((object) => object.table === table);
    for (const table of ['"public"."odd ""name"" (1) TO stdout"', '"public"."wide"', '"public"."mother"'])
      expect(objectsOf(table).length, table).toBeGreaterThan(1);
    expect(objectsOf('"public"."leaf"').length).toBeGreaterThan(2);
    expect(manifest.data.every(({ key }) => /\/data\/\d+(\.\d{6})?\.zst$/.test(key))).toBe(true);
    expect(objectsOf('"public"."small"')).toMatchObject([{ rows: 1 }]);
    // Emptied of its rows, but not of its pages: no object at all, and said to be empty once.
    expect(objectsOf('"public"."hollow"')).toEqual([]);
    expect(new Set(manifest.emptyTables).size).toBe(manifest.emptyTables.length);
    await bring(target, manifest, { connections: 3 });
    expect(await differencesIn(target, manifest)).toEqual([]);
    const still = (baseline: typeof before) => baseline.tables['"public"."leaf"'];
    expect(still(manifest.baseline)).toEqual(still(before));
    await dropDatabases(source, target);
  });
});

/** Tables that take more than 300 kB each: an odd name, values out of line, an inheritance parent, a partition, dead rows only. */
const CUT = `create table "odd ""name"" (1) TO stdout" (id int primary key, "a) TO stdout" text, twice int generated always as (id * 2) stored);
  insert into "odd ""name"" (1) TO stdout" select g, repeat(md5(g::text), 8) from generate_series(1, 6000) g;
  create table wide (id int primary key, body text); alter table wide alter body set storage external;
  insert into wide select g, repeat(md5(g::text), 200) from generate_series(1, 300) g;
  create table mother (id int primary key, filler text); create table daughter () inherits (mother);
  insert into mother select g, repeat('m', 200) from generate_series(1, 4000) g; insert into daughter values (1, 'd');
  create table parted (id int, filler text) partition by range (id);
  create table leaf partition of parted for values from (0) to (10000); create table bare partition of parted default;
  insert into parted select g, repeat('p', 200) from generate_series(1, 4000) g;
  create table hollow (filler text); alter table hollow set (autovacuum_enabled = off);
  insert into hollow select repeat('h', 200) from generate_series(1, 4000); delete from hollow;
  create table small (a int); insert into small values (1)`;

/** Changes what CUT made, as fast as it can, until it is stopped; tells how often it went round. */
function disturb(source: DatabaseAddress) {
  let over = false;
  let round = Promise.withResolvers<void>();
  const ended = (async () => {
    const session = await openSession(source, { application: "test" });
    let rounds = 0;
    for (; !over; rounds++) {
      for (const statement of [
        `update public."odd ""name"" (1) TO stdout" set "a) TO stdout" = 'changed ${rounds}' where id % 7 = ${rounds % 7}`,
        `delete from public.wide where id % 50 = ${rounds % 50}`,
        `insert into public.wide select 1000 * (${rounds} + 1) + g, repeat('new', 3000) from generate_series(1, 5) g`,
        `update public.mother set id = -id where id % 5 = ${rounds % 5}`,
        `delete from only public.mother where id between 3900 and 4000`,
        `insert into public.mother values (${100_000 + rounds}, 'new')`,
        "vacuum public.mother, public.wide, public.hollow",
      ])
        await session.execute(statement);
      round.resolve();
      round = Promise.withResolvers();
    }
    await session.close();
    return rounds;
  })();
  return {
    ended,
    /** Waits until it has gone round once more. */
    another: async () => {
      await Promise.race([round.promise, ended]);
    },
    stop: () => {
      over = true;
    },
  };
}

test("indexes and constraints made by many sessions at once are those of the source, statistics too", async () => {
  const tables = Array.from({ length: 8 }, (_, place) => place);
  const source = await freshDatabase(
    newestServer(),
    `${tables
      .map(
        (place) => `create table t${place} (id int primary key, other int, code text unique, check (id > 0));
          insert into t${place} select g, g, 'c' || g from generate_series(1, 2000) g; create index on t${place} (other);
          create index on t${place} (lower(code)); comment on constraint t${place}_pkey on t${place} is 'of ${place}'`,
      )
      .join(";")};
     ${tables.flatMap((one) => tables.map((other) => `alter table t${one} add foreign key (other) references t${other}`)).join(";")};
     create table p (id int, t int references t0, primary key (id)) partition by range (id);
     ${tables.map((place) => `create table p${place} partition of p for values from (${place * 100}) to (${place * 100 + 100})`).join(";")};
     insert into p select g, 1 + g from generate_series(0, 799) g; create index on p (t);
     create table refers (p int references p, own int references p1 (id)); insert into refers values (150, 150);
     alter table t0 cluster on t0_pkey; alter table t1 replica identity using index t1_pkey;
     create foreign data wrapper without_handler; create server nowhere foreign data wrapper without_handler;
     create table mixed (a int) partition by list (a); create table near partition of mixed for values in (1);
     insert into mixed values (1), (1); create foreign table far partition of mixed for values in (2) server nowhere`,
  );
  const target = await freshDatabase(newestServer());
  const manifest = await take(source);
  await bring(target, manifest, { connections: 6 });
  expect(await structureOf(target)).toBe(await structureOf(source));
  expect(await differencesIn(target, manifest)).toEqual([]);
  const unknown = `select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
    and reltuples < 0 and relname not in ('mixed')`;
  expect(await rows(target, unknown)).toEqual([]);
  await dropDatabases(source, target);
});

test("index functions that wait for each other's locks end in a deadlock, and the restore goes on", async () => {
  const locking = (name: string, first: number, second: number) =>
    `create function ${name}(int) returns int immutable language plpgsql as 'begin perform pg_advisory_xact_lock(${first});
       perform pg_sleep(0.5); perform pg_advisory_xact_lock(${second}); return $1; end';`;
  const source = await freshDatabase(
    newestServer(),
    `create table a (id int); create table b (id int); insert into a values (1); insert into b values (1);
     ${locking("one_way", 1, 2)} ${locking("other_way", 2, 1)} create index on a (one_way(id)); create index on b (other_way(id))`,
  );
  const target = await freshDatabase(newestServer());
  await bring(target, await take(source));
  expect(await structureOf(target)).toBe(await structureOf(source));
  const deadlocks =
    "select deadlocks::int > 0 as met from pg_stat_database where datname = current_database()";
  await expect.poll(() => rows(target, deadlocks), { timeout: 20_000 }).toEqual([{ met: true }]);
  await dropDatabases(source, target);
});

test("a constraint that the rows do not keep is refused by name, and the sessions beside it end", async () => {
  const source = await freshDatabase(
    newestServer(),
    `create table a (id int primary key); create table b (a int references a);
     set session_replication_role = replica; insert into b values (1); set session_replication_role = origin;
     create function slow(int) returns int immutable language sql as 'select $1';
     create table c (id int); insert into c values (1); create index on c (slow(id));
     create or replace function slow(int) returns int immutable language plpgsql as 'begin perform pg_sleep(60); return $1; end'`,
  );
  const target = await freshDatabase(newestServer());
  await expect(bring(target, await take(source), { connections: 3 })).rejects.toMatchObject({
    code: "RestoreRefused",
    facts: { entry: "FK CONSTRAINT public.b b_a_fkey", sqlstate: "23503" },
  });
  const left = "select query from pg_stat_activity where application_name = 'restore test' and datname = $1";
  await expect.poll(() => rows(target, left, [target.database]), { timeout: 10_000 }).toEqual([]);
  await dropDatabases(source, target);
});

test.each(["LATIN1", "SQL_ASCII"])("a database in %s comes back byte for byte", async (encoding) => {
  const make = `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;
  const address = newestServer().address;
  const [source, target] = [`source ${encoding}`, `target ${encoding}`].map((database) => ({
    ...address,
    database,
  })) as [DatabaseAddress, DatabaseAddress];
  for (const { database } of [source, target])
    await execute(address, `create database "${database}" ${make}`);
  const bytes = encoding === "LATIN1" ? "\\xe4f6fc" : "\\xff80fe";
  await execute(
    source,
    `create table t (a text); insert into t values (convert_from('${bytes}', '${encoding}'))`,
  );
  const manifest = await take(source);
  await bring(target, manifest);
  expect(await differencesIn(target, manifest)).toEqual([]);
  expect(await rows(target, `select convert_to(a, '${encoding}')::text as a from public.t`)).toEqual([
    { a: bytes },
  ]);
  const other = await freshDatabase(newestServer());
  await expect(bring(other, manifest)).rejects.toMatchObject({
    code: "RestoreTargetUnfit",
    message: expect.stringContaining(`its encoding is UTF8, the source's was ${encoding}`),
    hint: expect.stringContaining("template0"),
  });
  await dropDatabases(source, target, other);
});

test("abuse 1: a database whose name is full of traps is backed up and restored", async () => {
  const names = ["so'ur\"ce; \\ db=x host=y", "tar'g\"et; \\\nnew line"];
  const [source, target] = await Promise.all(
    names.map((name) => freshDatabase(newestServer(), undefined, name)),
  );
  if (!source || !target) throw new Error("two were made");
  await execute(source, "create table t (a int); insert into t values (1)");
  const manifest = await take(source);
  await bring(target, manifest);
  expect(await differencesIn(target, manifest)).toEqual([]);
  await dropDatabases(source, target);
});

test("settings of the database and the role do not change what is carried", async () => {
  const source = await freshDatabase(
    newestServer(),
    `create table t (d date, i interval, m money, f float8, n numeric);
     insert into t values ('2024-02-01', '-1 day 2 hours', 1234.5, 0.1::float8 + 0.2, 1)`,
  );
  const target = await freshDatabase(newestServer());
  for (const { database } of [source, target])
    for (const setting of [
      ...["datestyle = 'SQL, DMY'", "intervalstyle = sql_standard", "extra_float_digits = -15"],
      ...["default_transaction_read_only = on", "statement_timeout = 300", "transaction_timeout = 300"],
      ...[
        "search_path = nowhere",
        "row_security = on",
        "timezone = 'Asia/Kathmandu'",
        "idle_session_timeout = 300",
      ],
    ])
      if (!setting.startsWith("transaction_timeout") || newestServer().major >= 17)
        await execute(newestServer().address, `alter database "${database}" set ${setting}`);
  const manifest = await take(source);
  await bring(target, manifest);
  expect(await differencesIn(target, manifest)).toEqual([]);
  await dropDatabases(source, target);
});

test("what a new database has and the source has dropped is not there after a restore", async () => {
  const source = await freshDatabase(newestServer(), "create schema own; create table own.t (a int)");
  await execute(source, "drop schema public; drop extension plpgsql");
  const target = await freshDatabase(newestServer());
  const manifest = await take(source);
  await bring(target, manifest);
  const initial =
    "select nspname as name from pg_namespace where nspname !~ '^pg_' union all select extname from pg_extension";
  expect(await rows(target, initial)).toEqual([{ name: "information_schema" }, { name: "own" }]);
  await dropDatabases(source, target);
});

test("a table truncated, rewritten or dropped after the snapshot and before the locks is noticed", async () => {
  const source = await freshDatabase(
    newestServer(),
    'create table kept (a int); create table "emptied" (a int); create table rewritten (a int); create table dropped (a int)',
  );
  const holder = await openSession(source, { application: "test" });
  await holder.transaction(async () => {
    await holder.query("select 1");
    await assertUndisturbed(holder);
    await execute(
      source,
      "truncate emptied; alter table rewritten alter a type bigint; drop table dropped; create table made (a int)",
    );
    await expect(assertUndisturbed(holder)).rejects.toMatchObject({
      code: "BackupDisturbed",
      retryable: true,
      facts: { tables: "public.dropped, public.emptied, public.rewritten" },
      hint: expect.stringContaining("try again"),
    });
  }, "begin isolation level repeatable read, read only");
  await holder.close();
  await dropDatabases(source);
});

describe("run twice under one prefix", () => {
  test("the second run returns the first one's backup and writes nothing", async () => {
    const source = await freshDatabase(newestServer(), "create table t (a int); insert into t values (1)");
    const prefix = freshPrefix();
    const first = await take(source, { prefix });
    await execute(source, "insert into t values (2)");
    const keys = await bucket.keys(prefix);
    expect(await take(source, { prefix })).toEqual(first);
    expect(await bucket.keys(prefix)).toEqual(keys);
    await dropDatabases(source);
  });

  test("of two runs at the same time one wins, both return it, and only its objects are left", async () => {
    const source = await freshDatabase(newestServer(), "create table t (a int); insert into t values (1)");
    const prefix = freshPrefix();
    const [one, other] = await Promise.all([take(source, { prefix }), take(source, { prefix })]);
    expect(one).toEqual(other);
    const objects = [one.toc, ...one.data].map(({ key }) => key);
    expect((await bucket.keys(prefix)).sort()).toEqual([...objects, `${prefix}manifest.json`].sort());
    await dropDatabases(source);
  });
});

describe("a backup that fails leaves nothing", () => {
  /** Nothing under the prefix, no parts of an upload, no session. */
  async function expectNothingLeft(source: DatabaseAddress, prefix: string) {
    expect(await bucket.keys(prefix)).toEqual([]);
    expect(await bucket.openUploads()).toBe(0);
    const sessions =
      "select query from pg_stat_activity where application_name = 'backup test' and datname = $1";
    await expect.poll(() => rows(source, sessions, [source.database]), { timeout: 10_000 }).toEqual([]);
  }

  /** The store, with something happening once the first piece of a table was taken. */
  function interrupted(happens: () => Promise<unknown>): ObjectStore {
    return {
      ...bucket.store,
      putStream: (key, source, options) => {
        async function* afterFirst() {
          let first = true;
          for await (const piece of source) {
            yield piece;
            if (first) await happens();
            first = false;
          }
        }
        return bucket.store.putStream(key, afterFirst(), options);
      },
    };
  }

  test("fault 29: the bytes of a COPY stop coming", async () => {
    const source = await freshDatabase(newestServer(), MUCH);
    const proxy = await startTcpProxy(source);
    proxy.inject({ kind: "stall", from: "server", after: 2_000_000 });
    const prefix = freshPrefix();
    await expect(take(proxy.through(source), { prefix, stallSeconds: 0.5 })).rejects.toMatchObject({
      code: "CopyStalled",
      retryable: true,
      hint: expect.stringContaining("network"),
    });
    expect(proxy.struck()).toBeGreaterThan(0);
    await proxy.stop();
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
  });

  test("a backend is terminated in the middle of a COPY", async () => {
    const source = await freshDatabase(newestServer(), MUCH);
    const store = interrupted(() =>
      rows(
        source,
        "select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY %public.much %'",
      ),
    );
    const prefix = freshPrefix();
    await expect(take(source, { prefix, store })).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      retryable: true,
    });
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
  });

  test("the session that holds the locks is lost", async () => {
    const source = await freshDatabase(newestServer(), MUCH);
    const locks = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'backup test' and state = 'idle in transaction' and backend_xmin is not null
        and pid in (select pid from pg_locks where relation = 'public.much'::regclass and mode = 'AccessShareLock')`;
    const store = interrupted(() => rows(source, locks));
    const prefix = freshPrefix();
    await expect(take(source, { prefix, store })).rejects.toMatchObject({ code: "DatabaseUnreachable" });
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
  });

  test("it is aborted", async () => {
    const source = await freshDatabase(newestServer(), MUCH);
    const stop = new AbortController();
    const store = interrupted(async () => stop.abort(new Error("not wanted any more")));
    const prefix = freshPrefix();
    await expect(take(source, { prefix, store, signal: stop.signal })).rejects.toThrow("not wanted any more");
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
  });

  test("fault 32: the store fails half-way", async () => {
    const source = await freshDatabase(newestServer(), MUCH);
    const store = interrupted(async () => {
      throw new Error("the store is gone");
    });
    const prefix = freshPrefix();
    await expect(take(source, { prefix, store })).rejects.toThrow("the store is gone");
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
  });

  test("the role may not read everything", async () => {
    const source = await freshDatabase(
      newestServer(),
      `create role backup_reader login password 'p'; create table t (a int); create table policed (a int);
       alter table policed enable row level security; grant select on policed to backup_reader`,
    );
    const reader = { ...source, user: "backup_reader", password: "p" };
    const prefix = freshPrefix();
    const refused = { code: "PermissionMissing", facts: { role: "backup_reader" } };
    await expect(take(reader, { prefix })).rejects.toMatchObject(refused);
    await execute(source, "grant select on t to backup_reader");
    await expect(take(reader, { prefix })).rejects.toMatchObject({
      code: expect.stringMatching(/^(PermissionMissing|BaselineUnreadable)$/),
      message: expect.stringContaining("row-level security"),
    });
    await expectNothingLeft(source, prefix);
    await dropDatabases(source);
    await execute(newestServer().address, "drop role backup_reader");
  });
});

describe("a restore that cannot be right is refused", () => {
  let source: DatabaseAddress;
  let manifest: BackupManifest;
  beforeAll(async () => {
    source = await freshDatabase(
      newestServer(),
      `create table one (a int, t text); insert into one select g, md5(g::text) from generate_series(1, 5000) g;
       create table two (a int, t text); insert into two select -g, md5(g::text) from generate_series(1, 5000) g;
       select lo_from_bytea(1, 'large')`,
    );
    manifest = await take(source);
  });
  afterAll(() => dropDatabases(source));

  /** The store as it would be if the object's bytes were others. */
  const tampered = (key: string, change: (bytes: Uint8Array) => Uint8Array): ObjectStore => ({
    ...bucket.store,
    async *getStream(wanted) {
      if (wanted !== key) yield* bucket.store.getStream(wanted);
      else yield change(await bucket.store.get(key));
    },
  });

  async function expectRefusal(expected: object, more: Partial<RestoreOptions>) {
    const target = await freshDatabase(newestServer());
    await expect(bring(target, manifest, more)).rejects.toMatchObject(expected);
    await dropDatabases(target);
  }

  const objects = () => [manifest.toc, ...manifest.data, ...manifest.largeObjects];

  test("fault 33: one flipped bit, anywhere in any object", async () => {
    for (const object of objects())
      for (const place of [0.01, 0.5, 0.99]) {
        const at = Math.floor(object.size * place);
        const store = tampered(object.key, (bytes) =>
          bytes.map((byte, index) => (index === at ? byte ^ 4 : byte)),
        );
        await expectRefusal(
          {
            code: "BackupCorrupt",
            facts: { object: object.key },
            hint: expect.stringContaining("take another backup"),
          },
          { store },
        );
      }
  });

  test("fault 33: an object cut short, or with something behind it", async () => {
    for (const object of objects()) {
      const refusal = { code: "BackupCorrupt", facts: { object: object.key } };
      await expectRefusal(refusal, { store: tampered(object.key, (bytes) => bytes.subarray(0, -1)) });
      await expectRefusal(refusal, { store: tampered(object.key, () => new Uint8Array()) });
      const longer = (bytes: Uint8Array) => Buffer.concat([bytes, zstdCompressSync("5001\tmore\n")]);
      await expectRefusal(refusal, { store: tampered(object.key, longer) });
    }
  });

  test("fault 33: two objects swapped", async () => {
    const [one, two] = manifest.data;
    if (!one || !two) throw new Error("two tables were backed up");
    const other = await bucket.store.get(two.key);
    await expectRefusal(
      { code: "BackupCorrupt", facts: { object: one.key } },
      { store: tampered(one.key, () => other) },
    );
    const swapped = manifest.data.map((object, place) => ({
      ...object,
      copyInto: manifest.data[1 - place]?.copyInto ?? "",
    }));
    await expectRefusal({ code: "BackupCorrupt" }, { manifest: { ...manifest, data: swapped } });
    const fewer = { ...manifest, data: manifest.data.slice(1) };
    await expectRefusal(
      { code: "BackupCorrupt", message: expect.stringContaining("says nothing of the rows of one") },
      { manifest: fewer },
    );
  });

  test("fault 34: a missing object", async () => {
    for (const { key } of objects()) {
      const store: ObjectStore = {
        ...bucket.store,
        getStream: (wanted) => bucket.store.getStream(wanted === key ? "not/there" : wanted),
      };
      await expectRefusal(
        {
          code: "BackupObjectMissing",
          facts: { object: key },
          hint: expect.stringContaining("take another backup"),
        },
        { store },
      );
    }
  });

  test("abuse 9: a decompression bomb stops at the length the manifest promised", async () => {
    const [object, ...rest] = manifest.data;
    if (!object) throw new Error("a table was backed up");
    const bomb = zstdCompressSync(Buffer.alloc(200_000_000, "1\tx\n"), {
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    let taken = 0;
    await expectRefusal(
      { code: "BackupCorrupt", message: expect.stringContaining(`more than ${object.rawBytes} bytes`) },
      {
        manifest: { ...manifest, data: [{ ...object, size: bomb.length, sha256: sha256(bomb) }, ...rest] },
        store: tampered(object.key, () => bomb),
        onProgress: ({ done }) => {
          taken = done.bytes;
        },
      },
    );
    expect(taken).toBeLessThan(2_000_000);
  });

  test("fault 29: the target stops taking bytes", async () => {
    const much = await freshDatabase(newestServer(), MUCH);
    const target = await freshDatabase(newestServer());
    const proxy = await startTcpProxy(target);
    const taken = await take(much);
    proxy.inject({ kind: "stall", from: "client", after: 2_000_000 });
    await expect(bring(proxy.through(target), taken, { stallSeconds: 0.5 })).rejects.toMatchObject({
      code: "CopyStalled",
    });
    await proxy.stop();
    await dropDatabases(much, target);
  });

  test("an abort ends it", async () => {
    const target = await freshDatabase(newestServer());
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error("not wanted any more"));
    await expect(bring(target, manifest, { signal: stop.signal, onProgress })).rejects.toThrow("not wanted");
    await dropDatabases(target);
  });

  test("a target that is not empty, is older, or lacks a role", async () => {
    const target = await freshDatabase(newestServer(), "create type t as enum ('a')");
    await expect(bring(target, manifest)).rejects.toMatchObject({
      code: "RestoreTargetUnfit",
      message: expect.stringContaining("it is not empty"),
    });
    await dropDatabases(target);
    await expectRefusal(
      { code: "RestoreTargetUnfit", message: expect.stringContaining("older than the source's 99") },
      { manifest: { ...manifest, server: { ...manifest.server, version: "99.1", major: 99 } } },
    );
    const roles = [...manifest.notCarried.roles, "nobody knows"];
    await expectRefusal(
      {
        code: "RolesMissing",
        facts: { roles: "nobody knows" },
        hint: expect.stringContaining("create role"),
      },
      { manifest: { ...manifest, notCarried: { ...manifest.notCarried, roles } } },
    );
  });

  test("a target role without the rights, told with the entry that needs them", async () => {
    const target = await freshDatabase(newestServer());
    await execute(
      target,
      `create role restorer login password 'p'; grant create on database "${target.database}" to restorer;
       grant create on schema public to restorer`,
    );
    await expect(bring({ ...target, user: "restorer", password: "p" }, manifest)).rejects.toMatchObject({
      code: "PermissionMissing",
      facts: { role: "restorer", right: expect.stringMatching(/^to restore (SCHEMA|TABLE) /) },
      hint: expect.stringContaining("grant it"),
    });
    await dropDatabases(target);
    await execute(newestServer().address, "drop role restorer");
  });
});
