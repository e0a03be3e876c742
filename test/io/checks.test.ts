/** Checks: what they find, and what they cannot do to the database that they look at. */
import { afterAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { findBrokenChecks } from "../../io/postgres/checks.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer, rows, servers } from "../postgres.ts";

const SCHEMA = `create table videos (id int primary key, title text);
  insert into videos values (1, 'one'), (2, null), (3, null);
  create sequence numbers;
  create function written() returns int language sql as 'delete from public.videos returning id';`;

const made: DatabaseAddress[] = [];

afterAll(() => dropDatabases(...made));

async function database(server = newestServer(), sql = SCHEMA): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, sql);
  made.push(address);
  return address;
}

async function broken(address: DatabaseAddress, ...checks: string[]) {
  const session = await openSession(address, { application: "checks test" });
  try {
    const named = checks.map((sql, n) => ({ name: `${n}`, path: `checks/${n}.sql`, sql }));
    return await session.transaction(() => findBrokenChecks(session, named, "public"));
  } finally {
    await session.close();
  }
}

test.each(servers)(
  "what a check finds is told by its number and the first row on Postgres $major",
  async (server) => {
    const found = await broken(
      await database(server),
      'select id, title as "the title" from videos where title is null order by id',
      "select from videos where false",
      "select 1 as id, 1 as found, 2 as nth -- as a check may call them",
    );
    expect(found.map(({ sample, ...rest }) => ({ ...rest, sample: JSON.parse(sample) }))).toEqual([
      { path: "checks/0.sql", rows: 2, sample: { id: 2, "the title": null } },
      { path: "checks/2.sql", rows: 1, sample: { id: 1, found: 1, nth: 2 } },
    ]);
  },
);

test.each([
  ["calls a function that writes", "select written()"],
  ["takes a number of a sequence", "select nextval('numbers')"],
  ["asks to write first", "select set_config('transaction_read_only', 'off', false), written()"],
  ["makes a large object", "select lo_from_bytea(0, 'x')"],
])("abuse 38: a check that %s is refused and changes nothing", async (_, sql) => {
  const address = await database();
  await expect(broken(address, sql)).rejects.toThrow(/read-only|read-write/);
  expect(await rows(address, "select count(*)::int as n from public.videos")).toEqual([{ n: 3 }]);
  expect(await rows(address, "select is_called from public.numbers")).toEqual([{ is_called: false }]);
  expect(await rows(address, "select oid from pg_largeobject_metadata")).toEqual([]);
});

test("abuse 38: ten million rows of a check are counted as they come, and only the first is kept", async () => {
  const address = await database(newestServer(), "select 1");
  const bytes = "repeat('x', 100)";
  expect(
    await broken(address, `select n, ${bytes} as text from generate_series(1, 10000000) as n`),
  ).toMatchObject([{ rows: 10_000_000, sample: expect.stringContaining('"n": 1,') }]);
});
