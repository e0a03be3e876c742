/** The record in schema `rehearsal`, and SQL that no parser sees: put together while it runs. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { policySchema } from "../../core/policy.ts";
import { planRuns } from "../../core/runs.ts";
import { applyRuns } from "../../io/postgres/apply.ts";
import type { Session } from "../../io/postgres/session.ts";
import { rows } from "../postgres.ts";
import { openTarget, type Target } from "./target.ts";

let address: DatabaseAddress;
let session: Session;
let target: Target;

beforeEach(async () => {
  target = await openTarget("create table videos (id int)");
  ({ address, session } = target);
});

afterEach(() => target.end());

async function apply(sql: string, directive = ""): Promise<void> {
  const text = `${directive}insert into videos values (1);\n${hidden(sql)}`;
  await applyFiles(directive === "" ? text : text.replace("insert into videos values (1);\n", ""));
}

/** A statement that no parser sees. */
const hidden = (sql: string) => `do $do$ begin execute ${sql}; end $do$;`;

async function applyFiles(...texts: string[]): Promise<void> {
  const names = ["first", "second", "third"];
  const files = texts.map((text, place) =>
    parseMigration(`migrations/000${place + 1}_${names[place]}.sql`, Buffer.from(text)),
  );
  await applyRuns({
    session,
    attempt: { promotion: "p1", step: "rehearse", attempt: 1, token: 1 },
    release: "r1",
    runs: planRuns(await Promise.all(files), [], []),
    policy: policySchema.parse({}),
  });
}

const refused = {
  code: "LedgerTouched",
  facts: { path: "migrations/0001_first.sql" },
  hint: expect.stringContaining("only Rehearsal writes it"),
};

test.each([
  ["dropped", "$$drop sch$$ || $$ema rehear$$ || $$sal cascade$$"],
  ["emptied", "$$delete from rehear$$ || $$sal.identity$$"],
  ["given a token", "$$update rehear$$ || $$sal.identity set token = 9$$"],
  ["told another role", "$$update rehear$$ || $$sal.identity set role = 'dev'$$"],
  ["told of a file", "$$insert into rehear$$ || $$sal.applied values ('x', 9, '', '', '', now(), 0)$$"],
  ["truncated", "$$trunc$$ || $$ate rehear$$ || $$sal.applied$$"],
  [
    "given a trigger",
    "$$create trigger t after insert on rehear$$ || $$sal.applied execute function pg_catalog.suppress_redundant_updates_trigger()$$",
  ],
  ["opened to all", "$$grant all on all tables in sch$$ || $$ema rehear$$ || $$sal to public$$"],
  [
    "given another answer for triggers",
    "$$create or replace function rehear$$ || $$sal.is_acting(kind text) returns boolean language sql stable return true$$",
  ],
])("abuse 18: the record %s behind the parser's back takes the whole run back", async (_, sql) => {
  await expect(apply(sql)).rejects.toMatchObject(refused);
  expect(await rows(address, "select id from public.videos")).toEqual([]);
  expect(await rows(address, "select role, token from rehearsal.identity")).toEqual([
    { role: "prod", token: "1" },
  ]);
  expect(await rows(address, "select path from rehearsal.applied")).toEqual([]);
});

test.each([
  ["told another role", "$$update rehear$$ || $$sal.identity set role = 'dev'$$"],
  ["dropped", "$$drop sch$$ || $$ema rehear$$ || $$sal cascade$$"],
  ["opened to all", "$$grant usage on sch$$ || $$ema rehear$$ || $$sal to pg_monitor$$"],
])(
  "abuse 18: of many files in one transaction the one is named by which the record was %s",
  async (_, sql) => {
    const files = applyFiles(
      "insert into videos values (1);",
      `insert into videos values (2);\n${hidden(sql)}`,
      "insert into videos values (3);",
    );
    await expect(files).rejects.toMatchObject({ ...refused, facts: { path: "migrations/0002_second.sql" } });
    expect(await rows(address, "select id from public.videos")).toEqual([]);
    expect(await rows(address, "select role, token from rehearsal.identity")).toEqual([
      { role: "prod", token: "1" },
    ]);
  },
);

test("abuse 18: what a file writes to the record is not made good by one behind it that writes it back", async () => {
  const files = applyFiles(
    hidden("$$update rehear$$ || $$sal.identity set role = 'dev'$$"),
    hidden("$$update rehear$$ || $$sal.identity set role = 'prod'$$"),
  );
  await expect(files).rejects.toMatchObject(refused);
});

test.each([
  ["a table", "$$create table rehear$$ || $$sal.mine (x int)$$", "$$drop table rehear$$ || $$sal.mine$$"],
  [
    "a function",
    "$$create function rehear$$ || $$sal.mine() returns int language sql return 1$$",
    "$$drop function rehear$$ || $$sal.mine$$",
  ],
  ["a type", "$$create type rehear$$ || $$sal.mine as enum ()$$", "$$drop type rehear$$ || $$sal.mine$$"],
])(
  "abuse 18: %s that one file makes in the record's schema is refused, also when a later one drops it again",
  async (_, make, drop) => {
    const files = applyFiles(
      "insert into videos values (1);",
      `set search_path = pg_temp; ${hidden(make)}`,
      hidden(drop),
    );
    await expect(files).rejects.toMatchObject({ ...refused, facts: { path: "migrations/0002_second.sql" } });
    expect(await rows(address, "select id from public.videos")).toEqual([]);
  },
);

test("abuse 18: outside a transaction it is refused as well", async () => {
  const sql = "$$update rehear$$ || $$sal.identity set role = 'dev'$$";
  await expect(apply(sql, "-- rehearsal: no-transaction\n")).rejects.toMatchObject(refused);
});

test("what leaves the record alone is applied, also when it is put together while it runs", async () => {
  await apply("$$insert into videos val$$ || $$ues (2)$$");
  expect(await rows(address, "select id from public.videos order by id")).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await rows(address, "select path from rehearsal.applied")).toEqual([
    { path: "migrations/0001_first.sql" },
  ]);
});

test("a file whose rows are archived by it may tell so, also on an installation of before", async () => {
  await session.execute(`drop table rehearsal.archived; drop function rehearsal.record_archived;
    create function public.tell() returns trigger language plpgsql as $$ begin
      perform rehearsal.record_archived('videos', new.id::text); return new; end $$;
    create trigger tell after insert on public.videos for each row execute function public.tell()`);
  await apply("$$insert into videos val$$ || $$ues (2)$$");
  expect(await rows(address, "select policy, record from rehearsal.archived order by id")).toEqual([
    { policy: "videos", record: "1" },
    { policy: "videos", record: "2" },
  ]);
});
