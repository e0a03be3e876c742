/**
 * A store follows its database: whatever is done there, whoever dies, and whoever else follows at the same time.
 *
 * Long because whoever may write beside a sync has a case here.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { feedMigration } from "../../../../core/feed-migration.ts";
import { schemaLock } from "../../../../core/schema-lock.ts";
import { readShape } from "../../../../io/postgres/shape.ts";
import { type JsonStore, openJsonStore } from "../../../../io/store/json-store.ts";
import { exportStore } from "../../../../io/store/move/export.ts";
import { cursorOf } from "../../../../io/store/move/export-notes.ts";
import { Findings } from "../../../../io/store/move/findings.ts";
import { importStore } from "../../../../io/store/move/import.ts";
import { syncOnce } from "../../../../io/store/move/sync.ts";
import { settleRows } from "../../../../io/store/move/unsettled.ts";
import { verifyStore } from "../../../../io/store/move/verify.ts";
import { openPlace } from "../../../../io/store/open-place.ts";
import type { Place } from "../../../../io/store/place.ts";
import { dropDatabases, execute, rows } from "../../../postgres.ts";
import { refusalOf } from "../../../refusal.ts";
import { Dice } from "../../random-values.ts";
import { CHATS_MARKS, CHATS_SQL, CHATS_YAML, fillChats } from "./chats.ts";
import { FEED, type MovedDatabase, movedDatabase, within } from "./database.ts";

/** Transactions of the writers together, and how often the reader is killed. */
const WRITES = Number(process.env.REHEARSAL_STORE_WRITES ?? 120);
const WRITERS = 4;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sync-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Moved extends MovedDatabase {
  place: Place;
  store: JsonStore;
}

async function moved(name: string, work: (moved: Moved) => Promise<void>): Promise<void> {
  const database = await movedDatabase(CHATS_SQL + fillChats(20), CHATS_YAML, CHATS_MARKS);
  const place = await openPlace(join(folder, name));
  await exportStore({ ...database, application: "test", place, id: name, feed: FEED });
  const store = await openJsonStore({ place, definition: database.definition, as: "follower" });
  try {
    await work({ ...database, place, store });
  } finally {
    await store.close();
    await dropDatabases(database.address);
  }
}

const sync = ({ address, store }: Moved) =>
  within(address, (session) => syncOnce({ session, store, feed: FEED }));

async function expectEqual({ address, store }: Moved): Promise<void> {
  const found = await verifyStore({ store, database: { address, application: "test", feed: FEED } });
  expect(found.problems).toEqual([]);
  for (const model of Object.values(found.models)) expect(model.files).toEqual(model.database);
}

test("inserts, updates, deletes, cascades, other keys, conflicts, contents and truncates come over, and then there is nothing more", () =>
  moved("all", async (it) => {
    const { address, store } = it;
    await execute(
      address,
      `insert into messages (chat_id, body) select 'c1', 'more ' || g from generate_series(1, 2500) g;
       update chats set title = 'other' where id in ('c2', 'c3');
       delete from chats where id = 'c4'; delete from messages where id = 5;
       update users set id = 'u9' where id = 'u1' and not exists (select from chats where user_id = 'u1');
       update tags set id = 't9', name = 'nine' where id = 't1' and not exists (select from chat_tags where tag_id = 't1');
       insert into tags values ('t2', 'two') on conflict (id) do update set name = excluded.name;
       update images set data = 'changed' where id = 2; update images set chat_id = null where id = 3;
       update messages set chat_id = 'c2' where id = 9`,
    );
    const first = await sync(it);
    expect(first).toMatchObject({ complete: true, lag: { changes: 0 }, settled: 0 });
    expect(first.changes).toBeGreaterThan(2_500);
    await expectEqual(it);
    await execute(
      address,
      "truncate images; insert into images values (77, 'c1', null, 'new'); truncate messages, chats, chat_tags, images cascade; insert into chats (id, user_id) values ('c99', 'u2')",
    );
    await sync(it);
    expect(await store.count("Chat")).toBe(1);
    expect(await store.count("Image")).toBe(0);
    await expectEqual(it);
    const { seq } = await store.head();
    expect(await sync(it)).toMatchObject({ changes: 0, put: 0, deleted: 0, complete: true });
    expect((await store.head()).seq).toBe(seq);
  }));

test("a follower that is killed at any moment goes on where it was while writers write, and a look at both finds nothing", () =>
  moved("killed", async (it) => {
    const { address, store } = it;
    let written = 0;
    const write = async (writer: number) => {
      const dice = new Dice(writer + 1);
      await within(address, async (session) => {
        await session.execute("set search_path = public");
        for (; written < WRITES; written++) {
          const chat = `w${writer}-${dice.below(6)}`;
          const statements = [
            `insert into chats (id, user_id, title) values ('${chat}', 'u${dice.between(1, 3)}', 'by ${writer}') on conflict (id) do update set title = excluded.title || ' again'`,
            `insert into messages (chat_id, body, tokens) select '${chat}', 'm' || g, random() from generate_series(1, ${dice.between(1, 8)}) g`,
            `update messages set body = body || '!' where id % 17 = ${dice.below(17)} and chat_id like 'w${writer}%'`,
            dice.chance(0.1) ? `delete from chats where id = '${chat}'` : "select pg_sleep(0.002)",
          ];
          // One of a few takes long, and one of a few comes to nothing.
          if (dice.chance(0.1)) statements.splice(1, 0, "select pg_sleep(0.1)");
          await session.execute(
            `begin; ${statements.join("; ")}; ${dice.chance(0.1) ? "rollback" : "commit"}`,
          );
        }
      });
    };
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    let over = false;
    const done = writing.finally(() => {
      over = true;
    });
    const dice = new Dice(99);
    let kills = 0;
    while (!over) {
      const child = fork(fileURLToPath(new URL("follower.ts", import.meta.url)), [
        JSON.stringify({
          address,
          folder: join(folder, "killed"),
          definition: it.definition,
          dieAt: dice.between(2, 30),
        }),
      ]);
      const [code, signal] = await once(child, "exit");
      expect(code === 0 || signal === "SIGKILL").toBe(true);
      if (signal === "SIGKILL") kills++;
    }
    await done;
    expect(kills).toBeGreaterThan(0);
    expect((await sync(it)).complete).toBe(true);
    await expectEqual(it);
    // Whoever reads from the cursor is told nothing that the store has not had.
    const cursor = cursorOf((await store.head()).notes, "");
    expect(cursor.to).toBeUndefined();
    expect((await sync(it)).changes).toBe(0);
  }));

test("two that follow at once do not undo each other's work, and a look while others write tells of no difference", () =>
  moved("two", async (it) => {
    const { address, definition } = it;
    const second = await openJsonStore({
      place: await openPlace(join(folder, "two")),
      definition,
      as: "follower",
    });
    let over = false;
    const writing = within(address, async (session) => {
      await session.execute("set search_path = public");
      for (let round = 0; round < 40; round++)
        await session.execute(
          `update chats set title = 'round ${round}'; insert into messages (chat_id, body) values ('c${(round % 20) + 1}', 'r')`,
        );
      over = true;
    });
    const overtaken = new Set<string>();
    const follow = async (store: JsonStore) => {
      while (!over)
        try {
          await sync({ ...it, store });
        } catch (error) {
          overtaken.add((error as { code: string }).code);
        }
    };
    const looks: number[] = [];
    const look = async () => {
      while (!over) {
        const found = await verifyStore({
          store: it.store,
          database: { address, application: "test", feed: FEED },
        }).catch((error: { code?: string }) => error);
        if ("found" in found) {
          expect(found.problems).toEqual([]);
          looks.push(found.found);
        } else expect(found.code).toBe("StoreSyncOvertaken");
      }
    };
    await Promise.all([writing, follow(second), look()]);
    await second.close();
    expect([...overtaken].every((code) => code === "StoreSyncOvertaken")).toBe(true);
    await sync(it);
    await expectEqual(it);
  }));

test("rows that move between partitions, and partitions that are emptied, are followed as the table's own", async () => {
  const database = await movedDatabase(
    `create table events (day date, number int, what text, primary key (day, number)) partition by range (day);
     create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
     create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
     insert into events select '2026-01-01'::date + g, g, 'e' || g from generate_series(0, 49) g;`,
    'models: { Event: { table: events, file: "events/{day}.jsonl" } }',
  );
  const place = await openPlace(join(folder, "partitions"));
  await exportStore({ ...database, application: "test", place, id: "one", feed: FEED });
  const store = await openJsonStore({ place, definition: database.definition, as: "follower" });
  try {
    await execute(
      database.address,
      "update events set day = day + 31 where number < 5; update events set what = 'w' where number = 40; insert into events_2 values ('2026-02-28', 99, 'in')",
    );
    await sync({ ...database, place, store });
    await expectEqual({ ...database, place, store });
    await execute(database.address, "truncate events_2");
    await sync({ ...database, place, store });
    await expectEqual({ ...database, place, store });
    expect(await store.count("Event")).toBe(26);

    // DDL is not told: one that came with rows, and without triggers, is asked for; one that went took its rows along.
    await execute(
      database.address,
      `create table events_3 (like events including all); insert into events_3 values ('2026-03-05', 1, 'came');
        alter table events attach partition events_3 for values from ('2026-03-01') to ('2026-04-01')`,
    );
    expect(await refusalOf(() => sync({ ...database, place, store }))).toMatchObject({
      code: "FeedIncomplete",
      hint: expect.stringContaining("rehearsal feed add"),
    });
    const lock = await within(database.address, async (session) => schemaLock(await readShape(session)));
    await execute(database.address, feedMigration(lock, "changes", ["events"]).sql);
    expect(await sync({ ...database, place, store })).toMatchObject({ put: 27 });
    await expectEqual({ ...database, place, store });
    expect(await sync({ ...database, place, store })).toMatchObject({ put: 0 });
    await execute(database.address, "alter table events detach partition events_3");
    await sync({ ...database, place, store });
    await expectEqual({ ...database, place, store });
    expect(await store.count("Event")).toBe(26);
    const imported = await importStore({ ...database, application: "test", place, replace: true });
    expect(imported.rows).toBe(26);
  } finally {
    await store.close();
    await dropDatabases(database.address);
  }
});

test("a table with other partitions is read anew in several commits, and between them no row of it is missing", async () => {
  const database = await movedDatabase(
    `create table events (day date, number int, what text, primary key (day, number)) partition by range (day);
     create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
     create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
     insert into events select '2026-01-01'::date + g % 59, g, repeat('e', 50000) from generate_series(1, 400) g;`,
    'models: { Event: { table: events, file: "events/{day}.jsonl" } }',
  );
  const place = await openPlace(join(folder, "several"));
  await exportStore({ ...database, application: "test", place, id: "several", feed: FEED });
  const store = await openJsonStore({ place, definition: database.definition, as: "follower" });
  const counts: number[] = [];
  const counted: JsonStore = {
    ...store,
    apply: async (...given) => {
      await store.apply(...given);
      counts.push(await store.count("Event"));
    },
  };
  try {
    await execute(database.address, "alter table events detach partition events_2");
    const [{ left = 0 } = {}] = await rows<{ left: number }>(
      database.address,
      "select count(*)::int as left from public.events",
    );
    await sync({ ...database, place, store: counted });
    expect(counts.length).toBeGreaterThan(1);
    expect(counts.slice(0, -1).every((count) => count === 400)).toBe(true);
    expect(counts.at(-1)).toBe(left);
    await expectEqual({ ...database, place, store });

    // So is a table that was emptied and filled again.
    counts.length = 0;
    await execute(
      database.address,
      "create table kept as select * from events; truncate events; insert into events select day, number, what || '!' from kept where number > 1",
    );
    await sync({ ...database, place, store: counted });
    expect(Math.min(...counts)).toBe(left - 1);
    await expectEqual({ ...database, place, store });
  } finally {
    await store.close();
    await dropDatabases(database.address);
  }
});

test("a store without a feed does not follow, and comes back as it went", async () => {
  const database = await movedDatabase(CHATS_SQL + fillChats(5), CHATS_YAML);
  const place = await openPlace(join(folder, "still"));
  await exportStore({ ...database, application: "test", place, id: "still" });
  const store = await openJsonStore({ place, definition: database.definition, as: "follower" });
  try {
    expect(await refusalOf(() => sync({ ...database, place, store }))).toEqual({
      code: "StoreNotFollowed",
      message: expect.stringContaining("was exported without a change feed"),
      hint: "add a feed of the tables with: rehearsal feed add TABLE…, promote it, and export again",
    });
    // Circles of tables that point at each other are no hindrance, and their constraints are as they were.
    const imported = await importStore({ ...database, application: "test", place, replace: true });
    expect(imported.replaced).toBe(imported.rows);
    const [left] = await within(database.address, (session) =>
      session.query<{ count: number }>(
        "select count(*)::int as count from pg_constraint where contype = 'f' and condeferrable",
      ),
    );
    expect(left?.count).toBe(0);
  } finally {
    await store.close();
    await dropDatabases(database.address);
  }
});

test("a row that was another at each look is looked at by itself: what both hold alike is settled, what they do not stays", () =>
  moved("unsettled", async (it) => {
    const { address, store } = it;
    const found = new Findings();
    found.add({ problem: "file-damaged", path: "tags.json", reason: "somebody else's" });
    for (const id of ["c1", "c2", "c3"])
      found.add({ problem: "row-unsettled", model: "Chat", key: `["${id}"]`, mark: id });
    // What the feed tells is brought over first; what nobody told is a difference.
    await execute(
      address,
      `update public.chats set title = 'told' where id = 'c2';
        begin; set local session_replication_role = replica; set local rehearsal.restoring = on;
        update public.chats set title = 'untold' where id = 'c3'; commit`,
    );
    const database = { address, application: "test", feed: FEED };
    const left = await settleRows({ store, database }, found);
    expect(left.problems().map(({ problem, key }) => [problem, key])).toEqual([
      ["file-damaged", undefined],
      ["row-unsettled", '["c3"]'],
    ]);
    expect((await store.get("Chat", { id: "c2" }))?.title).toBe("told");
  }));
