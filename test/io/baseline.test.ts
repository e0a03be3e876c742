/**
 * The baseline of a database: one for the same content, another for any other, whatever holds it and whoever reads it.
 * Long because it is one question put to every type, kind of object and order.
 */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Baseline, compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import type { Progress } from "../../core/progress.ts";
import { type BaselineOptions, readBaseline } from "../../io/postgres/baseline.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, rows, servers } from "../postgres.ts";

const fixture = await readFile(new URL("../fixtures/shape-kinds.sql", import.meta.url), "utf8");

async function baselineOf(address: DatabaseAddress, options?: BaselineOptions): Promise<Baseline> {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session, options);
  } finally {
    await session.close();
  }
}

/** A type, and two values that differ as little as two values of it can. */
const TYPES: [type: string, one: string, other: string][] = [
  ["smallint", "1", "-1"],
  ["integer", "1", "2"],
  ["bigint", "9223372036854775806", "9223372036854775807"],
  ["bigint", "1", "4294967296"],
  ["numeric", "1.0", "1.00"],
  ["numeric", "NaN", "Infinity"],
  ["real", "1e-45", "0"],
  ["real", "16777216", "16777215"],
  ["double precision", "0.1", "0.10000000000000002"],
  ["double precision", "0", "-0"],
  ["money", "1.00", "1.01"],
  ["text", "", "\u0001"],
  ["text", "a", "a "],
  ["text", "é", "e\u0301"],
  ["varchar", "NULL", "null"],
  ["char(3)", "ab", "ac"],
  ['"char"', "a", "b"],
  ["bpchar", "a", "a "],
  ["padded", "a", "a "],
  ["name", "a", "A"],
  ["bytea", "\\x00", "\\x0000"],
  ["boolean", "t", "f"],
  ["date", "2020-01-01", "infinity"],
  ["time", "12:00:00.000001", "12:00"],
  ["timetz", "12:00:00+00", "13:00:00+01"],
  ["timestamp", "2020-01-01 00:00:00.000001", "2020-01-01"],
  ["timestamptz", "2020-01-01 00:00:00.000001Z", "2020-01-01 00:00:00Z"],
  ["interval", "1 day", "24 hours"],
  ["uuid", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001"],
  ["inet", "10.0.0.1/24", "10.0.0.1/25"],
  ["cidr", "10.0.0.0/24", "10.0.0.0/25"],
  ["macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:04"],
  ["macaddr8", "08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"],
  ["json", '{"a": 1}', '{"a":1}'],
  ["jsonb", '{"a": 1}', '{"a": 1.0}'],
  ["jsonb", "null", '"null"'],
  ["jsonpath", "$.a", "$.b"],
  ["xml", "<a/>", "<a></a>"],
  ["bit(3)", "101", "100"],
  ["bit varying", "1", "10"],
  ["point", "(1,2)", "(1,2.0000000000000004)"],
  ["line", "{1,2,3}", "{1,2,4}"],
  ["lseg", "[(1,2),(3,4)]", "[(1,2),(3,5)]"],
  ["box", "(3,4),(1,2)", "(3,5),(1,2)"],
  ["path", "((1,2),(3,4))", "[(1,2),(3,4)]"],
  ["polygon", "((1,2),(3,4))", "((1,2),(3,5))"],
  ["circle", "<(1,2),3>", "<(1,2),4>"],
  ["tsvector", "'a':1", "'a':2"],
  ["tsquery", "'a' & 'b'", "'a' | 'b'"],
  ["int4range", "[1,3)", "[1,4)"],
  ["numrange", "[1,2)", "[1,2]"],
  ["int4multirange", "{[1,3)}", "{[1,2),[5,6)}"],
  ["integer[]", "{1,2}", "{2,1}"],
  ["integer[]", "{1}", "[0:0]={1}"],
  ["text[]", "{NULL}", '{"NULL"}'],
  ["text[]", "{}", '{""}'],
  ["oid", "1", "2"],
  ["regclass", "pg_class", "pg_type"],
  ["timestamp", "2000-01-01 00:00:00.000001", "2000-01-01 01:11:34.967296"],
  ["time", "00:00:00.000001", "01:11:34.967296"],
  ["pg_lsn", "0/1", "0/2"],
  ["pg_lsn", "0/1", "1/0"],
  ["xid8", "1", "2"],
  ["tid", "(0,1)", "(0,2)"],
  ["txid_snapshot", "10:20:10", "10:20:11"],
  ["pair", "(1,)", '(1,"")'],
  ["feeling", "sad", "happy"],
  ["hushed", "sad", "happy"],
];

describe.each(servers)("the baseline on Postgres $major", (server) => {
  test("tells any two values of any type apart, and each from NULL", async () => {
    const address = await freshDatabase(
      server,
      `create type pair as (a int, b text); create type feeling as enum ('sad', 'happy'); create domain padded as bpchar;
       create type hushed as enum ('sad', 'happy'); create function hush(hushed) returns text immutable return 'a feeling';
       create cast (hushed as text) with function hush(hushed);
       ${TYPES.map(
         ([type], place) => `create table one_${place} (v ${type}); create table other_${place} (v ${type});
           create table none_${place} (v ${type}); insert into none_${place} values (null);`,
       ).join("\n")}`,
    );
    const session = await openSession(address, { application: "test" });
    await session.execute("set search_path = public");
    for (const [place, [, one, other]] of TYPES.entries()) {
      await session.query(`insert into one_${place} values ($1)`, [one]);
      await session.query(`insert into other_${place} values ($1)`, [other]);
    }
    const { tables } = await readBaseline(session);
    for (const [place, type] of TYPES.entries()) {
      const sums = ["one", "other", "none"].map((which) => tables[`"public"."${which}_${place}"`]?.checksum);
      expect(new Set(sums).size, type.join(" ")).toBe(3);
    }
    await session.close();
    await dropDatabases(address);
  });

  test("takes xml for what is printed of it, which is what a backup carries", async () => {
    const document = (text: string) =>
      freshDatabase(
        server,
        `create table t (a xml, b xml[]); insert into t values ('${text}', array['${text}'::xml])`,
      );
    const [declared, plain] = [await document('<?xml version="1.0"?><r/>'), await document("<r/>")];
    expect(compareBaselines(await baselineOf(declared), await baselineOf(plain))).toEqual([]);
    await dropDatabases(declared, plain);
  });

  test("takes what is not a number for one value, in whatever bits it came out of a sum", async () => {
    const columns = "a float8, b float4";
    const [computed, read] = [
      await freshDatabase(
        server,
        `create table t (${columns}); insert into t values (float8 'inf' - 'inf', float4 'inf' - 'inf')`,
      ),
      await freshDatabase(server, `create table t (${columns}); insert into t values ('NaN', 'NaN')`),
    ];
    expect(await rows(computed, "select float8send(a) = float8send('NaN') as same from public.t")).toEqual([
      { same: false },
    ]);
    expect(compareBaselines(await baselineOf(computed), await baselineOf(read))).toEqual([]);
    await dropDatabases(computed, read);
  });

  test("is the same whatever the order of rows, of columns, of loading, and the session's settings", async () => {
    const columns = "a int, b text, c timestamptz, d float8, e interval, f bytea";
    const some =
      "g, 'b' || g, timestamptz '2020-01-01Z' + g * interval '1 hour', g / 3.0, g * interval '1 day', int4send(g)";
    const one = await freshDatabase(
      server,
      `create table t (${columns}); insert into t select ${some} from generate_series(1, 5000) g`,
    );
    const other = await freshDatabase(
      server,
      `create table t (gone int, f bytea, e interval, d float8, c timestamptz, b text, a int); alter table t drop gone;
       insert into t (${columns.replaceAll(/ \w+(?=,|$)/g, "")}) select ${some} from generate_series(5000, 1, -1) g;
       update t set b = b || 'x' where a % 2 = 0; update t set b = rtrim(b, 'x')`,
    );
    await execute(other, "vacuum full t");
    const expected = await baselineOf(one);
    expect(compareBaselines(expected, await baselineOf(other))).toEqual([]);

    const session = await openSession(other, { application: "test" });
    await session.execute(
      "begin; set local datestyle = 'SQL, DMY'; set local timezone = 'Asia/Tokyo'; set local bytea_output = escape; set local extra_float_digits = -5; set local intervalstyle = iso_8601; set local search_path = public",
    );
    expect(compareBaselines(expected, await readBaseline(session))).toEqual([]);
    await session.query("delete from t where a = 5000");
    expect(compareBaselines(expected, await readBaseline(session))).toEqual([
      { what: 'table "public"."t"', fact: "holds 4999 rows, expected 5000 rows" },
    ]);
    await session.execute("rollback");
    await session.close();
    await dropDatabases(one, other);
  });

  test("is the same for a template copy of every kind of object", async () => {
    const address = await freshDatabase(
      server,
      `${fixture}; insert into app.people (email, name) select 'p' || g || '@x', 'p' || g from generate_series(1, 50) g;
       insert into app.events select g, timestamptz '2024-12-31Z' + g * interval '1 day', 'k' from generate_series(1, 9) g;
       insert into app.base values (1, 'b'); insert into app.child values (1, 'b', 2);
       refresh materialized view app.moods; select lo_from_bytea(0, 'large');`,
    );
    const copy = { ...address, database: `${address.database}_copy` };
    await execute(
      server.address,
      `create database ${quoteName(copy.database)} template ${quoteName(address.database)}`,
    );
    const baseline = await baselineOf(address);
    expect(compareBaselines(baseline, await baselineOf(copy))).toEqual([]);
    expect(baseline.tables['"app"."base"']?.rows).toBe(1);
    expect(baseline.tables['"app"."events"']).toBeUndefined();
    expect(baseline.tables['"app"."events_2025_1"']?.rows).toBeGreaterThan(0);
    // What a view holds is not production's own: a restore computes it anew.
    expect(baseline.tables['"app"."moods"']).toBeUndefined();
    expect(baseline.tables['"app"."nothing"']).toBeUndefined();
    expect(baseline.tables['"app"."far"']).toBeUndefined();
    expect(baseline.sequences['"app"."people_id_seq"']).toEqual({ last: "590", called: true });
    expect(baseline.sequences['"app"."counter"']).toEqual({ last: "10", called: false });
    expect(baseline.largeObjects.count).toBe(1);
    await dropDatabases(address, copy);
  });

  test("abuse 1, abuse 2: names of every kind are read", async () => {
    const names = [
      'quo"te',
      "semi;colon",
      "line\nbreak",
      "back\\slash",
      "a.b",
      "select",
      "__proto__",
      "%s",
      "$1",
      "'",
      "Ünïcode",
      "x".repeat(63),
    ];
    const address = await freshDatabase(
      server,
      names
        .map((name) => {
          const quoted = quoteName(name);
          return `create schema ${quoted}; create table ${quoted}.${quoted} (${names.map((column) => `${quoteName(column)} int`).join(", ")});
            insert into ${quoted}.${quoted} values (1); create sequence ${quoted}.${quoteName(`${name.slice(0, 61)}_s`)};`;
        })
        .join("\n"),
    );
    const baseline = await baselineOf(address);
    expect(Object.values(baseline.tables).map((table) => table.rows)).toEqual(names.map(() => 1));
    expect(Object.keys(baseline.sequences)).toHaveLength(names.length);
    await dropDatabases(address);
  });

  test("reads tables without columns and tables with as many as Postgres allows", async () => {
    const wide = Array.from({ length: 1600 }, (_, place) => `c${place} int`).join(", ");
    const address = await freshDatabase(
      server,
      `create table none (); insert into none default values; insert into none default values;
       create table wide (${wide}); insert into wide (c0, c1599) values (1, 2);
       create table made (a int, b int generated always as (a * 2) stored${
         server.major >= 18 ? ", c int generated always as (a * 3) virtual" : ""
       }); insert into made values (1)`,
    );
    const { tables } = await baselineOf(address);
    expect(tables['"public"."none"']).toMatchObject({ rows: 2, columns: [] });
    expect(tables['"public"."wide"']?.columns).toHaveLength(1600);
    expect(tables['"public"."made"']?.columns).toEqual(server.major >= 18 ? ["a", "b", "c"] : ["a", "b"]);
    await dropDatabases(address);
  });

  test("reads only the named tables, and of a table only the named columns", async () => {
    const address = await freshDatabase(
      server,
      "create table a (x int, y int); insert into a values (1, 2); create table b (x int); create table c (x int)",
    );
    const options = { tables: ['"public"."a"', '"public"."b"'], columns: { '"public"."a"': ["x"] } };
    const before = await baselineOf(address, options);
    expect(Object.keys(before.tables)).toEqual(options.tables);
    await execute(address, "update a set y = 3");
    expect(compareBaselines(before, await baselineOf(address, options))).toEqual([]);
    await execute(address, "update a set x = 3");
    expect(compareBaselines(before, await baselineOf(address, options))).toHaveLength(1);
    await dropDatabases(address);
  });

  test("sees one changed byte of a large object, and takes a hole for the zeros that it reads as", async () => {
    const address = await freshDatabase(
      server,
      "select lo_from_bytea(7000, decode(repeat('00ff', 400000), 'hex')); select lo_create(7001)",
    );
    const sparse = (sql: string) =>
      execute(address, `do $$ declare fd int; begin fd := lo_open(7001, 131072); ${sql} end $$`);
    await sparse("perform lo_lseek(fd, 500000, 0); perform lowrite(fd, 'end');");
    const before = await baselineOf(address);
    expect(before.largeObjects.count).toBe(2);
    await sparse("perform lo_lseek(fd, 300000, 0); perform lowrite(fd, '\\x000000');");
    expect(compareBaselines(before, await baselineOf(address))).toEqual([]);
    await execute(address, "select lo_put(7000, 600001, '\\x42')");
    expect(compareBaselines(before, await baselineOf(address))).toEqual([
      { what: "large objects", fact: "are 2, as expected, but not the same content" },
    ]);
    await dropDatabases(address);
  });

  test("refuses with a mend to count what row security hides, or what may not be read", async () => {
    const role = `reader_${process.pid}_${server.major}`;
    const address = await freshDatabase(
      server,
      `create role ${role} login password 'p'; grant usage on schema public to ${role};
       create table hidden (a int); alter table hidden enable row level security; grant select on hidden to ${role}`,
    );
    const reader = { ...address, user: role, password: "p" };
    await expect(baselineOf(reader)).rejects.toMatchObject({
      code: "BaselineUnreadable",
      message: expect.stringContaining(
        'query would be affected by row-level security policy for table "hidden"',
      ),
      hint: expect.stringContaining(`alter role "${role}" bypassrls`),
    });
    await execute(address, `alter role ${role} bypassrls; create table closed (a int)`);
    await expect(baselineOf(reader)).rejects.toMatchObject({
      code: "BaselineUnreadable",
      hint: expect.stringContaining(`grant "${role}" SELECT`),
    });
    await dropDatabases(address);
    await execute(server.address, `drop role ${role}`);
  });

  test("tells how far it is, up to all of it, and reads in parallel when the server thinks it worth", async () => {
    const address = await freshDatabase(
      server,
      `create table small (a int); insert into small values (1);
       create table large as select g, repeat(md5(g::text), 4) from generate_series(1, 200000) g`,
    );
    const told: Progress[] = [];
    const started = performance.now();
    await baselineOf(address, { onProgress: (progress) => told.push(progress) });
    console.info(`Postgres ${server.major}: 200,000 rows in ${Math.round(performance.now() - started)} ms`);
    const last = told.at(-1);
    expect(last?.done).toEqual({ bytes: last?.total?.bytes, rows: 200_001 });
    const plan = await rows<{ "QUERY PLAN": string }>(
      address,
      `explain select count(*), sum(hashtextextended(row(t.g)::text collate "C", 0)) from only public.large t`,
    );
    expect(plan.map((line) => line["QUERY PLAN"]).join("\n")).toContain("Parallel Seq Scan");
    await dropDatabases(address);
  });
});
