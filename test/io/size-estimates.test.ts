import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { estimateSizes } from "../../io/postgres/size-estimates.ts";
import { dropDatabases, freshDatabase, servers } from "../postgres.ts";

const SCHEMA = `
create schema "a.b";
create table "a.b"."it""s; a\\ name" (id int primary key, t text);
insert into "a.b"."it""s; a\\ name" select g, repeat('x', 100) from generate_series(1, 500) g;
analyze "a.b"."it""s; a\\ name";
create table public.never (id int);
create table public.parted (id int) partition by range (id);
create table public.low partition of public.parted for values from (0) to (100);
create table public.high partition of public.parted for values from (100) to (200);
insert into public.parted select generate_series(0, 199);
analyze public.parted;
create view public.seen as select 1;
`;

const NAMES = [
  '"a.b"."it""s; a\\ name"',
  '"public"."never"',
  '"public"."parted"',
  '"public"."seen"',
  '"public"."not there"',
];

describe.each(servers)("on Postgres $major, the sizes of tables", (server) => {
  let address: DatabaseAddress;
  let session: Session;

  beforeAll(async () => {
    address = await freshDatabase(server, SCHEMA);
    session = await openSession(address, { application: "test", readOnly: true });
  });
  afterAll(async () => {
    await session.close();
    await dropDatabases(address);
  });

  test("abuse 1, abuse 2: are found by any name, partitions added up, and what is no table is left out", async () => {
    const sizes = await estimateSizes(session, NAMES);
    expect(Object.keys(sizes).sort()).toEqual(NAMES.slice(0, 3).sort());
    expect(sizes[NAMES[0] ?? ""]).toMatchObject({ rows: 500 });
    expect(sizes[NAMES[0] ?? ""]?.bytes).toBeGreaterThan(50_000);
    expect(sizes[NAMES[1] ?? ""]).toEqual({ rows: 0, bytes: 0 });
    expect(sizes[NAMES[2] ?? ""]).toMatchObject({ rows: 200, bytes: 16_384 });
  });

  test("fault 19: are not waited for behind whoever holds a table: nothing is known then", async () => {
    const holder = await openSession(address, { application: "test" });
    try {
      await holder.execute("begin; lock table public.never");
      expect(await estimateSizes(session, NAMES)).toEqual({});
      await holder.execute("rollback");
      expect(Object.keys(await estimateSizes(session, NAMES))).toHaveLength(3);
    } finally {
      await holder.close();
    }
  });
});
