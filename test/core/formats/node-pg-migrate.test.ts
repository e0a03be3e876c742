import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

test("the way there runs, by the moment in the name; 17 digits are a date", async () => {
  const project = await projectOf("node-pg-migrate", {
    "migrations/20240201000000000_c.sql": "-- Up Migration\nselect 3;\n-- Down Migration\nselect 0;",
    "migrations/1704110400000_a.sql": "-- Up Migration\nselect 1;\n\n-- Down Migration\n",
    "migrations/1704110400001_b.sql": "select 2;",
  });
  expect(whatRuns(project)).toEqual({
    "1704110400000_a": ["select 1"],
    "1704110400001_b": ["select 2"],
    "20240201000000000_c": ["select 3"],
  });
});

test("SQL before the mark would never run, and is refused", async () => {
  expect(
    await refusalOf(() =>
      projectOf("node-pg-migrate", { "migrations/1_a.sql": "select 0;\n-- Up Migration\nselect 1;" }),
    ),
  ).toMatchObject({ code: "SequenceBroken", hint: expect.stringContaining("move it below the mark") });
});
