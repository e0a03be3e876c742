import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

const journal = (...tags: string[]) =>
  JSON.stringify({
    version: "7",
    dialect: "postgresql",
    entries: tags.map((tag, idx) => ({
      idx,
      version: "7",
      when: 1704110400000 + idx,
      tag,
      breakpoints: true,
    })),
  });

test("the journal gives the order, and breakpoints end statements that lack a semicolon", async () => {
  const project = await projectOf("drizzle", {
    "drizzle/meta/_journal.json": journal("0000_wild", "0001_calm"),
    "drizzle/meta/0000_snapshot.json": "{}",
    "drizzle/0001_calm.sql": "select '--> statement-breakpoint'",
    "drizzle/0000_wild.sql":
      'create table "a" ("x" int);--> statement-breakpoint\ncreate table b (x int)\n--> statement-breakpoint\ncreate table c (x int);',
  });
  expect(whatRuns(project)).toEqual({
    "0000_wild": ['create table "a" ("x" int)', "create table b (x int)", "create table c (x int)"],
    "0001_calm": ["select '--> statement-breakpoint'"],
  });
  expect(project.migrations[0]?.statements.map(({ line }) => line)).toEqual([1, 2, 4]);
  expect(project.others).toContain("drizzle/meta/0000_snapshot.json");
});

test("files and journal have to agree", async () => {
  const refused = (files: Record<string, string>) => refusalOf(() => projectOf("drizzle", files));
  expect(await refused({ "drizzle/meta/_journal.json": journal("0000_a") })).toMatchObject({
    code: "SequenceBroken",
    message: expect.stringContaining("there is no 0000_a.sql"),
  });
  expect(
    await refused({
      "drizzle/meta/_journal.json": journal("0000_a"),
      "drizzle/0000_a.sql": "select 1",
      "drizzle/0001_b.sql": "select 1",
    }),
  ).toMatchObject({
    code: "SequenceBroken",
    message: expect.stringContaining(
      "drizzle/0001_b.sql:1: as drizzle reads it, meta/_journal.json does not list it",
    ),
    hint: expect.stringContaining("generate --custom"),
  });
  expect(await refused({ "drizzle/meta/_journal.json": "{" })).toMatchObject({
    message: expect.stringContaining("it is not JSON"),
  });
  expect(
    await refused({ "drizzle/meta/_journal.json": journal("a").replace("postgresql", "mysql") }),
  ).toMatchObject({
    message: expect.stringContaining('written for "mysql"'),
  });
});
