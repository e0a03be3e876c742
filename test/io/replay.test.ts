import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { ownerOfScratch } from "../../core/leftovers.ts";
import { policySchema } from "../../core/policy.ts";
import { checkProject } from "../../core/project.ts";
import { withReplay } from "../../functions/replay.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";

const OWNER = "t260101abcdefgh";

let address: DatabaseAddress;
let maintenance: Session;

beforeAll(async () => {
  const server = newestServer();
  address = await freshDatabase(server, "create table public.not_replayed (id int)");
  maintenance = await openSession({ ...address, database: "postgres" }, { application: "replay test" });
});

afterAll(async () => {
  await maintenance.close();
  await dropDatabases(address);
});

const place = () => ({
  address,
  maintenance,
  application: "replay test",
  owner: OWNER,
  policy: policySchema.parse({}),
});

const project = (files: Record<string, string>) =>
  checkProject(
    Object.entries({ "rehearsal.yaml": "project: demo\n", ...files }).map(([path, text]) => ({
      path,
      bytes: Buffer.from(text),
    })),
  );

const tablesOf = async (session: Session) =>
  Object.keys((await readShape(session)).objects).filter((address) => /^(table|view) /.test(address));

const scratch = async () =>
  (await rows<{ name: string }>(address, "select datname as name from pg_database")).filter(
    ({ name }) => ownerOfScratch(name) === OWNER,
  );

const FILES = {
  "migrations/0001_create_videos.sql": "create table videos (id int primary key);",
  "migrations/0002_index_videos.sql":
    '-- rehearsal: no-transaction\ncreate index concurrently "odd ""name""" on videos (id);',
  "migrations/0003_create_parts.sql": "create table parts (id int references videos);",
  "views/all_parts.sql": "create or replace view all_parts as select id from parts;",
};

test("a replay runs every file in a database of its own, which is gone afterwards", async () => {
  const found = await withReplay(place(), await project(FILES), {}, async (session) => {
    expect(await scratch()).toHaveLength(1);
    return tablesOf(session);
  });
  expect(found).toEqual(["table public.parts", "table public.videos", "view public.all_parts"]);
  expect(await scratch()).toEqual([]);
});

test("a replay through a migration leaves out what comes after it, views too", async () => {
  const found = await withReplay(place(), await project(FILES), { through: 2 }, tablesOf);
  expect(found).toEqual(["table public.videos"]);
});

test("a file that fails is told as in a promotion, and the database is gone all the same", async () => {
  const broken = await project({ ...FILES, "migrations/0004_broken.sql": "alter table missing add x int;" });
  await expect(withReplay(place(), broken, {}, tablesOf)).rejects.toMatchObject({
    code: "MigrationFailed",
    facts: { path: "migrations/0004_broken.sql", line: 1 },
  });
  expect(await scratch()).toEqual([]);
});
