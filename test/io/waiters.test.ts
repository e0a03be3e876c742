/** Who waits for a session of ours, told by another one that only reads. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { watchWaiters } from "../../io/postgres/waiters.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";

let address: DatabaseAddress;
const sessions: Session[] = [];

const open = async (readOnly = false) => {
  const session = await openSession(address, { application: "waiters test", readOnly });
  sessions.push(session);
  return session;
};

beforeAll(async () => {
  address = await freshDatabase(
    newestServer(),
    'create table "Odd ""One""" (id int primary key); insert into "Odd ""One""" values (1); create table other (id int);',
  );
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  await dropDatabases(address);
});

test("a watcher that gets no answer holds nobody up when it is to end", async () => {
  const watcher = await open(true);
  // It answers one after the other, and is at this.
  const busy = watcher.query("select pg_sleep(60)").catch((error: { code: string }) => error.code);
  const began = performance.now();
  expect(await watchWaiters(watcher, 1).end()).toEqual([]);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await busy).toBe("DatabaseUnreachable");
});

test("readers, writers and writers of a row are told apart, counted, and timed by the server", async () => {
  const ours = await open();
  const waiting: Promise<unknown>[] = [];
  const watch = watchWaiters(await open(true), ours.pid);
  const begin = async (sql: string) => {
    const session = await open();
    waiting.push(session.execute(sql));
  };
  // Long enough for the watcher to look a few times.
  const longWaiting = async () =>
    rows(
      address,
      "select pid from pg_locks where $1 = any (pg_blocking_pids(pid)) and clock_timestamp() - waitstart > '150 ms'",
      [ours.pid],
    );
  await ours.transaction(async () => {
    await ours.execute(
      'update public."Odd ""One""" set id = id; lock table public.other in access exclusive mode',
    );
    await begin('update public."Odd ""One""" set id = id');
    await begin("select from public.other");
    await begin("insert into public.other values (1)");
    await begin("delete from public.other");
    await expect.poll(longWaiting).toHaveLength(4);
  });
  await Promise.all(waiting);
  const waits = await watch.end();
  expect(waits.map(({ relation, traffic, count }) => [relation, traffic, count]).sort()).toEqual([
    ['"public"."Odd ""One"""', "rows", 1],
    ['"public"."other"', "reads", 1],
    ['"public"."other"', "writes", 2],
  ]);
  for (const { milliseconds } of waits) expect(milliseconds).toBeGreaterThan(100);
});

test("who waits for somebody else, and a session that is lost, are no matter", async () => {
  const ours = await open();
  const watcher = await open(true);
  const watch = watchWaiters(watcher, ours.pid);
  watcher.destroy();
  expect(await watch.end()).toEqual([]);
});
