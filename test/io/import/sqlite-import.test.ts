/**
 * A SQLite database comes over whole or not at all: whatever its values, and whatever is wrong with its file.
 * Long because the kinds of values are a table.
 */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { parseSqliteMapping } from "../../../core/import/sqlite-mapping.ts";
import { sqliteFile } from "../../../io/import/sqlite-copy.ts";
import { importSqlite } from "../../../io/import/sqlite-import.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../../postgres.ts";
import { refusalOf } from "../../refusal.ts";

let address: DatabaseAddress;
let folder: string;
beforeAll(async () => {
  address = await freshDatabase(newestServer(), "create schema rehearsal");
  folder = await mkdtemp(join(tmpdir(), "sqlite-import-"));
});
afterAll(async () => {
  await dropDatabases(address);
  await rm(folder, { recursive: true });
});

let made = 0;

/** A file of its own, made by SQL, and closed. */
function fileOf(sql: string, more: (database: DatabaseSync) => void = () => {}): string {
  const path = join(folder, `${++made}.db`);
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(sql);
  more(database);
  database.close();
  return path;
}

/** Imports into the database, where `schema` has been made anew by SQL. */
async function run(path: string, sql: string | undefined, mapping = "", commit = true) {
  if (sql !== undefined) await execute(address, `drop schema public cascade; create schema public; ${sql}`);
  return importSqlite({
    ...{ source: sqliteFile(path), address, application: "sqlite import test", id: `i${made}`, attempt: 1 },
    mapping: parseSqliteMapping("imports/test.yaml", Buffer.from(`from: sqlite\n${mapping}`)),
    onProgress: () => {},
    passed: () => {},
    commit: async (work) => {
      if (!commit) throw new Error("not committed");
      await work();
    },
  });
}

const statuses = (result: Awaited<ReturnType<typeof run>>) =>
  Object.fromEntries(result.tables.map(({ table, status }) => [table, status]));

test("every kind of value becomes the value of its column, and a second run changes nothing", async () => {
  const path = fileOf(
    `create table Everything (id integer primary key autoincrement, big integer, yes integer, exact real, double real, single real,
       word text, raw blob, at text, seconds integer, millis integer, julian real, day text, clock text, who blob, extra json, mood text,
       doubled integer generated always as (big) virtual, unused text);
     insert into Everything (big, yes, exact, double, single, word, raw, at, seconds, millis, julian, day, clock, who, extra, mood) values
       (9223372036854775807, 1, 12.345, 0.1, 0.5, 'tab' || char(9) || 'line' || char(10) || 'back\\slash', x'00ff', '2024-02-29T12:30:00.123456+02:00',
        1700000000, 1700000000123, 2460000.5, '2024-02-29', '08:15', x'00112233445566778899aabbccddeeff', '{"b":1.50,"a":[1e2,"\\u00e9"]}', 'calm'),
       (-9223372036854775808, 0, -1, 9e999, -2, '', x'', '2024-01-01 00:00', -1, 0, 2440587.5, '0001-01-01', '23:59:59.5', x'ffffffffffffffffffffffffffffffff', 5, 'wild'),
       (null, null, null, null, null, null, null, '31.12.2023 23:59', null, null, null, null, null, null, null, null);
     delete from Everything where rowid = 4; insert into Everything (id, word) values (9, 'last'); delete from Everything where id = 9;`,
  );
  const target = `create type mood as enum ('calm', 'wild');
    create domain exactly as numeric(10,3);
    create table everything (id bigint generated always as identity primary key, big bigint, yes boolean, exact exactly, double double precision,
      single real, word text, raw bytea, at timestamptz, seconds timestamptz, millis timestamptz, julian timestamp, day date, clock time,
      who uuid, extra jsonb, mood mood, doubled bigint generated always as (big) stored, own int not null default 7)`;
  const mapping = `tables:
  Everything:
    columns:
      at: { formats: ["DD.MM.YYYY HH:mm"], zone: "+01:00" }
      millis: { as: epoch-milliseconds }
      julian: { as: julian-day }
      unused: { leave: nobody reads it }`;
  const first = await run(path, target, mapping);
  expect(first.refusal).toBeUndefined();
  expect(statuses(first)).toEqual({ Everything: "loaded" });
  expect(first.tables[0]?.sqlite).toEqual(first.tables[0]?.postgres);
  expect(first.tables[0]?.left.map(({ column }) => column)).toEqual(["doubled", "unused"]);
  const found = await rows<Record<string, unknown>>(
    address,
    "select *, at::text, seconds::text, millis::text, julian::text, day::text, clock::text, extra::text from public.everything order by id",
  );
  expect(found[0]).toMatchObject({
    ...{ id: "1", big: "9223372036854775807", yes: true, exact: "12.345", double: 0.1, single: 0.5 },
    ...{ word: "tab\tline\nback\\slash", raw: Buffer.from([0, 255]), mood: "calm", own: 7 },
    ...{ at: "2024-02-29 10:30:00.123456+00", seconds: "2023-11-14 22:13:20+00" },
    ...{
      millis: "2023-11-14 22:13:20.123+00",
      julian: "2023-02-25 00:00:00",
      day: "2024-02-29",
      clock: "08:15:00",
    },
    ...{ who: "00112233-4455-6677-8899-aabbccddeeff", extra: '{"a": [100, "é"], "b": 1.50}' },
  });
  expect(found[1]).toMatchObject({
    ...{ big: "-9223372036854775808", double: Number.POSITIVE_INFINITY, at: "2023-12-31 23:00:00+00" },
    ...{ seconds: "1969-12-31 23:59:59+00", day: "0001-01-01", clock: "23:59:59.5", extra: "5" },
  });
  expect(found[2]).toMatchObject({ big: null, at: "2023-12-31 22:59:00+00" });
  const [next] = await rows(address, "insert into public.everything default values returning id");
  expect(next).toEqual({ id: "10" });
  await execute(address, "delete from everything where id = 10");
  const [before] = await rows(address, "select xmin, ctid from public.everything limit 1");
  const second = await run(path, undefined, mapping);
  expect({ changed: second.changed, ...statuses(second) }).toEqual({
    changed: false,
    Everything: "unchanged",
  });
  expect(await rows(address, "select xmin, ctid from public.everything limit 1")).toEqual([before]);
});

test("every value that has no place is refused by its row and column, and nothing is written", async () => {
  const path =
    fileOf(`create table t (id integer primary key, flag, small, amount, word, short, at, key blob, extra, raw, clock, day);
    insert into t values (1, 2, 40000, 1.005, cast(x'ff' as text), 'four', 'yesterday', x'01', '{', 'text', '25:00', '2023-02-29'),
      (2, 'maybe', 1.5, 123456, 'nul' || char(0), 'né🎧', 1700000000000, 'no uuid', '"\\u0000"', 1, 'noon', '2024-01-01 10:00'),
      (3, x'01', 'x', 'x', 1.5, 1, x'00', 5, x'7b7d', 1.5, 1, x'00'), (4, 1, 1, 1, 'w', 'abc', 0, null, null, null, null, null);
    create table later (id integer primary key, n); insert into later values (1, 'none')`);
  const result = await run(
    path,
    `create table t (id int primary key, flag boolean, small smallint, amount numeric(5,2), word text, short varchar(3), at timestamptz,
      key uuid, extra jsonb, raw bytea, clock time, day date); create table later (id int primary key, n int)`,
  );
  expect(result.refusal).toMatchObject({
    code: "ImportValuesRefused",
    hint: expect.stringContaining("report.json"),
  });
  expect(result.refusal?.message).toContain("and nothing was written");
  expect(statuses(result)).toEqual({ later: "refused", t: "refused" });
  const t = result.tables.find(({ table }) => table === "t");
  const told = (row: string) =>
    Object.fromEntries(
      t?.refusals.filter((one) => one.row === row).map(({ column, reason }) => [column, reason]) ?? [],
    );
  expect(told("rowid 1")).toEqual({
    ...{ flag: "an integer that is neither true nor false", small: "a number that smallint does not hold" },
    ...{ amount: "more digits behind the point than numeric(5,2) has", word: "a text whose bytes are none" },
    ...{
      short: "a text of more than 3 characters",
      at: "a text that is no time",
      key: "a blob that is not of 16 bytes",
    },
    ...{ extra: "text that is no JSON, from its character 2 on", raw: "a text where bytea is wanted" },
    ...{ clock: "a text that is no time of day", day: "a text that is no time" },
  });
  expect(told("rowid 2")).toMatchObject({
    ...{
      small: "a real number that is no whole one, or not exactly",
      amount: "a number that numeric(5,2) does not hold",
    },
    ...{
      word: "a text with a NUL, which Postgres does not hold",
      at: expect.stringContaining("say what it counts"),
    },
    ...{
      extra: "JSON with a NUL in a text, which jsonb does not hold",
      day: "a time of day where date is wanted",
    },
  });
  expect(Object.keys(told("rowid 2"))).not.toContain("short");
  expect(Object.keys(told("rowid 3"))).toHaveLength(10);
  expect(told("rowid 4")).toEqual({});
  expect(await rows(address, "select 1 from public.t")).toEqual([]);
});

test("rows that the database refuses are named, and those that point at nothing by their rowids", async () => {
  const path = fileOf(`create table parent (id integer primary key, name);
    create table child (id integer primary key, parent references parent (id));
    insert into parent values (1, 'one'), (2, 'one'); insert into child values (1, 1), (7, 99), (8, 98)`);
  const twice = await run(
    path,
    "create table parent (id int primary key, name text unique); create table child (id int primary key, parent int references parent)",
  );
  expect(statuses(twice)).toEqual({ parent: "refused", child: "not-loaded" });
  expect(twice.tables[0]?.refusals).toEqual([
    { row: "rowid 2", reason: expect.stringContaining("parent_name_key") },
  ]);
  const orphans = await run(
    path,
    "create table parent (id int primary key, name text); create table child (id int primary key, parent int references parent)",
  );
  expect(statuses(orphans)).toEqual({ parent: "not-loaded", child: "refused" });
  const child = orphans.tables.find(({ table }) => table === "child");
  expect(child?.refusals.map(({ row }) => row)).toEqual(["a row", "rowid 7", "rowid 8"]);
});

test("tables that point at each other come over where a constraint can wait, and are refused where none can", async () => {
  const path =
    fileOf(`create table a (id integer primary key, b); create table b (id integer primary key, a, self);
    insert into a values (1, 1); insert into b values (1, 1, 2), (2, null, 1)`);
  const tables = (
    how: string,
  ) => `create table a (id int primary key, b int); create table b (id int primary key, a int references a, self int references b);
    alter table a add constraint a_b foreign key (b) references b ${how}`;
  expect(statuses(await run(path, tables("deferrable")))).toEqual({ a: "loaded", b: "loaded" });
  const orphan =
    fileOf(`create table a (id integer primary key, b references b (id)); create table b (id integer primary key, a, self);
    insert into a values (4, 9)`);
  const late = await run(orphan, tables("deferrable"));
  expect(late.refusal).toMatchObject({ code: "ImportValuesRefused" });
  expect(late.tables.find(({ table }) => table === "a")?.refusals).toEqual([
    { row: "a row", reason: expect.stringContaining("a_b") },
    { row: "rowid 4", reason: 'it points at no row of "b"' },
  ]);
  const refusal = await refusalOf(async () => run(path, tables("")));
  expect(refusal).toMatchObject({
    code: "ImportTablesCircular",
    hint: expect.stringContaining("a_b, b_a_fkey"),
  });
});

test("nothing is left behind in silence, and what has no place is told before anything is read", async () => {
  const path =
    fileOf(`create table Known (id integer primary key, Name, old); create table other (id integer);
    create virtual table words using fts5 (word); create view v as select 1`);
  const target = "create table known (id int primary key, name text, wanted int not null)";
  const refusal = await refusalOf(async () => run(path, target, "tables: { Knownn: {} }"));
  expect(refusal).toMatchObject({ code: "ImportMappingUnfit", hint: expect.stringContaining("new release") });
  for (const part of [
    'the file has no table "Knownn", did you mean "Known"?',
    'the column "old" of "Known" has no place in public.known',
    'public.known wants a wanted, and "Known" has none',
    'the table "other" has no public.other to go into',
    '"words" is a virtual table',
  ])
    expect(refusal.message).toContain(part);
  const mapping = `leave: { other: it is empty, words: an index }
tables: { Known: { columns: { old: { leave: nobody reads it } } } }`;
  const result = await run(path, "create table known (id int primary key, name text)", mapping);
  expect(statuses(result)).toEqual({ Known: "loaded" });
  expect(result.views).toEqual(["v"]);
  expect(result.plan.left.map(({ table }) => table)).toEqual(
    expect.arrayContaining(["other", "words", "words_content"]),
  );
});

test("rows of somebody else are never written over, and those of a migration only while they are as it made them", async () => {
  const path = fileOf("create table t (id integer primary key, n); insert into t values (1, 5), (2, 6)");
  const target = "create table t (id int primary key, n int)";
  const taken = await run(path, `${target}; insert into t values (1, 4)`);
  expect(taken.refusal).toMatchObject({
    code: "ImportTableTaken",
    message: expect.stringContaining("holds 1 rows which are not the 2 of the file"),
    hint: expect.stringContaining("never writes over rows"),
  });
  const mapping = "tables: { t: { insteadOf: [{ id: 1, n: 4 }] } }";
  const made = await run(path, undefined, mapping);
  expect(made.tables).toMatchObject([{ status: "loaded", replaced: 1 }]);
  // One value planted behind the import's back.
  await execute(address, "update t set n = 7 where id = 2");
  const planted = await run(path, undefined, mapping);
  expect(planted.tables).toMatchObject([{ status: "other-rows", differing: ["n"] }]);
  const changed =
    "create function other() returns trigger language plpgsql as 'begin new.n := 0; return new; end'";
  const trigger = "create trigger other before insert on t for each row execute function other()";
  const differs = await run(path, `${target}; ${changed}; ${trigger}`);
  expect(differs.refusal).toMatchObject({ code: "ImportDiffers", hint: expect.stringContaining("triggers") });
  expect(differs.refusal?.message).toContain("the columns n hold other values");
  expect(await rows(address, "select 1 from public.t")).toEqual([]);
});

test("an import that ends before its commit leaves nothing, and what is committed twice stands once", async () => {
  const path = fileOf("create table t (id integer primary key); insert into t values (1)");
  await expect(run(path, "create table t (id int primary key)", "", false)).rejects.toThrow("not committed");
  expect(await rows(address, "select 1 from public.t")).toEqual([]);
  expect((await readdir(tmpdir())).filter((name) => name.startsWith("rehearsal-sqlite-i"))).toEqual([]);
  expect(await run(path, undefined)).toMatchObject({ changed: true });
  expect(await run(path, undefined)).toMatchObject({ changed: false });
});

test("a file that is none, is damaged, cut off or encrypted is refused, and one that is in use is read whole and left alone", async () => {
  const rowsOf = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)";
  const path = fileOf(
    `create table t (id integer primary key, w text); ${rowsOf} insert into t select i, hex(randomblob(30)) from n`,
  );
  const bytes = await readFile(path);
  const spoilt = async (name: string, change: (bytes: Buffer) => Buffer | undefined) => {
    const at = join(folder, name);
    await writeFile(at, change(Buffer.from(bytes)) ?? bytes);
    return refusalOf(async () => run(at, undefined));
  };
  const text = { hint: expect.stringContaining("sqlite3 FILE .recover") };
  expect(await spoilt("cut.db", (whole) => whole.subarray(0, whole.length / 2))).toMatchObject({
    ...{ code: "SqliteDamaged", ...text },
  });
  expect(await spoilt("spoilt.db", (whole) => whole.fill(0x55, 20_000, 30_000))).toMatchObject({
    ...{ code: "SqliteDamaged", ...text },
  });
  const unreadable = { code: "SqliteUnreadable", hint: expect.stringContaining("encrypted") };
  expect(await spoilt("encrypted.db", (whole) => whole.map((byte) => byte ^ 0x5a) as Buffer)).toMatchObject(
    unreadable,
  );
  expect(await spoilt("empty.db", () => Buffer.alloc(0))).toMatchObject(unreadable);
  expect(await spoilt("short.db", (whole) => whole.subarray(0, 50))).toMatchObject(unreadable);
  expect(await refusalOf(async () => run(join(folder, "none.db"), undefined))).toMatchObject({
    ...{ code: "ImportSourceMissing", hint: expect.stringContaining("how it is spelt") },
  });
  // What was written last stands there, so what may not be looked at is not taken for absent.
  await writeFile(join(folder, "looped.db"), bytes);
  await symlink("looped.db-wal", join(folder, "looped.db-wal"));
  expect(await refusalOf(async () => run(join(folder, "looped.db"), undefined))).toMatchObject({
    ...{ code: "SqliteUnreadable", message: expect.stringMatching(/looped\.db-wal.*ELOOP/) },
  });
  const used = join(folder, "used.db");
  const writer = new DatabaseSync(used);
  writer.exec("pragma journal_mode = wal; create table t (id integer primary key, w text)");
  writer.exec(
    "pragma wal_checkpoint(truncate); insert into t values (1, 'in the log'); begin; insert into t values (2, 'not yet')",
  );
  const before = await Promise.all(["", "-wal", "-shm"].map((part) => readFile(used + part)));
  const result = await run(used, "create table t (id int primary key, w text)");
  expect(await rows(address, "select * from public.t")).toEqual([{ id: 1, w: "in the log" }]);
  expect(result.refusal).toBeUndefined();
  const after = await Promise.all(["", "-wal", "-shm"].map((part) => readFile(used + part)));
  expect(after.every((part, at) => part.equals(before[at] ?? Buffer.alloc(0)))).toBe(true);
  writer.close();
});
