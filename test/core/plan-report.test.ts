import { describe, expect, test } from "vitest";
import { describePlans } from "../../cli/data-plan-text.ts";
import { parseDataPlan } from "../../core/data-plan.ts";
import { parseMigration } from "../../core/migration.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import {
  type Effects,
  type FileWrites,
  plannedColumns,
  unplannedEffects,
  unreached,
} from "../../core/plan-reach.ts";
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

  test("a bound is of an object, whatever number of statements and lines it takes", async () => {
    const sql =
      "update files set size = 0 where id <= 1; update files set size = 0 where id > 1; select wipe();";
    const { migration, plan } = await planFor(sql);
    const bounded = (loses: number) => ({ ...plan, loses: { "rows of public.files": loses } });
    const refusalWith = (rows: number[], loses: number, more: object = {}) => {
      const runs = [runOf(migration.statements, rows)];
      const report = reportPlan(bounded(loses), migration, { runs, ...more }, new Map());
      return refusalOf(() => refuseLosses([report]));
    };
    const beyond = (rows: number, loses: number) => ({
      code: "LossBeyondPlan",
      message: expect.stringContaining(`rows of public.files: ${rows}, planned ${loses}`),
    });
    // Two statements that look alike on one line, each with a count of its own.
    expect(await refusalWith([1, 999, 1], 10)).toMatchObject(beyond(1000, 10));
    // What the function deleted is in the counts of the file alone.
    expect(await refusalWith([1, 1, 1], 8)).toMatchObject(beyond(9, 8));
    const counts = { inserted: 0, updated: 0, deleted: 990 };
    const writes = [{ path: PATH, changed: { '"public"."files"': counts, '"audit"."files"': counts } }];
    expect(await refusalWith([1, 1, 1], 989, { writes })).toMatchObject(beyond(990, 989));
    const content = [{ table: '"public"."files"', before: 1000, after: 0, same: false }];
    expect(await refusalWith([1, 1, 1], 990, { content })).toMatchObject(beyond(1000, 990));
    const report = reportPlan(
      bounded(9),
      migration,
      { runs: [runOf(migration.statements, [1, 1])] },
      new Map(),
    );
    expect(() => refuseLosses([report])).not.toThrow();
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
    table("events", ["id"]),
    table("events_1", ["id"], { partitionOf: "public.events" }),
  );
  const after = shape(
    table("files", ["id"]),
    table("events", ["id"]),
    table("events_1", ["id"], { partitionOf: "public.events" }),
  );
  const OTHER = "migrations/0002_other.sql";
  const effectsOf = (more: Partial<Effects> = {}): Effects => ({
    ...{ before, after, searchPath: ["public"], counted: true, writes: [], content: [], largeObjects: false },
    isAbout: (plan, path) => path === (plan.version === 1 ? PATH : OTHER),
    ...more,
  });
  const wrote = (table: string, counts: object, more: Partial<FileWrites> = {}): FileWrites => ({
    ...{ path: PATH, changed: { [table]: { inserted: 0, updated: 0, deleted: 0, ...counts } } },
    ...{ rewritten: [], ...more },
  });
  const writes = [wrote('"public"."events_1"', { deleted: 1 })];
  const FILES = '"public"."files"';
  const standing = { after: before };

  test("columns and tables that are gone, rows that are others, a partition as its table", async () => {
    const { plan } = await planFor("alter table files drop column doc_no");
    expect(unplannedEffects(effectsOf({ writes }), [plan])).toEqual([
      "public.files.__proto__ (dropped)",
      "public.versions (dropped)",
      "public.events (rows updated or deleted)",
    ]);
    const whole = { ...plan, reaches: ["files", "versions", "public.events"] };
    expect(unplannedEffects(effectsOf({ writes }), [whole])).toEqual([]);
    expect(unreached(effectsOf({ writes }), { ...whole, reaches: ["versions", "notes"] })).toEqual(["notes"]);
  });

  test("rows that are only added are nobody's loss", () => {
    const added = { table: FILES, before: 3, after: 10, same: true };
    const one = (more: Partial<Effects>) =>
      unplannedEffects(
        effectsOf({ ...standing, writes: [wrote(FILES, { inserted: 7 })], content: [added], ...more }),
        [],
      );
    const told = (rows: string) => [`public.files (holds something else: ${rows})`];
    expect(one({})).toEqual([]);
    expect(one({ content: [{ ...added, before: 0 }], counted: false })).toEqual([]);
    // Emptied, written anew or replaced on the way; more rows than are there; and nobody counted.
    expect(one({ content: [{ ...added, same: false }] })).toEqual(told("3 rows before, 10 after"));
    expect(one({ content: [{ ...added, after: 7 }] })).toEqual(told("3 rows before, 7 after"));
    expect(one({ counted: false })).toEqual(told("3 rows before, 10 after"));
    expect(one({ writes: [] })).toEqual(told("3 rows before, 10 after"));
  });

  test("a table that is emptied without a row being counted, and large objects, are named or refused", async () => {
    const { plan } = await planFor("update versions set id = 1");
    const emptied = effectsOf({
      ...standing,
      content: [{ table: FILES, before: 3, after: 0, same: false }],
      largeObjects: true,
    });
    expect(unplannedEffects(emptied, [plan])).toEqual([
      "public.files (holds something else: 3 rows before, 0 after)",
      "large objects (not what they were)",
    ]);
    const whole = { ...plan, reaches: ["files", "large objects"] };
    expect(unplannedEffects(emptied, [whole])).toEqual([]);
    expect(unreached(emptied, whole)).toEqual([]);
    expect(unreached(effectsOf(standing), whole)).toEqual(["files", "large objects"]);
    expect(unplannedEffects(emptied, [{ ...plan, reaches: ["files", '"large objects"'] }])).toEqual([
      "large objects (not what they were)",
    ]);
  });

  test("a column that is given another type is named", async () => {
    const typed = (type: string) =>
      shape(table("files", []), {
        "table public.files": { schema: "public", name: "files", columns: { id: { type } } },
      });
    const { plan } = await planFor("alter table files alter column id type text");
    const changed = effectsOf({ before: typed("integer"), after: typed("text") });
    expect(unplannedEffects(changed, [])).toEqual(["public.files.id (of another type)"]);
    expect(unplannedEffects(changed, [plan])).toEqual([]);
    expect([...plannedColumns(changed, [plan])]).toEqual([[FILES, new Set(["id"])]]);
  });

  test("a plan speaks for its own migration, and a name for one schema", async () => {
    const { plan } = await planFor("update files set id = 1");
    const both = shape(before.objects, {
      "table audit.files": { schema: "audit", name: "files", columns: {} },
    });
    const audit = wrote('"audit"."files"', { deleted: 1 });
    const elsewhere = effectsOf({ before: both, after: both, writes: [audit] });
    expect(unplannedEffects(elsewhere, [plan])).toEqual(["audit.files (rows updated or deleted)"]);
    expect(unplannedEffects({ ...elsewhere, searchPath: ["audit", "public"] }, [plan])).toEqual([]);
    const other = wrote(FILES, { deleted: 1 }, { path: OTHER });
    expect(unplannedEffects(effectsOf({ ...standing, writes: [other] }), [plan])).toEqual([
      "public.files (rows updated or deleted)",
    ]);
    expect(unplannedEffects(effectsOf({ ...standing, writes: [other] }), [{ ...plan, version: 2 }])).toEqual(
      [],
    );
    const emptying = wrote("x", {}, { path: OTHER, rewritten: [FILES] });
    const content = [{ table: FILES, before: 3, after: 0, same: false }];
    expect(unplannedEffects(effectsOf({ ...standing, writes: [emptying], content }), [plan])).toEqual([
      "public.files (holds something else: 3 rows before, 0 after)",
    ]);
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
