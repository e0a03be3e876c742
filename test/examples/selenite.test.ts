import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { tablesOf } from "../../core/inventory-shape.ts";
import { compareTables } from "../../core/inventory-tables.ts";
import type { Project } from "../../core/project.ts";
import { fillBucket, fillProduction } from "../../examples/selenite/generate.ts";
import { writePrimary } from "../../examples/selenite/primary.ts";
import { sqliteFile } from "../../io/import/sqlite-copy.ts";
import { importSqlite } from "../../io/import/sqlite-import.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { apply, exampleProject } from "./example-project.ts";

let address: DatabaseAddress;
let session: Session;
let bucket: TestBucket;

beforeAll(async () => {
  bucket = await startBucket("selenite");
  address = await freshDatabase(newestServer());
  session = await openSession(address, { application: "test" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
  await bucket.stop();
});

const projectOf = (...releases: string[]) => exampleProject("selenite", ...releases);

/** The old service's file, imported as a task would. */
async function importPrimary(project: Project, at: DatabaseAddress, path: string) {
  const [mapping] = project.sqliteImports;
  if (mapping === undefined) throw new Error("the example has no mapping");
  return importSqlite({
    ...{ source: sqliteFile(path), mapping, address: at, application: "test", id: "selenite", attempt: 1 },
    onProgress: () => {},
    passed: () => {},
    commit: (commit) => commit(),
  });
}

async function departures({ inventory }: Project): Promise<string[]> {
  return compareTables(inventory, tablesOf(await readShape(session))).map(({ says }) => says);
}

test("the inventory says what each release holds, and the first one's does not say what the second adds", async () => {
  const [first, second] = [await projectOf(), await projectOf("2-two-factor")];
  await apply(address, first);
  expect(await departures(first)).toEqual([]);
  await fillProduction(session, { jobs: 400 });
  for (const { name, sql } of first.checks)
    expect(
      (await execute(address, sql)).map(({ rowCount }) => rowCount),
      name,
    ).toEqual([0]);
  expect(first.migrations.every(({ idempotent }) => idempotent)).toBe(true);

  await apply(address, second, first.migrations.length);
  expect(await departures(first)).toEqual([
    "the table backup_codes is not declared",
    "the column users.totp_secret is not declared",
    "the column users.totp_confirmed_at is not declared",
  ]);
  expect(await departures(second)).toEqual([]);
});

test("what the rows speak of lies under the declared prefixes, and under each lies something", async () => {
  const { inventory } = await projectOf();
  expect(await fillBucket(session, bucket.store)).toBeGreaterThan(50);
  const keys = await bucket.keys("");
  const prefixes = inventory.storage.map(({ prefix }) => prefix);
  expect(prefixes.filter((prefix) => !keys.some((key) => key.startsWith(prefix)))).toEqual([]);
  expect(keys.filter((key) => !prefixes.some((prefix) => key.startsWith(prefix)))).toEqual([]);
});

test("the primary database comes over whole from SQLite, and is told by SQLite and by Postgres in the same words", async () => {
  const folder = await mkdtemp(join(tmpdir(), "selenite-"));
  const path = join(folder, "selenite.db");
  writePrimary(path, { jobs: 2_000 });
  const project = await projectOf();
  const fresh = await freshDatabase(newestServer(), "create schema rehearsal");
  try {
    for (const { sql } of project.migrations) await execute(fresh, sql);
    const imported = await importPrimary(project, fresh, path);
    expect(imported.refusal).toBeUndefined();
    expect(imported.tables.map(({ status }) => status)).toEqual(Array(12).fill("loaded"));
    expect(imported.tables.every(({ sqlite, postgres }) => sqlite.checksum === postgres?.checksum)).toBe(
      true,
    );
    expect(imported.plan.left.map(({ table }) => table)).toContain("alembic_version");
    // Another way to the same facts: each engine tells its own rows.
    const sqlite = new DatabaseSync(path, { readOnly: true });
    const old = sqlite.prepare(TOLD_BY_SQLITE).all();
    sqlite.close();
    expect(await rows(fresh, TOLD_BY_POSTGRES)).toEqual(old.map((row) => ({ ...row })));
    for (const { name, sql } of project.checks)
      expect(
        (await execute(fresh, sql)).map(({ rowCount }) => rowCount),
        name,
      ).toEqual([0]);
    const next = "insert into public.audit_logs (action, resource_type) values ('a', 'b') returning id";
    expect(await rows(fresh, next)).toEqual([{ id: "2051" }]);
    await execute(fresh, "delete from audit_logs where id = 2051");
    const again = await importPrimary(project, fresh, path);
    expect({ changed: again.changed, statuses: new Set(again.tables.map(({ status }) => status)) }).toEqual({
      ...{ changed: false, statuses: new Set(["unchanged"]) },
    });
  } finally {
    await dropDatabases(fresh);
    await rm(folder, { recursive: true });
  }
});

const TOLD_BY_SQLITE = `select j.id || ' ' || lower(j.status) || ' ' || cast(j.progress as integer) || ' ' || printf('%.3f', j.duration) || ' '
    || coalesce(nullif(j.model_used, ''), '-') || ' ' || substr(j.created_at, 1, 26) || ' ' || coalesce(substr(j.completed_at, 1, 26), '-')
    || ' ' || strftime('%Y-%m-%d %H:%M:%S', a.created_ms / 1000, 'unixepoch') || ' ' || (a.created_ms % 1000) || ' '
    || coalesce(strftime('%Y-%m-%d %H:%M:%f', u.last_login, 'unixepoch'), '-') || ' ' || coalesce(group_concat(t.name, ','), '-') as told
  from jobs j join audit_logs a on a.resource_id = j.id join users u on u.id = j.user_id
    left join job_tags jt on jt.job_id = j.id left join tags t on t.id = jt.tag_id
  group by j.id order by j.id`;

const TOLD_BY_POSTGRES = `select replace(j.id::text, '-', '') || ' ' || j.status || ' ' || j.progress_percent || ' ' || j.duration_seconds || ' '
    || coalesce(j.model_used, '-') || ' ' || to_char(j.created_at, 'YYYY-MM-DD HH24:MI:SS.US') || ' '
    || coalesce(to_char(j.completed_at, 'YYYY-MM-DD HH24:MI:SS.US'), '-') || ' ' || to_char(a.created_at, 'YYYY-MM-DD HH24:MI:SS') || ' '
    || extract(milliseconds from a.created_at)::int % 1000 || ' ' || coalesce(to_char(u.last_login_at, 'YYYY-MM-DD HH24:MI:SS.MS'), '-')
    || ' ' || coalesce(string_agg(t.name, ','), '-') as told
  from public.jobs j join public.audit_logs a on a.resource_id = replace(j.id::text, '-', '') join public.users u on u.id = j.user_id
    left join public.job_tags jt on jt.job_id = j.id left join public.tags t on t.id = jt.tag_id
  group by j.id, a.id, u.id order by j.id`;
