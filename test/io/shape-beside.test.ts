/** The shape of a large database, for which two sessions ask under one snapshot. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { Shape } from "../../core/shape.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, execute, freshDatabase, servers } from "../postgres.ts";

const fixture = await readFile(new URL("../fixtures/shape-kinds.sql", import.meta.url), "utf8");

/** So many columns that a second session pays; tables for it to wait for, of which it prints groups or only kinds; and a role that may have one connection. */
const LARGE = `
  create table guarded (a int not null default 7, b int constraint small check (b < 100), c text);
  create table checked (a int constraint small check (a < 100));
  create index guarded_half on guarded (a) where b > 3;
  create index guarded_sum on guarded ((a + b));
  do $do$ begin
    for number in 1..12 loop
      execute format('create table wide_%s (%s)', number,
        (select string_agg(format('column_%s int', place), ', ') from generate_series(1, 1500) place));
    end loop;
    if not exists (select from pg_roles where rolname = 'shape_single') then
      create role shape_single login password 'single' connection limit 1;
    end if;
  end $do$`;

describe.each(servers)("a large database on Postgres $major", (server) => {
  let address: DatabaseAddress;
  let expected: Shape;

  beforeAll(async () => {
    address = await freshDatabase(server, fixture);
    await execute(address, LARGE);
    expected = await alone(address);
  });

  afterAll(() => dropDatabases(address));

  /** In a transaction of its own nobody else sees what it did, so one session reads. */
  async function alone(from: DatabaseAddress): Promise<Shape> {
    return on(from, (session) =>
      session.transaction(async () => {
        await session.query("select 1");
        return readShape(session);
      }),
    );
  }

  async function on<T>(from: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await openSession(from, { application: "shape beside" });
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  /** Reads a shape while nobody else may look at the table; what happens then happens while the second session waits for it. */
  async function whileWaiting(
    table: string,
    then: (watcher: Session, second: number) => Promise<void>,
  ): Promise<Shape> {
    return on(address, (watcher) =>
      on(address, async (blocker) => {
        await blocker.execute(`begin; lock table public.${table} in access exclusive mode`);
        const reading = on(address, readShape);
        const told = reading.catch((error: unknown) => error);
        try {
          let waiting: { pid: number }[] = [];
          while (waiting.length === 0)
            waiting = await watcher.query<{ pid: number }>(
              "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            );
          await then(watcher, waiting[0]?.pid ?? 0);
        } finally {
          await blocker.execute("rollback");
          await told;
        }
        return reading;
      }),
    );
  }

  test("is read by two sessions as by one, of one instant, and both are gone", async () => {
    const shape = await whileWaiting("guarded", async (watcher) => {
      const sessions = await watcher.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'shape beside'
          and backend_xmin is not null and pid <> pg_backend_pid()`,
      );
      expect(sessions).toHaveLength(2);
      await watcher.execute(
        "create table public.newcomer (a int not null default 1 check (a > 0)); create index on public.newcomer (a) where a > 1",
      );
    });
    expect(shape).toEqual(expected);
    await execute(address, "drop table newcomer");
    await on(address, async (session) => {
      await readShape(session);
      expect(
        await session.query(
          "select from pg_stat_activity where application_name = 'shape beside' and pid <> pg_backend_pid()",
        ),
      ).toEqual([]);
    });
  });

  test.each([
    ["groups", "guarded"],
    ["kinds", "checked"],
  ])(
    "is read by one session when the other one is ended amid its %s, of the same instant",
    async (_, table) => {
      const shape = await whileWaiting(table, async (watcher, second) => {
        await watcher.execute("create table public.newcomer (a int not null default 1 check (a > 0))");
        await watcher.query("select pg_terminate_backend($1, 5000)", [second]);
      });
      expect(shape).toEqual(expected);
      await execute(address, "drop table newcomer");
    },
  );

  test("is read by one session where a second one is not let in", async () => {
    const single = { ...address, user: "shape_single", password: "single" };
    const shape = await on(single, async (session) => {
      await expect(openSession(single, { application: "second", patienceSeconds: 0 })).rejects.toMatchObject({
        code: "ConnectionsExhausted",
      });
      return readShape(session);
    });
    expect(shape).toEqual(await alone(single));
  });
});
