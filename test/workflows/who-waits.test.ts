/** What a rehearsal tells beforehand: for how long a writer will wait, whether that is too long, and that going back leads back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Comparison } from "../../core/comparison.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { startWriter } from "../service/writer.ts";

const server = newestServer();
let service: LocalService;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  service = await new LocalService(server.address, "waits").start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

async function registered(name: string, sql: string, policy: object) {
  const address = await freshDatabase(server, sql, `${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy, "dev");
  return address;
}

const MANY_VIDEOS = `create table videos (id int generated always as identity primary key, title text not null);
insert into videos (title) select md5(g::text) from generate_series(1, 300000) g;`;

/** Hashes 3 kB for each row: it takes a while, and longer on a slower machine. */
const SLOW_INDEX = {
  "rehearsal.yaml": "project: videos\n",
  "migrations/0001_digest.sql": "create index videos_digest on videos (md5(repeat(title, 100)));\n",
};

test("what the rehearsal predicts that a writer waits is within a factor of two of what a writer waits in production", async () => {
  const address = await registered("waits", MANY_VIDEOS, {});
  const release = await service.release(SLOW_INDEX);
  const writer = startWriter(address, { rest: 5 });
  const id = await service.promote("waits", release);
  await service.until(id, "promoted");
  const { longest, refused } = await writer.stop();

  const report = await service.must<RehearsalReport>("GET", `/promotions/${id}/report`);
  const predicted = report.blocked?.find(({ traffic }) => traffic === "writes");
  expect(predicted).toMatchObject({
    ...{ relation: '"public"."videos"', mode: "ShareLock", by: "probe" },
    statement: { path: "migrations/0001_digest.sql", line: 1 },
  });
  const milliseconds = predicted?.milliseconds ?? 0;
  expect(refused).toBe(0);
  expect(longest).toBeGreaterThan(400);
  expect(milliseconds / longest).toBeGreaterThan(0.5);
  expect(milliseconds / longest).toBeLessThan(2);

  // Going back was played as well, and the copy that waited is as it was.
  expect(report.rollback).toMatchObject({
    ...{ path: "swap", shapeEqual: true, settingsEqual: true, tables: 1, untouched: true },
  });

  // The promotion itself saw the writer wait, and says so beside what was rehearsed.
  const { comparison } = await service.must<{ comparison: Comparison }>(
    "GET",
    `/promotions/${id}/comparison`,
  );
  const [waited] = comparison.blocked;
  expect(waited).toMatchObject({ relation: '"public"."videos"', traffic: "writes", predicted: milliseconds });
  expect(waited?.seen).toBeGreaterThan(longest / 2);
  expect(waited?.seen).toBeLessThanOrEqual(longest);
  expect(comparison.statements).toEqual([
    {
      ...{ path: "migrations/0001_digest.sql", line: 1, summary: expect.stringContaining("create index") },
      ...{ rehearsed: expect.any(Number), real: expect.any(Number), ratio: expect.any(Number) },
    },
  ]);
  for (const format of ["md", "html"]) {
    const response = await fetch(`${service.url}/promotions/${id}/report?format=${format}`, {
      headers: { authorization: `Bearer ${service.keys.operator}` },
    });
    expect(await response.text()).toContain("Rehearsed and real");
  }
});

test("a release that would keep writers waiting longer than the policy allows is refused with its statement, and production is as it was", async () => {
  const address = await registered("budget", SCHEMA, { budgets: { max_write_block: "1ms" } });
  const before = await contentOf(address);
  const id = await service.promote("budget", await service.release(PROJECT));
  const detail = await service.until(id, "refused");
  expect(detail.error?.code).toBe("BudgetExceeded");
  expect(detail.error?.message).toMatch(
    /of maxWriteBlock, and the policy allows 1\.0 ms; most of it for migrations\//,
  );
  expect(detail.error?.hint).toContain("NOT VALID");
  const report = await service.must<RehearsalReport>("GET", `/promotions/${id}/report`);
  expect(report.failure?.code).toBe("BudgetExceeded");
  expect(report.budgets).toMatchObject([{ budget: "maxWriteBlock", limit: 1, exceeded: true }]);
  await expectUntouched(service, detail, address, before);
  expect(await rows(address, "select 1 from pg_tables where tablename = 'speakers'")).toEqual([]);
});

test("a copy that somebody has written to since it was proved would not lead back: the release is refused before production is touched", async () => {
  const address = await registered("astray", SCHEMA, {});
  const before = await contentOf(address);
  const gate = service.gate("rehearse:begun");
  const id = await service.promote("astray", await service.release(PROJECT));
  await gate.reached();
  const copy = { ...address, database: `${address.database}__pristine_${id}_1` };
  await execute(copy, "update videos set title = 'astray' where id = 7");
  gate.open();
  const detail = await service.until(id, "refused");
  expect(detail.error).toMatchObject({
    code: "RollbackDiffers",
    hint: expect.stringContaining("promote again"),
  });
  expect(detail.error?.message).toContain(
    '"public"."videos" holds 20 rows, as expected, but not the same content',
  );
  const report = await service.must<RehearsalReport>("GET", `/promotions/${id}/report`);
  expect(report.rollback).toBeUndefined();
  expect(report.failure?.code).toBe("RollbackDiffers");
  await expectUntouched(service, detail, address, before);
});
