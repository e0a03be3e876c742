/** Rows laid in another order on disk, in tables of every make. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { reverseRows } from "../../io/postgres/row-order.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

let address: DatabaseAddress;
let session: Session;

beforeAll(async () => {
  address = await freshDatabase(
    newestServer(),
    `create schema "odd.""s"; create table "odd.""s"."T x" ("the ""key" text primary key, n int);
     insert into "odd.""s"."T x" select lpad(g::text, 6, '0'), g from generate_series(1, 1000) g;
     create table falling (id int primary key); insert into falling select generate_series(9, 1, -1);
     create table parted (id int primary key) partition by range (id);
     create table part partition of parted for values from (0) to (100); insert into parted select generate_series(1, 9);
     create table keyless (at timestamptz, j json); insert into keyless select now() + g * interval '1 s' from generate_series(1, 9) g;
     create table shapeless (j json); insert into shapeless values ('1'), ('2');
     create table other (id int primary key); insert into other values (1), (2);
     create view seen as select 1 as one;`,
  );
  session = await openSession(address, { application: "row order test" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
});

const firstOf = async (table: string, column: string) => {
  const [row] = await session.query<{ first: string }>(
    `select ${column}::text as first from ${table} order by ctid limit 1`,
  );
  return row?.first;
};

test("the first row of each is another one, and what nothing orders is told", async () => {
  const at = await firstOf("public.keyless", "at");
  const named = { relations: ["T x", "falling", "parted", "keyless"], functions: ["lower"] };
  expect(await reverseRows(session, [named])).toEqual([]);
  expect(await firstOf('"odd.""s"."T x"', "n")).toBe("1000");
  expect(await firstOf("public.falling", "id")).toBe("1");
  expect(await firstOf("public.part", "id")).toBe("9");
  expect(await firstOf("public.keyless", "at")).not.toBe(at);
  expect(await firstOf("public.other", "id")).toBe("1");
  expect(await session.query("select from pg_class where relname like 'rehearsal%'")).toEqual([]);
  // What stands behind a view is not looked into.
  expect(await reverseRows(session, [{ relations: ["seen"], functions: [] }])).toEqual([
    '"public"."shapeless"',
  ]);
  expect(await firstOf("public.other", "id")).toBe("2");
});
