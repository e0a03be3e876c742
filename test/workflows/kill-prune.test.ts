/**
 * kill -9 of the whole service at every milestone of a prune and of a restore, each time then a restart: each ends as it would have,
 * with the same rows, objects and bundles, and every effect exactly once. Each function may do what its role in AWS may, and no more.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { findPolicy } from "../../functions/retention-policies.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { putPolicyTest } from "../../io/ledger/policy-tests.ts";
import { listRecords } from "../../io/ledger/prune-records.ts";
import { listPrunes, readPrune } from "../../io/ledger/prunes.ts";
import { newId } from "../../io/new-id.ts";
import { type ObjectStore, openObjectStore } from "../../io/object-store.ts";
import type { Session } from "../../io/postgres/session.ts";
import { openBundle, verifyBundle } from "../../io/prune-bundle.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { until } from "../service/local-service.ts";
import { addJobs, bucketFor, leftOf, PRUNABLE, PRUNABLE_SCHEMA } from "../service/prunable.ts";
import { Service } from "../service/service.ts";

/** What lies between `begun` and `recorded`, which every state passes. */
const INSIDE: Record<string, string[]> = {
  select: ["taken"],
  check: [],
  candidates: [],
  bundle: ["sealed"],
  "delete-rows": ["deleted"],
  "delete-media": ["removed"],
  note: ["noted"],
  report: ["written"],
};

const pointsOf = (states: Record<string, string[]>) =>
  Object.entries(states).map(([state, inside]) =>
    ["begun", ...inside, "recorded"].map((at) => `prune-${state}:${at}`),
  );

/** One prune dies at each state's first milestone, the next at each state's second, and so on. */
function schedules(states: Record<string, string[]>): string[][] {
  const points = pointsOf(states);
  const ranks = Math.max(...points.map((some) => some.length));
  return Array.from({ length: ranks }, (_, rank) => points.flatMap((some) => some[rank] ?? []));
}

const server = newestServer();
let service: Service;
let ledger: Session;
let address: DatabaseAddress;
let bucket: string;
let store: ObjectStore;

beforeAll(async () => {
  service = new Service(server.address, "kill-prune", { permissions: "enforced" });
  await begin();
  bucket = await bucketFor(service, "kill-prune-media");
  address = await freshDatabase(server, PRUNABLE_SCHEMA, `kill_prune_${process.pid}`);
  await service.register("jobs", address, { storage: { bucket } });
  await service.until(await service.promote("jobs", await service.release(PRUNABLE)), "promoted");
  // Its words would set other prunes off.
  await execute(address, "alter table jobs disable trigger tell");
  const environment = await readEnvironment(ledger, "jobs");
  const { digest, release } = await findPolicy(store, environment, "jobs");
  const task = newId("task");
  await ledger.query(
    `insert into ledger.tasks (id, kind, environment, input, requested_by, status)
      values ($1, 'prune-test', 'jobs', '{}', 'operator', 'succeeded')`,
    [task],
  );
  await putPolicyTest(ledger, {
    ...{ task, environment: "jobs", policy: "jobs", release, digest, passed: true, result: {} },
    fingerprint: environment.fingerprint,
  });
});

afterAll(async () => {
  await ledger.close();
  store.close();
  await service.stop();
  await dropDatabases(address);
});

/** The service's process, and this one's way to what it stands on. */
async function begin(): Promise<void> {
  await ledger?.close();
  await service.start();
  Object.assign(process.env, service.variables);
  ledger = await openLedger("test");
  store?.close();
  store = openObjectStore({ bucket: service.variables.REHEARSAL_BUCKET ?? "" });
}

/** Two records, each in the prune that `kills` befall. */
async function pruned(jobs: readonly number[], kills: readonly string[]) {
  await addJobs(service, address, bucket, jobs, { archived: true });
  const before = await Promise.all(jobs.map((job) => leftOf(service, address, bucket, job)));
  service.killAt(...kills);
  await asked("/environments/jobs/prunes", {
    ...{ policy: "jobs", mode: "prune", records: jobs.map(String), confirm: "jobs" },
  });
  return { prune: await newestOf(jobs), before };
}

/** The answer may be lost with the service; what was asked for stands in the ledger. */
async function asked(path: string, body: object): Promise<void> {
  try {
    await service.must("POST", path, body);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function newestOf([job = 0]: readonly number[]): Promise<string> {
  const [newest] = await listPrunes(ledger, { record: String(job), limit: 1 });
  return newest?.id ?? "";
}

async function survive(id: string, kills: readonly string[], end: string) {
  for (const _ of kills) {
    expect(await service.ended()).toBe("SIGKILL");
    await begin();
  }
  await until(async () => (await readPrune(ledger, id)).endedAt !== null);
  expect(service.unfired()).toEqual([]);
  expect(await readPrune(ledger, id)).toMatchObject({ status: end, error: null });
  expect(await listRecords(ledger, id, { limit: 10 })).toMatchObject([{ status: end }, { status: end }]);
}

const told = async (id: string) =>
  (
    await ledger.query<{ type: string; record: string | null }>(
      `select type, body::jsonb -> 'data' ->> 'record' as record from ledger.events where body::jsonb -> 'data' ->> 'prune' = $1
        order by 1, 2`,
      [id],
    )
  ).map(({ type, record }) => (record === null ? type : `${type} ${record}`));

test.each(
  schedules(INSIDE).map((kills, at) => ({ kills, where: kills.join(", "), jobs: [2 * at + 1, 2 * at + 2] })),
)(
  "kill -9 at $where of a prune: it ends as it would have, each effect exactly once",
  async ({ kills, jobs }) => {
    const { prune, before } = await pruned(jobs, kills);
    await survive(prune, kills, "pruned");
    for (const [at, job] of jobs.entries()) {
      const { rounds = [], recordings = [], ...rest } = before[at] ?? { objects: {} };
      expect(await leftOf(service, address, bucket, job)).toEqual({
        ...rest,
        ...{ rounds: rounds.slice(0, 1), recordings: recordings.slice(0, 1), notes: 1 },
        objects: { [`media/${job}1.wav`]: `the recording of round ${job}1` },
      });
    }
    expect(await told(prune)).toEqual([
      "prune.created",
      "prune.pruned",
      ...jobs.map((job) => `record.pruned ${job}`).sort(),
    ]);
    const [record] = await listRecords(ledger, prune, { limit: 1 });
    if (record?.bundle == null) throw new Error("there is no bundle");
    const bundle = await openBundle(store, record.bundle);
    await verifyBundle(store, bundle);
    expect(bundle.manifest.media.map(({ key }) => key)).toEqual(
      jobs.flatMap((job) => [`media/${job}2.wav`, `media/${job}3.wav`]),
    );
    expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
  },
);

test("kill -9 at every milestone of a restore: everything is back to the bit, each effect exactly once", async () => {
  const { prune, before } = await pruned([91, 92], []);
  await survive(prune, [], "pruned");
  const kills = pointsOf({ restore: ["media", "rows", "noted"] }).flat();
  service.killAt(...kills);
  await asked(`/prunes/${prune}/restore`, { confirm: "jobs" });
  const restoring = await newestOf([91]);
  await survive(restoring, kills, "restored");
  for (const [at, job] of [91, 92].entries())
    expect(await leftOf(service, address, bucket, job)).toEqual({ ...before[at], notes: 1 });
  expect(await told(restoring)).toEqual([
    "prune.created",
    "prune.restored",
    "record.restored 91",
    "record.restored 92",
  ]);
});

test("nothing was asked of AWS that a role may not", () => {
  expect(service.denied()).toEqual([]);
});
