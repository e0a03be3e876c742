/** `rehearsal drift` and `rehearsal diff`, and a policy's ignored objects along a whole promotion. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { LocalService } from "../service/local-service.ts";
import { runCommand } from "./command.ts";

const MANAGED = `create table events (id bigint generated always as identity, at date not null, primary key (id, at)) partition by range (at);
create table events_p1 partition of events for values from ('2026-01-01') to ('2026-02-01');`;

let service: LocalService;
let folder: string;
let production: DatabaseAddress;

beforeAll(async () => {
  const server = newestServer();
  service = await new LocalService(server.address, "drift").start();
  production = await freshDatabase(server, MANAGED, `drift_${process.pid}`);
  await service.register("events", production, { drift: { ignore: ["table public.events_p*"] } });
  folder = await mkdtemp(join(tmpdir(), "rehearsal-drift-"));
  const files = {
    "rehearsal.yaml": "project: events\n",
    "migrations/0001_create_kinds.sql": "create table kinds (id int primary key, name text);\n",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(production);
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) =>
  runCommand(words, {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    folder,
  });

test("a manager's partitions come and go: amid a promotion too they are no drift", async () => {
  await execute(
    production,
    "create table events_p2 partition of events for values from ('2026-02-01') to ('2026-03-01'); drop table events_p1",
  );
  const drift = await run("drift", "events");
  expect([drift.exit, drift.out]).toEqual([
    0,
    expect.stringMatching(/^"events" is what was promised, \w+; \d+ objects are ignored/),
  ]);
  const gate = service.gate("decide:begun");
  const promoting = run("promote", "events", "--watch");
  await gate.reached();
  await execute(
    production,
    "create table events_p3 partition of events for values from ('2026-03-01') to ('2026-04-01')",
  );
  gate.open();
  expect((await promoting).exit).toBe(0);
  expect((await run("drift", "events")).exit).toBe(0);
});

test("fault 28: drift is told as objects and as SQL, and gone when the SQL has run", async () => {
  await execute(
    production,
    "alter table kinds add column extra int; create index by_name on kinds (name); drop table events_p2",
  );
  const found = await run("drift", "events");
  expect(found.exit).toBe(3);
  expect(found.out).toContain("  index public.by_name is there, but was not expected");
  expect(found.out).toContain("  table public.kinds: columns.extra is ");
  const sql = (await run("drift", "events", "--sql")).out;
  expect(sql).toBe('drop index "public"."by_name";\nalter table "public"."kinds" drop column "extra";\n');
  await execute(production, sql);
  expect((await run("drift", "events")).exit).toBe(0);
});

test("diff compares a promotion's before and after, a release and a database", async () => {
  const { promotions } = await service.must<{ promotions: { id: string }[] }>("GET", "/promotions");
  const id = promotions[0]?.id ?? "";
  const sides = await run("diff", `${id}:before`, `${id}:after`);
  expect(sides.exit).toBe(3);
  expect(sides.out).toContain("  table public.kinds is missing");
  expect(sides.out).toContain('create table "public"."kinds" (');
  expect((await run("diff", `${id}:after`, "events", "--json")).out).not.toContain("public.kinds");
  const log = await service.must<{ entries: { body: string }[] }>("GET", "/log?limit=200");
  const told = log.entries.map(({ body }) => JSON.parse(body) as { type: string; data: object });
  expect(told.find(({ type }) => type === "promotion.succeeded")?.data).toMatchObject({
    before: expect.stringMatching(/^[0-9a-f]{64}$/),
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const missing = await run("diff", "events", "0".repeat(64));
  expect([missing.exit, missing.err]).toEqual([2, expect.stringContaining("has no shape to compare")]);
  expect(missing.err).toContain("PROMOTION:before or :after");
});
