/**
 * Backfills in slices on a real server: each row once, whatever ends the session, whoever writes or waits meanwhile.
 * Long because all cases are put to one database, whose rows are filled in anew for each.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { policySchema } from "../../core/policy.ts";
import { planRuns, type Run } from "../../core/runs.ts";
import { type ApplyOptions, applyRuns, runAgain } from "../../io/postgres/apply.ts";
import type { Slice } from "../../io/postgres/batch.ts";
import type { BatchRecord } from "../../io/postgres/batch-record.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { hasLeftSomething, installIdentity, readApplied } from "../../io/postgres/target-schema.ts";
import { startStandby } from "../lagging-standby.ts";
import { dropDatabases, ends, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

const policy = policySchema.parse({ lockTimeout: 200, lockRetries: 8, statementTimeout: 20_000 });
const PATH = "migrations/0001_count.sql";

async function batch(sql: string, directive = "table=public.files key=id size=3000"): Promise<Run[]> {
  const text = `-- rehearsal: batch ${directive}\n${sql}`;
  return planRuns([await parseMigration(PATH, Buffer.from(text))], [], []);
}

/** That a column is not null may stand without having been proved since 18. */
function unproved(major: number): [sql: string, problem: string][] {
  const sql = "create table t (id int unique, n int); alter table only_table add not null id not valid";
  return major >= 18 ? [[sql, "may be null"]] : [];
}

const ROWS = 20_000;

describe.each(ends)("batches on Postgres $major", (server) => {
  let address: DatabaseAddress;
  let session: Session;
  let token = 1;
  let slices: Slice[] = [];
  let records: BatchRecord[] = [];

  const apply = (runs: Run[], more: Partial<ApplyOptions> = {}) =>
    applyRuns({
      session,
      attempt: { promotion: "p1", step: "migrate", attempt: token, token },
      release: "r1",
      runs,
      policy,
      ...more,
      onSlice: (item, slice, record) => {
        slices.push(slice);
        records.push(record);
        more.onSlice?.(item, slice, record);
      },
    });

  /** As the next attempt of the step would: a new session, and a larger token. */
  const again = async () => {
    session.destroy();
    token++;
    session = await openSession(address, { application: "batch test" });
  };

  /** Keys with gaps, and most of them close together. */
  const fill = (count: number) =>
    execute(
      address,
      `drop table if exists files; drop table if exists rehearsal.batches; delete from rehearsal.applied;
       create table files (id bigint primary key, n int not null default 0);
       insert into files select case when g < ${count * 0.9} then g else g * 1000 end from generate_series(1, ${count}) g`,
    );

  const counts = () =>
    rows<{ n: number; rows: number }>(
      address,
      "select n, count(*)::int as rows from public.files group by n order by n",
    );
  const standing = async () => {
    const [row] = await rows<{ cursor: string; slices: number; done: boolean; visited: number }>(
      address,
      "select cursor, slices, done, visited::int as visited from rehearsal.batches",
    );
    return row;
  };

  beforeAll(async () => {
    address = await freshDatabase(server);
    session = await openSession(address, { application: "batch test" });
    await installIdentity(session, {
      name: "e",
      role: "prod",
      state: "canonical",
      identity: crypto.randomUUID(),
    });
  });

  beforeEach(async () => {
    slices = [];
    records = [];
    await fill(ROWS);
  });

  afterAll(async () => {
    await session.close();
    await dropDatabases(address);
  });

  test("goes over all rows in slices, each committed with its cursor, and is then applied as any migration", async () => {
    // What a slice is every server is asked; that there may be many, the newest.
    const many = server === newestServer() ? 100_000 : ROWS;
    await fill(many);
    const runs = await batch("update files set n = n + 1");
    expect(await apply(runs)).toBe("done");
    expect(await counts()).toEqual([{ n: 1, rows: many }]);
    expect(slices.length).toBeGreaterThan(6);
    expect(slices.reduce((sum, slice) => sum + slice.rows, 0)).toBe(many);
    expect(Math.max(...slices.map((slice) => slice.visited))).toBeLessThanOrEqual(3_000);
    expect(await standing()).toEqual({
      cursor: String(many * 1000),
      slices: slices.length,
      done: true,
      visited: many,
    });
    expect((await readApplied(session)).map(({ path }) => path)).toEqual([PATH]);
    expect(await hasLeftSomething(session, "p1")).toBe(true);
    expect(await apply(runs)).toBe("done");
    expect(await counts()).toEqual([{ n: 1, rows: many }]);
  });

  test("a session ended between two slices, and one ended amid a slice: the next attempt goes on at the cursor, each row once", async () => {
    const runs = await batch("update files set n = n + 1 where pg_sleep(0) is not null");
    const end = (pid: number) => rows(address, "select pg_terminate_backend($1, 5000)", [pid]);
    let asked = 0;
    const mayGoOn = async () => {
      if (++asked === 2) await end(session.pid);
      return true;
    };
    await expect(apply(runs, { mayGoOn })).rejects.toMatchObject({ code: "DatabaseUnreachable" });
    const first = await standing();
    expect(first).toMatchObject({ slices: 2, done: false });
    await again();
    // Held up in the midst of a slice: it has changed rows, and waits for one that somebody else has.
    const holder = await openSession(address, { application: "holder" });
    await holder.execute(`begin; select 1 from public.files where id = ${ROWS * 0.8} for update`);
    const patient = { ...policy, lockTimeout: 10_000 };
    const cut = refusalOf(() => apply(runs, { policy: patient }));
    for (let waits = 0; waits === 0; )
      waits = (await rows(address, "select 1 from pg_locks where not granted and pid = $1", [session.pid]))
        .length;
    await end(session.pid);
    expect(await cut).toMatchObject({ code: "MigrationFailed" });
    await holder.execute("rollback");
    await holder.close();
    const second = await standing();
    expect(Number(second?.cursor)).toBeGreaterThan(Number(first?.cursor));
    expect((await counts()).map(({ n }) => n)).toEqual([0, 1]);
    await again();
    slices = [];
    expect(await apply(runs)).toBe("done");
    expect(await counts()).toEqual([{ n: 1, rows: ROWS }]);
    // What was done before was not gone over again.
    expect(slices.reduce((sum, slice) => sum + slice.visited, 0)).toBe(ROWS - (second?.visited ?? 0));
  });

  test("a slice of an overtaken attempt is refused, and writes nothing", async () => {
    const runs = await batch("update files set n = n + 1");
    const mayGoOn = async () => {
      await rows(address, "update rehearsal.identity set token = token + 100");
      return true;
    };
    expect(await refusalOf(() => apply(runs, { mayGoOn }))).toMatchObject({
      code: "AttemptStale",
      hint: expect.stringContaining("newer attempt"),
    });
    token += 200;
    expect(slices).toHaveLength(1);
    expect((await counts()).find(({ n }) => n === 1)?.rows).toBe(slices[0]?.rows);
  });

  test("ends while rows are being inserted: what comes later than its beginning is the application's own", async () => {
    const runs = await batch("update files set n = n + 1", "table=files key=id size=2000 pause=5");
    let over = false;
    let inserted = 0;
    const writer = await openSession(address, { application: "writer" });
    const writing = (async () => {
      while (!over) {
        await writer.query("insert into public.files select $1 + g from generate_series(1, 100) g", [
          ROWS * 2_000 + inserted,
        ]);
        inserted += 100;
      }
    })();
    expect(await apply(runs)).toBe("done");
    over = true;
    await writing;
    await writer.close();
    expect(inserted).toBeGreaterThan(0);
    const before = await rows<{ n: number; rows: number }>(
      address,
      `select n, count(*)::int as rows from public.files where id <= ${ROWS * 1000} group by n`,
    );
    expect(before).toEqual([{ n: 1, rows: ROWS }]);
  });

  test("fault 19: rows that somebody holds are tried for again in smaller slices, and given up in the end with what was done standing", async () => {
    await execute(address, "delete from files where id > 10000");
    const runs = await batch("update files set n = n + 1", "table=files key=id size=2000");
    const holder = await openSession(address, { application: "holder" });
    await holder.execute("begin; select 1 from public.files where id = 7000 for update");
    const refusal = await refusalOf(() => apply(runs, { policy: { ...policy, lockRetries: 2 } }));
    expect(refusal).toMatchObject({
      code: "LockTimeout",
      message: expect.stringContaining("200 ms in 3 tries"),
      hint: expect.stringContaining("lockTimeout"),
    });
    const stopped = await standing();
    expect(Number(stopped?.cursor)).toBeLessThan(7000);
    expect(stopped?.visited).toBeGreaterThan(0);
    await again();
    slices = [];
    const running = apply(runs);
    for (let tries = 0; tries === 0; )
      tries = (await rows(address, "select 1 from pg_locks where not granted and pid = $1", [session.pid]))
        .length;
    await holder.execute("rollback");
    expect(await running).toBe("done");
    await holder.close();
    expect(await counts()).toEqual([{ n: 1, rows: 10_000 }]);
  });

  test("fault 20: a slice that runs too long is made smaller, and only the smallest is an error", async () => {
    await execute(address, "delete from files where id > 100");
    const slow = await batch(
      "update files set n = n + 1 where pg_sleep(0.004) is not null",
      "table=files key=id size=100",
    );
    expect(await apply(slow, { policy: { ...policy, statementTimeout: 350 } })).toBe("done");
    expect(slices[0]?.size).toBeLessThan(100);
    expect(await counts()).toEqual([{ n: 1, rows: 100 }]);
    const never = await batch(
      "update files set n = n + 2 where pg_sleep(10) is not null",
      "table=files key=id size=2",
    );
    await execute(address, "delete from rehearsal.applied; delete from rehearsal.batches");
    expect(
      await refusalOf(() => apply(never, { policy: { ...policy, statementTimeout: 100 } })),
    ).toMatchObject({
      code: "StatementTimeout",
      hint: expect.stringContaining("statementTimeout"),
    });
  });

  test("fault 21: a slice that is a deadlock's victim is run again, smaller, and each row is changed once", async () => {
    await execute(address, "delete from files where id > 2000");
    const runs = await batch("update files set n = n + 1", "table=files key=id size=1000");
    const other = await openSession(address, { application: "other" });
    await other.execute("set deadlock_timeout = '10s'; begin; update public.files set n = n where id = 900");
    const running = apply(runs, { policy: { ...policy, lockTimeout: 5_000 } });
    const waits = (pid: number) =>
      rows(address, "select 1 from pg_locks where not granted and pid = $1", [pid]);
    while ((await waits(session.pid)).length === 0);
    await other.execute("update public.files set n = n where id = 1");
    await other.execute("rollback");
    expect(await running).toBe("done");
    await other.close();
    expect(slices[0]?.size).toBe(500);
    expect(await counts()).toEqual([{ n: 1, rows: 2000 }]);
  });

  test("waits for a standby that is further behind than it may be, and stops in time while it waits", async () => {
    await execute(address, "delete from files where id > 3000");
    const runs = await batch("update files set n = n + 1", "table=files key=id size=1000 lag=10000");
    const standby = await startStandby(server.address);
    // Its first word comes when it is sent something.
    const behind =
      "select 1 from pg_stat_replication where pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 10000";
    while ((await rows(address, behind)).length === 0)
      await execute(address, "update public.files set n = n");
    let asked = 0;
    expect(await apply(runs, { mayGoOn: async () => ++asked < 4 })).toBe("more");
    expect(slices).toEqual([]);
    const running = apply(runs, {
      mayGoOn: async () => {
        if (++asked === 8) standby.catchUp();
        return true;
      },
    });
    expect(await running).toBe("done");
    await standby.close();
    expect(asked).toBeGreaterThanOrEqual(8);
    expect(await counts()).toEqual([{ n: 1, rows: 3000 }]);
  });

  test("whoever waits for its rows makes the slices smaller", async () => {
    await execute(address, "delete from files where id > 4000");
    // The first slice has row 1 and is not over before somebody waits for it.
    await execute(
      address,
      `create function awaited() returns boolean language plpgsql as $$ begin
         while not exists (select from pg_catalog.pg_locks
             where not granted and transactionid = pg_catalog.pg_current_xact_id()::xid)
           loop perform pg_catalog.pg_sleep(0.005); end loop;
         return true; end $$`,
    );
    const runs = await batch(
      "update files set n = n + 1 where id <> 2 or public.awaited()",
      "table=files key=id size=1600",
    );
    const waiter = await openSession(address, { application: "waiter" });
    const running = apply(runs);
    for (let locked = 0; locked === 0; )
      locked = (
        await rows(
          address,
          "select 1 from pg_locks where relation = 'public.files'::regclass and mode = 'RowExclusiveLock' and pid = $1",
          [session.pid],
        )
      ).length;
    const waited = waiter.execute("update public.files set n = n where id = 1");
    expect(await running).toBe("done");
    await waited;
    await waiter.close();
    const [first, second] = slices;
    expect(first?.waiting).toBe(1);
    expect(second?.size).toBe(800);
  });

  test("is held to its rate by rests that its slices tell, and on a copy by none", async () => {
    await execute(address, "delete from files where id > 400");
    const runs = await batch("update files set n = n + 1", "table=files key=id size=100 rate=2000");
    const started = performance.now();
    expect(await apply(runs)).toBe("done");
    const took = performance.now() - started;
    const paid = slices.reduce((sum, { milliseconds, rest }) => sum + milliseconds + rest, 0);
    // The last slice need not be waited for.
    const owed = slices.slice(0, -1).reduce((sum, { visited }) => sum + visited / 2, 0);
    expect(paid).toBeGreaterThanOrEqual(owed);
    expect(took).toBeGreaterThanOrEqual(owed);
    slices = [];
    await execute(address, "delete from rehearsal.applied; delete from rehearsal.batches");
    expect(await apply(runs, { unpaced: true })).toBe("done");
    expect(slices.map(({ rest }) => rest).filter((rest) => rest > 0)).toEqual([]);
  });

  test("told not to go on, it stops at its cursor after at least one slice, and the next call ends it", async () => {
    const runs = await batch("update files set n = n + 1");
    expect(await apply(runs, { mayGoOn: async () => false })).toBe("more");
    expect(slices).toHaveLength(1);
    expect(await readApplied(session)).toEqual([]);
    expect(await apply(runs, { mayGoOn: async () => false })).toBe("more");
    expect(slices).toHaveLength(2);
    expect(await apply(runs)).toBe("done");
    expect(await counts()).toEqual([{ n: 1, rows: ROWS }]);
    expect(records.at(-1)).toMatchObject({ visited: ROWS, done: true });
  });

  test("run again to prove it idempotent, it leaves no trace of the second run", async () => {
    const runs = await batch("update files set n = 1 where n = 0");
    expect(await apply(runs)).toBe("done");
    const before = await standing();
    const [run] = runs;
    const [item] = run?.items ?? [];
    if (run === undefined || item === undefined) throw new Error("there is no run");
    await runAgain(
      {
        session,
        attempt: { promotion: "p1", step: "migrate", attempt: token, token },
        release: "r1",
        runs,
        policy,
      },
      run,
      item,
    );
    expect(await standing()).toEqual(before);
    expect(await counts()).toEqual([{ n: 1, rows: ROWS }]);
  });

  test.each([
    ['text collate "C"', "lpad(g::text, 6, '0') || e'\\\\it''s'"],
    ["uuid", "md5(g::text)::uuid"],
    ["timestamptz", "timestamptz '2024-01-01 00:00:00.000001+02' + g * interval '1 microsecond'"],
    ["char(8)", "lpad(g::text, 6)"],
    ["numeric", "g / 7.0"],
    ["bytea", "decode(md5(g::text), 'hex')"],
  ])(
    "abuse 1: cuts by a key of type %s, in a table and a column of hostile names, exactly once",
    async (type, value) => {
      await execute(
        address,
        `drop schema if exists "odd.na""me" cascade; create schema "odd.na""me";
       create table "odd.na""me"."x; '\\" ("the key" ${type} primary key, n int not null default 0);
       insert into "odd.na""me"."x; '\\" select ${value} from generate_series(1, 1000) g`,
      );
      const runs = await batch(
        `update "odd.na""me"."x; '\\" as f set n = f.n + 1`,
        `table="odd.na""me"."x; '\\" key="the key" size=64`,
      );
      expect(await apply(runs)).toBe("done");
      expect(slices.length).toBeGreaterThan(14);
      expect(
        await rows(address, `select n, count(*)::int as rows from "odd.na""me"."x; '\\" group by n`),
      ).toEqual([{ n: 1, rows: 1000 }]);
    },
  );

  test("an INSERT from the table, a DELETE and an UPDATE with FROM do what they would in one piece", async () => {
    await execute(
      address,
      `drop table if exists copied, owners; create table copied (id bigint, double bigint);
       create table owners (id bigint primary key, n int); insert into owners select g * 3, g from generate_series(1, ${ROWS * 0.3}) g`,
    );
    // The last owner's file is where the keys are no longer dense.
    const owned = ROWS * 0.3 - 1;
    const clean = () => execute(address, "delete from rehearsal.applied; delete from rehearsal.batches");
    await apply(
      await batch(
        "with far as (select id from owners where n > 10) insert into copied select f.id, o.id * 2 from files f join far o on o.id = f.id",
      ),
    );
    expect(
      await rows(
        address,
        "select count(*)::int as rows, count(distinct id)::int as keys, min(id)::int as least, sum(double - 2 * id)::int as off from public.copied",
      ),
    ).toEqual([{ rows: owned - 10, keys: owned - 10, least: 33, off: 0 }]);
    await clean();
    await apply(await batch("update files f set n = o.n from owners o where o.id = f.id or false"));
    expect(await rows(address, "select sum(n)::int as sum from public.files")).toEqual([
      { sum: (owned * (owned + 1)) / 2 },
    ]);
    await clean();
    await apply(await batch("delete from files f using owners o where o.id = f.id -- the last of it"));
    expect(await rows(address, "select count(*)::int as rows from public.files")).toEqual([
      { rows: ROWS - owned },
    ]);
  });

  test("an empty table is done at once", async () => {
    await execute(address, "delete from files");
    expect(await apply(await batch("update files set n = n + 1"))).toBe("done");
    expect(slices).toMatchObject([{ visited: 0, rows: 0 }]);
    expect(await hasLeftSomething(session, "p1")).toBe(true);
  });

  test.each<[sql: string, problem: string]>([
    ["create table t (id int, n int)", "may be null"],
    ["create table t (id int not null, n int); create index on t (id)", "no unique index"],
    ["create table t (id int, n int, primary key (id, n))", "no unique index"],
    [
      "create table t (id int not null, n int); create unique index on t (id) where id > 5",
      "no unique index",
    ],
    ["create table t (key int primary key, n int)", "it has no such column"],
    ["create view t as select 1 as id, 2 as n", "it is not a table"],
    ["create table t (id int not null unique generated always as (n + 1) stored, n int)", "generated"],
    ["create table t (id int primary key references t on update cascade, n int)", "a foreign key changes"],
    [
      "create table t (id int not null unique, n int); create table only_child () inherits (only_table)",
      "inherit from it",
    ],
    [
      "create table t (id int primary key, n int); create rule r as on update to only_table do also nothing",
      "a rule rewrites",
    ],
    ...unproved(server.major),
    ["create schema if not exists other", "there is no such table"],
  ])("%s has no key to cut by, and nothing is touched", async (sql, problem) => {
    await execute(address, "drop view if exists only_view; drop table if exists only_table cascade");
    await execute(
      address,
      sql
        .replaceAll(" t ", sql.includes("view") ? " only_view " : " only_table ")
        .replace("on t", "on only_table"),
    );
    const name = sql.includes("view") ? "only_view" : "only_table";
    const refusal = await refusalOf(async () =>
      apply(await batch(`update ${name} set n = 1`, `table=${name} key=id size=10`)),
    );
    expect(refusal).toMatchObject({ code: "BatchKeyUnfit", message: expect.stringContaining(problem) });
    expect(refusal.hint).toContain("primary key or a unique index");
    expect(await hasLeftSomething(session, "p1")).toBe(false);
  });

  test("a trigger that stamps rows is none of a batch's business; one that moves their keys has the slice taken back", async () => {
    const trigger = (sets: string) =>
      execute(
        address,
        `create or replace function stamp() returns trigger language plpgsql as $$ begin ${sets}; return new; end $$;
         drop trigger if exists stamp on files;
         create trigger stamp before update on files for each row execute function stamp()`,
      );
    await trigger("new.n := new.n + 1");
    expect(await apply(await batch("update files set n = n + 1"))).toBe("done");
    expect(await counts()).toEqual([{ n: 2, rows: ROWS }]);
    await fill(ROWS);
    await trigger("new.id := new.id + 100000000");
    expect(await refusalOf(async () => apply(await batch("update files set n = n + 1")))).toMatchObject({
      code: "BatchKeyMoved",
      message: expect.stringContaining("3000 rows"),
      hint: expect.stringContaining("taken back"),
    });
    expect(await counts()).toEqual([{ n: 0, rows: ROWS }]);
    expect(await hasLeftSomething(session, "p1")).toBe(false);
  });

  test("an aggregate that is inserted, and a file edited half-way, are refused with the mend", async () => {
    await execute(address, "drop table if exists totals; create table totals (n bigint)");
    expect(
      await refusalOf(async () => apply(await batch("insert into totals select count(*) from files"))),
    ).toMatchObject({ code: "BatchNotSliceable", hint: expect.stringContaining("without batch") });
    await apply(await batch("update files set n = n + 1"), { mayGoOn: async () => false });
    expect(await refusalOf(async () => apply(await batch("update files set n = n + 2")))).toMatchObject({
      code: "BatchChanged",
      hint: expect.stringContaining("to its end"),
    });
  });
});
