import { expect, test } from "vitest";
import { changeNotes } from "../../core/change-notes.ts";
import { parseInventory } from "../../core/inventory.ts";

const INVENTORY = parseInventory(
  Buffer.from(`owner: x
tables:
  jobs: { purpose: p, classification: internal, notesOnChange: what becomes of running jobs }
  users: { purpose: p, classification: personal }
`),
);

const change = (sql: string, mode = "AccessExclusiveLock", relation = '"public"."jobs"') =>
  changeNotes(INVENTORY, [{ path: "migrations/0002_x.sql", sql, locks: [{ relation, mode }] }]);

test("a file that changes a table with a wanted note has to speak of it at its top", () => {
  expect(
    change("-- rehearsal: idempotent\n-- jobs: they wait\n/* and go on. */\nalter table jobs add x int;"),
  ).toEqual([
    {
      table: "jobs",
      wants: "what becomes of running jobs",
      path: "migrations/0002_x.sql",
      says: "jobs: they wait and go on.",
    },
  ]);
  for (const sql of [
    "alter table jobs add x int; -- jobs: too late",
    "-- Renames job_jobs.\nalter table jobs add x int;",
    "-- rehearsal: no-transaction\nalter table jobs add x int;",
  ])
    expect(change(sql)).toMatchObject([{ says: null }]);
});

test("reading is no change, other tables want no note, and a plan may say it in the file's place", () => {
  expect(change("select 1", "AccessShareLock")).toEqual([]);
  expect(change("select 1", "RowExclusiveLock", '"public"."users"')).toEqual([]);
  expect(change("update jobs set x = 1", "RowExclusiveLock", '"jobs"')).toHaveLength(1);
  const notes = ["running jobs are started again"];
  expect(
    changeNotes(INVENTORY, [
      { path: "p", sql: "", notes, locks: [{ relation: '"jobs"', mode: "RowExclusiveLock" }] },
    ]),
  ).toMatchObject([{ says: "running jobs are started again" }]);
});
