import { describe, expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

const FIRST = "-- migrate:up\ncreate table books (id int);\n\n-- migrate:down\ndrop table books;\n";

test("the way there runs, the way back does not, and lines are those of the file", async () => {
  const project = await projectOf("dbmate", {
    "db/migrations/20240101120000_make_books.sql": FIRST,
    "db/migrations/20240102120000_more.sql":
      "-- a word on it\n-- migrate:up\n\nalter table books add column title text;\n-- migrate:down\nnonsense that no parser takes",
  });
  expect(whatRuns(project)).toEqual({
    "20240101120000": ["create table books (id int)"],
    "20240102120000": ["alter table books add column title text"],
  });
  expect(project.migrations).toMatchObject([
    { version: 1, name: "make_books", path: "db/migrations/20240101120000_make_books.sql" },
    { version: 2, name: "more", statements: [{ line: 4 }], transactional: true },
  ]);
});

test("a mark in a string, a body or a block comment is none", async () => {
  const sql = `-- migrate:up
create function f() returns text language plpgsql as $$
begin
-- migrate:down
  return '
-- migrate:down
';
end $$;
/*
-- migrate:down
*/
create table after_it (note text default '
-- migrate:down
');
-- migrate:down
drop table after_it;
`;
  const project = await projectOf("dbmate", { "db/migrations/1_x.sql": sql });
  expect(project.migrations[0]?.statements.map(({ kind, line }) => [kind, line])).toEqual([
    ["CreateFunctionStmt", 2],
    ["CreateStmt", 12],
  ]);
});

test("transaction:false takes a file outside, and CONCURRENTLY inside one names that option", async () => {
  const sql = (options: string) => `-- migrate:up${options}\ncreate index concurrently i on books (id);\n`;
  const project = await projectOf("dbmate", { "db/migrations/1_x.sql": sql(" transaction:false") });
  expect(project.migrations[0]?.transactional).toBe(false);
  expect(await refusalOf(() => projectOf("dbmate", { "db/migrations/1_x.sql": sql("") }))).toMatchObject({
    code: "TransactionImpossible",
    message: expect.stringContaining("db/migrations/1_x.sql:2: CREATE INDEX CONCURRENTLY"),
    hint: expect.stringContaining('"-- migrate:up transaction:false"'),
  });
});

test("CONCURRENTLY in the middle of a file is refused by its line", async () => {
  const sql = "-- migrate:up\ncreate table a (x int);\ncreate index concurrently i on a (x);\nselect 1;\n";
  expect((await refusalOf(() => projectOf("dbmate", { "db/migrations/1_x.sql": sql }))).message).toContain(
    "1_x.sql:3: CREATE INDEX CONCURRENTLY cannot run inside a transaction",
  );
});

test("a way there that does nothing stays in the sequence", async () => {
  const project = await projectOf("dbmate", {
    "db/migrations/1_x.sql": "-- migrate:up\n\n-- migrate:down\n",
  });
  expect(project.migrations).toMatchObject([{ key: "1", statements: [] }]);
});

describe("what dbmate would not run either is refused", () => {
  test.each([
    ["create table a ();", "does not begin with", 'write "-- migrate:up"'],
    ["create table a ();\n-- migrate:up\nselect 1;", "does not begin with", 'write "-- migrate:up"'],
    ["-- migrate:up transactions:false\nselect 1;", '"transactions:false" is not known', "transaction:false"],
    ["-- migrate:up\nselect 1;\n-- migrate:up\nselect 2;", "stands twice", "keep one"],
    ["-- migrate:down\n-- migrate:up\nselect 2;", "stands before", "begin with"],
  ])("%j", async (sql, problem, mend) => {
    const refusal = await refusalOf(() => projectOf("dbmate", { "db/migrations/1_x.sql": sql }));
    expect(refusal).toMatchObject({ code: "SequenceBroken", hint: expect.stringContaining(mend) });
    expect(refusal.message).toContain(problem);
  });

  test("and so are two files with one version", async () => {
    const files = { "db/migrations/1_a.sql": FIRST, "db/migrations/1_b.sql": FIRST };
    expect(await refusalOf(() => projectOf("dbmate", files))).toMatchObject({
      code: "MigrationVersionTwice",
      hint: expect.stringContaining("a version of its own"),
    });
  });
});
