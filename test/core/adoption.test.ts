import { expect, test } from "vitest";
import { repeatableChoices } from "../../core/adoption.ts";
import { parseMigration } from "../../core/migration.ts";
import { tracelessEnd } from "../../core/traceless.ts";

const [changed, same, view] = ["sql/R__changed.sql", "sql/R__same.sql", "views/recent.sql"].map((path) => ({
  path,
})) as [{ path: string }, { path: string }, { path: string }];
const all = [changed, same, view];

test("a repeatable file that the history has in another form is never taken for applied", () => {
  expect(repeatableChoices(all, [same], true)).toEqual([[same], [same, view]]);
  expect(repeatableChoices([changed], [], true)).toEqual([[]]);
});

test("without a history the shape alone decides, with as few files as make it", () => {
  expect(repeatableChoices(all, [], false)).toEqual([[], [view], all]);
  expect(repeatableChoices([view], [], false)).toEqual([[], [view]]);
});

const end = async (...texts: string[]) =>
  tracelessEnd(
    await Promise.all(
      texts.map((sql, index) => parseMigration(`migrations/000${index + 1}_a.sql`, Buffer.from(sql))),
    ),
  ).map((path) => Number(/\d+/.exec(path)));

const TABLE = "create table a (id int);";

test("migrations at the end that change data alone are told from those that leave a trace in the schema", async () => {
  expect(await end(TABLE, "insert into a values (1);", "update a set id = 2; delete from a;")).toEqual([
    2, 3,
  ]);
  expect(await end(TABLE, "insert into a values (1);", "create index i on a (id);")).toEqual([]);
  expect(await end(TABLE, "insert into a values (1); create table b (id int);")).toEqual([]);
  expect(await end(TABLE, "select 1 as id into b;")).toEqual([]);
  expect(await end(TABLE, "do $$ begin update a set id = 3; end $$;")).toEqual([2]);
  expect(await end(TABLE, "do $$ begin create table b (id int); end $$;")).toEqual([]);
});
