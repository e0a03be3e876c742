import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

test("ups run by number, downs do not", async () => {
  const project = await projectOf("golang-migrate", {
    "migrations/000010_c.up.sql": "select 3",
    "migrations/9_b.up.sql": "select 2",
    "migrations/9_b.down.sql": "select 'back'",
    "migrations/000001_a.up.sql": "begin; select 1; commit;",
    "migrations/7_gone.down.sql": "select 'back'",
  });
  expect(whatRuns(project)).toEqual({ "1": ["select 1"], "9": ["select 2"], "10": ["select 3"] });
  expect(project.migrations.map(({ key, name }) => [key, name])).toEqual([
    ["1", "a"],
    ["9", "b"],
    ["10", "c"],
  ]);
  expect(project.notes).toEqual([
    "migrations/7_gone.down.sql is a way back with no way there: nothing is run for it",
  ]);
});

test("abuse 12: one number in two spellings is refused", async () => {
  const files = { "migrations/1_a.up.sql": "select 1", "migrations/0001_b.up.sql": "select 2" };
  expect(await refusalOf(() => projectOf("golang-migrate", files))).toMatchObject({
    code: "MigrationVersionTwice",
  });
});

test("a lone concurrent statement runs outside a transaction; beside others it is refused", async () => {
  const index = "create index concurrently i on a (x)";
  const project = await projectOf("golang-migrate", { "migrations/1_a.up.sql": index });
  expect(project.migrations[0]?.transactional).toBe(false);
  expect(
    await refusalOf(() => projectOf("golang-migrate", { "migrations/1_a.up.sql": `select 1; ${index}` })),
  ).toMatchObject({ code: "TransactionImpossible", hint: expect.stringContaining("golang-migrate") });
});

test("transaction control in the middle is refused", async () => {
  for (const sql of ["select 1; commit; select 2", "begin; select 1", "begin; select 1; commit; select 2"])
    expect(
      await refusalOf(() => projectOf("golang-migrate", { "migrations/1_a.up.sql": sql })),
    ).toMatchObject({ code: "TransactionControl" });
});

test("files for other databases are left out and named", async () => {
  const project = await projectOf("golang-migrate", {
    "migrations/1_a.postgres.up.sql": "select 1",
    "migrations/1_a.mysql.up.sql": "create table `a` (x int)",
    "migrations/1_a.up.sqlite.sql": "pragma foreign_keys",
  });
  expect(whatRuns(project)).toEqual({ "1": ["select 1"] });
  expect(project.migrations[0]?.name).toBe("a");
  expect(project.notes).toEqual([
    "migrations/1_a.mysql.up.sql is left out: it is for mysql",
    "migrations/1_a.up.sqlite.sql is left out: it is for sqlite",
  ]);
});
