/** `rehearsal feed add` as a person meets it: what it writes, and what the rest of the house says of that. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProjectFiles } from "../../cli/project-files.ts";
import type { FormatName } from "../../core/formats/format.ts";
import { coverPlans } from "../../core/plan-coverage.ts";
import { checkProject } from "../../core/project.ts";
import { schemaLock, schemaLockText } from "../../core/schema-lock.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { runHere } from "./run-here.ts";

const TABLES = `create table if not exists users (id bigint primary key, email text);
create table if not exists "Chat Message" ("Id" uuid, "order" int, primary key ("Id", "order"));
create table if not exists parted (id int primary key) partition by range (id);
create table if not exists parted_low partition of parted for values from (0) to (9);
create table if not exists loose (id int);
`;

/** Each format's first file, and where the one of the feed is looked for. */
const FIRST: [FormatName, string, string][] = [
  ["native", "migrations/0001_first.sql", TABLES],
  ["dbmate", "db/migrations/1_first.sql", `-- migrate:up\n${TABLES}`],
  ["flyway", "sql/V1__first.sql", TABLES],
  ["golang-migrate", "migrations/1_first.up.sql", TABLES],
  ["goose", "migrations/00001_first.sql", `-- +goose Up\n${TABLES}`],
  ["prisma", "prisma/migrations/20240101000000_first/migration.sql", TABLES],
  ["node-pg-migrate", "migrations/1700000000000_first.sql", `-- Up Migration\n${TABLES}`],
  ["timestamped", "migrations/1_first.sql", TABLES],
];

let root: string;
let lock: string;
const address = await freshDatabase(newestServer(), TABLES);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "feed-"));
  lock = await lockOf();
});

afterAll(async () => {
  await rm(root, { recursive: true });
  await dropDatabases(address);
});

async function lockOf(): Promise<string> {
  const session = await openSession(address, { application: "test" });
  try {
    return schemaLockText(schemaLock(await readShape(session)));
  } finally {
    await session.close();
  }
}

async function project(format: FormatName, path: string, sql: string): Promise<string> {
  const folder = join(root, format);
  const [top = ""] = /^(?:db\/migrations|prisma\/migrations|[^/]+)/.exec(path) ?? [];
  const files: Record<string, string> = {
    "rehearsal.yaml": `project: shop\nformat: ${format}\nmigrations: ${top}\n`,
    "schema.lock.json": lock,
    [path]: sql,
    ...(format === "prisma" && { [`${top}/migration_lock.toml`]: 'provider = "postgresql"\n' }),
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const feed = (folder: string, ...words: string[]) => runHere(["feed", "add", ...words, "--json"], {}, folder);

describe("rehearsal feed add", () => {
  test.each(FIRST)(
    "%s: writes a migration that lint has nothing to say against, that needs no plan, and that runs twice",
    async (format, path, sql) => {
      const folder = await project(format, path, sql);
      const { exit, out, err } = await feed(folder, "users", "Chat Message", "parted");
      expect([exit, err]).toEqual([0, expect.stringContaining("next: ")]);
      const told = JSON.parse(out) as { paths: string[]; tables: string[]; known: boolean };
      expect(told).toMatchObject({
        known: false,
        tables: ["public.users", 'public."Chat Message"', "public.parted"],
      });
      const lint = await runHere(["lint"], {}, folder);
      expect([lint.exit, lint.out]).toEqual([0, expect.stringMatching(/\d files?: 0 errors, 0 warnings/)]);
      const checked = await checkProject(
        (await readProjectFiles(folder)).filter(({ path }) => path !== "schema.lock.json"),
      );
      expect(coverPlans(checked, { policy: "optional" }).unplanned).toEqual([]);
      const last = checked.migrations.at(-1);
      expect(last?.path).toBe(told.paths[0]);
      for (let time = 0; time < 2; time++) await execute(address, last?.sql ?? "no migration");
    },
  );

  test("adds tables to the feed that is there, and takes one again whose key has become another", async () => {
    const folder = await project("native", "migrations/0001_first.sql", TABLES);
    await execute(address, "alter table loose add primary key (id)");
    await writeFile(join(folder, "schema.lock.json"), await lockOf());
    const told = [await feed(folder, "loose"), await feed(folder, "loose", "loose")].map(({ exit, out }) => {
      expect(exit).toBe(0);
      return JSON.parse(out) as { paths: string[]; sql: string; known: boolean };
    });
    expect(told.map(({ paths, known }) => [paths, known])).toEqual([
      [["migrations/0003_follow_loose.sql"], true],
      [["migrations/0004_follow_loose_2.sql"], true],
    ]);
    expect(told[0]?.sql).not.toContain("create table");
    await execute(address, `${told[0]?.sql} insert into loose values (7);`);
    const printed = await runHere(["feed", "add", "loose", "--print"], {}, folder);
    expect(printed.out.trim()).toBe(told[0]?.sql.trim());
  });

  test.each([
    [["loos"], "FeedTableUnfit", "did you mean public.loose?"],
    [["parted_low"], "FeedTableUnfit", "follow public.parted"],
    [["changes"], "FeedTableUnfit", "it is the feed itself"],
    [["keyless"], "FeedTableUnfit", "it has no primary key"],
    [["users", "--name", "users"], "FeedNameTaken", "no feed"],
  ])("%j is refused, and no file is written", async (words, code, message) => {
    const folder = await project("native", "migrations/0001_first.sql", TABLES);
    await execute(address, "create table if not exists keyless (id int)");
    await writeFile(join(folder, "schema.lock.json"), await lockOf());
    const before = await readdir(join(folder, "migrations"));
    const { exit, out } = await feed(folder, ...words);
    expect([exit, JSON.parse(out)]).toEqual([
      2,
      {
        error: expect.objectContaining({
          code,
          message: expect.stringContaining(message),
          hint: expect.any(String),
        }),
      },
    ]);
    expect(await readdir(join(folder, "migrations"))).toEqual(before);
  });

  test("without a lock, and where a tool has to make the migration, it tells what to do", async () => {
    const folder = await project("native", "migrations/0001_first.sql", TABLES);
    await rm(join(folder, "schema.lock.json"));
    expect(JSON.parse((await feed(folder, "users")).out)).toMatchObject({
      error: { code: "SchemaLockUnreadable", hint: expect.stringContaining("rehearsal schema --env") },
    });
    await writeFile(join(folder, "schema.lock.json"), lock);
    await writeFile(join(folder, "rehearsal.yaml"), "project: shop\nformat: sqitch\n");
    expect(JSON.parse((await feed(folder, "users")).out)).toMatchObject({
      error: { code: "NextMadeByTool", hint: expect.stringContaining("sqitch add") },
    });
  });
});
