import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft } from "../../cli/commands/plan-draft.ts";
import { refusalOf } from "../refusal.ts";
import { runCommand } from "./command.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-draft-"));
  await write("rehearsal.yaml", "project: files\n");
  await write("migrations/0001_files.sql", "create table files (id int, doc_no text);\n");
  await write("migrations/0002_drop.sql", "alter table files drop column doc_no;\n");
  await write("migrations/0003_more.sql", "create table more (id int);\n");
});

afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

test("a plan is drafted for the newest migration that needs one, and never written over", async () => {
  const drafted = await draft(folder, undefined);
  expect(drafted).toMatchObject({
    path: "plans/0002.yaml",
    migration: "migrations/0002_drop.sql",
    statements: [{ line: 1, summary: 'alter table "files" drop column "doc_no"' }],
  });
  const text = await readFile(join(folder, drafted.path), "utf8");
  expect(text).toContain("files.doc_no");
  expect(await refusalOf(() => draft(folder, "2"))).toMatchObject({
    code: "PlanStands",
    hint: expect.stringContaining("never written over"),
  });
  expect(await readFile(join(folder, drafted.path), "utf8")).toBe(text);
  expect(await refusalOf(() => draft(folder, undefined))).toMatchObject({
    code: "PlanNotNeeded",
    hint: expect.stringContaining("it is additive"),
  });
  expect(await refusalOf(() => draft(folder, "0003"))).toMatchObject({ code: "PlanNotNeeded" });
  expect(await refusalOf(() => draft(folder, "0004"))).toMatchObject({ code: "NotFound" });
});

test("--all drafts every plan that is missing, and none that stands", async () => {
  await write("migrations/0004_rows.sql", "delete from files;\n");
  await write("migrations/0005_gone.sql", "drop table more;\n");
  await draft(folder, "4");
  const stood = await readFile(join(folder, "plans/0004.yaml"), "utf8");
  const all = await runCommand(["plan", "draft", "--all", "--json"], { folder });
  expect(JSON.parse(all.out)).toMatchObject({
    drafted: [{ path: "plans/0002.yaml" }, { path: "plans/0005.yaml", statements: [{ line: 1 }] }],
  });
  expect(await readFile(join(folder, "plans/0004.yaml"), "utf8")).toBe(stood);
  const none = await runCommand(["plan", "draft", "--all"], { folder });
  expect([none.exit, none.err]).toEqual([2, expect.stringContaining("PlanNotNeeded")]);
  expect((await runCommand(["plan", "draft", "2", "--all"], { folder })).err).toContain("UsageInvalid");
});

test("release --check tells of what needs a plan, refuses a draft, and takes it once it is filled in", async () => {
  const check = () => runCommand(["release", "--check"], { folder });
  const without = await check();
  expect(without).toMatchObject({
    exit: 0,
    err: expect.stringMatching(/migrations\/0002_drop\.sql needs a data plan where it is pending: line 1: /),
  });
  const told = await runCommand(["plan", "draft", "--json"], { folder });
  expect(JSON.parse(told.out)).toMatchObject({ path: "plans/0002.yaml" });
  const path = join(folder, "plans/0002.yaml");
  expect(await check()).toMatchObject({
    exit: 1,
    err: expect.stringMatching(/plans\/0002\.yaml is still a draft: why; .*\nhint:.*TODO/),
  });
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replaceAll("TODO: ", ""));
  expect(await check()).toMatchObject({ exit: 0, err: "" });
});
