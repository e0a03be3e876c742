/**
 * What a prune meets while it works: others who write, triggers, damage, and itself a second time.
 * Long because all of it happens to the same few tables.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { inventorySchema } from "../../core/inventory-schema.ts";
import { planRetention } from "../../core/prune/check.ts";
import type { PrunePlan } from "../../core/prune/plan.ts";
import { understandRetention } from "../../core/prune/policy.ts";
import { readArchived, writeAct } from "../../io/postgres/acts.ts";
import { countBacklog, standingOf } from "../../io/postgres/prune/backlog.ts";
import { readCandidates } from "../../io/postgres/prune/candidates.ts";
import { deleteRecord } from "../../io/postgres/prune/delete-record.ts";
import { checkIntact } from "../../io/postgres/prune/intact.ts";
import { restoreRecord } from "../../io/postgres/prune/restore-record.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { ensureLife, installIdentity, takeToken } from "../../io/postgres/target-schema.ts";
import { openBundle, type PruneBundle, verifyBundle, writeBundle } from "../../io/prune-bundle.ts";
import { type MediaStorage, removeMedia, restoreMedia } from "../../io/prune-media.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

const TABLES = `
  create table jobs (id bigint generated always as identity primary key, status text not null, archived_at timestamptz);
  create table finals (id int primary key, job bigint not null references jobs, payload jsonb not null, sha text not null);
  create table rounds (id int primary key, job bigint not null references jobs, note text);
  create table images (id int primary key, round int not null references rounds, key text, sha text, bytes int);
  create table reviews (id int generated always as identity primary key, round int references rounds);
  create table events (id int generated always as identity primary key, job bigint not null, kind text, detail jsonb);
  insert into jobs (status, archived_at) select 'archived', now() - interval '40 days' from generate_series(1, 2);
  insert into jobs (status, archived_at) values ('archived', now()), ('open', null);
  insert into rounds select i, case when i = 9 then 2 else 1 end, 'round ' || i from generate_series(1, 9) i where i not in (4, 8);
  insert into images select i, i, 'media/' || i, null, null from generate_series(1, 3) i;
  insert into finals select 1, 1, p, encode(sha256(convert_to(p::text, 'UTF8')), 'hex')
    from (select '{"rounds": [{"id": 1}]}'::jsonb) as f (p);
  insert into finals select 2, 2, p, encode(sha256(convert_to(p::text, 'UTF8')), 'hex') from (select '{}'::jsonb) as f (p);
`;

const POLICY = {
  root: "jobs",
  archived: { status: "archived" },
  since: "archived_at",
  keep: [
    {
      table: "finals",
      snapshot: { payload: "payload", sha256: "sha", required: {} },
      references: [{ path: "$.rounds[*].id", table: "rounds", column: "id" }],
    },
    { table: "events" },
  ],
  prune: [{ table: "rounds" }, { table: "images", object: { key: "key", sha256: "sha", bytes: "bytes" } }],
  note: {
    table: "events",
    columns: { job: "record", kind: { text: "pruned" }, detail: "summary" },
  },
};

let bucket: TestBucket;
let storage: MediaStorage;
let address: DatabaseAddress;
let session: Session;
let plan: PrunePlan;

beforeAll(async () => {
  bucket = await startBucket();
  storage = { store: bucket.store, root: "" };
});

afterAll(() => bucket.stop());

beforeEach(async () => {
  for (const key of ["media/1", "media/2", "media/3"]) await bucket.store.put(key, Buffer.from(key));
  address = await freshDatabase(newestServer(), TABLES);
  session = await openSession(address, { application: "prune test" });
  await installIdentity(session, {
    name: "e",
    role: "prod",
    state: "canonical",
    identity: crypto.randomUUID(),
  });
  plan = await planOf();
});

afterEach(async () => {
  await session.close();
  await dropDatabases(address);
});

async function planOf(more: object = {}): Promise<PrunePlan> {
  const { retention } = inventorySchema.parse({ retention: { jobs: { ...POLICY, ...more } } });
  const [policy] = understandRetention(retention);
  if (policy === undefined) throw new Error("there is no policy");
  return planRetention(policy, { storage: [], retention: [policy] }, await readShape(session));
}

let bundled = 0;

async function bundleOf(...records: string[]): Promise<PruneBundle> {
  const candidates = await readCandidates(session, plan, records);
  const prefix = `prunes/${process.pid}/${++bundled}/`;
  return openBundle(
    bucket.store,
    await writeBundle({ session, plan, store: bucket.store, storage, prefix, candidates }),
  );
}

const prune = (bundle: PruneBundle, more = {}) =>
  deleteRecord({ session, plan, bundle, record: "1", act: "p1", ...more });

const ids = async (table: string) =>
  (await rows<{ id: number }>(address, `select id from public.${table} order by id`)).map(({ id }) => id);

const REST = [2, 3, 5, 6, 7];

test("the backlog has what is archived and past its grace, and a name that is no record's is unknown", async () => {
  expect(await countBacklog(session, plan)).toBe(2);
  const standing = await standingOf(session, plan, ["1", "3", "4", "01", "99", "x'; --", ""]);
  expect([...standing].map(([record, { is }]) => [record, is])).toEqual([
    ["1", "due"],
    ["3", "early"],
    ["4", "active"],
    ...["01", "99", "x'; --", ""].map((name) => [name, "unknown"]),
  ]);
});

test("what stays is told with its reason: by which snapshot, by which key", async () => {
  await execute(address, "insert into reviews (round) values (2)");
  const { records, objects, shared } = await readCandidates(session, plan, ["1"]);
  expect(records[0]?.kept.map(({ table, key, because }) => `${table} ${key}: ${because}`).sort()).toEqual([
    '"public"."images" 1: it goes with "public"."rounds" 1, which stays',
    '"public"."images" 2: it goes with "public"."rounds" 2, which stays',
    '"public"."rounds" 1: a snapshot of "public"."finals" names it at $.rounds[*].id',
    '"public"."rounds" 2: a row of "public"."reviews", which stays, points at it (reviews_round_fkey)',
  ]);
  expect(objects.map(({ key }) => key)).toEqual(["media/3"]);
  expect(shared).toEqual([]);
});

test("a reference that is committed while the deletion waits for it keeps its row: nothing is deleted", async () => {
  const bundle = await bundleOf("1");
  const other = await openSession(address, { application: "other" });
  await other.execute("begin; insert into public.reviews (round) values (3)");
  const refused = refusalOf(() => prune(bundle));
  await waitedFor(other);
  await other.execute("commit");
  await other.close();
  expect(await refused).toMatchObject({
    code: "PruneStale",
    message: expect.stringContaining("reviews"),
    hint: expect.stringContaining("prune plan"),
  });
  expect(await ids("rounds")).toEqual([1, ...REST, 9]);
});

test("who points at a row after the deletion has locked it waits, and is refused by the database", async () => {
  const bundle = await bundleOf("1");
  const other = await openSession(address, { application: "other" });
  let writing: Promise<unknown> | undefined;
  await prune(bundle, {
    mayDelete: async () => {
      writing = refusalOf(() => other.execute("insert into public.reviews (round) values (3)"));
      await waitedFor(session);
    },
  });
  expect(await writing).toMatchObject({
    code: "StatementFailed",
    message: expect.stringContaining("foreign key"),
  });
  await other.close();
  expect(await ids("rounds")).toEqual([1, 9]);
});

test.each([
  ["of this record", 'update public.finals set payload = \'{"rounds": [{"id": "3"}]}\' where id = 1'],
  ["of another record", 'update public.finals set payload = \'{"rounds": [{"id": 3}]}\' where id = 2'],
])("a payload %s that names a row since it was bundled keeps it", async (_, change) => {
  const bundle = await bundleOf("1");
  const other = await openSession(address, { application: "other" });
  await other.execute(
    `begin; ${change}; update public.finals set sha = encode(sha256(convert_to(payload::text, 'UTF8')), 'hex')`,
  );
  const refused = refusalOf(() => prune(bundle));
  await waitedFor(other);
  await other.execute("commit");
  await other.close();
  expect(await refused).toMatchObject({
    code: "PruneStale",
    message: expect.stringContaining("names it at"),
  });
  expect(await ids("rounds")).toEqual([1, ...REST, 9]);
});

test.each([
  ["changed", "update rounds set note = 'new' where id = 3", "it was changed"],
  ["taken to another record", "update rounds set job = 2 where id = 3", "no longer of this record"],
  ["left without its final", "delete from finals where id = 1", "no snapshot of it that is required"],
  ["falsified in its final", "update finals set payload = '{}' where id = 1", "is not what its sha256 says"],
  ["no longer archived", "update jobs set status = 'open' where id = 1", "not archived"],
])("what was %s since it was bundled is left alone", async (_, change, reason) => {
  const bundle = await bundleOf("1");
  await execute(address, change);
  expect(await refusalOf(() => prune(bundle))).toMatchObject({
    code: "PruneStale",
    message: expect.stringContaining(reason),
    hint: expect.stringContaining("look again"),
  });
  expect(await ids("images")).toEqual([1, 2, 3]);
});

test.each([
  ["deletes", "delete from events where true", "would lose 1 rows"],
  ["updates", "update jobs set status = status where id = 4", "would have 1 rows updated"],
])("a trigger that %s what stays takes the whole deletion back", async (_, does, told) => {
  await execute(
    address,
    `insert into events (job) values (1);
      create function more() returns trigger language plpgsql as $$ begin ${does.replace(/(from|update) /, "$1 public.")}; return old; end $$;
      create trigger more after delete on rounds for each row when (old.id = 3) execute function more()`,
  );
  plan = await planOf();
  expect(await refusalOf(async () => prune(await bundleOf("1")))).toMatchObject({
    code: "PruneReachedMore",
    message: expect.stringContaining(told),
    hint: expect.stringContaining("is_acting('prune')"),
  });
  expect(await ids("rounds")).toEqual([1, ...REST, 9]);
});

test("fault 17: a deletion whose answer was lost is found by its act, and two at once delete once", async () => {
  const bundle = await bundleOf("1");
  const other = await openSession(address, { application: "other" });
  const both = await Promise.all([prune(bundle), prune(bundle, { session: other })]);
  expect(both.map(({ already }) => already).sort()).toEqual([false, true]);
  expect(await prune(bundle)).toEqual({ rows: both[0]?.rows, already: true });
  expect(both[0]?.rows).toEqual({ '"public"."rounds"': 5, '"public"."images"': 2 });
  const [note, ...more] = await rows<{ detail: unknown }>(address, "select detail from public.events");
  expect(note?.detail).toMatchObject({ policy: "jobs", prune: "p1" });
  expect(more).toEqual([]);
  await other.close();
});

test("an object that another row begins to name while it is removed is there again, whoever of the attempts finds it", async () => {
  const bundle = await bundleOf("1");
  await verifyBundle(bucket.store, bundle);
  await prune(bundle);
  const media = { session, storage, store: bucket.store, plan, media: bundle.manifest.media };
  let naming: Promise<void> | undefined;
  const found = await removeMedia({
    ...media,
    passed: async () => {
      expect(await bucket.keys("media/")).toEqual(["media/1"]);
      // It writes while the second look is taken, and is waited for.
      const other = await openSession(address, { application: "other" });
      await other.execute("begin; insert into public.images values (77, 9, 'media/2')");
      naming = other.execute("select pg_sleep(0.2); commit").then(() => other.close());
    },
  });
  await naming;
  expect(found.kept).toEqual([{ key: "media/2", because: expect.stringContaining("names it") }]);
  expect(found.removed.map(({ key }) => key)).toEqual(["media/3"]);
  expect(Buffer.from(await bucket.store.get("media/2")).toString()).toBe("media/2");
  // As an attempt leaves it that dies in between.
  await bucket.store.remove("media/2");
  await removeMedia(media);
  expect(await bucket.keys("media/")).toEqual(["media/1", "media/2"]);
});

test("until a deletion or a restore has ended nobody takes the database for a promotion, whatever the ledger says", async () => {
  const other = await openSession(address, { application: "other", lockTimeout: 50 });
  const attempt = { promotion: "p", step: "admit", attempt: 1, token: 1 };
  const waits = async () =>
    expect(await refusalOf(() => takeToken(other, attempt))).toMatchObject({ code: "StatementFailed" });
  const bundle = await bundleOf("1");
  await prune(bundle, { mayDelete: waits });
  await restoreRecord({
    ...{ session, bundle, store: bucket.store, record: "1", act: "r1", mayRestore: waits },
  });
  await takeToken(other, attempt);
  await other.close();
  expect.assertions(2);
});

test("a time without a zone counts as the last that is called so anywhere, and one that never comes as none", async () => {
  await execute(address, "alter table jobs alter archived_at type timestamp");
  const hours = (record: number, many: number) =>
    execute(
      address,
      `update jobs set archived_at = now() at time zone 'UTC' - interval '30 days ${many} hours' where id = ${record}`,
    );
  await hours(1, 11);
  await hours(2, 13);
  await execute(address, "update jobs set archived_at = 'infinity' where id = 3");
  plan = await planOf();
  const standing = await standingOf(session, plan, ["1", "2", "3"]);
  expect([...standing.values()].map(({ is }) => is)).toEqual(["early", "due", "active"]);
  expect(await countBacklog(session, plan)).toBe(1);
});

test("what triggers write on the way back is theirs, but what they do to a row takes it all back", async () => {
  const bundle = await bundleOf("1");
  await verifyBundle(bucket.store, bundle);
  await prune(bundle);
  await removeMedia({ session, storage, store: bucket.store, plan, media: bundle.manifest.media });
  expect(await bucket.keys("media/")).toEqual(["media/1"]);
  const back = { session, bundle, store: bucket.store, record: "1" };
  await execute(
    address,
    `create function touch() returns trigger language plpgsql as $$ begin
        if not rehearsal.is_acting('prune-restore') then new.note := 'touched'; end if;
        insert into public.events (job, kind) values (new.job, 'came'); return new; end $$;
      create trigger touch before insert on rounds for each row execute function touch();
      insert into rounds values (5, 2, 'another')`,
  );
  expect(await refusalOf(() => restoreRecord({ ...back, act: "r1" }))).toMatchObject({
    code: "RestoreDiffers",
    message: expect.stringContaining("has another row 5"),
    hint: expect.stringContaining("free the keys"),
  });
  await execute(address, "delete from rounds where id = 5");
  await bucket.store.put("media/2", Buffer.from("another"));
  expect(await refusalOf(() => restoreMedia(storage, bucket.store, bundle.manifest.media))).toMatchObject({
    code: "RestoreMediaTaken",
    hint: expect.stringContaining("never overwritten"),
  });
  await bucket.store.remove("media/2");
  const both = await Promise.all(["r1", "r1"].map((act) => restoreRecord({ ...back, act })));
  expect(both.map(({ already }) => already).sort()).toEqual([false, true]);
  expect(both[0]?.rows).toEqual({
    '"public"."rounds"': 5,
    '"public"."images"': 2,
  });
  expect((await restoreRecord({ ...back, act: "r1" })).already).toBe(true);
  expect(await restoreRecord({ ...back, act: "r2" })).toMatchObject({ rows: {}, there: 7 });
  await restoreMedia(storage, bucket.store, bundle.manifest.media);
  expect(Buffer.from(await bucket.store.get("media/2")).toString()).toBe("media/2");
  expect(await ids("rounds")).toEqual([1, ...REST, 9]);
  expect(await rows(address, "select distinct note from public.rounds where note = 'touched'")).toEqual([]);
});

test("a bundle of which a byte is another is refused before anything is deleted", async () => {
  const bundle = await bundleOf("1");
  const file = bundle.manifest.tables[0]?.rows.key ?? "";
  const bytes = Buffer.from(await bucket.store.get(file));
  bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
  await bucket.store.put(file, bytes);
  const damaged = { code: "BundleDamaged", hint: expect.stringContaining("nothing was changed") };
  expect(await refusalOf(() => verifyBundle(bucket.store, bundle))).toMatchObject(damaged);
  await bucket.store.remove(bundle.manifest.media[0]?.file ?? "");
  await bucket.store.put(bundle.sealed.key, Buffer.from("{}"));
  expect(await refusalOf(() => openBundle(bucket.store, bundle.sealed))).toMatchObject(damaged);
});

test("a record is intact while its snapshots are what their checksums say, and what they name is there", async () => {
  expect([...(await checkIntact(session, storage, plan, ["1", "2", "4"]))]).toEqual([
    ["1", []],
    ["2", []],
    ["4", ['"public"."finals" has no snapshot of it that is required']],
  ]);
  await execute(
    address,
    `update finals set payload = '{"rounds": [{"id": 77}, {"id": {}}]}' where id = 1; update finals set sha = 'x' where id = 2`,
  );
  const told = await checkIntact(session, storage, plan, ["1", "2"]);
  expect(told.get("1")).toEqual([
    expect.stringContaining("is not what its sha256 says"),
    expect.stringContaining("names no value at $.rounds[*].id"),
    expect.stringContaining('names 77 at $.rounds[*].id, and there is no such row in "public"."rounds"'),
  ]);
  expect(told.get("2")).toHaveLength(1);
});

test("triggers of any role may ask and tell, and nobody but the owner writes the record of acts", async () => {
  const role = `teller_${process.pid}`;
  await execute(
    address,
    `alter default privileges grant all on tables to public; create role ${role} login password 'p'`,
  );
  try {
    // An installation of before, whose tables others were given by default privileges.
    await execute(
      address,
      "drop table rehearsal.acts, rehearsal.archived cascade; drop function rehearsal.is_acting, rehearsal.record_archived",
    );
    await ensureLife(session);
    const theirs = await openSession({ ...address, user: role, password: "p" }, { application: "theirs" });
    await theirs.query("select rehearsal.record_archived('jobs', '1')");
    expect(await theirs.query("select rehearsal.is_acting('prune') as acting")).toEqual([{ acting: false }]);
    const forged = () =>
      theirs.execute("insert into rehearsal.acts (kind, id, record) values ('prune', 'x', '1')");
    expect(await refusalOf(forged)).toMatchObject({ message: expect.stringContaining("permission denied") });
    await theirs.close();
    expect((await readArchived(session, 10)).map(({ policy, record }) => [policy, record])).toEqual([
      ["jobs", "1"],
    ]);
    await session.transaction(async () => {
      expect(await writeAct(session, { kind: "regenerate", id: "t", record: "a" })).toBe(true);
      expect(
        await session.query(
          "select rehearsal.is_acting('regenerate') as is, rehearsal.is_acting('prune') as other",
        ),
      ).toEqual([{ is: true, other: false }]);
    });
    expect(await session.query("select rehearsal.is_acting('regenerate') as is")).toEqual([{ is: false }]);
  } finally {
    await execute(address, `alter default privileges revoke all on tables from public; drop role ${role}`);
  }
});

/** Waits until somebody waits for a lock that the session's backend holds. */
async function waitedFor(holder: Session): Promise<void> {
  const look = await openSession(address, { application: "look" });
  const waiting = "select 1 from pg_stat_activity where $1::int = any (pg_blocking_pids(pid))";
  while ((await look.query(waiting, [holder.pid])).length === 0);
  await look.close();
}
