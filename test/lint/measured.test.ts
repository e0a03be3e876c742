/**
 * The rules' claims, measured: on each server every bad example takes the lock, goes through the rows, replaces the file
 * and keeps out whom its rule says, and its good example does not.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { Claim, Rule } from "../../core/lint/rule.ts";
import { RULES } from "../../core/lint/rules.ts";
import { LOCK_MODES } from "../../core/lock-modes.ts";
import { cannotRunInTransaction } from "../../core/non-transactional.ts";
import { parseSql } from "../../core/sql-parser.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, ends, freshDatabase } from "../postgres.ts";

interface Measure {
  lock: string | undefined;
  scanned: boolean;
  rewritten: boolean;
}

type Measured = Rule & { claim: Claim };

const MEASURED = RULES.filter((rule): rule is Measured => !("none" in rule.claim));

test("every rule claims something that is measured below, or says why there is nothing to measure", () => {
  for (const { claim } of RULES) if ("none" in claim) expect(claim.none.length).toBeGreaterThan(20);
  expect(MEASURED.length).toBeGreaterThan(20);
});

describe.each(ends)("on Postgres $major", (server) => {
  let address: DatabaseAddress;
  let session: Session;
  let other: Session;

  beforeAll(async () => {
    address = await freshDatabase(server);
    session = await openSession(address, { application: "test" });
    other = await openSession(address, { application: "test", lockTimeout: 50 });
    await other.execute("set search_path = public");
  });
  afterAll(async () => {
    await session.close();
    await other.close();
    await dropDatabases(address);
  });

  /** An empty database with the rule's set-up. */
  async function setUp({ setup }: Rule) {
    // A failed measurement leaves its transaction open.
    await session.execute("rollback");
    await session.execute(
      "set client_min_messages = error; drop schema if exists public, archive cascade; create schema public; set search_path = public",
    );
    await session.execute(setup);
  }

  test.each(MEASURED)("$id: its bad example does what it claims, its good example does not", async (rule) => {
    await setUp(rule);
    const bad = await measureAll(rule.bad, rule);
    expect(bad).toContainEqual(expect.objectContaining(promised(rule.claim)));
    await setUp(rule);
    for (const measure of await measureAll(rule.good, rule))
      expect(measure).not.toMatchObject(promised(rule.claim));
  });

  test("not-null-column-without-default: its bad example fails as soon as there is a row", async () => {
    await expect(attempt("not-null-column-without-default")).rejects.toThrow(/contains null values/);
  });

  test("concurrently-without-no-transaction: its bad example fails in a transaction", async () => {
    await expect(attempt("concurrently-without-no-transaction")).rejects.toThrow(
      /inside a transaction block/,
    );
  });

  test("enum-value-renamed: the old word is gone after its bad example", async () => {
    await expect(attempt("enum-value-renamed", "select 'payed'::state")).rejects.toThrow(
      /invalid input value/,
    );
  });

  test("not-idempotent: its bad example fails the second time, its good one does not", async () => {
    const rule = ruleOf("not-idempotent");
    await expect(attempt(rule.id, rule.bad)).rejects.toThrow(/already exists/);
    await setUp(rule);
    await session.execute(rule.good);
    await session.execute(rule.good);
  });

  test("opposing-lock-order: two transactions of its bad example end in a deadlock, of its good one in order", async () => {
    const rule = ruleOf("opposing-lock-order");
    for (const [files, deadlock] of [
      [rule.bad, true],
      [rule.good, false],
    ] as const) {
      await setUp(rule);
      const [[one = "", two = ""] = [], [three = "", four = ""] = []] = files
        .split("\n-- the next file\n")
        .map((file) => file.split("\n"));
      await other.execute("set lock_timeout = 0; set deadlock_timeout = '20ms'; begin");
      await session.execute(`set deadlock_timeout = '20ms'; begin; ${one}`);
      const outcome = Promise.allSettled([
        other.execute(`${three} ${four} commit`),
        waitsForLock(other.pid).then(() => session.execute(`${two} commit`)),
      ]);
      const failed = (await outcome).flatMap((end) =>
        end.status === "rejected" ? [String(end.reason)] : [],
      );
      expect(failed.some((reason) => reason.includes("deadlock"))).toBe(deadlock);
      await other.execute("rollback; set lock_timeout = '50ms'");
      await session.execute("rollback");
    }
  });

  /** Runs a rule's bad example, and something after it, in a transaction that is rolled back. */
  async function attempt(id: string, after = "select 1") {
    const rule = ruleOf(id);
    await setUp(rule);
    await session.execute("begin");
    try {
      await session.execute(rule.bad);
      await session.execute(after);
    } finally {
      await session.execute("rollback");
    }
  }

  /** Each file of the example as it would run: as one transaction, or statement by statement. */
  async function measureAll(example: string, rule: Measured): Promise<Measure[]> {
    const measures: Measure[] = [];
    for (const file of example.split("\n-- the next file\n")) {
      const statements = await parseSql({ path: rule.id, sha256: "", sql: file });
      const alone = file.startsWith("-- rehearsal: no-transaction") || statements.some(cannot);
      const parts = alone ? statements.map((one) => [one]) : [statements];
      for (const part of parts) {
        const sql = part.map((one) => `${one.sql};`).join("\n");
        const measure = part.some(cannot) ? measureWaiting : measureInTransaction;
        measures.push(await measure(sql, rule));
      }
    }
    return measures;
  }

  const cannot = (statement: Parameters<typeof cannotRunInTransaction>[0]) =>
    cannotRunInTransaction(statement) !== undefined;

  async function measureInTransaction(sql: string, { claim, blocks, bad }: Measured): Promise<Measure> {
    const before = await relation(claim.table);
    await session.execute("begin");
    await session.execute(sql);
    const after = await stateOf(before.oid);
    if (bad.replaceAll("\n", "") === sql.replaceAll("\n", "")) await expectBlocked(claim.table, blocks);
    await session.execute("commit");
    return measureOf(
      before,
      after,
      LOCK_MODES.findLast((mode) => after.locks.includes(mode)),
    );
  }

  /** What cannot run in a transaction is made to wait for its lock, where it can be seen asking for it. */
  async function measureWaiting(sql: string, { claim }: Measured): Promise<Measure> {
    const before = await relation(claim.table);
    await other.execute("begin");
    await other.execute(`lock table ${claim.table} in share update exclusive mode`);
    const done = session.execute(sql);
    const lock = await waitsForLock(session.pid, before.oid);
    await other.execute("commit");
    await done;
    const after = await stateOf(before.oid);
    return measureOf(before, { ...after, scans: before.scans }, lock);
  }

  function measureOf(before: State, after: State, lock: string | undefined): Measure {
    return {
      lock,
      scanned: after.scans > before.scans,
      rewritten: after.file !== before.file,
    };
  }

  interface State {
    oid: string;
    file: string | null;
    scans: number;
    locks: string[];
  }

  async function relation(name: string): Promise<State> {
    const [row] = await session.query<{ oid: string }>("select $1::regclass::oid::text as oid", [name]);
    // Counters of what this session did before are handed on first.
    await session.execute("select pg_stat_force_next_flush(); select pg_stat_clear_snapshot()");
    return stateOf(row?.oid ?? "");
  }

  async function stateOf(oid: string): Promise<State> {
    const [row] = await session.query<{ file: string | null; scans: string; locks: string[] }>(
      `select pg_relation_filenode($1::oid)::text as file, coalesce(pg_stat_get_xact_numscans($1::oid), 0) as scans,
        array(select mode from pg_locks where pid = pg_backend_pid() and relation = $1::oid) as locks`,
      [oid],
    );
    return { oid, file: row?.file ?? null, scans: Number(row?.scans), locks: row?.locks ?? [] };
  }

  /** While the bad example's transaction is open, somebody else tries to read, and to write. */
  async function expectBlocked(table: string, blocks: Rule["blocks"]) {
    const reading = other.execute(`select from ${table} limit 1`);
    if (blocks === "reads") await expect(reading).rejects.toThrow(/lock timeout/);
    else {
      await reading;
      await expect(other.execute(`update ${table} set id = id`)).rejects.toThrow(/lock timeout/);
    }
  }

  /** The mode that a session asks for and has not got; of the relation, when one is given. */
  async function waitsForLock(pid: number, oid?: string): Promise<string | undefined> {
    const watcher = await openSession(address, { application: "test" });
    try {
      for (;;) {
        const [row] = await watcher.query<{ mode: string }>(
          "select mode from pg_locks where pid = $1 and not granted and ($2::text is null or relation::text = $2)",
          [pid, oid ?? null],
        );
        if (row !== undefined) return row.mode;
      }
    } finally {
      await watcher.close();
    }
  }
});

function promised({ lock, scans, rewrites }: Claim) {
  return { lock, ...(scans && { scanned: true }), ...(rewrites && { rewritten: true }) };
}

function ruleOf(id: string): Rule {
  const rule = RULES.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule;
}
