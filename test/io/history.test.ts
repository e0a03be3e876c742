/** Histories of other tools, as these document their tables, read from a real database and held against a project. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { claimedPrefix } from "../../core/adoption.ts";
import { sha256 } from "../../core/digest.ts";
import type { FormatName } from "../../core/formats/format.ts";
import type { HistoryTool } from "../../core/formats/history-tools.ts";
import { flywayChecksum } from "../../io/postgres/history/flyway.ts";
import { readHistory } from "../../io/postgres/history/histories.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { projectOf } from "../core/formats/project-of.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

let session: Session;

beforeAll(async () => {
  session = await openSession(await freshDatabase(newestServer()), { application: "test history" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(session.address);
});

beforeEach(() =>
  session.execute(
    "drop schema if exists sqitch cascade; drop schema public cascade; create schema public; set search_path = public",
  ),
);

/** The paths that the tool's table says were applied, the repeatable ones last. */
async function applied(tool: HistoryTool, files: Record<string, string>, sql: string, format?: FormatName) {
  const project = await projectOf(format ?? tool, files);
  await session.execute(sql);
  const bytes = (path: string) => Buffer.from(files[path] ?? "");
  const all = Object.keys(files).map((path) => ({ path, bytes: bytes(path) }));
  const history = await readHistory(session, tool, {
    migrations: project.migrations.map(({ key, path }) => ({ key, path, bytes: bytes(path) })),
    repeatables: project.views.map(({ path }) => ({ key: path, path, bytes: bytes(path) })),
    files: all,
  });
  const { table, claims } = history;
  const prefix = claimedPrefix(project.migrations, claims, { tool, table });
  return [
    ...prefix.map(({ path }) => path),
    ...claims.flatMap(({ repeatable, path }) => (repeatable && path !== undefined ? [path] : [])),
  ];
}

const refused = (...args: Parameters<typeof applied>) => refusalOf(() => applied(...args));

describe("golang-migrate", () => {
  const files = {
    "migrations/000001_a.up.sql": "select 1",
    "migrations/000002_b.up.sql": "select 2",
    "migrations/000003_c.up.sql": "select 3",
  };
  const TABLE =
    "create table schema_migrations (version bigint not null primary key, dirty boolean not null);";

  test("its one row stands for all up to it", async () => {
    expect(
      await applied("golang-migrate", files, `${TABLE} insert into schema_migrations values (2, false)`),
    ).toEqual(["migrations/000001_a.up.sql", "migrations/000002_b.up.sql"]);
  });

  test("a dirty one, one of no file and none at all are refused", async () => {
    expect(
      await refused("golang-migrate", files, `${TABLE} insert into schema_migrations values (2, true)`),
    ).toMatchObject({
      code: "HistoryRefused",
      message: expect.stringContaining("migrations/000002_b.up.sql is dirty: a migration broke off in it"),
      hint: expect.stringContaining("let golang-migrate finish"),
    });
    expect(
      (await refused("golang-migrate", files, "update schema_migrations set version = 7, dirty = false"))
        .message,
    ).toContain("7 is in the history, and no file of the project is it");
    expect((await refused("golang-migrate", files, "delete from schema_migrations")).message).toContain(
      "it says of no migration that it was applied",
    );
  });

  test("dbmate's table of the same name is told from it, and one in another schema is found", async () => {
    expect(
      await refused("golang-migrate", files, "create table schema_migrations (version varchar primary key)"),
    ).toMatchObject({
      code: "HistoryUnclear",
      message: expect.stringContaining('"public"."schema_migrations" lacks dirty'),
      hint: expect.stringContaining("--tool"),
    });
    await session.execute('drop table schema_migrations; create schema if not exists "app""s"');
    expect(
      await applied(
        "golang-migrate",
        files,
        `create table "app""s".schema_migrations (version bigint, dirty boolean); insert into "app""s".schema_migrations values (1, false)`,
      ),
    ).toHaveLength(1);
    expect(await refused("golang-migrate", files, TABLE)).toMatchObject({
      code: "HistoryUnclear",
      message: expect.stringContaining("both have its name"),
    });
    await session.execute('drop schema "app""s" cascade');
  });

  test("none is missing by name", async () => {
    expect(await refused("golang-migrate", files, "")).toMatchObject({
      code: "HistoryMissing",
      hint: expect.stringContaining("--baseline"),
    });
  });
});

test("goose: what was taken back since is not applied", async () => {
  const files = {
    "migrations/00001_a.sql": "-- +goose Up\nselect 1",
    "migrations/00002_b.sql": "-- +goose Up\nselect 2",
  };
  const sql = `create table goose_db_version (id serial primary key, version_id bigint not null,
      is_applied boolean not null, tstamp timestamp default now());
    insert into goose_db_version (version_id, is_applied) values (0, true), (1, true), (2, true), (2, false)`;
  expect(await applied("goose", files, sql)).toEqual(["migrations/00001_a.sql"]);
});

describe("flyway", () => {
  const files = {
    "sql/V1__a.sql": "\ufeffselect 1;\r\n-- é\r\n",
    "sql/V1.1__b.sql": "select 2;\n",
    "sql/V2__c.sql": "select 3;\n",
    "sql/R__views.sql": "create or replace view v as select 1;\n",
  };
  const TABLE = `create table flyway_schema_history (installed_rank int primary key, version varchar(50),
    description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null, checksum int,
    installed_by varchar(100) not null default 'x', installed_on timestamp not null default now(),
    execution_time int not null default 1, success boolean not null);`;
  const sum = (path: keyof typeof files) => flywayChecksum(Buffer.from(files[path]));
  const insert = (...values: string[]) =>
    `insert into flyway_schema_history (installed_rank, version, description, type, script, checksum, success)
      values ${values.map((value, index) => `(${index + 1}, ${value})`).join(", ")};`;
  const a = `'1', 'a', 'SQL', 'V1__a.sql', ${sum("sql/V1__a.sql")}, true`;
  const b = `'1.1', 'b', 'SQL', 'V1.1__b.sql', ${sum("sql/V1.1__b.sql")}, true`;

  test("the checksum is the CRC-32 of the lines, whatever ends them, as a signed number", () => {
    expect(sum("sql/V1__a.sql")).toBe(crc32(Buffer.from("select 1;-- é")) | 0);
    for (const text of ["a\nb", "a\r\nb\r\n", "a\rb\n"])
      expect(flywayChecksum(Buffer.from(text))).toBe(crc32(Buffer.from("ab")) | 0);
    expect(flywayChecksum(Buffer.from("create table x;"))).toBe(crc32(Buffer.from("create table x;")) | 0);
  });

  test("rows with their checksums are taken, repeatable ones in the form that ran", async () => {
    const views = `null, 'views', 'SQL', 'R__views.sql', ${sum("sql/R__views.sql")}, true`;
    expect(await applied("flyway", files, TABLE + insert(a, b, views))).toEqual([
      "sql/V1__a.sql",
      "sql/V1.1__b.sql",
      "sql/R__views.sql",
    ]);
    await session.execute("update flyway_schema_history set checksum = 0 where version is null");
    expect(await applied("flyway", files, "")).toEqual(["sql/V1__a.sql", "sql/V1.1__b.sql"]);
  });

  test("a failed one, an edited one and a program are refused together", async () => {
    const rows = insert(
      a.replace(/-?\d+, true$/, "7, true"),
      b.replace("true", "false"),
      "'2', 'c', 'JDBC', 'org.example.V2__c', null, true",
    );
    const { code, message } = await refused("flyway", files, TABLE + rows);
    expect(code).toBe("HistoryRefused");
    expect(message).toContain(
      `sql/V1__a.sql was edited after it was applied: the history has 7, the file ${sum("sql/V1__a.sql")}`,
    );
    expect(message).toContain("1.1 (V1.1__b.sql) failed");
    expect(message).toContain("was written as a program (JDBC)");
  });

  test("a baseline stands for all up to it; an undone version for nothing", async () => {
    expect(
      await applied(
        "flyway",
        files,
        TABLE + insert("'1.1', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null, true"),
      ),
    ).toEqual(["sql/V1__a.sql", "sql/V1.1__b.sql"]);
    await session.execute("truncate flyway_schema_history");
    expect(
      await applied("flyway", files, insert(a, b, "'1.1', 'b', 'UNDO_SQL', 'U1.1__b.sql', 1, true")),
    ).toEqual(["sql/V1__a.sql"]);
    await session.execute("truncate flyway_schema_history");
    expect(
      (await refused("flyway", files, insert("'0.5', 'x', 'BASELINE', 'x', null, true"))).message,
    ).toContain("the baseline 0.5 is in the history, and no file of the project is it");
  });
});

describe("prisma", () => {
  const files = {
    "prisma/migrations/1_a/migration.sql": "select 1;\n",
    "prisma/migrations/2_b/migration.sql": "select 2;\n",
  };
  const TABLE = `create table _prisma_migrations (id varchar(36) primary key default gen_random_uuid()::text,
    checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null, logs text,
    rolled_back_at timestamptz, started_at timestamptz not null default clock_timestamp(), applied_steps_count int not null default 0);`;
  const insert = (name: string, text: string, finished = "now()", back = "null") =>
    `insert into _prisma_migrations (migration_name, checksum, finished_at, rolled_back_at)
      values ('${name}', '${sha256(text)}', ${finished}, ${back});`;

  test("finished ones are taken, also where only line ends were changed; rolled back ones are not there", async () => {
    const rows =
      insert("1_a", "select 1;\r\n") + insert("2_b", "x", "null", "now()") + insert("2_b", "select 2;\n");
    expect(await applied("prisma", files, TABLE + rows)).toHaveLength(2);
  });

  test("one that failed and one that was edited are refused", async () => {
    const rows = insert("1_a", "select 0;") + insert("2_b", "select 2;\n", "null");
    const { message } = await refused("prisma", files, TABLE + rows);
    expect(message).toContain("prisma/migrations/1_a/migration.sql was edited after it was applied");
    expect(message).toContain("2_b/migration.sql failed, and was neither finished nor rolled back");
  });
});

describe("sqitch", () => {
  const WHO = "2024-01-01T12:00:00Z A. Person <a@example.org> # why";
  const files = {
    "sqitch.plan": `%project=library\na ${WHO}\n@v1 ${WHO}\nb ${WHO}\na ${WHO}\n`,
    "deploy/a@v1.sql": "select 1;\n",
    "deploy/b.sql": "select 2;\n",
    "deploy/a.sql": "select 3;\n",
  };
  const TABLE = `create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text,
    change text not null, project text not null, note text not null default '', committed_at timestamptz not null default clock_timestamp(),
    planned_at timestamptz not null default now());`;
  const insert = (change: string, text: string, project = "library") =>
    `insert into sqitch.changes (change_id, script_hash, change, project)
      values (gen_random_uuid()::text, '${createHash("sha1").update(text).digest("hex")}', '${change}', '${project}');`;

  test("changes are taken in their forms, those of other projects passed over", async () => {
    const rows = insert("x", "other", "auth") + insert("a", "select 1;\n") + insert("b", "select 2;\n");
    expect(await applied("sqitch", files, TABLE + rows)).toEqual(["deploy/a@v1.sql", "deploy/b.sql"]);
    expect(await applied("sqitch", files, insert("a", "select 3;\n"))).toHaveLength(3);
  });

  test("a script that was edited since is refused", async () => {
    expect((await refused("sqitch", files, TABLE + insert("a", "select 9;\n"))).message).toContain(
      "deploy/a@v1.sql was edited after it was applied",
    );
  });
});

test("dbmate: a version that is missing in between is told with what comes after", async () => {
  const files = Object.fromEntries(
    [1, 2, 3].map((one) => [`db/migrations/${one}_x.sql`, "-- migrate:up\nselect 1"]),
  );
  const sql =
    "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('1'), ('3')";
  expect((await refused("dbmate", files, sql)).message).toContain(
    "db/migrations/2_x.sql is not in the history, though db/migrations/3_x.sql, which comes after it, is",
  );
});

test("abuse 10: nine thousand rows are held against nine thousand files in seconds", async () => {
  const numbers = Array.from({ length: 9_000 }, (_, index) => index + 1);
  const files = Object.fromEntries(numbers.map((one) => [`sql/V1.${one}__x.sql`, "select 1\n"]));
  const sum = flywayChecksum(Buffer.from("select 1\n"));
  const sql = `create table flyway_schema_history as select n as installed_rank, '1.' || n || '.0' as version, 'x' as description,
    'SQL' as type, 'V1.' || n || '__x.sql' as script, ${sum} as checksum, true as success from generate_series(1, 9000) n`;
  const started = performance.now();
  expect(await applied("flyway", files, sql)).toHaveLength(9_000);
  expect(performance.now() - started).toBeLessThan(10_000);
});
