/** An application that writes as fast as it can, all through a promotion that goes back: whatever it was told is written is there. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { expectSettled } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { startWriter } from "../service/writer.ts";

const server = newestServer();
let service: LocalService;
let smoke: Hook;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  smoke = await startHook(() => 500);
  service = await new LocalService(server.address, "writes").start();
});

afterAll(async () => {
  await service.stop();
  await smoke.stop();
  await dropDatabases(...made);
});

test("fault 40: rows written at full speed from the backup until the fence, and after the rollback, are all there when production has gone back", async () => {
  const address = await freshDatabase(server, SCHEMA, `writes_${process.pid}`);
  made.push(address);
  await service.register("writes", address, { hooks: { smoke: smoke.url } });
  const release = await service.release({ ...PROJECT, ...OUTSIDE });
  const fence = service.gate("fence:begun");
  const writer = startWriter(address);
  const id = await service.promote("writes", release);
  // The backup, the copy and the rehearsal are made of what was; until the gate opens the writer goes on.
  await fence.reached();
  const count = async () =>
    (await rows<{ n: number }>(address, "select count(*)::int as n from public.videos"))[0]?.n ?? 0;
  const [backup] = await rows<{ rows: string }>(service.control, "select rows from ledger.backups");
  const before = await count();
  fence.open();
  const detail = await service.until(id, "rolled-back");
  const failed = `${address.database}__failed_${id}`;
  made.push({ ...address, database: failed });
  const back = await count();
  await expect.poll(count).toBeGreaterThan(back);
  const { accepted, refused } = await writer.stop();

  const kept = await rows<{ title: string }>(
    address,
    "select title from public.videos where title like 'live %'",
  );
  const titles = new Set(kept.map(({ title }) => title));
  expect(accepted.filter((title) => !titles.has(title))).toEqual([]);
  // Of a row whose answer was lost with its session nobody can say; no row is there twice.
  expect(titles.size).toBe(kept.length);
  expect(kept.length - accepted.length).toBeLessThanOrEqual(refused);
  // It did write behind the backup's back, and it was shut out for a while.
  expect(before).toBeGreaterThan(Number(backup?.rows) - 2000);
  expect(refused).toBeGreaterThan(0);
  expect(await rows(address, "select 1 from pg_tables where tablename = 'speakers'")).toEqual([]);
  await expectSettled(service, detail, [failed]);
});
