import { expect, test } from "vitest";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, servers } from "../postgres.ts";

test.each(servers)(
  "a session on Postgres $major pins what a statement means and says its major",
  async (server) => {
    const address = await freshDatabase(server, "create table t (a int)");
    const session = await openSession(address, { application: "test" });
    expect(session.major).toBe(server.major);
    const [row] = await session.query<{ path: string }>("select current_setting('search_path') as path");
    expect(row?.path).toBe("pg_catalog, pg_temp");
    await expect(session.query("select * from public.missing")).rejects.toMatchObject({
      code: "StatementFailed",
      facts: { sqlstate: "42P01" },
    });
    await session.close();
    await dropDatabases(address);
  },
);

test("a transaction in which a failure was passed over is not called committed", async () => {
  const address = await freshDatabase(newestServer(), "create table t (a int)");
  const session = await openSession(address, { application: "test" });
  const passedOver = session.transaction(async () => {
    await session.query("insert into public.t values (1)");
    await session.query("select 1 / 0").catch(() => undefined);
  });
  await expect(passedOver).rejects.toMatchObject({ code: "StatementFailed", facts: { sqlstate: "25P02" } });
  expect(await session.query("select a from public.t")).toEqual([]);
  await session.close();
  await dropDatabases(address);
});

test.each(servers)(
  "limits that a database sets for its applications do not end a session on Postgres $major",
  async (server) => {
    const address = await freshDatabase(server);
    await execute(
      address,
      ["idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout"]
        .concat(server.major >= 17 ? ["transaction_timeout"] : [])
        .map((name) => `alter database "${address.database}" set ${name} = '100ms'`)
        .join(";"),
    );
    const idle = await openSession(address, { application: "test" });
    const busy = await openSession(address, { application: "test" });
    await busy.transaction(() => busy.query("select pg_sleep(0.4)"));
    expect(await idle.query("select 1 as one")).toEqual([{ one: 1 }]);
    await idle.close();
    await busy.close();
    await dropDatabases(address);
  },
);

test("texts that are sent at once are answered in order; behind a failure the transaction runs nothing more", async () => {
  const address = await freshDatabase(newestServer(), "create sequence s; create table t (a int)");
  const session = await openSession(address, { application: "test" });
  const failed = session.transaction(async () => {
    const [first, second, third] = session.executeAll([
      "insert into public.t values (1), (2)",
      "insert into public.missing values (1); select nextval('public.s')",
      "select nextval('public.s')",
    ]);
    expect(await first).toEqual([{ command: "INSERT", rowCount: 2 }]);
    // Nobody waits for the one behind it: whatever is asked next does.
    expect(third).toBeInstanceOf(Promise);
    await second;
  });
  await expect(failed).rejects.toMatchObject({ code: "StatementFailed", facts: { sqlstate: "42P01" } });
  expect(await session.query("select is_called from public.s")).toEqual([{ is_called: false }]);
  expect(await session.query("select a from public.t")).toEqual([]);
  const answers = session.executeAll(["insert into public.t values (3)", "select from public.t; select 1"]);
  const asked = session.query("select a from public.t");
  expect(await asked).toEqual([{ a: 3 }]);
  expect((await Promise.all(answers)).map((results) => results.map(({ rowCount }) => rowCount))).toEqual([
    [1],
    [1, 1],
  ]);
  await session.close();
  await dropDatabases(address);
});

test("statements behind BEGIN are the transaction's own: when one fails, no work is done and nothing stays open", async () => {
  const address = await freshDatabase(newestServer(), "create table t (a int)");
  const session = await openSession(address, { application: "test" });
  const work = async () => expect.unreachable();
  await expect(
    session.transaction(work, "begin; insert into public.t values (1); select 1 / 0"),
  ).rejects.toMatchObject({ code: "StatementFailed", facts: { sqlstate: "22012" } });
  expect(session.inTransaction()).toBe(false);
  const begun = session.transaction(
    async (results) => results,
    "begin; insert into public.t values (2), (3)",
  );
  expect(await begun).toEqual([
    { command: "BEGIN", rowCount: null },
    { command: "INSERT", rowCount: 2 },
  ]);
  expect(await session.query("select a from public.t order by a")).toEqual([{ a: 2 }, { a: 3 }]);
  await session.close();
  await dropDatabases(address);
});

test("a session that waits for an answer is closed at once, and whoever waits is told", async () => {
  const session = await openSession(newestServer().address, { application: "test" });
  const asked = [session.query("select pg_sleep(3600)"), ...session.executeAll(["select 1"])];
  const told = Promise.allSettled(asked);
  const watcher = await openSession(newestServer().address, { application: "test" });
  const sleeping = `select 1 from pg_stat_activity where pid = ${session.pid} and wait_event = 'PgSleep'`;
  while ((await watcher.query(sleeping)).length === 0);
  await session.close();
  expect(await told).toMatchObject([
    { status: "rejected", reason: { code: "DatabaseUnreachable" } },
    { status: "rejected", reason: { code: "DatabaseUnreachable" } },
  ]);
  await watcher.query(`select pg_terminate_backend(${session.pid})`);
  await watcher.close();
});
