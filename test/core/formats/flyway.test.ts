import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

/** As Flyway writes one; a literal would look like a template's. */
const PLACEHOLDER = ["$", "{user}"].join("");

test("versions are compared by their numbers, dotted or not", async () => {
  const project = await projectOf("flyway", {
    "sql/V1__a.sql": "select 1;",
    "sql/V1.10__c.sql": "select 3;",
    "sql/V1_2__b.sql": "select 2;",
    "sql/deeper/V20240101__e.sql": "select 5;",
    "sql/V3__d.sql": "select 4;",
  });
  expect(project.migrations.map(({ key, version }) => [key, version])).toEqual([
    ["1", 1],
    ["1.2", 2],
    ["1.10", 3],
    ["3", 4],
    ["20240101", 5],
  ]);
});

test("abuse 12: one version in two spellings is refused", async () => {
  for (const [one, other] of [
    ["V1__a", "V1.0__b"],
    ["V1__a", "V01__b"],
    ["V1.2__a", "V1_2__b"],
  ])
    expect(
      await refusalOf(() =>
        projectOf("flyway", { [`sql/${one}.sql`]: "select 1", [`sql/${other}.sql`]: "select 2" }),
      ),
    ).toMatchObject({ code: "MigrationVersionTwice" });
});

test("repeatables run behind the migrations whenever they change, and may hold more than views", async () => {
  const project = await projectOf("flyway", {
    "sql/V1__a.sql": "create table a (x int)",
    "sql/R__b_functions.sql": "create or replace function f() returns int language sql return 1",
    "sql/R__a_views.sql": "create or replace view v as select * from a",
    "views/w.sql": "create or replace view w as select * from v",
  });
  expect(project.views.map(({ path }) => path)).toEqual([
    "sql/R__a_views.sql",
    "sql/R__b_functions.sql",
    "views/w.sql",
  ]);
  expect(project.migrations).toHaveLength(1);
  expect(project.others).toEqual(["rehearsal.yaml"]);
});

test("ways back, callbacks and baselines that are not needed are left out and named", async () => {
  const project = await projectOf("flyway", {
    "sql/V1__a.sql": "select 1",
    "sql/U1__a.sql": "select 0",
    "sql/B1__all.sql": "select 1",
    "sql/afterMigrate.sql": "select 2",
  });
  expect(whatRuns(project)).toEqual({ "1": ["select 1"] });
  expect(project.notes).toEqual([
    "sql/U1__a.sql is left out: it is a way back",
    "sql/afterMigrate.sql is left out: Flyway would take it for a callback or nothing",
    "sql/B1__all.sql is left out: the migrations it stands for are there, or a newer baseline is",
  ]);
});

test("a baseline begins the sequence where what it stands for is gone", async () => {
  const project = await projectOf("flyway", {
    "sql/B3__all.sql": "create table a ()",
    "sql/B2__less.sql": "create table b ()",
    "sql/V4__more.sql": "create table c ()",
  });
  expect(project.migrations.map(({ path }) => path)).toEqual(["sql/B3__all.sql", "sql/V4__more.sql"]);
});

test("what cannot run in a transaction runs outside when the file holds nothing else, or its .conf says so", async () => {
  const index = "create index concurrently i on a (x)";
  const project = await projectOf("flyway", {
    "sql/V1__a.sql": index,
    "sql/V2__b.sql": `analyze; ${index}`,
    "sql/V2__b.sql.conf": "executeInTransaction=false\n",
  });
  expect(project.migrations.map(({ transactional }) => transactional)).toEqual([false, false]);
  expect(await refusalOf(() => projectOf("flyway", { "sql/V2__b.sql": `analyze; ${index}` }))).toMatchObject({
    code: "TransactionImpossible",
    hint: expect.stringContaining("executeInTransaction=false"),
  });
});

test("a placeholder is refused, in a string and a body too, but not in a comment or where it is switched off", async () => {
  for (const sql of [`select '${PLACEHOLDER}'`, `do $$ begin perform '${PLACEHOLDER}'; end $$`])
    expect(await refusalOf(() => projectOf("flyway", { "sql/V1__a.sql": sql }))).toMatchObject({
      code: "PlaceholderRefused",
      message: expect.stringContaining(PLACEHOLDER),
      hint: expect.stringContaining("write its value out"),
    });
  await projectOf("flyway", {
    "sql/V1__a.sql": `-- ${PLACEHOLDER}\nselect 1`,
    "sql/V2__a.sql": `select '${PLACEHOLDER}'`,
    "sql/V2__a.sql.conf": "placeholderReplacement=false",
  });
});
