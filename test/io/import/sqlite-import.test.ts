/** A SQLite database comes over whole or not at all: whatever its values, and whatever is wrong with its file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { parseSqliteMapping } from "../../../core/import/sqlite-mapping.ts";
import { sqliteFile } from "../../../io/import/sqlite-copy.ts";
import { importSqlite } from "../../../io/import/sqlite-import.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../../postgres.ts";

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
  const database = new DatabaseSync(path);
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
