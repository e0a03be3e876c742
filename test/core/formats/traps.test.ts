/** What real sequences hold, whichever tool made them. */
import { describe, expect, test } from "vitest";
import { sha256 } from "../../../core/digest.ts";
import { FORMAT_NAMES, type FormatName } from "../../../core/formats/format.ts";
import { compareSpelled } from "../../../core/formats/versions.ts";
import { buildBundle, readBundle } from "../../../core/release.ts";
import { refusalOf } from "../../refusal.ts";
import { committed, projectOf, whatRuns } from "./project-of.ts";

describe("digits in names", () => {
  test("two styles of moments in one folder are put in the order of time", async () => {
    const project = await projectOf("timestamped", {
      "migrations/20240101120000_b.sql": "select 2",
      "migrations/202401011300_c.sql": "select 3",
      "migrations/1704106800_a.sql": "select 1",
      "migrations/20240101133000-d.sql": "select 4",
      "migrations/17_first.sql": "select 0",
    });
    expect(project.migrations.map(({ name }) => name)).toEqual(["first", "a", "b", "c", "d"]);
  });

  test.each([
    ["9", "10"],
    ["99999999999999999999", "100000000000000000000"],
    ["20240101", "202401010001"],
    ["202401010001", "20240101000101"],
    ["1704067200", "20240102"],
    ["1704067199000", "20240101"],
    ["20241399", "20240101"],
  ])("%s comes before %s", (one, other) => {
    expect(Math.sign(compareSpelled(one, other))).toBe(-1);
    expect(Math.sign(compareSpelled(other, one))).toBe(1);
  });

  test("abuse 12: one moment in two spellings is refused", async () => {
    const files = {
      "migrations/202401011200_a.sql": "select 1",
      "migrations/20240101120000_b.sql": "select 2",
    };
    expect(await refusalOf(() => projectOf("timestamped", files))).toMatchObject({
      code: "MigrationVersionTwice",
      hint: expect.stringContaining("a version of its own"),
    });
  });

  test("a tool's own order is kept, and told where it runs against time", async () => {
    const project = await projectOf("goose", {
      "migrations/20240101120000_a.sql": "-- +goose Up\nselect 1",
      "migrations/202402011200_b.sql": "-- +goose Up\nselect 2",
    });
    expect(project.migrations.map(({ name }) => name)).toEqual(["b", "a"]);
    expect(project.notes).toEqual([
      "migrations/20240101120000_a.sql runs after migrations/202402011200_b.sql, which is later by its name: so does goose",
    ]);
  });
});

describe("bytes", () => {
  test("abuse 6: a byte-order mark and CRLF are read, and the checksum covers them", async () => {
    const text = "\ufeff-- migrate:up\r\ncreate table a (x int);\r\n-- migrate:down\r\ndrop table a;\r\n";
    const project = await projectOf("dbmate", { "db/migrations/1_a.sql": text });
    expect(whatRuns(project)).toEqual({ "1": ["create table a (x int)"] });
    expect(project.migrations[0]).toMatchObject({
      sha256: sha256(Buffer.from(text)),
      statements: [{ line: 2 }],
    });
    const goose = text.replace("-- migrate:up", "-- +goose Up").replace("-- migrate:down", "-- +goose Down");
    expect(whatRuns(await projectOf("goose", { "migrations/1_a.sql": goose }))).toEqual({
      "1": ["create table a (x int)"],
    });
  });

  test("abuse 3: a NUL is refused in every part of a file, the way back too", async () => {
    const sql = "-- migrate:up\nselect 1;\n-- migrate:down\n\0";
    expect(await refusalOf(() => projectOf("dbmate", { "db/migrations/1_a.sql": sql }))).toMatchObject({
      code: "SqlNotText",
    });
  });

  test("what is blank keeps its length, so that every place is the file's", async () => {
    const sql = "-- migrate:up\nselect '\u{1F600}';\n-- migrate:down\nselect 'é\u{1F600}';\nx";
    const [migration] = (await projectOf("dbmate", { "db/migrations/1_a.sql": sql })).migrations;
    expect(migration?.sql).toHaveLength(sql.length);
    expect(migration?.sql.split("\n")).toHaveLength(sql.split("\n").length);
  });
});

const NAMES: Record<FormatName, (name: string) => Record<string, string>> = {
  native: (name) => ({ [`migrations/0001_${name}.sql`]: "select 1" }),
  dbmate: (name) => ({ [`db/migrations/1_${name}.sql`]: "-- migrate:up\nselect 1" }),
  flyway: (name) => ({ [`sql/V1__${name}.sql`]: "select 1" }),
  "golang-migrate": (name) => ({ [`migrations/1_${name}.up.sql`]: "select 1" }),
  goose: (name) => ({ [`migrations/1_${name}.sql`]: "-- +goose Up\nselect 1" }),
  prisma: (name) => ({ [`prisma/migrations/1_${name}/migration.sql`]: "select 1" }),
  drizzle: (name) => ({
    [`drizzle/1_${name}.sql`]: "select 1",
    "drizzle/meta/_journal.json": JSON.stringify({ entries: [{ idx: 0, when: 1, tag: `1_${name}` }] }),
  }),
  sqitch: (name) => ({
    "sqitch.plan": `%project=x\n${name} 2024-01-01T00:00:00Z a <b> # c\n`,
    [`deploy/${name}.sql`]: "select 1",
  }),
  "graphile-migrate": (name) => {
    const [text = ""] = Object.values(committed("select 1;"));
    return { [`migrations/committed/000001-${name}.sql`]: text };
  },
  "node-pg-migrate": (name) => ({ [`migrations/1_${name}.sql`]: "select 1" }),
  timestamped: (name) => ({ [`migrations/1_${name}.sql`]: "select 1" }),
};

describe.each(FORMAT_NAMES)("names in format %s", (format) => {
  test("abuse 1: quotes, semicolons and line breaks in a file's name work", async () => {
    // Sqitch's plan parts its words by white space.
    const name = format === "sqitch" ? `a'";--$$b` : `a'";--\n$$b`;
    const project = await projectOf(format, NAMES[format](name));
    expect(project.migrations).toMatchObject([{ version: 1, name, statements: [{ summary: "select 1" }] }]);
  });

  test("abuse 5: a control character that turns text around is refused", async () => {
    expect(await refusalOf(() => projectOf(format, NAMES[format]("a\u202Eb")))).toMatchObject({
      code: "PathRefused",
      hint: expect.stringContaining("relative"),
    });
  });

  test("makes a bundle that is read again as it was", async () => {
    const files = Object.entries({
      "rehearsal.yaml": `project: library\nformat: ${format}\n`,
      ...NAMES[format]("a"),
    }).map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
    const bundle = buildBundle(files);
    expect(readBundle(bundle.bytes, bundle.hash).files).toHaveLength(files.length);
  });

  test("without a migration it is refused, and told how to make the first", async () => {
    expect(await refusalOf(() => projectOf(format, {}))).toMatchObject({ code: "MigrationsMissing" });
  });
});

describe("the folder", () => {
  test.each(["../x", "/x", "a/../b", "a//b", "views", "plans/x", ".git", "a b"])(
    "%j is refused",
    async (folder) => {
      expect(
        await refusalOf(() => projectOf("goose", {}, `migrations: ${JSON.stringify(folder)}\n`)),
      ).toMatchObject({
        code: "ConfigInvalid",
      });
    },
  );

  test("what nothing parts from the rest of the project is refused", async () => {
    expect(await refusalOf(() => projectOf("goose", {}, "migrations: .\n"))).toMatchObject({
      code: "ConfigInvalid",
      message: expect.stringContaining("needs a folder of its own"),
    });
  });
});

test("abuse 10: nearly ten thousand files of another tool's are read in a few seconds", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 9_000 }, (_, index) => [
      `db/migrations/${20240101000000 + index}_t.sql`,
      `-- migrate:up\ncreate table t${index} (id int);\n-- migrate:down\ndrop table t${index};\n`,
    ]),
  );
  const started = performance.now();
  expect((await projectOf("dbmate", files)).migrations).toHaveLength(9_000);
  expect(performance.now() - started).toBeLessThan(10_000);
});
