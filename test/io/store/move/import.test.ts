/** What a target may have of its own, and what becomes of it when a store is imported. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportStore } from "../../../../io/store/move/export.ts";
import { importStore } from "../../../../io/store/move/import.ts";
import { openPlace } from "../../../../io/store/open-place.ts";
import type { Place } from "../../../../io/store/place.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../../../postgres.ts";
import { refusalOf } from "../../../refusal.ts";
import { FEED, type MovedDatabase, movedDatabase } from "./database.ts";

const SQL = `
create sequence shared_numbers;
create sequence letters;
create table customers (id int primary key default nextval('shared_numbers'), name text not null,
  recommended_by int references customers deferrable initially deferred);
create table invoices (id int primary key default nextval('shared_numbers'), number text not null default 'R-' || nextval('letters'),
  customer int not null references customers deferrable initially deferred);
alter sequence letters owned by invoices.number;
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not here'; end $$;
`;

/** What nobody but an import gets past. */
const GUARDS = `
create trigger guarded before truncate on invoices for each statement execute function refuse();
create trigger audited after insert on invoices for each row execute function refuse();
`;

const YAML = `models:
  Customer: { table: customers, file: "customers.json" }
  Invoice: { table: invoices, file: "invoices/{customer}.jsonl" }
`;

let database: MovedDatabase;
let place: Place;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-"));
  place = await openPlace(join(folder, "store"));
  database = await movedDatabase(SQL, YAML);
  await execute(
    database.address,
    `insert into customers (name, recommended_by) values ('one', 2), ('two', null);
     insert into invoices (customer) values (1), (2), (2); ${GUARDS}`,
  );
  await exportStore({ ...database, application: "test", place, id: "one", feed: FEED });
});
afterAll(async () => {
  await place.close();
  await dropDatabases(database.address);
  await rm(folder, { recursive: true });
});

test("triggers of the target stay silent, also those of TRUNCATE, and constraints that wait do not keep them from being put back", async () => {
  const imported = await importStore({ ...database, application: "test", place, replace: true });
  expect(imported).toMatchObject({ rows: 5, replaced: 5 });
  const states = await rows(
    database.address,
    "select tgname::text as name, tgenabled::text as state from pg_trigger where tgname in ('guarded', 'audited') order by 1",
  );
  expect(states).toEqual([
    { name: "audited", state: "O" },
    { name: "guarded", state: "O" },
  ]);
});

test("sequences that fill columns go on behind what came, whoever owns them and whatever the column's type", async () => {
  const address = await freshDatabase(newestServer(), SQL);
  try {
    await importStore({ ...database, address, application: "test", place });
    await execute(
      address,
      "insert into customers (name) values ('three'); insert into invoices (customer) values (1)",
    );
    expect(await rows(address, "select id, number from public.invoices order by id desc limit 1")).toEqual([
      { id: 7, number: "R-4" },
    ]);
  } finally {
    await dropDatabases(address);
  }
});

test("a column of the target that the store does not keep does not lose what stands in it", async () => {
  await execute(
    database.address,
    "alter table customers add column note text; update customers set note = 'kept'",
  );
  expect(
    await refusalOf(() => importStore({ ...database, application: "test", place, replace: true })),
  ).toEqual({
    code: "StoreTargetUnfit",
    message: expect.stringContaining('"note" that the store does not keep'),
    hint: expect.any(String),
  });
  expect(
    await rows(database.address, "select count(*)::int as kept from public.customers where note = 'kept'"),
  ).toEqual([{ kept: 2 }]);
});
