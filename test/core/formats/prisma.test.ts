import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { projectOf, whatRuns } from "./project-of.ts";

const LOCK = 'provider = "postgresql"\n';

test("folders are migrations, in the order of their names", async () => {
  const project = await projectOf("prisma", {
    "prisma/migrations/migration_lock.toml": LOCK,
    "prisma/migrations/20240201000000_b/migration.sql": "-- AlterTable\nalter table a add column y int;",
    "prisma/migrations/20240101000000_init/migration.sql": "-- CreateTable\ncreate table a (x int);",
    "prisma/migrations/20240201000000_b/down.sql": "select 'back'",
  });
  expect(whatRuns(project)).toEqual({
    "20240101000000_init": ["create table a (x int)"],
    "20240201000000_b": ["alter table a add column y int"],
  });
  expect(project.notes).toEqual([
    "prisma/migrations/20240201000000_b/down.sql is left out: it is a way back",
  ]);
});

test("migrations written for another database are refused", async () => {
  expect(
    await refusalOf(() =>
      projectOf("prisma", {
        "prisma/migrations/migration_lock.toml": 'provider = "mysql"\n',
        "prisma/migrations/1_a/migration.sql": "select 1",
      }),
    ),
  ).toMatchObject({
    code: "SequenceBroken",
    message: expect.stringContaining('written for "mysql"'),
    hint: expect.stringContaining("rehearsal.yaml"),
  });
});

test("a folder of its own can be named", async () => {
  const project = await projectOf(
    "prisma",
    { "packages/db/migrations/1_a/migration.sql": "create index concurrently i on a (x)" },
    "migrations: packages/db/migrations\n",
  );
  expect(project.migrations).toMatchObject([{ key: "1_a", transactional: false }]);
});
