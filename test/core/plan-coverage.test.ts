/** Files that no plan can cover: those that run again whenever they change. */
import { describe, expect, test } from "vitest";
import { coverPlans } from "../../core/plan-coverage.ts";
import { checkProject } from "../../core/project.ts";
import { refusalOf } from "../refusal.ts";

describe("a file that runs again whenever it changes has no plan", () => {
  const projectOf = (path: string, sql: string) =>
    checkProject([
      {
        path: "rehearsal.yaml",
        bytes: Buffer.from(`project: x\n${path.startsWith("sql/") ? "format: flyway\n" : ""}`),
      },
      {
        path: path.startsWith("sql/") ? "sql/V1__a.sql" : "migrations/0001_a.sql",
        bytes: Buffer.from("create table files (id int);"),
      },
      { path, bytes: Buffer.from(sql) },
    ]);

  test.each([
    ["sql/R__clean.sql", "truncate files;"],
    ["sql/R__clean.sql", "drop function if exists f();"],
    ["views/v.sql", "create or replace view v as select 1 as a; drop view if exists v;"],
    ["views/v.sql", "create or replace view v as select 1 as a; drop view if exists w;"],
    ["views/v.sql", "drop view if exists v cascade; create view v as select 1 as a;"],
  ])("%s: %s", async (path, sql) => {
    const project = await projectOf(path, sql);
    expect(await refusalOf(() => coverPlans(project, { policy: "required" }))).toMatchObject({
      code: "PlanImpossible",
      message: expect.stringContaining(`${path} runs again whenever it changes`),
      hint: 'move it into a versioned migration, and draft that one\'s plan with "rehearsal plan draft"',
    });
    expect(coverPlans(project, { policy: "optional" }).unplanned).toMatchObject([{ path }]);
    expect(
      coverPlans(project, { policy: "required", pending: new Set(["migrations/0001_a.sql"]) }).unplanned,
    ).toEqual([]);
  });

  test("unless it only replaces a view of its own", async () => {
    const own = "drop view if exists v; create view v as select 1 as a; grant select on v to public;";
    const project = await projectOf("views/v.sql", own);
    expect(coverPlans(project, { policy: "required" }).unplanned).toEqual([]);
  });

  test("and takes no rights away", async () => {
    const revoking = projectOf(
      "views/v.sql",
      "create or replace view v as select 1 as a; revoke all on files from public;",
    );
    expect(await refusalOf(() => revoking)).toMatchObject({
      code: "ViewFileRefused",
      hint: expect.stringContaining("put the rest into a migration"),
    });
  });
});
