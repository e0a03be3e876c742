/**
 * The change feed against real servers: what its triggers tell of, and what a reader by snapshots is given of it.
 * Long because each way to write is told of in one place, and what readers and retention do with it is asked of the same tables.
 */
import { afterAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { FeedChange, FeedCursor } from "../../core/feed.ts";
import { readArchived } from "../../io/postgres/acts.ts";
import {
  assertFollowed,
  currentCursor,
  forgetChanges,
  lagOf,
  listFeeds,
  readChanges,
} from "../../io/postgres/feed.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { follow } from "../feed.ts";
import {
  dropDatabases,
  execute,
  freshDatabase,
  newestServer,
  olderThanAll,
  rows,
  servers,
} from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

const made: DatabaseAddress[] = [];
afterAll(() => dropDatabases(...made));

const FEED = "public.changes";

/** A database with these tables, and the feed that follows those named. */
async function followed(server: { address: DatabaseAddress }, sql: string, tables: string[]) {
  const address = await freshDatabase(server, sql);
  made.push(address);
  await follow(address, tables);
  return address;
}

async function on<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "feed test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const now = (address: DatabaseAddress) => on(address, (session) => currentCursor(session, FEED));

/** All that is behind the cursor, by pages of that size. */
async function all(address: DatabaseAddress, from: FeedCursor, limit = 1000) {
  return on(address, async (session) => {
    const changes: FeedChange[] = [];
    for (let cursor = from; ; ) {
      const delta = await readChanges(session, FEED, cursor, limit);
      changes.push(...delta.changes);
      expect(delta.changes.length).toBeLessThanOrEqual(limit);
      cursor = delta.cursor;
      if (delta.complete) return { changes, cursor };
    }
  });
}

/** `insert users 1`, in order. */
const told = (changes: readonly FeedChange[]) =>
  changes.map(({ change, table, key }) => [change, table, ...Object.values(key ?? {})].join(" "));

describe.each(servers)("on Postgres $major", (server) => {
  test("every way to write is told of, row by row, with keys as the server writes them", async () => {
    const address = await followed(
      server,
      `create table users (id bigint primary key, name text);
      create table posts (id int primary key, author bigint references users on delete cascade on update cascade);
      create table "Odd Table" ("Key" timestamptz, "order" numeric(6,2), ok boolean, code char(4), raw bytea, primary key ("Key", "order", ok, code, raw));
      create table parted (id int, region text, primary key (id, region)) partition by list (region);
      create table parted_a partition of parted for values in ('a');
      create table parted_b partition of parted for values in ('b') partition by range (id);
      create table parted_b1 partition of parted_b for values from (0) to (100);`,
      ["users", "posts", "Odd Table", "parted"],
    );
    const begun = await now(address);
    let cursor = begun;
    const tells = async (sql: string) => {
      await execute(address, sql);
      const read = await all(address, cursor, 2);
      cursor = read.cursor;
      return told(read.changes);
    };

    expect(await tells("insert into users values (1, 'a'), (2, 'b'); update users set name = 'c'")).toEqual([
      ...["insert users 1", "insert users 2", "update users 1", "update users 2"],
    ]);
    expect(await tells("insert into posts values (10, 1), (11, 2)")).toEqual([
      "insert posts 10",
      "insert posts 11",
    ]);
    expect(await tells("update users set id = 3 where id = 1")).toEqual([
      ...["delete users 1", "insert users 3", "update posts 10"],
    ]);
    expect(
      await tells(
        "insert into users values (2, 'x'), (4, 'y') on conflict (id) do update set name = excluded.name",
      ),
    ).toEqual(["update users 2", "insert users 4"]);
    expect(
      await tells(
        "insert into users values (2, 'x') on conflict do nothing; update users set name = '' where false",
      ),
    ).toEqual([]);
    expect(
      await tells(`merge into users u using (values (2), (4), (5)) v (id) on u.id = v.id
        when matched and v.id = 2 then delete when matched then update set name = 'm'
        when not matched then insert values (v.id, 'n')`),
    ).toEqual(["delete users 2", "update users 4", "insert users 5", "delete posts 11"]);
    expect(
      await tells(
        "begin; insert into users values (6); savepoint s; insert into users values (7); rollback to s; insert into users values (8); commit",
      ),
    ).toEqual(["insert users 6", "insert users 8"]);
    expect(
      await tells(`do $$ begin insert into users values (9); begin insert into users values (9); exception when unique_violation then null; end;
        begin delete from users where id = 9; raise exception 'no'; exception when raise_exception then null; end; end $$`),
    ).toEqual(["insert users 9"]);
    expect(await tells("begin; insert into users values (20); rollback")).toEqual([]);
    expect(await tells("begin; insert into users values (21); prepare transaction 'feed'")).toEqual([]);
    expect(await on(address, (session) => lagOf(session, FEED, cursor))).toEqual({
      changes: 0,
      since: null,
      prepared: 1,
    });
    expect(await tells("insert into users values (22)")).toEqual(["insert users 22"]);
    expect(await tells("commit prepared 'feed'")).toEqual(["insert users 21"]);
    expect(await tells("set session_replication_role = replica; insert into users values (23)")).toEqual([
      "insert users 23",
    ]);
    expect(await tells("truncate users cascade")).toEqual(
      expect.arrayContaining(["truncate users", "truncate posts"]),
    );

    // Whoever writes has settings of theirs; the texts of a key are those of our sessions.
    expect(
      await tells(`set timezone = 'America/New_York'; set datestyle = 'German'; set bytea_output = 'escape';
        insert into "Odd Table" values ('2026-11-22 01:02:03.000004+00', 5, true, 'ab', '\\x00ff')`),
    ).toEqual(["insert Odd Table t 2026-11-22 01:02:03.000004+00 \\x00ff ab   5.00"]);
    expect(await all(address, begun).then(({ changes }) => changes.at(-1)?.key)).toEqual({
      ...{ Key: "2026-11-22 01:02:03.000004+00", order: "5.00", ok: "t", code: "ab  ", raw: "\\x00ff" },
    });

    expect(
      await tells(
        "insert into parted values (1, 'a'), (2, 'b'); insert into parted_b1 values (3, 'b'); update parted set region = 'a' where id = 2",
      ),
    ).toEqual([
      "insert parted 1 a",
      "insert parted 2 b",
      "insert parted 3 b",
      "delete parted 2 b",
      "insert parted 2 a",
    ]);
    expect(await tells("truncate parted_b1")).toEqual(["truncate parted"]);
    expect(await tells("truncate parted").then((all) => new Set(all))).toEqual(new Set(["truncate parted"]));
    expect(
      await tells(
        "create table parted_c partition of parted for values in ('c'); set session_replication_role = replica; insert into parted_c values (4, 'c')",
      ),
    ).toEqual(["insert parted 4 c"]);

    const everything = [
      { schema: "public", table: "users" },
      { schema: "public", table: "Odd Table" },
      { schema: "public", table: "parted" },
    ];
    const refused = await refusalOf(() =>
      on(address, (session) => assertFollowed(session, FEED, everything)),
    );
    expect(refused).toMatchObject({
      code: "FeedIncomplete",
      message: expect.stringContaining("_record_truncate on public.parted_c missing"),
      hint: expect.stringContaining('rehearsal feed add "public.parted"'),
    });
    await follow(address, ["parted", "users"]);
    await on(address, (session) => assertFollowed(session, FEED, everything));
    await execute(address, "alter table posts drop constraint posts_pkey, add primary key (id, author)");
    const posts = [{ schema: "public", table: "posts" }];
    expect(
      await refusalOf(() => on(address, (session) => assertFollowed(session, FEED, posts))),
    ).toMatchObject({
      message: expect.stringContaining(
        "_record_change on public.posts, _record_truncate on public.posts missing",
      ),
    });
    await follow(address, ["posts"]);
    await on(address, (session) => assertFollowed(session, FEED, posts));
    await execute(address, "alter table users disable trigger _record_change");
    expect(
      await refusalOf(() => on(address, (session) => assertFollowed(session, FEED, everything))),
    ).toMatchObject({
      message: expect.stringContaining("_record_change on public.users missing"),
    });
  });
});

describe("the reader", () => {
  test("tells what was committed late though its position is small, and waits for nothing that is open", async () => {
    const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
    const early = await openSession(address, { application: "early" });
    let cursor = await now(address);
    await early.execute("begin; insert into public.t values (1)");
    await execute(address, "insert into t values (2)");
    const first = await all(address, cursor);
    expect(told(first.changes)).toEqual(["insert t 2"]);
    cursor = first.cursor;
    await early.execute(
      "savepoint s; insert into public.t values (3); rollback to s; insert into public.t values (4); commit",
    );
    await early.close();
    const second = await all(address, cursor);
    expect(told(second.changes)).toEqual(["insert t 1", "insert t 4"]);
    expect(Number(second.changes[0]?.position)).toBeLessThan(Number(first.changes[0]?.position));
    expect((await all(address, second.cursor)).changes).toEqual([]);
  });

  test("a delta is one consistent cut, however many pages it has and whatever is committed between them", async () => {
    const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
    const cursor = await now(address);
    await execute(address, "insert into t select generate_series(1, 7)");
    await on(address, async (session) => {
      const one = await readChanges(session, FEED, cursor, 3);
      expect([told(one.changes), one.complete]).toEqual([["insert t 1", "insert t 2", "insert t 3"], false]);
      await execute(address, "insert into t values (8); update t set id = 9 where id = 1");
      expect(await lagOf(session, FEED, one.cursor)).toMatchObject({ changes: 7, since: expect.any(Date) });
      const two = await readChanges(session, FEED, one.cursor, 4);
      expect([told(two.changes), two.complete]).toEqual([
        ["insert t 4", "insert t 5", "insert t 6", "insert t 7"],
        true,
      ]);
      // The cursor is plain JSON; a page that is asked for again is the same.
      const again = await readChanges(session, FEED, JSON.parse(JSON.stringify(one.cursor)), 4);
      expect(again.changes).toEqual(two.changes);
      const three = await readChanges(session, FEED, two.cursor, 4);
      expect([told(three.changes), three.complete]).toEqual([
        ["insert t 8", "delete t 1", "insert t 9"],
        true,
      ]);
      // Rows beside their changes are read in the transaction of the page, which is one of the caller's.
      await session.transaction(async () => {
        await readChanges(session, FEED, cursor, 100);
        await execute(address, "delete from t");
        expect(await session.query("select from public.t")).toHaveLength(8);
      }, "begin isolation level repeatable read, read only");
    });
  });

  test("an export's cursor and its rows meet without a gap: what its snapshot does not show is told", async () => {
    const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
    const open = await openSession(address, { application: "open" });
    await execute(address, "insert into t values (1)");
    await open.execute("begin; insert into public.t values (2)");
    const cursor = await on(address, (session) =>
      session.transaction(async () => {
        const cursor = await currentCursor(session, FEED);
        await execute(address, "insert into t values (3)");
        expect(await session.query("select id from public.t")).toEqual([{ id: 1 }]);
        return cursor;
      }, "begin isolation level repeatable read, read only"),
    );
    await open.execute("commit");
    await open.close();
    expect(told((await all(address, cursor)).changes)).toEqual(["insert t 2", "insert t 3"]);
    // A transaction that writes does not stand in its own snapshot.
    await expect(
      on(address, (session) =>
        session.transaction(async () => {
          await session.execute("insert into public.t values (4)");
          return currentCursor(session, FEED);
        }, "begin isolation level repeatable read"),
      ),
    ).rejects.toThrow("writes nothing");
  });

  test("what a restore brought is no change here, and cursors of another place are refused", async () => {
    const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
    const before = await now(address);
    await execute(address, "insert into t values (1)");
    const copy = { ...address, database: `${address.database}_copy` };
    await execute(
      { ...address, database: "postgres" },
      `create database ${copy.database} template ${address.database}`,
    );
    made.push(copy);
    // A server whose transactions are many more: some of those numbers will be given here soon, and the last ones not before this ends.
    await execute(
      copy,
      `insert into changes (position, xid, table_name, key, change) overriding system value
        select 100 + n, (pg_current_xact_id()::text::bigint + n * n * n)::text::xid8, 'public.t', '{"id": "0"}', 'insert' from generate_series(1, 40) n;
      alter table changes alter position restart with 200`,
    );
    const cursor = await now(copy);
    expect(cursor.above).toBe("140");
    for (let n = 2; n < 60; n++) await execute(copy, `insert into t values (${n})`);
    const read = await all(copy, cursor, 10);
    expect(read.changes).toHaveLength(58);
    expect(await on(copy, (session) => lagOf(session, FEED, cursor))).toMatchObject({ changes: 58 });

    const foreign = { code: "FeedCursorForeign", hint: expect.stringContaining("export again") };
    const refused = (from: FeedCursor, reason: string) =>
      expect(refusalOf(() => all(address, from))).resolves.toMatchObject({
        ...foreign,
        message: expect.stringContaining(reason),
      });
    await refused(cursor, "another database");
    await refused({ ...before, server: "7" }, "another server");
    await refused({ ...before, timeline: before.timeline + 1 }, "took over");
    await refused({ ...before, lsn: "FFFFFFFF/0" }, "older copy");
    await refused({ ...before, snapshot: "x" }, "no cursor");
    await execute(
      address,
      "alter table changes rename to other; create table changes (like other including all)",
    );
    await refused(before, "made anew");
    await execute(address, "drop table changes");
    expect(await refusalOf(() => all(address, before))).toMatchObject({
      code: "FeedMissing",
      hint: expect.stringContaining("rehearsal feed add"),
    });
  });
});

describe("retention", () => {
  test("forgets what the slowest reader has had and nothing that is open; who would miss something is refused", async () => {
    const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
    const forget = (before: FeedCursor | { days: number }) =>
      on(address, (session) => forgetChanges(session, FEED, before));
    const start = await now(address);
    await execute(address, "insert into t select generate_series(1, 10)");
    // Of other tests on the server as well, whatever is older than that would hold it back.
    await olderThanAll(address);
    const open = await openSession(address, { application: "open" });
    await open.execute("begin; insert into public.t values (100)");
    await execute(address, "insert into t values (11)");
    const middle = (await all(address, start)).cursor;
    // What was written beside the open transaction stays until that one has ended.
    expect(await forget(middle)).toBe(10);
    expect(await forget(middle)).toBe(0);
    expect(await refusalOf(() => all(address, start))).toMatchObject({
      code: "FeedCursorExpired",
      hint: expect.stringContaining("export again"),
    });
    await open.execute("commit");
    await open.close();
    const late = await all(address, middle);
    expect(told(late.changes)).toEqual(["insert t 100"]);
    await olderThanAll(address);
    expect(await forget(late.cursor)).toBeGreaterThanOrEqual(0);
    expect((await all(address, late.cursor)).changes).toEqual([]);

    await execute(address, "insert into t values (12)");
    await execute(address, "update changes set at = now() - interval '3 days' where position > 0");
    await execute(address, "insert into t values (13)");
    await olderThanAll(address);
    expect(await forget({ days: 2 })).toBeGreaterThanOrEqual(1);
    expect(await refusalOf(() => all(address, late.cursor))).toMatchObject({ code: "FeedCursorExpired" });
    expect(told((await all(address, await now(address))).changes)).toEqual([]);
    expect(await rows(address, "select key ->> 'id' as id from public.changes where position > 0")).toEqual([
      { id: "13" },
    ]);
    // A mark of another place says nothing here.
    await execute(address, `update changes set key = jsonb_set(key, '{database}', '"1"') where position = 0`);
    expect(told((await all(address, late.cursor)).changes)).toEqual(["insert t 13"]);
  });
});

test("whoever has written and stays open keeps no reader waiting", async () => {
  const address = await followed(newestServer(), "create table t (id int primary key)", ["t"]);
  const from = await now(address);
  await execute(address, "insert into t values (1)");
  const writer = await openSession(address, { application: "feed writer" });
  try {
    await writer.execute("begin; insert into public.t values (2)");
    const begun = performance.now();
    expect(told((await all(address, from)).changes)).toEqual(["insert t 1"]);
    // By itself the server puts what is not committed on disk after up to fifteen seconds.
    expect(performance.now() - begun).toBeLessThan(5_000);
  } finally {
    await writer.close();
  }
});

test("feeds are found by the triggers that write to them", async () => {
  const address = await followed(
    newestServer(),
    "create table t (id int primary key); create table position (xid int)",
    ["t"],
  );
  expect(await on(address, listFeeds)).toEqual(['"public"."changes"']);
});

test("the outbox of archive events is read by the same reader, in the order in which it was told", async () => {
  const address = await freshDatabase(newestServer());
  made.push(address);
  await on(address, async (session) => {
    await installIdentity(session, {
      name: "e",
      role: "dev",
      state: "writeable",
      identity: crypto.randomUUID(),
    });
    for (const record of ["1", "2", "3"])
      await session.query("select rehearsal.record_archived('jobs', $1)", [record]);
    const [first, second] = await readArchived(session, 2);
    expect([first?.record, second?.record]).toEqual(["1", "2"]);
    expect((await readArchived(session, 2, second?.id)).map(({ record }) => record)).toEqual(["3"]);
  });
});
