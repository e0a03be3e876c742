import { describe, expect, test } from "vitest";
import { describePlans } from "../../cli/data-plan-text.ts";
import { parseDataPlan } from "../../core/data-plan.ts";
import { parseMigration } from "../../core/migration.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import { unplannedEffects, unreached } from "../../core/plan-reach.ts";
import { refuseLosses, reportPlan } from "../../core/plan-report.ts";
import type { RunMeasure } from "../../core/report.ts";
import { plansSection } from "../../core/report-plans.ts";
import type { Shape } from "../../core/shape.ts";
import { plansSection as plansOnPage } from "../../web/report-plans.ts";
import { refusalOf } from "../refusal.ts";

const PATH = "migrations/0001_change.sql";

async function planFor(sql: string, more = "") {
  const migration = await parseMigration(PATH, Buffer.from(sql));
  const text = draftPlan(migration).replaceAll("TODO: ", "") + more;
  return { migration, plan: parseDataPlan("plans/0001.yaml", Buffer.from(text)) };
}

/** A run in which each statement's tag counted so many rows. */
function runOf(statements: { line: number; summary: string }[], rows: (number | null)[]): RunMeasure {
  const measured = statements.map(({ line, summary }, index) => ({
    ...{ line, summary, sql: "", milliseconds: 0, locks: [], rewritten: [], walBytes: 0 },
    rows: rows[index] ?? null,
  }));
  const item = {
    kind: "migration" as const,
    path: PATH,
    milliseconds: 0,
    idempotent: "not claimed" as const,
  };
  return {
    transactional: true,
    milliseconds: 0,
    items: [{ ...item, statements: measured }],
    changed: { '"public"."files"': { inserted: 0, updated: 4, deleted: 5 } },
    fingerprint: "",
  };
}

describe("what is lost is set beside what was planned", () => {
  const sql = `drop table old; delete from files where id > 1;
with gone as (delete from files returning id) update notes set file = null where file in (select id from gone);`;

  test("by the statement's own count, else by the table's", async () => {
    const { migration, plan } = await planFor(sql);
    const runs = [runOf(migration.statements, [null, 3, 2])];
    const counted = new Map([["table old", 12]]);
    expect(reportPlan(plan, migration, { runs }, counted).statements.map(({ losses }) => losses)).toEqual([
      [{ object: "table old", measured: 12, planned: "all rows" }],
      [{ object: "rows of files", measured: 3 }],
      [
        { object: "rows of notes", measured: 0 },
        { object: "rows of files", measured: 9 },
      ],
    ]);
  });

  test("by what its slices changed, for a backfill in batches", async () => {
    const { migration, plan } = await planFor("update files set kind = 'input'");
    const batches = [
      {
        ...{
          path: PATH,
          table: '"files"',
          rows: 70,
          visited: 90,
          slices: 2,
          milliseconds: 1,
          longestSlice: 1,
        },
        ...{ rowsPerSecond: 1, bytes: 1, predictedSeconds: 1 },
      },
    ];
    expect(reportPlan(plan, migration, { runs: [], batches }, new Map()).statements).toMatchObject([
      { losses: [{ object: "rows of files", measured: 70 }] },
    ]);
  });

  test.each([
    ["none", 0, true],
    ["none", 1, false],
    ["5", 5, true],
    ["5", 6, false],
    ["5", null, false],
    ["all rows", null, true],
  ])("a bound of %s against %s", async (bound, measured, fits) => {
    const { migration, plan } = await planFor("drop table old");
    const bounded = { ...plan, loses: { "table old": bound === "5" ? 5 : (bound as "none") } };
    const report = reportPlan(bounded, migration, { runs: [] }, new Map([["table old", measured]]));
    if (fits) expect(() => refuseLosses([report])).not.toThrow();
    else
      expect(await refusalOf(() => refuseLosses([report]))).toMatchObject({
        code: "LossBeyondPlan",
        message: `more is lost on the copy than plans/0001.yaml says: table old: ${measured ?? "not counted"}, planned ${bound}`,
        hint: expect.stringContaining('"loses"'),
      });
  });
});

describe("what was changed is held against what is named", () => {
  const table = (name: string, columns: string[], more: object = {}) => ({
    [`table public.${name}`]: {
      ...{ schema: "public", name, columns: Object.fromEntries(columns.map((one) => [one, {}])) },
      ...more,
    },
  });
  const shape = (...tables: object[]) =>
    ({ format: "rehearsal-shape/1", objects: Object.assign({}, ...tables) }) as Shape;
  const before = shape(
    table("files", ["id", "doc_no", "__proto__"]),
    table("versions", ["id"]),
    table("events_1", ["id"], { partitionOf: "public.events" }),
  );
  const after = shape(table("files", ["id"]), table("events_1", ["id"], { partitionOf: "public.events" }));
  const changed = { '"public"."events_1"': { inserted: 0, updated: 0, deleted: 1 } };
  const runs = [{ transactional: true, changed }];

  test("columns and tables that are gone, rows that are others, a partition as its table", async () => {
    const { plan } = await planFor("alter table files drop column doc_no");
    expect(unplannedEffects({ before, after, runs }, [plan])).toEqual([
      "public.files.__proto__ (dropped)",
      "public.versions (dropped)",
      "public.events (rows updated or deleted)",
    ]);
    const whole = { ...plan, reaches: ["files", "versions", "public.events"] };
    expect(unplannedEffects({ before, after, runs }, [whole])).toEqual([]);
    expect(unreached({ before, after, runs }, { ...whole, reaches: ["versions", "notes"] })).toEqual([
      "notes",
    ]);
  });

  test("rows that are only added are nobody's loss", () => {
    const added = { '"public"."files"': { inserted: 7, updated: 0, deleted: 0 } };
    expect(
      unplannedEffects({ before, after: before, runs: [{ transactional: true, changed: added }] }, []),
    ).toEqual([]);
  });
});

test("a plan's words are shown as words: no markup, no control of the terminal", async () => {
  const { migration, plan } = await planFor("drop table old", "approvers: ['<img>']\n");
  const hostile = { ...plan, notes: ["<script>\u001b[31m`x` | y"], why: "**bold**" };
  const report = reportPlan(hostile, migration, { runs: [] }, new Map());
  expect(plansSection([report]).join("\n")).toContain("- `` <script>\u001b[31m`x` \\| y ``");
  const page = (await Promise.all(plansOnPage([report]))).join("");
  expect(page).toContain("&lt;script&gt;");
  expect(page).not.toContain("<img>");
  const text = describePlans([hostile]);
  expect(text).toContain("note:");
  expect(text).toContain("\\u001b[31m");
  expect(text).not.toContain("\u001b");
});
