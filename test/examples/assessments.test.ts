import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { tablesOf } from "../../core/inventory-shape.ts";
import { compareTables } from "../../core/inventory-tables.ts";
import type { Project } from "../../core/project.ts";
import { checkRetention } from "../../core/prune/check.ts";
import { bindValues, type GivenValue } from "../../core/query/parameter.ts";
import {
  bytesOf,
  drawJob,
  type Filled,
  fillBucket,
  fillProduction,
  ODDITIES,
  writeLegacyTree,
} from "../../examples/assessments/generate.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { apply, assessmentsProject } from "./assessments-project.ts";

const JOBS = 240;
const SEED = 11;

let address: DatabaseAddress;
let session: Session;
let bucket: TestBucket;
let first: Project;
let second: Project;
let filled: Filled;

beforeAll(async () => {
  bucket = await startBucket("assessments");
  address = await freshDatabase(newestServer());
  session = await openSession(address, { application: "test" });
  [first, second] = [await assessmentsProject(), await assessmentsProject("2-reporting")];
  await apply(address, first);
  filled = await fillProduction(session, { seed: SEED, jobs: JOBS });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
  await bucket.stop();
});

async function departures({ inventory }: Project): Promise<string[]> {
  return compareTables(inventory, tablesOf(await readShape(session))).map(({ says }) => says);
}

async function assertChecks({ checks }: Project): Promise<void> {
  for (const { name, sql } of checks)
    expect(
      (await execute(address, sql)).map(({ rowCount }) => rowCount),
      name,
    ).toEqual([0]);
}

async function ask(
  project: Project,
  name: string,
  given: Record<string, GivenValue> = {},
): Promise<Record<string, unknown>[]> {
  const query = project.queries.find((one) => one.name === name);
  if (query === undefined) throw new Error(`there is no query ${name}`);
  return session.query(query.sql, bindValues(query, given));
}

const jobs = Array.from({ length: JOBS }, (_, index) => drawJob(index + 1, { seed: SEED }));
const archived = jobs.filter(({ status }) => status === "archived");

test("the rows are those that were drawn, each payload with its number beyond 2^53, and the checks hold", async () => {
  expect(filled).toMatchObject({
    ...{ jobs: JOBS, archived: archived.length },
    corrections: jobs.filter(({ correction }) => correction !== null).length,
    rounds: jobs.flatMap(({ rounds }) => rounds).length,
  });
  const wrong = await session.query(
    "select 1 from public.jobs j join public.job_finals f on f.job_id = j.id where (f.payload->>'legacyId')::bigint <> j.legacy_id",
  );
  expect(wrong).toEqual([]);
  await assertChecks(first);
  expect(first.migrations.every(({ idempotent }) => idempotent)).toBe(true);
});

test("every change is in the events of its job", async () => {
  const silent = await session.query(
    `select j.reference from public.jobs j
      where (select count(*) from public.job_events e where e.job_id = j.id and e.kind = 'inserted' and e.subject = 'jobs') <> 1
        or (j.status = 'archived' and not exists (select from public.job_events e
          where e.job_id = j.id and e.kind = 'updated' and e.detail #>> '{before,0,status}' = 'review'))`,
  );
  expect(silent).toEqual([]);
});

test("the presets find what was drawn", async () => {
  const references = (found: Record<string, unknown>[]) => found.map(({ reference }) => reference).sort();
  expect(references(await ask(first, "archived-finals"))).toEqual(archived.map(({ reference }) => reference));
  expect(await ask(first, "archived-finals", { corrected: true })).toHaveLength(filled.corrections);
  expect(await ask(first, "round-mismatches")).toEqual([]);
  const candidates = await ask(first, "pruning-candidates");
  const rejected = archived.flatMap(({ rounds }) => rounds.filter(({ status }) => status === "rejected"));
  expect(candidates.map(({ round }) => round).sort()).toEqual(
    rejected.map(({ reference }) => reference).sort(),
  );
  const [job] = archived;
  expect(await ask(first, "media-by-job", { job: job?.reference ?? "" })).toHaveLength(
    (job?.rounds.flatMap(({ media }) => media).length ?? 0) + (job?.artifacts.length ?? 0),
  );
  const projected = await ask(first, "report-projection");
  expect(projected).toHaveLength(archived.length);
  expect(projected.filter(({ kind }) => kind === "correction")).toHaveLength(filled.corrections);
  const twice = await ask(first, "normalized-entities", { twice: true });
  expect(twice.filter(({ kind, reference }) => kind === "customer" && reference === "C-00009")).toHaveLength(
    1,
  );
  const summary = await ask(first, "summary");
  expect(summary.find((row) => row.what === "jobs" && row.of === "archived")).toMatchObject({
    rows: String(archived.length),
  });
});

test("objects lie under declared prefixes, and are what their rows say", async () => {
  const put = await fillBucket(bucket.store, { seed: SEED, jobs: 12 });
  const keys = await bucket.keys("");
  expect(keys).toHaveLength(put);
  const prefixes = first.inventory.storage.map(({ prefix }) => prefix);
  expect(keys.filter((key) => !prefixes.some((prefix) => key.startsWith(prefix)))).toEqual([]);
  const rows = await session.query<{ key: string; sha256: string; bytes: string }>(
    `select storage_key as key, sha256, size_bytes as bytes from public.round_recordings where storage_key = any ($1)
      union all select storage_key, sha256, size_bytes from public.round_images where storage_key = any ($1)
      union all select storage_key, sha256, size_bytes from public.artifacts where storage_key = any ($1)`,
    [keys],
  );
  expect(rows).toHaveLength(put);
  for (const row of rows) {
    const bytes = await bucket.store.get(row.key);
    expect([sha256(bytes), String(bytes.length)]).toEqual([row.sha256, row.bytes]);
  }
});

test("the second release goes over the rows, and the inventory of each says what it holds", async () => {
  expect(await departures(first)).toEqual([]);
  expect(checkRetention(policyOf(first), first.inventory, await readShape(session)).problems).toEqual([]);
  await apply(address, second, first.migrations.length);
  expect(await departures(first)).toEqual([
    "the column customers.name_key is not declared",
    "the column jobs.assessed_at is not declared",
  ]);
  expect(await departures(second)).toEqual([]);
  expect(checkRetention(policyOf(second), second.inventory, await readShape(session)).problems).toEqual([]);
  await assertChecks(second);
  const before = await ask(first, "normalized-entities");
  expect(await ask(second, "normalized-entities")).toEqual(before);
  await execute(
    address,
    `update job_finals set payload = payload || '{"assessedAt": "2026-01-02T03:04:05Z"}' where kind = 'correction'`,
  );
  await assertChecks(second);
});

test("a legacy tree is the same each time, and tells how many of each disagreement it has", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-legacy-"));
  try {
    const [one, other] = [join(folder, "one"), join(folder, "other")];
    const tree = await writeLegacyTree(one, { seed: SEED, jobs: 300 });
    expect(await writeLegacyTree(other, { seed: SEED, jobs: 300 })).toEqual(tree);
    const files = (await readdir(one, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    expect(files).toHaveLength(tree.files);
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      expect(await readFile(path)).toEqual(await readFile(path.replace(one, other)));
    }
    const { imported, listed, refused } = tree.outcomes;
    expect(imported + listed + refused).toBe(tree.folders);
    expect(refused).toBe(
      Object.entries(tree.odd)
        .filter(([kind]) => ODDITIES[kind as keyof typeof ODDITIES].outcome === "refused")
        .flatMap(([, references]) => references).length,
    );
    expect(Object.values(tree.odd).filter((references) => references.length === 0).length).toBeLessThan(4);
    const [wrong = ""] = tree.odd["wrong checksum"];
    const job = drawJob(Number(wrong.slice(2)), { seed: SEED, prefix: "L" });
    const manifest = JSON.parse(await readFile(join(one, wrong, `rounds/1/manifest.json`), "utf8"));
    const media = job.rounds[0]?.media[0];
    expect(manifest.recordings[0].sha256).not.toBe(media && sha256(bytesOf(media)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function policyOf({ inventory }: Project) {
  const [policy] = inventory.retention;
  if (policy === undefined) throw new Error("the inventory has no policy");
  return policy;
}
