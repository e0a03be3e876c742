/** Writers with long transactions, and a reader that is killed at random: nothing is lost, told twice, or out of order. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { currentCursor } from "../../io/postgres/feed.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { follow } from "../feed.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { readJournal } from "./feed-reader.ts";

/** How many changes are committed; 100,000 is what docs/feed.md tells of. */
const CHANGES = Number(process.env.REHEARSAL_FEED_CHANGES ?? 1_500);
const WRITERS = 8;
const IDS = 300;

const address = await freshDatabase(newestServer());
const folder = await mkdtemp(join(tmpdir(), "feed-"));
afterAll(async () => {
  await dropDatabases(address);
  await rm(folder, { recursive: true });
});

test(`${CHANGES} changes of ${WRITERS} writers reach a reader that is killed again and again, each once and in order`, {
  timeout: 60_000 + CHANGES * 20,
}, async () => {
  const setup = await openSession(address, { application: "feed setup" });
  await setup.execute(
    "create table public.counters (id bigint primary key, n bigint not null, w int not null)",
  );
  await follow(address, ["counters"]);
  const from = await currentCursor(setup, "public.changes");
  const journal = join(folder, "journal");

  const run: Run = { changes: 0, transactions: 0, told: 0, reads: new EventEmitter(), done: false };
  run.reads.setMaxListeners(WRITERS);
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, number) => write(address, number, run)));
  const [kills] = await Promise.all([
    followKilled(journal, from, run),
    writing.finally(() => {
      run.done = true;
    }),
  ]);

  const { pages } = readJournal(journal);
  const told = pages.flatMap(({ changes }) => changes);
  const kept = await setup.query<{ position: string; change: string; id: string; xid: string }>(
    "select position::text, change, key ->> 'id' as id, xid::text from public.changes order by position",
  );
  await setup.close();
  expect(kept.length).toBeGreaterThanOrEqual(CHANGES);

  // Each once: the same positions, and none twice.
  const positions = told.map(([position]) => position);
  expect(new Set(positions).size).toBe(positions.length);
  expect(new Set(positions)).toEqual(new Set(kept.map(({ position }) => position)));
  // In the order in which it was done to each row.
  const last = new Map<string, bigint>();
  const misplaced = told.filter(([position, , id]) => {
    const before = last.get(id) ?? 0n;
    last.set(id, BigInt(position));
    return before > BigInt(position);
  });
  expect(misplaced).toEqual([]);
  // A transaction whole, in one delta.
  const xids = new Map(kept.map(({ position, xid }) => [position, xid]));
  const deltaOf = new Map<string, number>();
  let delta = 0;
  for (const { changes, cursor } of pages) {
    for (const [position] of changes) {
      const xid = xids.get(position) ?? "";
      expect(deltaOf.get(xid) ?? delta).toBe(delta);
      deltaOf.set(xid, delta);
    }
    if (cursor.to === undefined) delta++;
  }
  // Late ones were among them: a position behind a greater one.
  const late = told.filter(([position], at) => at > 0 && BigInt(told[at - 1]?.[0] ?? 0) > BigInt(position));
  expect(late.length).toBeGreaterThan(0);
  expect(kills).toBeGreaterThan(0);
  if (process.env.REHEARSAL_FEED_CHANGES !== undefined)
    console.log(
      `${told.length} changes, ${deltaOf.size} transactions, ${delta} deltas, ${kills} kills, ${late.length} told behind greater positions, ${pages.filter(({ equal }) => equal).length} times held against the table`,
    );
});

interface Run {
  /** Committed by the writers. */
  changes: number;
  transactions: number;
  /** Taken by the reader, who says so. */
  told: number;
  reads: EventEmitter;
  /** The writers are at their end. */
  done: boolean;
}

/** How far writers run ahead of the reader. */
const AHEAD = Math.min(2_000, CHANGES / 5);

/** Transactions of 1 to 60 changes, some of which stay open while others commit many, some rolled back in part or whole. */
async function write(address: DatabaseAddress, number: number, run: Run) {
  const session = await openSession(address, { application: `feed writer ${number}` });
  await session.execute("set deadlock_timeout = '5ms'");
  for (let count = 0; run.changes < CHANGES; count++) {
    while (run.changes > run.told + AHEAD) await once(run.reads, "told");
    const mine = { changes: 0 };
    const others = run.transactions;
    try {
      await session.transaction(async () => {
        for (let step = 1 + random(6); step > 0; step--) mine.changes += await change(session, number);
        if (count % 5 === number % 5) {
          await session.execute("savepoint s");
          await change(session, number);
          await session.execute("rollback to s");
        }
        if (count % 7 === number % 7)
          for (let tries = 0; run.transactions < others + 20 && tries < 200; tries++)
            await session.query("select 1");
        mine.changes += await change(session, number);
        if (random(10) === 0) throw new Error("thrown away");
      });
      run.changes += mine.changes;
      run.transactions++;
    } catch (error) {
      // Deadlocks, keys that somebody else has put meanwhile, and what was thrown away.
      const expected =
        error instanceof RehearsalError
          ? /40P01|23505/.test(JSON.stringify(error.facts))
          : /thrown away/.test(String(error));
      if (!expected) throw error;
    }
  }
  await session.close();
}

/** One statement of a writer; tells of how many changes. */
async function change(session: Session, number: number): Promise<number> {
  const id = 1 + random(IDS);
  const many = 1 + random(8);
  switch (random(6)) {
    case 0: {
      const gone = await session.query("delete from public.counters where id between $1 and $2 returning 1", [
        id,
        id + 1,
      ]);
      return gone.length;
    }
    case 1: {
      const moved = await session.query(
        "update public.counters set id = $2, n = n + 1 where id = $1 and not exists (select from public.counters where id = $2) returning 1",
        [id, 1 + random(IDS)],
      );
      return moved.length * 2;
    }
    case 2: {
      const touched = await session.query(
        "update public.counters set n = n + 1, w = $3 where id in (select id from public.counters where id between $1 and $2 order by id for update) returning 1",
        [id, id + many, number],
      );
      return touched.length;
    }
    default: {
      const put = await session.query(
        `insert into public.counters (id, n, w) select i, 1, $3 from generate_series($1::bigint, $2) i
          on conflict (id) do update set n = public.counters.n + 1, w = excluded.w returning 1`,
        [id, id + many, number],
      );
      return put.length;
    }
  }
}

/** Starts the reader, kills it behind a random page, and so on; at the end it is let alone until nothing is left to read. */
async function followKilled(journal: string, from: unknown, run: Run): Promise<number> {
  for (let kills = 0; ; kills++) {
    const limit = [1, 10, 100, 1_000, 10_000][random(5)];
    const reader = spawn(process.execPath, [
      ...[join(import.meta.dirname, "feed-reader.ts"), JSON.stringify(address), journal],
      ...[JSON.stringify(from), String(limit)],
    ]);
    if ((await watch(reader, 1 + random(40), run)) === "end") return kills;
    // Killed between the journal and its word, it has taken more than it said.
    run.told = readJournal(journal).pages.reduce((sum, { changes }) => sum + changes.length, 0);
    run.reads.emit("told");
  }
}

/** Kills the reader behind so many pages; or once the writers had ended, nothing was left to read, and the reader had what was there. */
async function watch(reader: ChildProcess, pages: number, run: Run): Promise<"killed" | "end"> {
  let complaint = "";
  reader.stderr?.on("data", (piece: Buffer) => {
    complaint += piece.toString();
  });
  let [seen, ended]: [number, "killed" | "end" | undefined] = [0, undefined];
  const gone = once(reader, "close");
  if (reader.stdout === null) throw new Error("the reader says nothing");
  for await (const line of createInterface({ input: reader.stdout })) {
    const wasDone = run.done;
    if (ended !== undefined) continue;
    if (line.startsWith("page ")) {
      seen++;
      run.told += Number(line.slice("page ".length));
      run.reads.emit("told");
    }
    if (wasDone && line === "equal") ended = seen === 0 ? "end" : "killed";
    else if (seen >= pages) ended = "killed";
    if (ended !== undefined) reader.kill("SIGKILL");
  }
  await gone;
  if (ended === undefined) throw new Error(`the reader ended by itself: ${complaint}`);
  return ended;
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
