/** `rehearsal squash`: proved before it is written, taken by a database that has had the originals, and by no other service on its word. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { runCommand } from "./command.ts";

const FILES: Record<string, string> = {
  "rehearsal.yaml": "project: feed\n",
  "migrations/0001_create_feed.sql": "create table feed (id int primary key, what text);",
  "migrations/0002_fill_feed.sql":
    "insert into feed values (1, 'one'), (2, 'two');\nalter table feed add column kind text;",
  "migrations/0003_kinds.sql": "update feed set kind = 'x' where id = 1",
  "migrations/0004_late.sql": "create table late (at timestamptz default now());",
  "migrations/0005_fill_late.sql": "insert into late values (clock_timestamp());",
};

const server = newestServer();
let service: LocalService;
let folder: string;
let old: DatabaseAddress;
let young: DatabaseAddress;
let behind: DatabaseAddress;
let foreign: DatabaseAddress;

beforeAll(async () => {
  service = await new LocalService(server.address, "squash").start();
  old = await freshDatabase(server, "", `squash_old_${process.pid}`);
  young = await freshDatabase(server, "", `squash_new_${process.pid}`);
  await service.register("old", old);
  await service.register("young", young);
  const table = "create table feed (id int primary key, what text)";
  behind = await freshDatabase(server, table, `squash_behind_${process.pid}`);
  foreign = await freshDatabase(server, table, `squash_foreign_${process.pid}`);
  await service.register("behind", behind);
  await service.register("foreign", foreign);
  folder = await mkdtemp(join(tmpdir(), "rehearsal-squash-"));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(old, young, behind, foreign);
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) =>
  runCommand(words, {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    folder,
  });

const migrations = () => readdir(join(folder, "migrations"));

test("what makes other rows each time is not squashed, and no file is touched", async () => {
  const refused = await run("squash", "4", "5", "--env", "old");
  expect([refused.exit, refused.out]).toEqual([3, expect.stringContaining("code:    SquashDiffers")]);
  expect(refused.out).toContain('table "public"."late" holds 1 row, as expected, but not the same content');
  expect(await migrations()).toHaveLength(5);
});

test("a squash that is proved takes the place of its originals, and their database has it without running it", async () => {
  expect((await run("promote", "old", "--watch")).exit).toBe(0);
  const before = (await run("release", "--json")).out;
  const made = await run("squash", "2", "3", "--env", "old", "--name", "fill the feed");
  expect([made.exit, made.out]).toEqual([
    0,
    "migrations/0003_fill_the_feed.sql stands for\n  migrations/0002_fill_feed.sql\n  migrations/0003_kinds.sql\n",
  ]);
  expect(await migrations()).toEqual([
    ...["0001_create_feed.sql", "0003_fill_the_feed.sql", "0004_late.sql", "0005_fill_late.sql"],
  ]);
  const content = await contentOf(old);
  expect((await run("plan", "old")).out).toContain("nothing is pending");
  expect(await contentOf(old)).toEqual(content);
  expect((await run("promote", "young", "--watch")).exit).toBe(0);
  expect(await rows(young, "select * from public.feed order by id")).toEqual(
    await rows(old, "select * from public.feed order by id"),
  );
  const { hash } = JSON.parse(before) as { hash: string };
  expect((await run("squash", "prove", hash, "--env", "young")).exit).toBe(0);
});

test("a squash does not run behind what is applied already, proved or not", async () => {
  expect((await run("adopt", "behind", "--baseline", "1")).exit).toBe(0);
  const refused = await run("plan", "behind");
  expect([refused.exit, refused.err]).toEqual([3, expect.stringContaining("SquashTooEarly")]);
  expect(refused.err).toContain("stands for migrations/0002_fill_feed.sql, migrations/0003_kinds.sql");
  expect(refused.err).toContain("promote the release before the squash first");
});

test("a squash that nobody proved is refused, whatever its list says", async () => {
  const path = join(folder, "migrations/0003_fill_the_feed.sql");
  const text = await readFile(path, "utf8");
  await writeFile(path, `${text}\ncreate table smuggled (id int);\n`);
  const refused = await run("plan", "old");
  expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining("SquashUnproved")]);
  expect(refused.err).toContain("rehearsal squash prove RELEASE --env old");
  const populated = await run("plan", "foreign");
  expect([populated.exit, populated.err]).toEqual([1, expect.stringContaining("SquashUnproved")]);
  await writeFile(path, text);
});
