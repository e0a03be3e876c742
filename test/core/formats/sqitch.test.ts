import { describe, expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

const WHO = "2024-01-01T12:00:00Z A. Person <a@example.org> # why";
const deploy = (sql: string) => `-- Deploy library:x to pg\n\nBEGIN;\n\n${sql};\n\nCOMMIT;\n`;

test("the plan gives the order, and the scripts' own transaction is taken out", async () => {
  const project = await projectOf("sqitch", {
    "sqitch.plan": `%syntax-version=1.0.0\n%project=library\n\nusers ${WHO}\n@v1 ${WHO}\nbooks [users] ${WHO}\n`,
    "sqitch.conf": "[core]\n\tengine = pg\n",
    "deploy/books.sql": deploy("create table books (id int)"),
    "deploy/users.sql": deploy("create table users (note text default 'BEGIN; COMMIT;')"),
    "revert/books.sql": deploy("drop table books"),
    "verify/books.sql": "select 1/0",
    "deploy/forgotten.sql": "select 1",
  });
  expect(whatRuns(project)).toEqual({
    users: ["create table users (note text default 'BEGIN; COMMIT;')"],
    books: ["create table books (id int)"],
  });
  expect(project.migrations[1]).toMatchObject({ transactional: true, statements: [{ line: 5 }] });
  expect(project.migrations[1]?.sql).not.toContain("BEGIN");
  expect(project.notes).toEqual(["deploy/forgotten.sql is left out: sqitch.plan does not name it"]);
});

test("a reworked change runs twice: its first form from the script with the tag", async () => {
  const project = await projectOf("sqitch", {
    "sqitch.plan": `%project=library\nf ${WHO}\n@v1.0 ${WHO}\ng ${WHO}\nf [f@v1.0] ${WHO}\n`,
    "deploy/f@v1.0.sql": deploy("create function f() returns int language sql return 1"),
    "deploy/f.sql": deploy("create or replace function f() returns int language sql return 2"),
    "deploy/g.sql": deploy("select 1"),
  });
  expect(project.migrations.map(({ key, path }) => [key, path])).toEqual([
    ["f@v1.0", "deploy/f@v1.0.sql"],
    ["g", "deploy/g.sql"],
    ["f", "deploy/f.sql"],
  ]);
});

test("without BEGIN a script runs statement by statement, as Sqitch does", async () => {
  const project = await projectOf("sqitch", {
    "sqitch.plan": `%project=library\na ${WHO}\nb ${WHO}\n`,
    "deploy/a.sql": "create table a (x int); create index concurrently i on a (x);",
    "deploy/b.sql": "create table b (x int);",
  });
  expect(project.migrations.map(({ transactional }) => transactional)).toEqual([false, true]);
});

describe("a plan that Sqitch would not take is refused by its line", () => {
  test.each([
    ["@v1 x\n", "stands before every change"],
    [`-a ${WHO}\n`, "taken back in the plan"],
    ["a\n", "has no time"],
    [`a ${WHO}\na ${WHO}\n`, "stands twice with no tag"],
    [`missing ${WHO}\n`, '"missing" has no script'],
  ])("%j", async (lines, problem) => {
    const files = { "sqitch.plan": `%project=library\n${lines}`, "deploy/a.sql": "select 1" };
    const refusal = await refusalOf(() => projectOf("sqitch", files));
    expect(refusal.code).toBe("SequenceBroken");
    expect(refusal.message).toMatch(/^sqitch\.plan:2: /);
    expect(refusal.message).toContain(problem);
  });
});
