/**
 * The ledger's copy: whatever is done to its rows, in however many sessions at once, is rebuilt from the bucket as the same bytes.
 * Long because every way in which a copy is made, dies or is refused begins with the same odd rows, in one bucket.
 */
import { readdir, readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { migrateControl } from "../../functions/control.ts";
import { proveLedgerCopy } from "../../functions/ledger-proof.ts";
import { readRebuildable, rebuildLedger } from "../../functions/ledger-rebuild.ts";
import { readCopiedTables, UNCOPIED } from "../../io/ledger/copied-rows.ts";
import { copyChanges, copyKey, copyObject, readCopyState, renewCopy } from "../../io/ledger/copies.ts";
import { listCopy, readPart } from "../../io/ledger/copy-reading.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { logKey, logObject } from "../../io/ledger/outbox.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { ledgerText } from "../service/ledger-text.ts";

let bucket: TestBucket;
let address: DatabaseAddress;
let ledger: Session;
const made: DatabaseAddress[] = [];
const opened: Session[] = [];

async function migrations(): Promise<{ path: string; bytes: Uint8Array }[]> {
  const folder = new URL("../../migrations/", import.meta.url);
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => ({ path: `migrations/${name}`, bytes: await readFile(new URL(name, folder)) })),
  );
}

async function open(at: DatabaseAddress): Promise<Session> {
  const session = await openSession(at, { application: "test" });
  opened.push(session);
  return session;
}

async function empty(): Promise<{ address: DatabaseAddress; session: Session }> {
  const fresh = await freshDatabase(newestServer());
  made.push(fresh);
  return { address: fresh, session: await open(fresh) };
}

beforeAll(async () => {
  bucket = await startBucket();
});

beforeEach(async () => {
  await bucket.store.erase("");
  ({ address, session: ledger } = await empty());
  await migrateControl(ledger, await migrations());
});

afterEach(async () => {
  for (const session of opened.splice(0)) await session.close();
});

afterAll(async () => {
  await dropDatabases(...made);
  await bucket.stop();
});

/** What the outbox does with events: each is kept in the bucket once the ledger's copy has it. */
async function keepLog(session: Session): Promise<void> {
  const events = await session.query<{ seq: string; body: string; previous: string; hash: string }>(
    "select seq, body, previous, hash from ledger.events where seq <= (select event from ledger.copies)",
  );
  for (const { seq, ...rest } of events) {
    const entry = { seq: Number(seq), ...rest };
    await bucket.store.putOnce(logKey(entry.seq), Buffer.from(logObject(entry)));
  }
}

const person = (session: Session, name: string) =>
  session.query("insert into ledger.people (name, created_by) values ($1, 'test')", [name]);

/** Rows of every kind of column, as odd as they come. */
async function someRows(session: Session): Promise<void> {
  await session.transaction(async () => {
    await person(session, "ada");
    await session.execute(String.raw`
      insert into ledger.keys (hash, id, person, label, scope, created_by, created_at) values
        (repeat('a', 64), 'k1', 'ada', E'tab\t, line\n, back\\slash, "quotes", \u2028 and \U0001F600', 'null'::jsonb, '', '2026-01-02 03:04:05.678901+00'),
        (repeat('b', 64), 'k2', 'ada', '', null, 'x', 'infinity');
      insert into ledger.destinations (name, kind, address, secret, environments, notices, changed_by, changed_at) values
        ('hook', 'webhook', '(a,"b")', 's', array['a,b', '{}', '"', '\', 'NULL', ''], '{}', 'ada', '-infinity'),
        ('mail', 'email', '', 't', null, array['held'], 'ada', '0044-03-15 12:00:00.000001+00 BC');
      insert into ledger.environments (name, role, state, identity, secret, address, policy, fingerprint) values
        ('shop', 'prod', 'canonical', gen_random_uuid(), 's', 'a', '{"b": 1.10, "a": [1e400, "\u0001", null], "": {}}', 'f');
      insert into ledger.releases (hash, project, manifest, uploaded_by) values (repeat('c', 64), 'p', '{}', 'ada');
      insert into ledger.promotions (id, environment, release, requested_by, policy, state_before, facts, error) values
        ('p1', 'shop', repeat('c', 64), 'ada', '{}', 'canonical', '{}', 'null');
      insert into ledger.tasks (id, kind, environment, input, requested_by) values ('t1', 'back-up', 'shop', '{}', 'ada');
      insert into ledger.backups (id, environment, task, manifest_key, manifest_sha256, bytes, rows, retain_until, restore_seconds) values
        ('b1', 'shop', 't1', 'k', 'h', 9223372036854775807, 0, 'infinity', 0.1::float8 + 0.2::float8),
        ('b2', 'shop', null, 'k', 'h', 1, 0, 'infinity', 'NaN');
      update ledger.backups set base = 'b2' where id = 'b1';
      update ledger.tasks set backup = 'b1' where id = 't1';
      insert into ledger.steps (promotion, step, attempt, outcome) values ('p1', 'admit', 1, 'null');`);
    await appendEvent(session, { type: "test.happened", environment: "shop", data: { odd: "\u2028" } });
  });
}

/** Asserts that it is refused with that code, hint and message. */
async function refusal(work: Promise<unknown>, code: string, hint: RegExp, message = /./): Promise<void> {
  expect(await refusalOf(() => work)).toEqual({
    code,
    hint: expect.stringMatching(hint),
    message: expect.stringMatching(message),
  });
}

async function rebuilt(): Promise<{ session: Session; result: Awaited<ReturnType<typeof rebuildLedger>> }> {
  const { session } = await empty();
  return { session, result: await rebuildLedger(session, bucket.store, await migrations()) };
}

test("every table of the ledger has a copy, or a reason to have none", async () => {
  const tables = await ledger.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'ledger'::regnamespace and relkind in ('r', 'p') order by 1",
  );
  const copied = await readCopiedTables(ledger);
  const told = [...copied.map(({ name }) => name), ...Object.keys(UNCOPIED)].sort();
  expect(told).toEqual(tables.map(({ name }) => name).sort());
  // The triggers name the key's columns themselves.
  const triggers = await ledger.query<{ name: string; key: string[] }>(
    `select c.relname as name, substring(pg_get_triggerdef(t.oid) from $1)::text[] as key
      from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = 'copied' order by c.relname collate "C"`,
    [String.raw`note_change\('({[^}]*})'`.replaceAll("\\\\", "\\")],
  );
  expect(triggers).toEqual(copied.map(({ name, key }) => ({ name, key })));
});

test("every column comes back as the same bytes, and keys, sequences and the log go on behind", async () => {
  await someRows(ledger);
  await copyChanges(ledger, bucket.store);
  await ledger.query("update ledger.keys set id = 'k3', hash = repeat('d', 64) where id = 'k2'");
  await ledger.query("update ledger.people set disabled_at = now()");
  await ledger.transaction(() => appendEvent(ledger, { type: "test.happened" }));
  await copyChanges(ledger, bucket.store);
  await keepLog(ledger);
  const before = await ledgerText(address);
  expect(Object.keys(before.rows).length).toBeGreaterThan(15);
  const proof = await proveLedgerCopy(ledger, bucket.store);
  expect(proof).toMatchObject({ from: 1, to: 2, waiting: 0, differences: [] });

  const { session, result } = await rebuilt();
  const after = await ledgerText(session.address, before);
  expect(after.rows).toEqual(before.rows);
  for (const [name, last] of Object.entries(before.sequences))
    expect(Number(after.sequences[name])).toBeGreaterThan(Number(last));
  expect(result).toMatchObject({ from: 1, to: 2, events: 2, interrupted: ["p1", "t1"] });
  expect(result.rows).toMatchObject({ keys: 2, backups: 2, events: 2 });
  // What the rebuild itself did is copied next, on the same chain.
  await copyChanges(session, bucket.store);
  expect((await readPart(bucket.store, 3)).head).toMatchObject({ consistent: true, whole: 1, event: 3 });
  expect(await proveLedgerCopy(session, bucket.store)).toMatchObject({ to: 3, differences: [] });
});

test("sessions that write at once are copied as they committed, whoever copies meanwhile", async () => {
  await someRows(ledger);
  await copyChanges(ledger, bucket.store);
  const writers = await Promise.all(Array.from({ length: 4 }, () => open(address)));
  const copiers = await Promise.all(Array.from({ length: 2 }, () => open(address)));
  let writing = true;
  const copying = copiers.map(async (copier) => {
    while (writing) await copyChanges(copier, bucket.store);
  });
  await Promise.all(
    writers.map(async (writer, who) => {
      for (let n = 0; n < 40; n++)
        await writer.transaction(async () => {
          const name = `p${who}-${n}`;
          await person(writer, name);
          await writer.query("update ledger.environments set fingerprint = $1", [name]);
          await writer.query("insert into ledger.grants values ($1, '*', 'viewer')", [name]);
          if (n % 3 === 0) {
            await writer.query("delete from ledger.grants where person = $1", [name]);
            await writer.query("delete from ledger.people where name = $1", [name]);
          }
          await appendEvent(writer, { type: "test.happened", data: { name } });
        });
    }),
  );
  writing = false;
  await Promise.all(copying);
  await copyChanges(ledger, bucket.store);
  await keepLog(ledger);
  const before = await ledgerText(address);
  const { session } = await rebuilt();
  expect((await ledgerText(session.address, before)).rows).toEqual(before.rows);
});

test("progress alone writes no object, and comes with the next change; of many marks of a row one is kept", async () => {
  await someRows(ledger);
  await copyChanges(ledger, bucket.store);
  const { number } = await readCopyState(ledger);
  for (let done = 0; done < 300; done++)
    await ledger.query("update ledger.steps set progress = $1", [JSON.stringify({ done })]);
  await copyChanges(ledger, bucket.store);
  expect((await readCopyState(ledger)).number).toBe(number);
  const [marks] = await ledger.query<{ n: number }>("select count(*)::int as n from ledger.changes");
  expect(marks?.n).toBe(1);
  await ledger.query("update ledger.environments set fingerprint = 'g'");
  await copyChanges(ledger, bucket.store);
  const { lines } = await readPart(bucket.store, number + 1);
  expect(lines.map(({ table }) => table).sort()).toEqual(["environments", "steps"]);
  expect(lines.find(({ table }) => table === "steps")?.row?.progress).toBe('{"done": 299}');
});

describe("a copier that dies between the object and the ledger", () => {
  /** Stores, and then fails as a process that is gone. */
  const dying = (store: ObjectStore): ObjectStore => ({
    ...store,
    putOnce: async (...put) => {
      await store.putOnce(...put);
      throw new Error("died");
    },
  });

  test("leaves an object that stands; the next goes on behind it, and nothing is lost or twice", async () => {
    await someRows(ledger);
    await expect(copyChanges(ledger, dying(bucket.store))).rejects.toThrow("died");
    await ledger.query("update ledger.environments set fingerprint = 'later'");
    await ledger.query("delete from ledger.destinations where name = 'mail'");
    await copyChanges(ledger, bucket.store);
    await keepLog(ledger);
    expect(await listCopy(bucket.store)).toEqual([1, 2]);
    expect(await proveLedgerCopy(ledger, bucket.store)).toMatchObject({ from: 1, to: 2, differences: [] });
    const before = await ledgerText(address);
    const { session } = await rebuilt();
    expect((await ledgerText(session.address, before)).rows).toEqual(before.rows);
  });

  test("one from before a migration that drops a table is no beginning of a rebuild", async () => {
    const { session: old } = await empty();
    const files = await migrations();
    await migrateControl(old, files);
    await someRows(old);
    await copyChanges(old, bucket.store);
    await old.query("update ledger.destinations set address = 'https://elsewhere.example'");
    await expect(copyChanges(old, dying(bucket.store))).rejects.toThrow("died");
    const text = "drop table ledger.deliveries, ledger.destinations;";
    const last = String(files.length + 1).padStart(4, "0");
    const newer = [...files, { path: `migrations/${last}_less.sql`, bytes: Buffer.from(text) }];
    await migrateControl(old, newer);
    await copyChanges(old, bucket.store);
    await keepLog(old);
    expect(await listCopy(bucket.store)).toEqual([1, 2, 3]);
    const { session } = await empty();
    expect(await rebuildLedger(session, bucket.store, newer)).toMatchObject({ from: 3, to: 3 });
  });

  test("one whose turn was lost amid it changes nothing: the ledger never goes back in the chain", async () => {
    await someRows(ledger);
    const other = await open(address);
    const losing: ObjectStore = {
      ...bucket.store,
      putOnce: async (...put) => {
        const done = await bucket.store.putOnce(...put);
        // As by somebody who goes on with the session.
        await ledger.execute("commit");
        await copyChanges(other, bucket.store);
        return done;
      },
    };
    await expect(copyChanges(ledger, losing)).rejects.toThrow("the turn was lost");
    await person(ledger, "ben");
    await copyChanges(ledger, bucket.store);
    expect(await listCopy(bucket.store)).toEqual([1, 2, 3]);
    expect(await proveLedgerCopy(ledger, bucket.store)).toMatchObject({ to: 3, differences: [] });
  });

  test("an older control database that was put back does not go on: the bucket knows more", async () => {
    await someRows(ledger);
    await copyChanges(ledger, bucket.store);
    const [state] = await ledger.query("select * from ledger.copies");
    await person(ledger, "ben");
    await copyChanges(ledger, bucket.store);
    // As a restore of an hour ago leaves it.
    await ledger.query("delete from ledger.people where name = 'ben'");
    await ledger.execute("delete from ledger.changes");
    await ledger.query("update ledger.copies set number = 1, hash = $1", [(state as { hash: string }).hash]);
    await ledger.query("update ledger.environments set fingerprint = 'other'");
    await refusal(copyChanges(ledger, bucket.store), "LedgerForgotten", /rebuild it from the bucket/);
    expect(await listCopy(bucket.store)).toEqual([1, 2]);
  });
});

test("a ledger from before it had copies is copied whole, by and by, while it changes", async () => {
  await someRows(ledger);
  // As the migration finds it.
  await ledger.execute("delete from ledger.changes; update ledger.copies set whole_begun = null");
  await ledger.query("update ledger.environments set fingerprint = 'changed'");
  await copyChanges(ledger, bucket.store);
  await refusal(readRebuildable(bucket.store), "LedgerCopyMissing", /docs\/operations\/ledger-rebuild/);
  await renewCopy(ledger);
  await renewCopy(ledger);
  await ledger.query("delete from ledger.destinations where name = 'mail'");
  await copyChanges(ledger, bucket.store, { whole: 10 });
  await keepLog(ledger);
  const { head } = await readPart(bucket.store, (await readCopyState(ledger)).number);
  expect(head).toMatchObject({ consistent: true, whole: 2 });
  // What was copied before it began is needed no longer.
  await bucket.store.erase(copyKey(1));
  const before = await ledgerText(address);
  const { session, result } = await rebuilt();
  expect(result.from).toBe(2);
  expect((await ledgerText(session.address, before)).rows).toEqual(before.rows);
});

test("a copy that an older version made is rebuilt by its migrations, and then brought up to date", async () => {
  const { session: old } = await empty();
  const until11 = (await migrations()).filter(({ path }) => path < "migrations/0012");
  await migrateControl(old, until11);
  await someRows(old);
  await copyChanges(old, bucket.store);
  await keepLog(old);
  const { session, result } = await rebuilt();
  expect(result.migration).toBe(11);
  const applied = await session.query("select path from rehearsal.applied");
  expect(applied.length).toBe((await migrations()).length);
  expect(await session.query("select name from ledger.people")).toEqual([{ name: "ada" }]);
  // Until then a row of another shape is one that waits, and no alarm.
  expect(await proveLedgerCopy(session, bucket.store)).toMatchObject({ differences: [] });
  // All rows are copied anew in the new shape, and a rebuild begins there.
  await copyChanges(session, bucket.store);
  const { head, lines } = await readPart(bucket.store, 2);
  expect(head).toMatchObject({ consistent: true, whole: 2 });
  expect(head.migration).toBeGreaterThan(12);
  expect(lines.find(({ table }) => table === "environments")?.row).toHaveProperty("copies_secret", null);
  expect(await proveLedgerCopy(session, bucket.store)).toMatchObject({ from: 2, differences: [] });
  // The other way round there is no way.
  await keepLog(session);
  const { session: older } = await empty();
  await refusal(
    rebuildLedger(older, bucket.store, until11),
    "LedgerCopyNewer",
    /the version that the service had/,
  );
});

test("more than fits into one object is copied in several, and a rebuild ends where the copy is of one instant", async () => {
  await someRows(ledger);
  await copyChanges(ledger, bucket.store);
  await keepLog(ledger);
  const before = await ledgerText(address);
  await ledger.transaction(async () => {
    await ledger.execute(
      "insert into ledger.people (name, created_by) select 'n' || n, 'test' from generate_series(1, 5000) n",
    );
    await appendEvent(ledger, { type: "test.happened" });
  });
  // It dies behind the second of three.
  let puts = 0;
  const failing = {
    ...bucket.store,
    putOnce: async (...put: Parameters<ObjectStore["putOnce"]>) => {
      if (++puts === 3) throw new Error("died");
      return bucket.store.putOnce(...put);
    },
  };
  await expect(copyChanges(ledger, failing)).rejects.toThrow("died");
  const [state] = await ledger.query<{ event: string }>("select event from ledger.copies");
  expect(state?.event).toBe("1");
  const { session, result } = await rebuilt();
  expect(result).toMatchObject({ to: 1, events: 1 });
  expect((await ledgerText(session.address, before)).rows).toEqual(before.rows);
  // The objects behind the end stay in the chain, and what they say is said anew.
  await copyChanges(session, bucket.store);
  await keepLog(session);
  const again = await ledgerText(session.address);
  const { session: second, result: told } = await rebuilt();
  expect(told.to).toBeGreaterThan(3);
  expect((await ledgerText(second.address, again)).rows).toEqual(again.rows);
});

describe("what does not hold is refused, and named", () => {
  const chain = async () => {
    await someRows(ledger);
    for (let n = 0; n < 4; n++) {
      await copyChanges(ledger, bucket.store);
      await ledger.query("update ledger.environments set fingerprint = $1", [`f${n}`]);
      await ledger.transaction(() => appendEvent(ledger, { type: "test.happened", data: { n } }));
    }
    await copyChanges(ledger, bucket.store);
    await keepLog(ledger);
  };
  const refused = async (reason: RegExp, code: "LedgerCopyBroken" | "LogBroken" = "LedgerCopyBroken") => {
    const { session } = await empty();
    await refusal(
      rebuildLedger(session, bucket.store, await migrations()),
      code,
      code === "LogBroken" ? /./ : /list-object-versions/,
      reason,
    );
    // Nothing of it stays.
    const [people] = await session.query<{ there: string | null }>(
      "select to_regclass('ledger.people')::text as there",
    );
    const count = people?.there ? await session.query("select 1 from ledger.people") : [];
    expect(count).toEqual([]);
  };

  test("an object that is missing, altered or in another's place", async () => {
    await chain();
    const third = await bucket.store.get(copyKey(3));
    await bucket.store.erase(copyKey(3));
    await refused(/ledger\/000000000003\.jsonl\.zst: it is missing/);
    expect((await proveLedgerCopy(ledger, bucket.store)).broken).toEqual({
      key: copyKey(3),
      reason: "it is missing",
    });

    const damaged = Buffer.from(third);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 9) ^ 1, damaged.length - 9);
    await bucket.store.put(copyKey(3), damaged);
    await refused(/000000000003\.jsonl\.zst: it cannot be read/);

    await bucket.store.put(copyKey(3), await bucket.store.get(copyKey(2)));
    await refused(/000000000003\.jsonl\.zst: it says of itself that it is object 2/);

    const { head, lines } = await readPart(bucket.store, 4);
    await bucket.store.put(copyKey(3), copyObject({ ...head, number: 3 }, lines));
    await refused(/000000000003\.jsonl\.zst: it follows an object with the sha256/);

    await bucket.store.put(copyKey(3), third);
    expect((await rebuilt()).result.to).toBe(5);
  });

  test("an altered newest object, which only the living ledger's own hash tells", async () => {
    await chain();
    const { head, lines } = await readPart(bucket.store, 5);
    const other = lines.map((line) =>
      line.table === "environments" ? { ...line, row: { ...line.row, address: "elsewhere" } } : line,
    );
    await bucket.store.put(copyKey(5), copyObject(head, other));
    expect((await proveLedgerCopy(ledger, bucket.store)).broken?.reason).toMatch(/and the ledger wrote/);
  });

  test("the newest object missing: the log's own copies tell of events that it has not", async () => {
    await chain();
    await bucket.store.erase(copyKey(5));
    await refused(/the ledger ends before it, but the bucket has copies up to event/, "LogBroken");
  });

  test("a second rebuild while the first goes on, as of a call whose answer was late", async () => {
    await chain();
    const { address, session } = await empty();
    const other = await open(address);
    let second: Promise<unknown> | undefined;
    const first = await rebuildLedger(session, bucket.store, await migrations(), () => {
      second ??= migrations().then((files) => refusalOf(() => rebuildLedger(other, bucket.store, files)));
    });
    expect(first).toMatchObject({ to: 5 });
    expect(await second).toMatchObject({ code: "RunnerBusy" });
  });

  test("a control database that is not empty", async () => {
    await chain();
    await refusal(
      rebuildLedger(ledger, bucket.store, await migrations()),
      "ControlDatabaseNotEmpty",
      /make an empty database/,
      /ledger\.environments has 1 rows/,
    );
    const { session } = await empty();
    await session.execute("create schema shop; create table shop.orders (id int)");
    await refusal(
      rebuildLedger(session, bucket.store, await migrations()),
      "ControlDatabaseNotEmpty",
      /make an empty database/,
      /shop\.orders/,
    );
  });

  test("a row changed beside its trigger is told by its name", async () => {
    await chain();
    await ledger.execute(
      "alter table ledger.people disable trigger copied; update ledger.people set created_by = 'nobody'",
    );
    expect((await proveLedgerCopy(ledger, bucket.store)).differences).toEqual([
      { table: "people", key: ["ada"], reason: "has another created_by" },
    ]);
  });
});
