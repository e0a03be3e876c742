/** What the text of a statement tells of how it depends on the order of rows. */
import { expect, test } from "vitest";
import { parseMigration } from "../../core/migration.ts";
import { readingOf } from "../../core/row-order.ts";

async function reading(sql: string) {
  const { statements } = await parseMigration("migrations/0001_x.sql", Buffer.from(sql));
  const [statement] = statements;
  if (statement === undefined) throw new Error("there is no statement");
  return readingOf(statement);
}

test("it names relations and functions wherever they stand", async () => {
  expect(
    await reading(
      `with far as (select * from "a.b"."T x") update public.files f set n = own.next(o.n), k = lower(k) from far o where o.id in (select id from kinds order by id limit 1)`,
    ),
  ).toEqual({ relations: ["T x", "far", "files", "kinds"], functions: ["lower", "next"] });
  expect(await reading("insert into kinds select distinct k from files")).not.toHaveProperty("problem");
});

test.each([
  ["update files set n = nextval('s')", "calls nextval()"],
  ["insert into kinds select pg_catalog.currval('s')", "calls currval()"],
  ["update files set n = (select n from kinds limit 1)", "LIMIT without ORDER BY"],
  ["delete from files where id in (select id from files offset 5)", "LIMIT without ORDER BY"],
  ["insert into kinds select distinct on (k) k, n from files", "DISTINCT ON without ORDER BY"],
  ["insert into kinds select k from files tablesample system (10)", "TABLESAMPLE"],
  ["do $$ begin delete from files; end $$", "put together elsewhere"],
  ["call p()", "put together elsewhere"],
])("%s cannot be proved to do the same each time", async (sql, problem) => {
  expect((await reading(sql)).problem).toContain(problem);
});
