/** Queries against a real server: what they read comes as it is, and what they do does not outlast them. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { parseQuery } from "../../core/query/file.ts";
import { bindValues, type GivenValue } from "../../core/query/parameter.ts";
import { WRITTEN } from "../../core/query/rows.ts";
import { runQuery } from "../../io/postgres/query.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer, rows, servers } from "../postgres.ts";

const SCHEMA = `create table jobs (id int primary key, name text);
  insert into jobs values (1, 'one'), (2, null);
  create sequence numbers;
  create function plain() returns int volatile language sql as 'insert into public.jobs values (9, null) returning id';
  create function definer() returns int volatile security definer language sql as 'delete from public.jobs returning id';
  create function counting() returns bigint language sql as $$select nextval('public.numbers')$$;
  create function asking() returns int language plpgsql as $$begin
    set local transaction_read_only = off; delete from public.jobs; return 1; end$$;
  create function setting() returns text language sql as $$select set_config('search_path', 'elsewhere', false)$$;
  create function locking() returns int language plpgsql as $$begin perform pg_advisory_lock(77); return 1; end$$;
  create function making() returns int language plpgsql as $$begin create temp table kept (id int); return 1; end$$;
  create function telling() returns int language plpgsql as $$begin perform pg_notify('a', 'b'); return 1; end$$;
  create function large() returns oid language sql as $$select lo_from_bytea(0, 'x')$$`;

let address: DatabaseAddress;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  address = await freshDatabase(newestServer(), SCHEMA);
  made.push(address);
});

afterAll(() => dropDatabases(...made));

interface Asked {
  given?: Record<string, GivenValue>;
  limit?: number;
  seconds?: number;
  in?: DatabaseAddress;
}

async function run(text: string, { given = {}, limit = 100, seconds = 20, in: where = address }: Asked = {}) {
  const query = await parseQuery("queries/q.sql", Buffer.from(text));
  const values = bindValues(query, given);
  const session = await openSession(where, { application: "query test", readOnly: true });
  try {
    const found: (readonly (string | null)[])[] = [];
    const { value: columns, more } = await runQuery(
      session,
      {
        ...{ name: "q", sql: query.sql, values, searchPath: ["public"] },
        ...{ rows: limit, seconds, rowSecurity: false },
      },
      async ({ columns, batches }) => {
        for await (const batch of batches) found.push(...batch);
        return columns;
      },
    );
    return { columns, found, more };
  } finally {
    await session.close();
  }
}

async function refusal(text: string, asked?: Asked): Promise<RehearsalError> {
  const error = await run(text, asked).catch((thrown: unknown) => thrown);
  if (error instanceof RehearsalError) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
}

const declared = (...types: string[]) =>
  types.map((type, at) => `-- rehearsal: parameter p${at} ${type} optional`).join("\n");

test.each(servers)(
  "values come as the server writes them, and are written as what they are, on Postgres $major",
  async (server) => {
    const where = await freshDatabase(server, "create type mood as enum ('good', 'bad')");
    made.push(where);
    const { columns, found } = await run(
      `select 9007199254740993::bigint as big, 0.10000000000000000001::numeric as exact, 1.5::float8 as near,
        'NaN'::float8 as nan, true as yes, null::text as nothing, '' as empty, '2026-07-01 12:00:00.000001+02'::timestamptz as at,
        '2026-07-01'::date as day, '{"a": [1.10, 12345678901234567890]}'::jsonb as doc, E'{\\n"a":1}'::json as raw,
        '\\xdeadbeef'::bytea as bytes, array['a,b', null, 'c"d'] as list, '1 day'::interval as span, 'good'::mood as mood,
        '=1+1' as formula, -5 as minus`,
      { in: where },
    );
    const [row = []] = found;
    expect(WRITTEN.ndjson.row(columns, row, true)).toBe(
      `{"big":"9007199254740993","exact":"0.10000000000000000001","near":1.5,"nan":"NaN","yes":true,"nothing":null,"empty":"","at":"2026-07-01 10:00:00.000001+00","day":"2026-07-01","doc":{"a": [1.10, 12345678901234567890]},"raw":{ "a":1},"bytes":"\\\\xdeadbeef","list":"{\\"a,b\\",NULL,\\"c\\\\\\"d\\"}","span":"1 day","mood":"good","formula":"=1+1","minus":-5}\n`,
    );
    expect(WRITTEN.csv.row(columns, row, true)).toBe(
      `9007199254740993,0.10000000000000000001,1.5,NaN,t,,"",2026-07-01 10:00:00.000001+00,2026-07-01,"{""a"": [1.10, 12345678901234567890]}","{\n""a"":1}",\\xdeadbeef,"{""a,b"",NULL,""c\\""d""}",1 day,good,=1+1,-5\r\n`,
    );
    expect(WRITTEN.spreadsheet.row(columns.slice(-2), row.slice(-2), true)).toBe("'=1+1,-5\r\n");
  },
);

test("each type of a parameter is bound as it is, and nothing that it says is SQL", async () => {
  const given = {
    ...{ p0: `'; delete from jobs; --`, p1: "9007199254740993", p2: "1e3", p3: true, p4: "2024-02-29" },
    ...{ p5: "2026-07-01T12:00:00+02:00", p6: "0e37df36-f698-11e6-8dd4-cb9ced3df976", p7: '{"a": 1.10}' },
    ...{ p8: ["a,b", 'c"d', "{}"], p9: "1, 2" },
  };
  const types = [
    ...[
      "text",
      "bigint",
      "numeric",
      "boolean",
      "date",
      "timestamptz",
      "uuid",
      "jsonb",
      "text[]",
      "integer[]",
    ],
  ];
  const text = `${declared(...types)}\nselect ${types.map((_, at) => `:p${at}`).join(", ")}`;
  const named = text.replaceAll(/:p(\d)/g, ":p$1 as c$1");
  expect((await run(named, { given })).found).toEqual([
    [
      ...[`'; delete from jobs; --`, "9007199254740993", "1000", "t", "2024-02-29"],
      ...["2026-07-01 10:00:00+00", "0e37df36-f698-11e6-8dd4-cb9ced3df976", '{"a": 1.10}'],
      ...['{"a,b","c\\"d","{}"}', "{1,2}"],
    ],
  ]);
  expect((await run(named)).found).toEqual([types.map(() => null)]);
});

test.each([
  ["a function that writes", "select plain()"],
  ["a function that writes with its owner's rights", "select definer()"],
  ["a function that asks to write first", "select asking()"],
  ["a function that counts", "select counting()"],
  ["a function that makes a large object", "select large()"],
  ["a function that makes a table", "select making()"],
])("abuse 38: %s fails, and nothing was changed", async (_, sql) => {
  expect(await refusal(sql)).toMatchObject({
    code: "QueryFailed",
    facts: { sqlstate: expect.stringMatching(/^(25006|25001)$/) },
  });
  expect(await rows(address, "select id, name from public.jobs order by id")).toEqual([
    { id: 1, name: "one" },
    { id: 2, name: null },
  ]);
  expect(await rows(address, "select is_called from public.numbers")).toEqual([{ is_called: false }]);
  expect(await rows(address, "select oid from pg_largeobject_metadata")).toEqual([]);
});

test("abuse 38: a setting, a lock of the session and a word to listeners end with the query", async () => {
  expect((await run("select setting()")).found).toEqual([["elsewhere"]]);
  const listener = new pg.Client({ ...address });
  await listener.connect();
  const heard: unknown[] = [];
  listener.on("notification", (word) => heard.push(word));
  try {
    await listener.query("listen a");
    expect((await run("select telling()")).found).toEqual([["1"]]);
    await listener.query("select 1");
  } finally {
    await listener.end();
  }
  expect(heard).toEqual([]);
  expect((await run("select locking()")).found).toEqual([["1"]]);
  expect(await rows(address, "select pg_try_advisory_lock(77) as free")).toEqual([{ free: true }]);
});

test("abuse 38: of ten million rows come as many as were asked for, and it is told that there are more", async () => {
  const wide = "select n, repeat('x', 100) as x from generate_series(1, 10000000) as n";
  const before = process.memoryUsage().rss;
  const query = await parseQuery("queries/q.sql", Buffer.from(wide));
  const session = await openSession(address, { application: "query test" });
  let read = 0;
  let most = 0;
  try {
    const { more } = await runQuery(
      session,
      {
        ...{ name: "q", sql: query.sql, values: [], searchPath: ["public"] },
        ...{ rows: 100_000, seconds: 60, rowSecurity: false },
      },
      async ({ batches }) => {
        for await (const batch of batches) {
          read += batch.length;
          most = Math.max(most, process.memoryUsage().rss - before);
        }
      },
    );
    expect({ read, more }).toEqual({ read: 100_000, more: true });
  } finally {
    await session.close();
  }
  expect(most).toBeLessThan(250 * 2 ** 20);
  expect(await run(wide, { limit: 3 })).toMatchObject({
    found: [["1"], ["2"], ["3"]].map(([n]) => [n, "x".repeat(100)]),
    more: true,
  });
  expect(await run("select generate_series(1, 3)", { limit: 3 })).toMatchObject({ more: false });
  expect(await run("select 1 where false")).toMatchObject({ found: [], more: false, columns: [{}] });
});

test("what takes too long is cancelled, in one statement or over many", async () => {
  const slow = await refusal("select pg_sleep(30)", { seconds: 1 });
  expect(slow).toMatchObject({ code: "QueryTooSlow", hint: expect.stringContaining("ask for less") });
  const many = "select n, pg_sleep(0.05) from generate_series(1, 100000) as n";
  expect(await refusal(many, { seconds: 1, limit: 100_000 })).toMatchObject({ code: "QueryTooSlow" });
});

test("rows that are too wide, two columns of one name and what the server refuses are told as such", async () => {
  expect(await refusal("select repeat('x', 34000000)")).toMatchObject({ code: "RowsTooWide" });
  expect(await refusal("select 1 as a, 2 as a")).toMatchObject({
    code: "QueryColumnsAlike",
    hint: expect.stringContaining("AS"),
  });
  expect(await refusal("select nobody from jobs")).toMatchObject({
    code: "QueryFailed",
    facts: { sqlstate: "42703" },
  });
  expect(await refusal("select 1 / (id - 1) from jobs")).toMatchObject({ facts: { sqlstate: "22012" } });
});
