import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { policySchema } from "../../core/policy.ts";
import { planRuns, type Run } from "../../core/runs.ts";
import { type ApplyOptions, applyRuns } from "../../io/postgres/apply.ts";
import { measureRuns } from "../../io/postgres/measure.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { hasLeftSomething, installIdentity, readApplied } from "../../io/postgres/target-schema.ts";
import { dropDatabases, ends, execute, freshDatabase, rows } from "../postgres.ts";

const policy = policySchema.parse({ lockTimeout: 200, lockRetries: 2, statementTimeout: 2_000 });
const attempt = { promotion: "p1", step: "migrate", attempt: 1, token: 1 };

async function runsFrom(...files: [name: string, sql: string][]): Promise<Run[]> {
  return planRuns(
    await Promise.all(files.map(([name, sql]) => parseMigration(`migrations/${name}`, Buffer.from(sql)))),
    [],
    [],
  );
}

describe.each(ends)("applying on Postgres $major", (server) => {
  let address: DatabaseAddress;
  let session: Session;

  const apply = (runs: Run[], more: Partial<ApplyOptions> = {}) =>
    applyRuns({ session, attempt, release: "r1", runs, policy, ...more });

  beforeAll(async () => {
    address = await freshDatabase(
      server,
      "create table videos (id int primary key, title text); insert into videos select g, 't' || g from generate_series(1, 1000) g",
    );
    session = await openSession(address, { application: "apply test" });
    await installIdentity(session, {
      name: "e",
      role: "prod",
      state: "canonical",
      identity: crypto.randomUUID(),
    });
  });

  afterAll(async () => {
    await session.close();
    await dropDatabases(address);
  });

  const columns = async () =>
    (
      await rows<{ name: string }>(
        address,
        "select attname as name from pg_attribute where attrelid = 'public.videos'::regclass and attnum > 0 and not attisdropped",
      )
    ).map(({ name }) => name);

  test("a failing statement takes the whole run back and is told with file, line and reason", async () => {
    const runs = await runsFrom(
      ["0001_add.sql", "alter table videos add column a int;"],
      [
        "0002_bad.sql",
        "-- adds\n\nalter table videos add column b int;\nalter table missing add column c int;",
      ],
    );
    await expect(apply(runs)).rejects.toMatchObject({
      code: "MigrationFailed",
      facts: { path: "migrations/0002_bad.sql", line: 4, sqlstate: "42P01" },
      hint: expect.stringContaining('alter table "missing"'),
    });
    expect(await columns()).toEqual(["id", "title"]);
    expect(await readApplied(session)).toEqual([]);
  });

  test("a verification that throws before COMMIT leaves nothing", async () => {
    const runs = await runsFrom(["0001_add.sql", "alter table videos add column a int;"]);
    const verify = async () => {
      throw new Error("not as rehearsed");
    };
    await expect(apply(runs, { verify })).rejects.toThrow("not as rehearsed");
    expect(await columns()).toEqual(["id", "title"]);
  });

  test("fault 19: a lock that somebody holds is tried for again, and in the end given up with nothing changed", async () => {
    const holder = await openSession(address, { application: "holder" });
    const runs = await runsFrom(["0001_add.sql", "alter table videos add column a int;"]);
    await holder.execute("begin; lock table public.videos in access share mode");
    let tries = 0;
    const passed = (point: string) => {
      if (point === "in-transaction") tries++;
    };
    await expect(apply(runs, { passed })).rejects.toMatchObject({
      code: "LockTimeout",
      facts: { tries: 3, milliseconds: 200 },
      hint: expect.stringContaining("lockTimeout"),
    });
    expect(tries).toBe(3);
    await holder.execute("rollback");
    await holder.close();
    expect(await columns()).toEqual(["id", "title"]);
  });

  test("fault 20: a statement that runs too long is ended and everything taken back", async () => {
    const runs = await runsFrom([
      "0001_slow.sql",
      "alter table videos add column a int; select pg_sleep(60);",
    ]);
    await expect(apply(runs)).rejects.toMatchObject({
      code: "StatementTimeout",
      hint: expect.stringContaining("statementTimeout"),
    });
    expect(await columns()).toEqual(["id", "title"]);
  });

  test("abuse 21: an endless DO block and a sleep of years are ended by the time-out", async () => {
    const endless = await runsFrom(["0001_endless.sql", "do $$ begin loop perform 1; end loop; end $$;"]);
    await expect(apply(endless)).rejects.toMatchObject({ code: "StatementTimeout" });
    const asleep = await runsFrom(["0001_asleep.sql", "set statement_timeout = 0; select pg_sleep(1e9);"]);
    await expect(apply(asleep)).rejects.toMatchObject({ code: "StatementTimeout" });
  });

  test("fault 21: a deadlock is tried again and ends well", async () => {
    await execute(address, "create table a (x int); create table b (x int)");
    const other = await openSession(address, { application: "other" });
    const runs = await runsFrom([
      "0001_both.sql",
      "alter table a add column y int; alter table b add column y int;",
    ]);
    let tries = 0;
    let waiting: Promise<unknown> = Promise.resolve();
    const passed = (point: string) => {
      if (point === "in-transaction") tries++;
    };
    await other.execute("set deadlock_timeout = '10s'; begin; lock table public.b in access exclusive mode");
    const observer = {
      runBegins: async () => undefined,
      runEnds: async () => undefined,
      statementBegins: async (_item: unknown, statement: { index: number }) => {
        // The other one wants what we hold, right before we want what it holds.
        if (statement.index === 1 && tries === 1) {
          waiting = other.execute("lock table public.a in access exclusive mode; rollback");
          for (let seen = 0; seen === 0; )
            seen = (
              await rows(
                address,
                "select 1 from pg_locks where not granted and relation = 'public.a'::regclass",
              )
            ).length;
        }
      },
      statementEnded: async () => undefined,
    };
    const patient = { ...policy, lockTimeout: 5_000 };
    await apply(runs, { passed, observer, policy: patient });
    await waiting;
    expect(tries).toBe(2);
    await other.close();
    await execute(address, "drop table a, b; delete from rehearsal.applied");
  });

  test("fault 16: a session ended by an administrator has left nothing, and is not tried again behind their back", async () => {
    const own = await openSession(address, { application: "victim" });
    const runs = await runsFrom([
      "0001_add.sql",
      "alter table videos add column a int; select pg_sleep(1.5);",
    ]);
    const applying = apply(runs, { session: own });
    const expected = expect(applying).rejects.toMatchObject({
      code: "MigrationFailed",
      facts: { sqlstate: "57P01" },
    });
    for (let ended = 0; ended === 0; )
      ended = (
        await rows(
          address,
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and query like '%pg_sleep%'",
        )
      ).length;
    await expected;
    await own.close();
    expect(await columns()).toEqual(["id", "title"]);
  });

  test("fault 23: an older attempt is refused at the door and inside its transaction", async () => {
    await execute(address, "update rehearsal.identity set token = 7");
    const runs = await runsFrom(["0001_add.sql", "alter table videos add column a int;"]);
    await expect(apply(runs, { attempt: { ...attempt, token: 6 } })).rejects.toMatchObject({
      code: "AttemptStale",
      hint: expect.stringContaining("newer attempt"),
    });
    await execute(address, "update rehearsal.identity set token = 0");
  });

  test("fault 22: a concurrent index that cannot be built leaves no invalid index behind", async () => {
    await execute(address, "create table twice (x int); insert into twice values (1), (1)");
    const runs = await runsFrom([
      "0001_unique.sql",
      "-- rehearsal: no-transaction\ncreate unique index concurrently twice_x on twice (x);",
    ]);
    await expect(apply(runs)).rejects.toMatchObject({
      code: "MigrationFailed",
      facts: { sqlstate: "23505" },
    });
    expect(await rows(address, "select 1 from pg_class where relname = 'twice_x'")).toEqual([]);
    expect(await hasLeftSomething(session, "p1")).toBe(false);
    await execute(address, "drop table twice");
  });

  test("a concurrent index whose builder died is dropped when invalid, kept when valid, and never built twice", async () => {
    await execute(address, "create table c (x int); insert into c select generate_series(1, 100)");
    const runs = await runsFrom([
      "0001_index.sql",
      "-- rehearsal: no-transaction\ncreate index concurrently c_x on c (x);",
    ]);
    // As a dead session leaves it: noted as begun, and the index invalid.
    await execute(
      address,
      `create index c_x on c (x); update pg_index set indisvalid = false where indexrelid = 'c_x'::regclass;
       insert into rehearsal.outside (path, statement, promotion) values ('migrations/0001_index.sql', 0, 'p1')`,
    );
    await apply(runs);
    const valid =
      "select indisvalid as valid, indexrelid::int as oid from pg_index where indexrelid = 'public.c_x'::regclass";
    const [built] = await rows<{ valid: boolean; oid: number }>(address, valid);
    expect(built?.valid).toBe(true);
    await execute(address, "delete from rehearsal.applied; update rehearsal.outside set done = false");
    await apply(runs);
    expect(await rows(address, valid)).toEqual([built]);
    await execute(address, "drop table c; delete from rehearsal.applied; delete from rehearsal.outside");
  });

  test("fault 7: what is applied is not applied again", async () => {
    const runs = await runsFrom(["0001_insert.sql", "insert into videos values (5000, 'once');"]);
    await apply(runs);
    await apply(runs, { attempt: { ...attempt, attempt: 2, token: 2 } });
    expect(await rows(address, "select title from public.videos where id = 5000")).toEqual([
      { title: "once" },
    ]);
    await execute(
      address,
      "delete from rehearsal.applied; delete from videos where id = 5000; update rehearsal.identity set token = 0",
    );
  });

  test("abuse 16: what a file does to its session does not reach the next file or the ledger's row", async () => {
    await execute(address, "create role nobody_much; grant usage on schema public to nobody_much");
    const runs = await runsFrom(
      [
        "0001_leaks.sql",
        "set search_path = pg_temp; do $$ begin execute 'set ' || 'role nobody_much'; end $$;",
      ],
      ["0002_next.sql", "alter table videos add column who text default current_user;"],
    );
    await apply(runs);
    expect(await rows(address, "select distinct who from public.videos")).toEqual([{ who: "postgres" }]);
    await execute(
      address,
      "alter table videos drop column who; delete from rehearsal.applied; drop owned by nobody_much; drop role nobody_much",
    );
  });

  test("the rehearsal measures locks, rewrites, rows and time of every statement", async () => {
    const runs = await runsFrom(
      [
        "0001_measured.sql",
        `alter table videos add column views int;
         alter table videos alter column id type bigint;
         update videos set views = 1 where id <= 10;
         create table fresh (x int);
         alter table fresh add column y int;`,
      ],
      [
        "0002_index.sql",
        "-- rehearsal: no-transaction\ncreate index concurrently videos_title on videos (title);",
      ],
    );
    const { observer, runs: measured } = measureRuns(session);
    await apply(runs, { observer });
    const [first, second] = measured;
    const statements = first?.items[0]?.statements ?? [];
    expect(statements.map((statement) => statement.rows)).toEqual([null, null, 10, null, null]);
    expect(statements[0]?.locks).toContainEqual({
      relation: '"public"."videos"',
      mode: "AccessExclusiveLock",
    });
    expect(statements[0]?.rewritten).toEqual([]);
    expect(statements[1]?.rewritten).toEqual(['"public"."videos"']);
    expect(statements[1]?.walBytes).toBeGreaterThan(0);
    // Nobody else can hold or want a lock on a table that this very run made.
    expect(statements[3]?.locks).toEqual([]);
    expect(statements[4]?.locks).toEqual([]);
    expect(first?.changed).toEqual({ '"public"."videos"': { inserted: 0, updated: 10, deleted: 0 } });
    expect(second?.items[0]?.statements[0]?.locks).toContainEqual({
      relation: '"public"."videos"',
      mode: "ShareUpdateExclusiveLock",
    });
  });
});
