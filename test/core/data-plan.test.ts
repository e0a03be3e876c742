/** Data plans against the migrations they speak of: drafted, held to what needs them, and part of the evidence. */
import { describe, expect, test } from "vitest";
import { parseDataPlan, planEvidence, unfinished } from "../../core/data-plan.ts";
import { parseMigration } from "../../core/migration.ts";
import { readName } from "../../core/plain-name.ts";
import { coverPlans } from "../../core/plan-coverage.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import { checkProject } from "../../core/project.ts";
import { squashText } from "../../core/squash.ts";
import { refusalOf } from "../refusal.ts";

const migrationOf = (sql: string, path = "migrations/0001_change.sql") =>
  parseMigration(path, Buffer.from(sql));
const fingerprints = async (sql: string) => (await migrationOf(sql)).statements.map((one) => one.fingerprint);
const planOf = (text: string) => parseDataPlan("plans/0001.yaml", Buffer.from(text));

/** The migration's draft, filled in. */
async function planFor(sql: string) {
  return planOf(draftPlan(await migrationOf(sql)).replaceAll("TODO: ", ""));
}

async function cover(sql: string, plan: string) {
  return coverPlans({ migrations: [await migrationOf(sql)], plans: [planOf(plan)] }, { policy: "required" });
}

const DROP = `alter table public.files drop column doc_no, drop column version;
drop table idempotency_keys;
update files set kind = 'input' where kind = 'document';
`;

describe("a draft", () => {
  test("names every statement that needs a plan, what it touches and what may be lost, and is no plan before it is filled in", async () => {
    const migration = await migrationOf(DROP);
    const draft = draftPlan(migration);
    const plan = planOf(draft);
    expect(plan).toMatchObject({
      migration: "0001",
      version: 1,
      statements: [
        { objects: ["public.files.doc_no", "public.files.version"] },
        { objects: ["idempotency_keys"] },
        { objects: ["files"] },
      ],
      loses: {
        "column public.files.doc_no": "all values",
        "column public.files.version": "all values",
        "table idempotency_keys": "all rows",
      },
    });
    expect(unfinished(plan)).toEqual(
      ["why", "back", ...["statements.0.loses", "statements.1.loses", "statements.2.loses"], "notes.0"].sort(
        (a, b) => order(a) - order(b),
      ),
    );
    expect(await refusalOf(() => cover(DROP, draft))).toMatchObject({
      code: "PlanUnfinished",
      message: expect.stringContaining("statements.0.loses"),
      hint: "replace every TODO by what only you know",
    });
    const covered = coverPlans(
      { migrations: [migration], plans: [await planFor(DROP)] },
      { policy: "required" },
    );
    expect(covered.plans).toHaveLength(1);
    expect(covered.unplanned).toEqual([]);
  });

  test("of a migration that only calls functions names those statements, for what they reach", async () => {
    const sql = "create table t (a int); select act();";
    const plan = await planFor(sql);
    const [, calling] = await fingerprints(sql);
    expect(plan.statements).toMatchObject([{ fingerprint: calling }]);
    const migrations = [await migrationOf(sql)];
    expect(
      coverPlans({ migrations, plans: [{ ...plan, reaches: ["files"] }] }, { policy: "required" }),
    ).toMatchObject({ plans: [{ reaches: ["files"] }] });
  });

  test("abuse 1, abuse 2: a drafted plan of hostile names is read back as what they are", async () => {
    const sql = `alter table "a.b"."Strange ""T"": # - !x" drop column "new
line"; drop table "select", "123", "true", "null", "- a";`;
    const plan = await planFor(sql);
    expect(plan.statements.flatMap(({ objects }) => objects.map(readName))).toEqual([
      ["a.b", 'Strange "T": # - !x', "new\nline"],
      ...[["select"], ["123"], ["true"], ["null"], ["- a"]],
    ]);
    expect(
      coverPlans({ migrations: [await migrationOf(sql)], plans: [plan] }, { policy: "required" }).plans,
    ).toHaveLength(1);
  });
});

const order = (field: string) =>
  ["why", "statements.0.loses", "statements.1.loses", "statements.2.loses", "notes.0", "back"].indexOf(field);

describe("a plan that does not fit is refused", () => {
  const fitting = async () => draftPlan(await migrationOf(DROP)).replaceAll("TODO: ", "");

  test("with the statements it leaves out, by line, summary and fingerprint", async () => {
    const [, drop = "", update = ""] = await fingerprints(DROP);
    const plan = (await fitting()).replace(drop, update);
    expect(
      await refusalOf(() => cover(DROP, plan.replace(/ {2}table idempotency_keys: all rows\n/, ""))),
    ).toMatchObject({
      code: "PlanTooWide",
      message: expect.stringContaining("does not touch idempotency_keys"),
    });
    const without = plan
      .replaceAll("- idempotency_keys", "- files")
      .replace(/ {2}table idempotency_keys: all rows\n/, "");
    expect(await refusalOf(() => cover(DROP, without))).toMatchObject({
      code: "PlanTooNarrow",
      message: `plans/0001.yaml leaves out of migrations/0001_change.sql: line 2: drop table "idempotency_keys" (${drop})`,
      hint: expect.stringContaining("rehearsal plan draft"),
    });
  });

  test("with the objects it leaves out; a table stands for its columns", async () => {
    const plan = await fitting();
    expect(
      await refusalOf(() => cover(DROP, plan.replace("      - public.files.version\n", ""))),
    ).toMatchObject({
      code: "PlanTooNarrow",
      message: expect.stringContaining(
        "column public.files.version among the objects of line 1: alter table",
      ),
    });
    const whole = plan
      .replace("      - public.files.version\n", "")
      .replace("public.files.doc_no\n", "public.files\n");
    expect((await cover(DROP, whole)).plans).toHaveLength(1);
  });

  test("when it does not say what is lost", async () => {
    const plan = (await fitting()).replaceAll(/ {4}loses: .*\n/g, "");
    expect(await refusalOf(() => cover(DROP, plan))).toMatchObject({
      code: "PlanTooNarrow",
      message: expect.stringContaining('what is lost ("loses") by line 2: drop table "idempotency_keys"'),
    });
  });

  test.each([
    ["- idempotency_keys", "- idempotency_keys\n      - public.users", "does not touch public.users"],
    [
      "table idempotency_keys: all",
      "table public.users: all",
      'no planned statement loses "table public.users"',
    ],
    ["column public.files.doc_no: all", "table public.files: all", 'loses "table public.files"'],
    ["back: ", "deterministic: ['0123456789abcdef']\nback: ", "has the fingerprint 0123456789abcdef"],
    ['migration: "0001"', 'migration: "0002"', "it says it is about migration 0002"],
  ])("when it plans more: %s becomes %s", async (from, to, problem) => {
    const plan = await fitting();
    expect(plan).toContain(from);
    expect(await refusalOf(() => cover(DROP, plan.replace(from, to)))).toMatchObject({
      code: "PlanTooWide",
      message: expect.stringContaining(problem),
      hint: expect.stringContaining("rehearsal plan draft"),
    });
  });

  test("when the statement was edited since", async () => {
    const plan = await fitting();
    expect(await refusalOf(() => cover(DROP.replace("'input'", "'output'"), plan))).toMatchObject({
      code: "PlanTooWide",
      message: expect.stringContaining("no statement of the migration has the fingerprint"),
    });
  });

  test("when there is none, and the policy wants one", async () => {
    const migrations = [await migrationOf(DROP)];
    const [, drop] = await fingerprints(DROP);
    const missing = () => coverPlans({ migrations, plans: [] }, { policy: "required" });
    expect(await refusalOf(missing)).toMatchObject({
      code: "PlanMissing",
      message: expect.stringContaining(`line 2: drop table "idempotency_keys" (${drop})`),
      hint: 'draft it with "rehearsal plan draft 0001", which writes plans/0001.yaml, and fill it in',
    });
    expect(coverPlans({ migrations, plans: [] }, { policy: "optional" }).unplanned).toHaveLength(3);
    expect(
      coverPlans({ migrations, plans: [] }, { policy: "required", pending: new Set() }).unplanned,
    ).toEqual([]);
  });

  test("in few words, however many statements there are", async () => {
    const many = await migrationOf("drop table t;\n".repeat(500));
    const { message } = await refusalOf(() =>
      coverPlans({ migrations: [many], plans: [] }, { policy: "required" }),
    );
    expect(message).toMatch(/line 10: drop table "t" \([0-9a-f]{16}\); and 490 more$/);
  });

  test("when its migration does not exist", async () => {
    const plans = [parseDataPlan("plans/0007.yaml", Buffer.from(await fitting()))];
    expect(
      await refusalOf(async () =>
        coverPlans({ migrations: [await migrationOf(DROP)], plans }, { policy: "optional" }),
      ),
    ).toMatchObject({
      code: "PlanOrphaned",
      message: "plans/0007.yaml is about migration 0007, which does not exist",
      hint: expect.stringContaining("rehearsal plan draft"),
    });
  });
});

test("SQL put together while it runs may touch anything, so its plan may name anything", async () => {
  const sql = "do $$ begin execute 'dr' || 'op table t'; end $$";
  const [fingerprint] = await fingerprints(sql);
  const plan = `migration: 1\nwhy: so\nback: so\nstatements: [{fingerprint: "${fingerprint}", objects: [public.t]}]\nloses: {table public.t: 5}\n`;
  expect((await cover(sql, plan)).plans).toMatchObject([{ loses: { "table public.t": 5 } }]);
});

describe("what a plan's file may not say is refused", () => {
  const whole = { migration: 1, why: "so", back: "so", statements: [{ fingerprint: "0123456789abcdef" }] };
  test.each([
    [{ ...whole, aprovers: ["a"] }, 'the key "aprovers" is not known, did you mean "approvers"?'],
    [
      { ...whole, statements: [{ fingerprint: "0123456789abcdef", object: [] }] },
      'statements.0: the key "object" is not known, did you mean "objects"?',
    ],
    [{ ...whole, statements: [] }, "statements: "],
    [{ ...whole, statements: [{ fingerprint: 1234567890123456 }] }, "write the fingerprint in quotes"],
    [{ ...whole, statements: [{ fingerprint: "DEADBEEF" }] }, "16 hex digits"],
    [{ ...whole, loses: { everything: 1 } }, 'write "table NAME"'],
    [{ ...whole, loses: { "table a": "lots" } }, "loses.table a"],
    [{ ...whole, why: " " }, "why: say it in words"],
    [{}, "why: "],
    [[1], "expected object"],
  ])("abuse 11: a plan with unknown, missing or ill-formed keys: %j", async (value, problem) => {
    expect(await refusalOf(() => planOf(JSON.stringify(value)))).toMatchObject({
      code: "ConfigInvalid",
      message: expect.stringContaining(problem),
      hint: expect.stringMatching(/./),
    });
  });

  test("a name that is not its migration's number", async () => {
    for (const path of ["plans/drop.yaml", "plans/1.yaml", "plans/0000.yaml", "plans/00001.yaml"])
      expect(await refusalOf(() => parseDataPlan(path, Buffer.from("why: x")))).toMatchObject({
        code: "ConfigInvalid",
        message: expect.stringContaining("plans/0004.yaml"),
      });
  });
});

test("abuse 28: the plans' part of the evidence is another when one byte of one is", async () => {
  const text = draftPlan(await migrationOf(DROP));
  expect(planEvidence([])).toBeUndefined();
  expect(planEvidence([planOf(text)])).not.toEqual(planEvidence([planOf(`${text} `)]));
});

test("a squash is covered by the plans of those it stands for, and orphans none of them", async () => {
  const originals = ["drop table a;", "create table b (id int);", "drop table c;"];
  const files = originals.map((sql, index) => ({ sql, path: `migrations/000${index + 1}_x.sql` }));
  const migrations = await Promise.all(files.map(({ sql, path }) => migrationOf(sql, path)));
  const plans = [0, 2].map((index) => {
    const migration = migrations[index];
    if (migration === undefined) throw new Error("there are three");
    const text = draftPlan(migration).replaceAll("TODO: ", "");
    return parseDataPlan(`plans/000${index + 1}.yaml`, Buffer.from(text));
  });
  expect(coverPlans({ migrations, plans }, { policy: "required" }).plans).toEqual(plans);
  const squash = await migrationOf(squashText(migrations), "migrations/0003_x.sql");
  expect(coverPlans({ migrations: [squash], plans }, { policy: "required" }).plans).toEqual(plans);
  expect(
    await refusalOf(() =>
      coverPlans({ migrations: [squash], plans: plans.slice(1) }, { policy: "required" }),
    ),
  ).toMatchObject({ code: "PlanMissing", message: expect.stringContaining('drop table "a"') });
});

test("a project holds its plans", async () => {
  const text = draftPlan(await migrationOf("drop table t", "migrations/0001_drop.sql"));
  const file = (path: string, content: string) => ({ path, bytes: Buffer.from(content) });
  const project = await checkProject([
    file("rehearsal.yaml", "project: a\n"),
    file("migrations/0001_drop.sql", "drop table t"),
    file("plans/0001.yaml", text),
  ]);
  expect(project.plans).toMatchObject([{ path: "plans/0001.yaml", version: 1 }]);
  expect(project.others).toEqual(["rehearsal.yaml"]);
});
