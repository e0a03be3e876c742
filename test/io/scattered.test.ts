/** Rows whose partition another database chooses otherwise: carried, compared and brought up to date as the whole that they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { bringUp } from "../../io/postgres/bring-up.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, ends, execute, freshDatabase, rows } from "../postgres.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

const leaves = (
  table: string,
  columns: string,
) => `create table ${table} (${columns}) partition by hash (key);
  ${[0, 1, 2, 3].map((rest) => `create table ${table}_${rest} partition of ${table} for values with (modulus 4, remainder ${rest});`).join("\n")}`;

/** By an enum, by an array, a range, a domain and a row of it, by a table; below a range; and by a text, which stays where it is. */
const TABLES = `create type mood as enum ('low', 'fine', 'high', 'very "high"'); create domain feeling as mood;
  create type felt as (mood mood, at date); create type span as range (subtype = mood);
  ${leaves("by_mood", "n int, key mood, twice int generated always as (n * 2) stored")}
  ${leaves("by_moods", "n int, key mood[]")}
  ${leaves("by_span", "n int, key span")}
  ${leaves("by_feeling", "n int, key feeling")}
  ${leaves("by_felt", "n int, key felt")}
  ${leaves("by_table", "n int, key regclass")}
  ${leaves("by_text", "n int, key text")}
  create table years (n int, key mood) partition by range (n);
  create table early partition of years for values from (minvalue) to (20) partition by hash (key);
  create table early_0 partition of early for values with (modulus 2, remainder 0);
  create table early_1 partition of early for values with (modulus 2, remainder 1);
  create table late partition of years for values from (20) to (maxvalue);`;

const FILL = `insert into by_mood (n, key) select g, m from generate_series(1, 9) g, unnest(enum_range(null::mood)) m;
  insert into by_moods select n, array[key, null, 'low'] from by_mood; insert into by_span select n, span(key, null) from by_mood;
  insert into by_feeling select n, key from by_mood; insert into by_felt select n, row(key, date '2024-01-01')::felt from by_mood;
  insert into by_table select n, ('by_mood_' || n % 4)::regclass from by_mood; insert into by_text select n, key::text from by_mood;
  insert into years select n * 5, key from by_mood;`;

async function baselineOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}

describe.each(ends)("on Postgres $major", (server) => {
  test("a database partitioned by the hash of an enum comes back, and its copy can be brought up", async () => {
    const source = await freshDatabase(server, TABLES + FILL);
    const target = await freshDatabase(server);
    const prefix = `scattered/${server.major}/`;
    const moved = { application: "test", store: bucket.store, connections: 2 };
    const manifest = await backUp({ source, ...moved, prefix });
    const { writers } = await restore({ target, ...moved, manifest });

    const { tables } = manifest.baseline;
    expect(tables['"public"."by_mood_0"']?.partOf).toBe('"public"."by_mood"');
    expect(tables['"public"."by_table_3"']?.partOf).toBe('"public"."by_table"');
    expect(tables['"public"."early_1"']?.partOf).toBe('"public"."early"');
    expect(tables['"public"."late"']?.partOf).toBeUndefined();
    expect(tables['"public"."by_text_0"']?.partOf).toBeUndefined();
    expect(compareBaselines(manifest.baseline, await baselineOf(target))).toEqual([]);
    await sameRows(source, target);

    await execute(
      source,
      `delete from by_mood where n = 1; update by_moods set n = -n; insert into early select -1, 'fine';
       insert into by_text values (0, 'new')`,
    );
    const now = await baselineOf(source);
    expect(compareBaselines(now, await baselineOf(target)).map(({ what }) => what)).toEqual([
      ...['table "public"."by_mood"', 'table "public"."by_moods"'],
      ...[expect.stringMatching(/"by_text_\d"$/), 'table "public"."early"'],
    ]);
    const later = await backUp({
      source,
      ...moved,
      prefix: `${prefix}later/`,
      base: manifest,
      sameStructure: true,
    });
    expect(compareBaselines(now, later.baseline)).toEqual([]);
    const { store } = bucket;
    await bringUp({ source, target, application: "test", store, before: manifest, writers, now: later });
    expect(compareBaselines(now, await baselineOf(target))).toEqual([]);
    await sameRows(source, target);
    await dropDatabases(source, target);
  });
});

async function sameRows(source: DatabaseAddress, target: DatabaseAddress): Promise<void> {
  for (const table of [
    "by_mood",
    "by_moods",
    "by_span",
    "by_feeling",
    "by_felt",
    "by_table",
    "by_text",
    "years",
  ]) {
    const all = `select t::text as row from public.${table} t order by 1`;
    expect(await rows(target, all), table).toEqual(await rows(source, all));
  }
}
