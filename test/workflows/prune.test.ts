/**
 * What is told of archived records, and what becomes of it: reports first, deletions once a policy was tested, and everything back
 * again.
 * Long because all of it happens on one service.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../../core/canonical-json.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { artifacts } from "../../functions/clients.ts";
import { placeHold, releaseHold } from "../../functions/holds.ts";
import { insertWithin, startPrune, startPruneRestore } from "../../functions/prune-start.ts";
import { findPolicy } from "../../functions/retention-policies.ts";
import { tellReturned } from "../../functions/returned.ts";
import { tellArchived } from "../../functions/tell-archived.ts";
import { openEventBus } from "../../io/event-bus.ts";
import { forgetArchiveEvents } from "../../io/ledger/archive-events.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { listHolds } from "../../io/ledger/holds.ts";
import { putPolicyTest } from "../../io/ledger/policy-tests.ts";
import { listRecords, type PruneRecord } from "../../io/ledger/prune-records.ts";
import { listPrunes, type Prune, readPrune } from "../../io/ledger/prunes.ts";
import { newId } from "../../io/new-id.ts";
import type { Session } from "../../io/postgres/session.ts";
import { executionArn, openStepFunctions } from "../../io/step-functions.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { LocalService, until } from "../service/local-service.ts";
import {
  addJobs,
  archiving,
  bucketFor,
  inventoryOf,
  leftOf,
  PRUNABLE,
  PRUNABLE_SCHEMA,
} from "../service/prunable.ts";

const server = newestServer();
const who = { person: "operator", key: undefined };
let service: LocalService;
let ledger: Session;
let address: DatabaseAddress;
let bucket: string;
let plain: DatabaseAddress | undefined;

beforeAll(async () => {
  service = await new LocalService(server.address, "prune").start();
  Object.assign(process.env, service.variables);
  ledger = await openLedger("test");
  bucket = await bucketFor(service, "prune-media");
  address = await freshDatabase(server, PRUNABLE_SCHEMA, `prune_${process.pid}`);
  await service.register("jobs", address, { storage: { bucket } });
  await promote(PRUNABLE);
});

afterAll(async () => {
  await ledger.close();
  await service.stop();
  await dropDatabases(address, ...(plain === undefined ? [] : [plain]));
});

async function promote(files: Record<string, string>): Promise<void> {
  const id = await service.promote("jobs", await service.release(files));
  await service.until(id, "promoted", "nothing-to-do");
}

const left = (job: number) => leftOf(service, address, bucket, job);
const prunesOf = (record: string) => listPrunes(ledger, { record, limit: 10 });

/** The prune when it has ended, with its records. */
async function ended(id: string): Promise<Prune & { records: PruneRecord[] }> {
  await until(async () => (await readPrune(ledger, id)).endedAt !== null);
  return { ...(await readPrune(ledger, id)), records: await listRecords(ledger, id, { limit: 100 }) };
}

/** The one prune that was set off for the record, when it has ended. */
async function setOff(record: string) {
  await until(async () => (await prunesOf(record)).length > 0);
  const [prune, ...more] = await prunesOf(record);
  expect(more).toEqual([]);
  return ended(prune?.id ?? "");
}

async function tell(detail: Json): Promise<void> {
  await openEventBus().putEvents(service.variables.REHEARSAL_EVENT_BUS ?? "", [
    { source: "shop.jobs", detailType: "record.archived", detail },
  ]);
}

const word = (record: number) => ({ environment: "jobs", policy: "jobs", record: String(record) });

/** What became of each word of the records, when so many have come and nothing is left to be done. */
async function becameOf(words: number, ...records: string[]): Promise<Record<string, string[]>> {
  const asked =
    "select record, became from ledger.archive_events where record = any ($1) order by received_at";
  const look = () => ledger.query<{ record: string; became: string | null }>(asked, [records]);
  await until(async () => {
    const found = await look();
    return found.length >= words && found.every(({ became }) => became !== null);
  });
  const found = Map.groupBy(await look(), ({ record }) => record);
  return Object.fromEntries(
    [...found].map(([record, some]) => [record, some.map((one) => one.became ?? "")]),
  );
}

async function eventsOf(type: string, record?: string): Promise<Record<string, unknown>[]> {
  const found = await ledger.query<{ body: string }>(
    "select body from ledger.events where type = $1 order by seq",
    [type],
  );
  return found
    .map(({ body }) => (JSON.parse(body) as { data: Record<string, unknown> }).data)
    .filter((data) => record === undefined || data.record === record);
}

/** As a task of worker kind `prune-test` writes it, of the policy and the shape as they are. */
async function passTest(passed = true): Promise<void> {
  const environment = await readEnvironment(ledger, "jobs");
  const { digest, release } = await findPolicy(artifacts(), environment, "jobs");
  const task = newId("task");
  await ledger.query(
    "insert into ledger.tasks (id, kind, environment, input, requested_by, status) values ($1, 'prune-test', 'jobs', '{}', 'operator', 'succeeded')",
    [task],
  );
  await putPolicyTest(ledger, {
    ...{ task, environment: "jobs", policy: "jobs", release, digest, passed, result: {} },
    fingerprint: environment.fingerprint,
  });
}

test("a trigger's word sets a report off, which deletes nothing and tells what would go and why the rest stays", async () => {
  await addJobs(service, address, bucket, [1]);
  const before = await left(1);
  const prune = await setOff("1");
  expect(prune).toMatchObject({ trigger: "event", mode: "report", status: "reported", error: null });
  expect(prune.modeReason).toBe("the policy does not say automate: true");
  expect(prune.records[0]?.candidates).toMatchObject({
    rows: { '"public"."rounds"': 2, '"public"."recordings"': 2 },
    kept: { '"public"."rounds"': 1, '"public"."recordings"': 1 },
    objects: 2,
  });
  const report = JSON.parse(Buffer.from(await artifacts().get(prune.report?.key ?? "")).toString()) as {
    records: { kept: { table: string; because: string }[] }[];
  };
  expect(report.records[0]?.kept.map(({ because }) => because)).toEqual([
    'a snapshot of "public"."finals" names it at $.rounds[*]',
    expect.stringContaining("stays"),
  ]);
  const told = Buffer.from(await artifacts().get((prune.report?.key ?? "").replace("json", "md"))).toString();
  expect(told).toContain("**Nothing was deleted.**");
  expect(await left(1)).toEqual(before);
  expect(await eventsOf("prune.reported")).toHaveLength(1);
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
});

test("the outbox of an environment without a policy is emptied once a day, and each word noted as nobody's", async () => {
  plain = await freshDatabase(server, "create table t (id int)", `prune_plain_${process.pid}`);
  const at = plain;
  await service.register("plain", plain);
  const words = async (...records: string[]) => {
    for (const record of records) await execute(at, `select rehearsal.record_archived('gone', '${record}')`);
  };
  const standing = async () =>
    (await rows<{ record: string }>(at, "select record from rehearsal.archived order by id")).map(
      ({ record }) => record,
    );
  const aDayLater = () => ledger.query("delete from ledger.rounds where name = 'outbox plain'");
  // More than are fetched at once.
  await words(...Array.from({ length: 60 }, (_, place) => `plain ${place}`));
  await aDayLater();
  await service.stack.lambda.invoke("drain", {});
  expect(await standing()).toEqual([]);
  expect(await becameOf(2, "plain 0", "plain 59")).toEqual({
    "plain 0": ["unknown-policy"],
    "plain 59": ["unknown-policy"],
  });
  // No session is opened for it each minute.
  await words("plain later");
  await service.stack.lambda.invoke("drain", {});
  expect(await standing()).toEqual(["plain later"]);
  await aDayLater();
  await service.stack.lambda.invoke("drain", {});
  expect(await standing()).toEqual([]);
});

test("a policy that says automate and was not tested only reports, and nobody may have it delete", async () => {
  await promote({ ...PRUNABLE, "inventory.yaml": inventoryOf({ automate: true, rate: 600 }) });
  await addJobs(service, address, bucket, [2]);
  const prune = await setOff("2");
  expect(prune).toMatchObject({ mode: "report", status: "reported" });
  expect(prune.modeReason).toContain("it was never tested");
  const asked = {
    environment: "jobs",
    policy: "jobs",
    mode: "prune",
    records: ["2"],
    confirm: "jobs",
  } as const;
  expect(await refusalOf(() => startPrune(ledger, asked, who))).toMatchObject({
    code: "PolicyUntested",
    hint: expect.stringContaining("rehearsal prune test jobs --environment jobs"),
  });
  await passTest(false);
  expect((await refusalOf(() => startPrune(ledger, asked, who))).message).toContain("did not pass");
  expect(await refusalOf(() => startPrune(ledger, { ...asked, policy: "job" }, who))).toMatchObject({
    code: "PolicyUnknown",
    hint: 'did you mean "jobs"?',
  });
  await passTest();
  expect(await refusalOf(() => startPrune(ledger, { ...asked, confirm: "shop" }, who))).toMatchObject({
    code: "PruneUnconfirmed",
    hint: "say its name: --confirm jobs",
  });
});

test("once it was tested an event has exactly what was told deleted, told once, and everything comes back as it was, and is held", async () => {
  await addJobs(service, address, bucket, [3], { archived: false });
  const before = await left(3);
  await execute(address, archiving([3]));
  const prune = await setOff("3");
  expect(prune).toMatchObject({ mode: "prune", status: "pruned", counts: { rows: 4, objects: 2 } });
  const after = await left(3);
  expect(after).toEqual({
    ...before,
    rounds: before.rounds?.slice(0, 1),
    recordings: before.recordings?.slice(0, 1),
    notes: 1,
    objects: { "media/31.wav": before.objects["media/31.wav"] },
  });
  expect(await eventsOf("record.pruned", "3")).toEqual([
    expect.objectContaining({ prune: prune.id, deleted: expect.objectContaining({ objects: 2 }) }),
  ]);

  const { prune: restoring } = await startPruneRestore(ledger, { prune: prune.id, confirm: "jobs" }, who);
  expect(await ended(restoring.id)).toMatchObject({ mode: "restore", status: "restored" });
  expect(await left(3)).toEqual({ ...before, notes: 1 });
  const [record] = await listRecords(ledger, prune.id, { limit: 1 });
  expect(record).toMatchObject({ restoredBy: restoring.id });
  expect(await listHolds(ledger, { policy: "jobs", released: false, limit: 10 })).toMatchObject([
    { record: "3", placedBy: "operator", reason: expect.stringContaining(prune.id) },
  ]);
  expect(
    await refusalOf(() => startPruneRestore(ledger, { prune: prune.id, confirm: "jobs" }, who)),
  ).toMatchObject({ code: "NothingToRestore", hint: expect.stringContaining(prune.id) });
});

test("another state of the database tells what came back with it, and what was brought back and is gone again", async () => {
  const [prune] = await ledger.query<{ id: string }>(
    "select prune as id from ledger.prune_records where record = '3' and restored_at is not null",
  );
  const { id = "" } = prune ?? {};
  const act = { id, record: "3" };
  const told = (pruned: (typeof act)[]) =>
    ledger.transaction(() => tellReturned(ledger, "jobs", { pruned, restored: [] }));
  const recordOf = async () => (await listRecords(ledger, id, { limit: 1 }))[0];
  // A state from before it was brought back.
  await told([act]);
  expect(await recordOf()).toMatchObject({ restoredAt: null, restoredBy: null, returnedAt: null });
  // One from before it was pruned.
  await told([]);
  expect((await recordOf())?.returnedAt).not.toBeNull();
  expect((await eventsOf("environment.records-returned")).at(-1)).toMatchObject({
    records: expect.arrayContaining([`3 of jobs (${id})`]),
  });
  // Here its rows are there; of a state in which they are not they come from the bundle, as they did.
  const { prune: again } = await startPruneRestore(ledger, { prune: id, confirm: "jobs" }, who);
  expect(await ended(again.id)).toMatchObject({ status: "restored" });
  expect(await recordOf()).toMatchObject({ restoredBy: again.id });
  await ledger.query(
    "update ledger.archive_events set handled_at = now() - interval '91 days' where record = '3'",
  );
  expect(await forgetArchiveEvents(ledger, 90)).toBe(1);
});

test("fault 41: an archive event that is early, repeated, out of order, at the same time as others or about nothing that is there deletes nothing, and a record is pruned once", async () => {
  await addJobs(service, address, bucket, [4], { archived: false });
  const before = await left(4);
  await tell(word(4));
  await tell({ ...word(4), policy: "rounds" });
  await tell({ ...word(4), environment: "shop" });
  await tell({ ...word(4), record: 4 });
  await tell({ ...word(4), extra: true });
  await tell(word(4_040));
  await tell({ ...word(0), record: "'; drop table jobs; --" });
  expect(await becameOf(5, "4", "4040", "'; drop table jobs; --")).toEqual({
    "4": expect.arrayContaining(["not-archived", "unknown-policy", "unknown-environment"]),
    "4040": ["unknown-record"],
    "'; drop table jobs; --": ["unknown-record"],
  });
  expect(await prunesOf("4")).toEqual([]);
  expect(await left(4)).toEqual(before);

  await execute(address, archiving([4]));
  await Promise.all([
    ...Array.from({ length: 5 }, () => tell(word(4))),
    tellArchived(ledger, "jobs", [word(4), { ...word(4), id: "once" }, { ...word(4), id: "once" }]),
  ]);
  expect(await setOff("4")).toMatchObject({ status: "pruned" });
  await tell(word(4));
  // Three words from before; the trigger's, five of the bus, two of the API, and the one that came late.
  const became = (await becameOf(12, "4"))["4"] ?? [];
  expect(became.filter((one) => one === "prune")).toHaveLength(1);
  expect(became.filter((one) => one === "known")).toHaveLength(8);
  expect(await prunesOf("4")).toHaveLength(1);
  expect(await eventsOf("record.pruned", "4")).toHaveLength(1);
  expect((await left(4)).notes).toBe(1);
});

test("a record whose grace is not over is left to the sweep", async () => {
  await addJobs(service, address, bucket, [5], { archived: false });
  // The future is as good as a long grace.
  await execute(
    address,
    "update jobs set status = 'archived', archived_at = now() + interval '1 hour' where id = 5",
  );
  expect(await becameOf(1, "5")).toEqual({ "5": ["in-grace"] });
  expect(await prunesOf("5")).toEqual([]);
  await execute(address, "update jobs set archived_at = now() where id = 5");
  const { prune } = await startPrune(
    ledger,
    { environment: "jobs", policy: "jobs", mode: "prune", confirm: "jobs", limit: 1 },
    who,
  );
  // Job 3 is held, and was refused in this sweep before it: each record that is taken counts.
  const swept = await ended(prune.id);
  expect(swept).toMatchObject({ trigger: "sweep" });
});

test("a sweep takes the backlog in batches, at the rate of its policy; what is damaged, held or changed is left with its reason, and nobody else for it", async () => {
  const jobs = Array.from({ length: 24 }, (_, index) => 100 + index);
  await addJobs(service, address, bucket, jobs, { archived: false });
  await execute(
    address,
    `alter table jobs disable trigger tell; ${archiving(jobs)}; alter table jobs enable trigger tell;
     update finals set payload_sha256 = 'x' where job = 100`,
  );
  await placeHold(ledger, {
    ...{ environment: "jobs", policy: "jobs", record: "101", reason: "a lawsuit", by: "operator" },
  });
  const before = [await left(100), await left(101)];
  const { prune } = await startPrune(
    ledger,
    { environment: "jobs", policy: "jobs", mode: "prune", confirm: "jobs" },
    who,
  );
  const swept = await ended(prune.id);
  expect(swept.status).toBe("pruned");
  const refused = swept.records.filter(({ status }) => status === "refused");
  expect(Object.fromEntries(refused.map(({ record, error }) => [record, error?.code]))).toMatchObject({
    "100": "RecordUnready",
    "101": "RecordHeld",
  });
  expect(refused.find(({ record }) => record === "101")?.error?.hint).toContain("rehearsal prune release");
  expect(swept.records.filter(({ status }) => status === "pruned").length).toBeGreaterThanOrEqual(22);
  expect(new Set(swept.records.map(({ batch }) => batch)).size).toBe(2);
  // 600 a minute are twenty in two seconds: the second batch waits for its time.
  expect(Number(swept.endedAt) - Number(swept.startedAt)).toBeGreaterThanOrEqual(2_000);
  expect([await left(100), await left(101)]).toEqual(before);
  expect(await left(102)).toMatchObject({ notes: 1, objects: { "media/1021.wav": expect.any(String) } });
});

test("a hold that is placed ahead of the deletion is honoured, and one that is placed amid it waits for it", async () => {
  await addJobs(service, address, bucket, [6, 7], { archived: false });
  const before = await left(6);
  const hold = (record: string) =>
    placeHold(ledger, { environment: "jobs", policy: "jobs", record, reason: "audit", by: "operator" });

  const ahead = service.gate("prune-delete-rows:begun");
  await execute(address, archiving([6]));
  await ahead.reached();
  const placed = await hold("6");
  ahead.open();
  const refused = await setOff("6");
  expect(refused).toMatchObject({ status: "refused", records: [{ error: { code: "RecordHeld" } }] });
  expect(await left(6)).toEqual(before);

  const amid = service.gate("prune-delete-rows:deleted");
  await execute(address, archiving([7]));
  await amid.reached();
  let told = false;
  const another = await openLedger("test holds");
  const waiting = placeHold(another, {
    ...{ environment: "jobs", policy: "jobs", record: "7", reason: "audit", by: "operator" },
  }).then(() => {
    told = true;
  });
  await until(async () => {
    const [row] = await ledger.query<{ n: number }>(
      "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted",
    );
    return row?.n === 1;
  });
  expect(told).toBe(false);
  amid.open();
  await waiting;
  await another.close();
  expect(await setOff("7")).toMatchObject({ status: "pruned" });

  const released = await releaseHold(ledger, { hold: placed.id, by: "operator", reason: "it is over" });
  expect(released).toMatchObject({ releasedBy: "operator", releaseReason: "it is over" });
  expect(
    await refusalOf(() => releaseHold(ledger, { hold: placed.id, by: "operator", reason: "again" })),
  ).toMatchObject({
    code: "HoldReleased",
    hint: expect.stringContaining("place another"),
  });
});

test("a prune waits while a promotion has its environment, and no promotion begins amid a deletion", async () => {
  await addJobs(service, address, bucket, [8, 9], { archived: false });
  const amid = service.gate("prune-delete-rows:deleted");
  await execute(address, archiving([8]));
  await amid.reached();
  const release = await service.release({
    ...PRUNABLE,
    "inventory.yaml": inventoryOf({ automate: true }),
    "views/v.sql": "create or replace view v as select 1 as one;\n",
  });
  const asked = service.promote("jobs", release);
  await until(async () => {
    const [row] = await ledger.query<{ n: number }>(
      "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted",
    );
    return row?.n === 1;
  });
  const rehearsing = service.gate("rehearse:begun");
  amid.open();
  const id = await asked;
  await rehearsing.reached();
  // The rows of 8 are gone and its media are not: that waits now, as does all of 9.
  const { prune } = await startPrune(
    ledger,
    { environment: "jobs", policy: "jobs", mode: "prune", records: ["8000"], confirm: "jobs" },
    who,
  );
  await until(async () => {
    const [record] = await listRecords(ledger, prune.id, { limit: 1 });
    return record?.error?.code === "PruneMustWait";
  });
  rehearsing.open();
  await service.until(id, "promoted");
  expect(await setOff("8")).toMatchObject({ status: "pruned" });
  expect((await ended(prune.id)).records[0]?.error?.code).toBe("RecordUnready");
});

test("a prune whose execution never began is begun, and one whose execution was stopped is closed", async () => {
  const known = await findPolicy(artifacts(), await readEnvironment(ledger, "jobs"), "jobs");
  const insert = (record: string) =>
    ledger.transaction(() =>
      insertWithin(ledger, {
        ...{
          environment: "jobs",
          known,
          mode: "report",
          trigger: "request",
          by: "operator",
          records: [record],
        },
      }),
    );
  expect(await ended(await insert("9000"))).toMatchObject({ status: "refused" });

  const gate = service.gate("prune-check:begun");
  const { prune } = await startPrune(
    ledger,
    { environment: "jobs", policy: "jobs", mode: "report", records: ["9001"] },
    who,
  );
  await gate.reached();
  const arn = executionArn(service.variables.REHEARSAL_PRUNE_MACHINE ?? "", prune.id);
  await openStepFunctions().stopExecution(arn, "Stopped", "by hand");
  const closed = await ended(prune.id);
  gate.open();
  expect(closed).toMatchObject({ status: "failed", error: { code: "StepDied" } });
  expect(closed.records).toMatchObject([{ status: "failed" }]);
  expect(await eventsOf("prune.failed")).toMatchObject([{ prune: prune.id, halfDone: 0 }]);
});
