import { describe, expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

test("what stands between Up and Down runs, statement marks and all", async () => {
  const project = await projectOf("goose", {
    "migrations/00002_f.sql": `-- +goose Up
-- +goose StatementBegin
create function f() returns int language plpgsql as $$
begin
  -- +goose Down
  return 1;
end $$;
-- +goose StatementEnd
select 2;
-- +goose Down
drop function f();
`,
    "migrations/1_first.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nvacuum;\n",
  });
  expect(project.migrations).toMatchObject([
    { key: "1", transactional: false },
    {
      key: "2",
      name: "f",
      transactional: true,
      statements: [{ kind: "CreateFunctionStmt", line: 3 }, { line: 9 }],
    },
  ]);
  expect(whatRuns(project)["1"]).toEqual(["vacuum"]);
});

describe("what goose would not run either is refused", () => {
  test.each([
    ["select 1;", "does not begin with"],
    ["-- +goose Up\n-- +goose StatementBegin\nselect 1;", "has no StatementEnd"],
    ["-- +goose Up\n-- +goose StatementEnd\nselect 1;", "has no StatementBegin"],
    ["-- +goose Up\n-- +goose ENVSUB ON\nselect 1;", "values from the environment"],
    ["-- +goose Upp\nselect 1;", '"-- +goose Upp" is not known'],
  ])("%j", async (sql, problem) => {
    const refusal = await refusalOf(() => projectOf("goose", { "migrations/1_a.sql": sql }));
    expect(refusal.code).toBe("SequenceBroken");
    expect(refusal.message).toContain(problem);
    expect(refusal.hint).not.toBe("");
  });

  test("a migration written as a program is refused by name", async () => {
    expect(
      await refusalOf(() =>
        projectOf("goose", {
          "migrations/1_a.sql": "-- +goose Up\nselect 1",
          "migrations/2_b.go": "package x",
        }),
      ),
    ).toMatchObject({ code: "PathNotInLayout", message: expect.stringContaining("migrations/2_b.go") });
  });
});
