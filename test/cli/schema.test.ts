/** `rehearsal schema`, `baseline` and what a promise of the schema does to a promotion, against the whole service. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { runCommand } from "./command.ts";

const FILES: Record<string, string> = {
  "rehearsal.yaml": "project: library\n",
  "migrations/0001_create_books.sql":
    "create type state as enum ('lent', 'here');\ncreate table books (id int primary key, title text not null, state state, facts jsonb);\n",
  "migrations/0002_create_loans.sql":
    'create table loans (id bigint generated always as identity primary key, book int not null references books on delete cascade, "to" text);\n',
  "views/lent_books.sql":
    "create or replace view lent_books as select id, title from books where state = 'lent';\n",
};

let service: LocalService;
let folder: string;
let library: DatabaseAddress;

beforeAll(async () => {
  const server = newestServer();
  service = await new LocalService(server.address, "schema").start();
  library = await freshDatabase(server, "", `schema_${process.pid}`);
  await service.register("library", library);
  folder = await mkdtemp(join(tmpdir(), "rehearsal-schema-"));
  await put(FILES);
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(library);
  await rm(folder, { recursive: true, force: true });
});

async function put(files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const run = (...words: string[]) =>
  runCommand(words, {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    folder,
  });

const textOf = (path: string) => readFile(join(folder, path), "utf8");

test("schema writes the lock and the page, and --check finds them as a replay makes them", async () => {
  const made = await run("schema", "--env", "library");
  expect(made.err).toMatch(/^release [0-9a-f]{12} of this folder uploaded\nt\w+: replay [0-9a-f]{12}\n$/);
  expect([made.exit, made.out]).toEqual([
    0,
    expect.stringMatching(/^schema\.lock\.json, schema\.md: new, [0-9a-f]{12}\n$/),
  ]);
  const lock = JSON.parse(await textOf("schema.lock.json")) as Record<string, object>;
  expect(lock.enums).toEqual({ "public.state": ["lent", "here"] });
  expect(lock.relations).toMatchObject([
    { table: "public.loans", columns: ["book"], references: "public.books", onDelete: "cascade" },
  ]);
  expect(await textOf("schema.md")).toContain("```mermaid\nerDiagram\n");
  const checked = await run("schema", "--env", "library", "--check");
  expect([checked.exit, checked.out]).toEqual([0, expect.stringContaining("what a replay makes")]);
});

test("--check exits 3 with the difference when a migration has come since", async () => {
  await put({ "migrations/0003_rate_books.sql": "alter table books add column rating int;\n" });
  const { exit, out } = await run("schema", "--env", "library", "--check");
  expect(exit).toBe(3);
  expect(out).toContain("  table public.books: columns.rating is ");
});

test("a release whose schema is not the promised one is refused, and production is as it was", async () => {
  const before = await contentOf(library);
  const { exit, out } = await run("promote", "library", "--watch");
  expect([exit, out]).toEqual([
    expect.any(Number),
    expect.stringContaining("the schema is not the one that schema.lock.json promises"),
  ]);
  expect(exit).not.toBe(0);
  expect(out).toContain("table public.books: columns.rating is ");
  expect(out).toMatch(/hint: +correct the migrations, or write the lock anew with "rehearsal schema/);
  expect(await contentOf(library)).toEqual(before);
});

test("with the lock written anew it is promoted, and the lock of a damaged merge is refused before", async () => {
  expect((await run("schema", "--env", "library")).out).toContain("changed, ");
  expect((await run("promote", "library", "--watch")).exit).toBe(0);
  const lock = await textOf("schema.lock.json");
  await put({ "schema.lock.json": lock.replace('"nullable": false', '"nullable": true') });
  const refused = await run("release", "--check");
  expect([refused.exit, refused.err]).toEqual([2, expect.stringContaining("a merge mixed two")]);
  await put({ "schema.lock.json": lock });
});

test("baselines are taken into files, and compare exits 3 where rows have changed", async () => {
  await execute(library, "insert into books values (1, 'one')");
  const one = JSON.parse((await run("baseline", "library", "--out", "one.json", "--json")).out) as {
    task: string;
    rows: number;
  };
  expect(one.rows).toBe(1);
  expect((await run("baseline", "compare", "one.json", one.task)).exit).toBe(0);
  await execute(library, "update books set title = 'two'");
  expect((await run("baseline", "library", "--out", "two.json")).exit).toBe(0);
  const compared = await run("baseline", "compare", "one.json", "two.json");
  expect(compared.exit).toBe(3);
  expect(compared.out).toContain('table "public"."books" holds 1 row, as expected, but not the same content');
  expect((await run("baseline", "library", "--out", "two.json")).err).toContain("OutputExists");
});
