import { describe, expect, test } from "vitest";
import { sha256 } from "../../core/digest.ts";
import { checkProject, type ProjectFile } from "../../core/project.ts";
import { RELEASE_FILES } from "../../core/release-limits.ts";
import { refusalOf } from "../refusal.ts";

const file = (path: string, text = "select 1"): ProjectFile => ({ path, bytes: Buffer.from(text) });
const config = file("rehearsal.yaml", "project: narralytica\n");
const first = file("migrations/0001_begin.sql", "create table videos (id bigint primary key)");
const refused = (...files: ProjectFile[]) => refusalOf(() => checkProject([config, first, ...files]));

test("a project is its configuration, its migrations in order, and its views, seeds and checks", async () => {
  const project = await checkProject([
    file(
      "views/recent.sql",
      "create or replace view recent as select * from videos; grant select on recent to app",
    ),
    file("migrations/0002_more.sql", "alter table videos add column title text"),
    file("checks/titled.sql", "select id from videos where title is null;"),
    file("seeds/dev.sql", "insert into videos values (1)"),
    file("reports/monthly/jobs.md", "any text"),
    file("queries/newest.sql", "select 1"),
    file("schema.md", "words"),
    first,
    config,
  ]);
  expect(project).toMatchObject({
    name: "narralytica",
    config: { project: "narralytica", seeds: "dev" },
    migrations: [{ version: 1 }, { version: 2 }],
    views: [{ name: "recent", path: "views/recent.sql" }],
    seeds: [{ name: "dev" }],
    checks: [{ name: "titled", path: "checks/titled.sql", sql: "select id from videos where title is null" }],
    queries: [{ name: "newest", path: "queries/newest.sql", sql: "select 1" }],
    others: ["rehearsal.yaml", "reports/monthly/jobs.md", "schema.md"],
  });
});

test("of migrations that a database has had only the bytes count, and they come without statements", async () => {
  const edited = file("migrations/0001_begin.sql", "this was SQL once");
  const second = file("migrations/0002_more.sql", "alter table videos add column title text");
  const project = await checkProject([config, edited, second], undefined, ({ path }) =>
    path.includes("0001"),
  );
  expect(project.migrations).toMatchObject([
    { version: 1, key: "0001", name: "begin", sha256: sha256(edited.bytes), statements: [] },
    { version: 2, statements: [{ kind: "AlterTableStmt" }] },
  ]);
});

describe("abuse 7: paths that lead out of a release are refused", () => {
  test.each([
    ["../rehearsal.yaml", 'holds ".."'],
    ["migrations/../../etc/passwd", 'holds ".."'],
    ["migrations/./0002_a.sql", 'holds "."'],
    ["migrations//0002_a.sql", "an empty segment"],
    ["migrations/", "an empty segment"],
    ["/migrations/0002_a.sql", "absolute"],
    ["C:/migrations/0002_a.sql", "a drive letter"],
    ["c:migrations/0002_a.sql", "a drive letter"],
    ["migrations\\0002_a.sql", "a backslash"],
    ["migrations/0002_\0a.sql", "a NUL"],
    ["migrations/0002_\x1b[2Ja.sql", "a control character"],
    ["migrations/0002_\u202Ea.sql", "turns the text around"],
    ["migrations/0002_\uD800a.sql", "not text in Unicode"],
    [`migrations/0002_${"a".repeat(300)}.sql`, "longer than 255 bytes"],
    ["", "it is empty"],
    ["README.md", "no such file belongs"],
    ["migrations/.git", "no such file belongs"],
  ])("%j", async (path, reason) => {
    const refusal = await refused(file(path));
    expect(refusal).toMatchObject({
      code: "PathRefused",
      hint: expect.stringContaining("paths in a release are relative"),
    });
    expect(refusal.message).toContain(reason);
  });

  test.each([
    ["migrations/notes.txt", "migrations named NNNN_what_it_does.sql"],
    ["migrations/add.sql", "migrations named"],
    ["migrations/old/0002_a.sql", "migrations named"],
    ["views/a.txt", "views, each in NAME.sql"],
    ["plans/a.yml", "data plans"],
  ])("and so are files that do not belong in their folder: %s", async (path, wanted) => {
    const refusal = await refused(file(path));
    expect(refusal).toMatchObject({
      code: "PathNotInLayout",
      hint: expect.stringContaining("move the file elsewhere"),
    });
    expect(refusal.message).toContain(wanted);
  });
});

describe("abuse 8: two paths that are one file somewhere are refused", () => {
  test.each([
    ["views/a.sql", "views/a.sql"],
    ["views/Recent.sql", "views/recent.sql"],
    ["views/stra\u00dfe.sql", "views/STRASSE.sql"],
    ["views/caf\u00e9.sql", "views/cafe\u0301.sql"],
  ])("%s and %s", async (one, other) => {
    expect(await refused(file(one, ""), file(other, ""))).toMatchObject({
      code: "PathsCollide",
      hint: expect.stringContaining("rename one"),
    });
  });
});

describe("abuse 10: limits", () => {
  test("more files than a release may have are refused with both numbers", async () => {
    const many = Array.from({ length: RELEASE_FILES }, (_, index) => file(`reports/${index}`, ""));
    const refusal = await refused(...many);
    expect(refusal).toMatchObject({ code: "TooManyFiles", hint: expect.stringContaining("consolidate") });
    expect(refusal.message).toContain("10002 files");
  });

  test("more bytes than a release may have are refused", async () => {
    const bytes = new Uint8Array(16 * 1024 * 1024);
    const large = Array.from({ length: 5 }, (_, index) => ({ path: `reports/${index}`, bytes }));
    expect(await refused(...large)).toMatchObject({
      code: "ReleaseTooLarge",
      hint: expect.stringContaining("bulk data"),
    });
  });

  test("nearly ten thousand migrations work", async () => {
    const many = Array.from({ length: 9_000 }, (_, index) =>
      file(`migrations/${String(index + 1).padStart(4, "0")}_t.sql`, `create table t${index} (id int)`),
    );
    expect((await checkProject([config, ...many])).migrations).toHaveLength(9_000);
  });
});

describe("abuse 11: what is empty or unknown is refused", () => {
  test("an empty bundle, and one without migrations", async () => {
    expect(await refusalOf(() => checkProject([]))).toMatchObject({
      code: "ProjectMissing",
      message: expect.stringContaining("rehearsal.yaml"),
      hint: expect.stringContaining("rehearsal init"),
    });
    expect(await refusalOf(() => checkProject([config]))).toMatchObject({
      code: "MigrationsMissing",
      message: expect.stringContaining("migrations/"),
      hint: expect.stringContaining("rehearsal new"),
    });
  });

  test.each([
    ["project: a\ndescripton: b", 'the key "descripton" is not known, did you mean "description"?'],
    ["project: a\ncolour: red", 'the key "colour" is not known, known are: project, description, seeds'],
    ["project: Narralytica", "project: use lower-case letters"],
    ["description: a", "project: "],
    ["", "project: "],
    ["- a", "expected object"],
    ["project: a\nproject: b", "line 2"],
    ["project: a\nseeds: prod", "seeds: "],
    ["project: 'a", "line 1"],
    ["project: a\n__proto__: {}", "__proto__"],
    ["a: &a [x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]", "alias"],
  ])("%j in rehearsal.yaml", async (text, problem) => {
    const refusal = await refusalOf(() => checkProject([file("rehearsal.yaml", text), first]));
    expect(refusal).toMatchObject({
      code: "ConfigInvalid",
      hint: expect.stringContaining("correct the named keys"),
    });
    expect(refusal.message).toContain(problem);
  });
});

describe("abuse 12: numbers run from one without gaps", () => {
  test("a gap and a late beginning are refused, naming what is missing", async () => {
    expect(await refused(file("migrations/0003_c.sql"))).toMatchObject({
      code: "MigrationNumberMissing",
      message: 'migration 2 is missing: 0001 is followed by "migrations/0003_c.sql"',
      hint: expect.stringContaining("without gaps"),
    });
    expect(await refusalOf(() => checkProject([config, file("migrations/0002_b.sql")]))).toMatchObject({
      code: "MigrationNumberMissing",
      message: expect.stringContaining("the beginning"),
    });
  });

  test("two files with one number are refused", async () => {
    expect(await refused(file("migrations/0001_other.sql"))).toMatchObject({
      code: "MigrationNumberTwice",
      hint: expect.stringContaining("the next free number"),
    });
  });
});

describe("views are repeatable", () => {
  test.each([
    "create or replace view v as select 1",
    "drop view if exists v, w; create view v as select 1; create view w as select 2",
    "create or replace view v as select 1; comment on view v is 'x'; comment on column v.a is 'x'; grant select on v to a",
  ])("%s", async (sql) => {
    await checkProject([config, first, file("views/v.sql", sql)]);
  });

  test.each([
    "create view v as select 1",
    "drop view v",
    "create table t ()",
    "create or replace view v as select 1; delete from t",
  ])("and nothing else is allowed there: %s", async (sql) => {
    expect(await refused(file("views/v.sql", sql))).toMatchObject({
      code: "ViewFileRefused",
      hint: expect.stringContaining("CREATE OR REPLACE VIEW"),
    });
  });

  test("a directive in a view or a seed is refused, for it would do nothing", async () => {
    expect(await refused(file("seeds/a.sql", "-- rehearsal: no-transaction\nvacuum"))).toMatchObject({
      code: "DirectiveUnknown",
      hint: expect.stringContaining("only migrations take directives"),
    });
  });
});

describe("a check is one SELECT that only reads", () => {
  test.each([
    ["select 1; select 2", "more than one statement"],
    ["delete from videos", "not a SELECT"],
    ["with gone as (delete from videos returning 1) select * from gone", "writes in WITH"],
    ["select * into copy from videos", "INTO"],
    ["select * from videos for update", "locks rows"],
  ])("%s is refused", async (sql, reason) => {
    const refusal = await refused(file("checks/a.sql", sql));
    expect(refusal).toMatchObject({
      code: "CheckFileRefused",
      hint: expect.stringContaining("exactly one SELECT"),
    });
    expect(refusal.message).toContain(reason);
  });

  test("and what no migration may hold, no check may either", async () => {
    expect(await refused(file("checks/a.sql", "select pg_read_file('x')"))).toMatchObject({
      code: "ServerReach",
    });
  });
});
