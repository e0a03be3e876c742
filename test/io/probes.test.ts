/** Probes beside real migrations: they wait where services would, tell for whom, and leave no trace. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Blocked, blockedTraffic } from "../../core/blocked.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { policySchema } from "../../core/policy.ts";
import { planRuns } from "../../core/runs.ts";
import { applyRuns } from "../../io/postgres/apply.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { measureRuns } from "../../io/postgres/measure.ts";
import { startProbes } from "../../io/postgres/probes.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { keepTime } from "../../io/postgres/timeline.ts";
import { readWriteCounters } from "../../io/postgres/write-counters.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";

const policy = policySchema.parse({});
let address: DatabaseAddress;
let session: Session;
let attempt = 0;

beforeAll(async () => {
  address = await freshDatabase(
    newestServer(),
    `create table "Odd ""Videos""" (id int primary key, title text not null);
     insert into "Odd ""Videos""" select g, md5(g::text) from generate_series(1, 200000) g;
     create table notes (id int primary key, body text);
     insert into notes select g, md5(g::text) from generate_series(1, 50000) g;
     create table audit (at timestamptz);
     create function note() returns trigger language plpgsql as $$ begin insert into audit values (now()); return null; end $$;
     create trigger noted after delete on "Odd ""Videos""" for each statement execute function note();`,
  );
  session = await openSession(address, { application: "probes test" });
  await installIdentity(session, {
    ...{ name: "e", role: "prod", state: "canonical", identity: crypto.randomUUID() },
  });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
});

/** Runs the text as one file; the waits by `traffic table`, and how long the run took. */
async function waitsOf(sql: string): Promise<{ waits: Map<string, Blocked>; milliseconds: number }> {
  const number = String(++attempt).padStart(4, "0");
  const migration = await parseMigration(`migrations/${number}_probed.sql`, Buffer.from(sql));
  const runs = planRuns([migration], [], []);
  const { observer, runs: measures } = measureRuns(session);
  const timeline = keepTime(observer);
  const locks = migration.statements.flatMap((statement) => statement.locks);
  const probes = await startProbes({ session, application: "probes test", locks, policy });
  await applyRuns({
    ...{ session, release: "r", runs, policy, observer: timeline.observer, passed: timeline.passed },
    attempt: { promotion: "p", step: "rehearse", attempt, token: attempt },
  });
  const probing = await probes.end();
  const times = timeline.times();
  const found = blockedTraffic(times, measures, probing);
  return {
    waits: new Map(found.map((one) => [`${one.traffic} ${one.relation}`, one])),
    milliseconds: (times[0]?.ended ?? 0) - (times[0]?.began ?? 0),
  };
}

const videos = '"public"."Odd ""Videos"""';

test("a writer's wait is told with the statement and its mode, from its lock to the commit, and readers who did not wait are not told of", async () => {
  const { waits, milliseconds } = await waitsOf(
    `create table other (id int);\ncreate index on "Odd ""Videos""" (title);\nselect count(*) from notes;\n`,
  );
  const writes = waits.get(`writes ${videos}`);
  expect(writes).toMatchObject({
    mode: "ShareLock",
    by: "probe",
    statement: { path: "migrations/0001_probed.sql", line: 2 },
  });
  expect(writes?.milliseconds).toBeGreaterThan(milliseconds * 0.5);
  expect(writes?.milliseconds).toBeLessThan(milliseconds * 1.5);
  expect([...waits.keys()]).toEqual([`writes ${videos}`]);
});

test("readers wait for the statement that locks them out, writers of a changed row for the one that changed it", async () => {
  const { waits } = await waitsOf(
    `update notes set body = upper(body);\nalter table "Odd ""Videos""" alter column title type varchar(64);\n`,
  );
  expect(waits.get(`reads ${videos}`)).toMatchObject({
    mode: "AccessExclusiveLock",
    statement: { line: 2 },
  });
  expect(waits.get('rows "public"."notes"')).toMatchObject({
    ...{ mode: "RowExclusiveLock", by: "clock", statement: { line: 1 } },
  });
  expect(waits.has('writes "public"."notes"')).toBe(false);
});

test("a lock that no statement's text tells of is told by the clock", async () => {
  const { waits } = await waitsOf("do $$ begin execute 'lock table notes in share mode'; end $$;\n");
  expect(waits.get('writes "public"."notes"')).toMatchObject({ by: "clock", mode: "ShareLock" });
});

test("who waits for an index holds its table already, and gives way before the release would wait for both", async () => {
  const { waits, milliseconds } = await waitsOf(
    `reindex index "Odd ""Videos""_title_idx";\nalter table "Odd ""Videos""" add column length int;\n`,
  );
  expect(waits.get(`reads ${videos}`)?.by).toBe("probe");
  expect(milliseconds).toBeLessThan(5_000);
});

test("outside a transaction each statement keeps others waiting for itself alone", async () => {
  const { waits, milliseconds } = await waitsOf(
    `-- rehearsal: no-transaction\ncreate index concurrently on "Odd ""Videos""" (title, id);\nreindex index notes_pkey;\n`,
  );
  expect(waits.has(`writes ${videos}`)).toBe(false);
  const notes = waits.get('writes "public"."notes"');
  if (notes !== undefined) expect(notes.milliseconds).toBeLessThan(milliseconds / 2);
});

test("probes change no row, fire no trigger and move no counter", async () => {
  const read = async () => [await readBaseline(session), await readWriteCounters(session)];
  const before = await read();
  await waitsOf(
    'lock table "Odd ""Videos""" in access exclusive mode;\nselect count(*) from "Odd ""Videos""";\n',
  );
  expect(await read()).toEqual(before);
  expect(await rows(address, "select from public.audit")).toEqual([]);
});
