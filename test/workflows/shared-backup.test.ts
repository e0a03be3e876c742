/** A backup that several functions copy: promotions on the true stack, with workers that die, hang, come late or never. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { BackupOf, leftInBucket } from "../service/backup-of.ts";
import { LocalService, until } from "../service/local-service.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

/** Each a unit of its own, one of them in two folders of large objects beside. */
const TABLES = 40;
const MANY = `${SCHEMA};
  do $$ begin for n in 1..${TABLES} loop
    execute format('create table public.many_%s as select g as id, %s * g as amount, repeat(''x'', 50) as filler from generate_series(1, 500) g', n, n);
  end loop; end $$;
  select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex')) from generate_series(1, 3)`;

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
let release: string;
let starved = false;

beforeAll(async () => {
  service = await new LocalService(server.address, "shared-backup", {
    around:
      (invoke) =>
      async (name, ...rest) =>
        starved && name.includes("back-up-worker")
          ? { error: { errorType: "Lambda.TooManyRequestsException", errorMessage: "Rate Exceeded." } }
          : invoke(name, ...rest),
  }).start();
  release = await service.release({ ...PROJECT, ...OUTSIDE });
}, 60_000);

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, MANY, `shared_${made.length}_${process.pid}`);
  made.push(address);
  await service.register(name, address, { backup: { functions: 4 }, connections: 1, ...policy });
  return address;
}

interface Shared {
  functions: number;
  joined: number;
  workers: { worker: number; units: number; bytes: number; rows: number }[];
  failed: { worker: number; code: string | null }[];
}

/** What the step tells of the sharing, of its attempt that succeeded. */
function sharedOf(detail: Awaited<ReturnType<LocalService["until"]>>): Shared {
  const step = detail.steps.findLast(({ step, status }) => step === "back-up" && status === "succeeded");
  return step?.outcome?.shared as Shared;
}

/** No object under the backup's prefix that the manifest does not name, but what the step itself writes beside. */
async function expectNothingBeside(promotion: string): Promise<BackupOf> {
  const backup = await BackupOf.open(service, promotion);
  const prefix = backup.manifestKey.replace(/manifest\.json$/, "");
  const { keys, uploads } = await leftInBucket(
    service.variables.AWS_ENDPOINT_URL_S3 ?? "",
    service.variables.REHEARSAL_BUCKET ?? "",
    prefix,
  );
  const own = keys.filter((key) => /\/[0-9a-f]{8}\//.test(key.slice(prefix.length - 1)));
  expect(own.filter((key) => !backup.keys.includes(key))).toEqual([]);
  expect(uploads).toEqual([]);
  return backup;
}

test("three workers and the step copy a backup together, and the copy is equal", async () => {
  await environment("together");
  const leader = service.gate("back-up:under-way");
  const gates = [1, 2, 3].map(() => service.gate("back-up-worker:taken"));
  const id = await service.promote("together", release);
  await leader.reached();
  await Promise.all(gates.map((gate) => gate.reached()));
  for (const gate of gates) gate.open();
  // The step is at its first unit; everything else is the workers'.
  await until(async () => {
    const [left] = await rows<{ n: number }>(
      service.control,
      "select count(*)::int as n from ledger.shared_units where promotion = $1 and result is null",
      [id],
    );
    return left?.n === 1;
  });
  leader.open();
  const shared = sharedOf(await service.until(id, "promoted"));
  expect(shared).toMatchObject({ functions: 4, joined: 3, failed: [] });
  expect(shared.workers.map(({ worker }) => worker)).toEqual([0, 1, 2, 3]);
  expect(shared.workers.every(({ units }) => units > 0)).toBe(true);
  const backup = await expectNothingBeside(id);
  const folders = new Set(backup.manifest.data.map(({ key }) => key.split("/")[3]));
  expect(folders.size).toBe(4);
  backup.close();
}, 120_000);

test("a promotion whose policy names one function starts no worker and shares nothing", async () => {
  await environment("alone", { backup: { functions: 1 } });
  const id = await service.promote("alone", release);
  const detail = await service.until(id, "promoted");
  expect(sharedOf(detail)).toBeUndefined();
  expect(
    await rows(service.control, "select 1 from ledger.shared_backups where promotion = $1", [id]),
  ).toEqual([]);
}, 120_000);

test("workers that die with a unit taken, copied and counted are replaced, told of, and leave nothing", async () => {
  await environment("deaths");
  const leader = service.gate("back-up:under-way");
  const deaths = ["taken", "copied", "counted"].map((point) =>
    service.gate(`back-up-worker:${point}`, "dies"),
  );
  const id = await service.promote("deaths", release);
  await leader.reached();
  await Promise.all(deaths.map((gate) => gate.reached()));
  leader.open();
  const shared = sharedOf(await service.until(id, "promoted"));
  expect(shared.failed).toHaveLength(3);
  expect(shared.failed.every(({ code }) => code === null)).toBe(true);
  (await expectNothingBeside(id)).close();
  expect((await service.stack.lambda.invoke("sweep", {})) as object).toMatchObject({
    payload: { strays: [] },
  });
  expect(
    await rows(service.control, "select 1 from ledger.shared_backups where promotion = $1", [id]),
  ).toEqual([]);
}, 180_000);

test("a worker that hangs is overtaken, its sessions are ended, and what it comes back with does not count", async () => {
  await environment("hangs", { backup: { functions: 2 } });
  const leader = service.gate("back-up:under-way");
  const hanging = service.gate("back-up-worker:copied");
  const id = await service.promote("hangs", release);
  await leader.reached();
  await hanging.reached();
  leader.open();
  await until(async () => {
    const { steps } = await service.must<{ steps: { step: string; status: string }[] }>(
      "GET",
      `/promotions/${id}`,
    );
    return steps.some(({ step, status }) => step === "back-up" && status === "succeeded");
  });
  const sessions = "select 1 from pg_stat_activity where starts_with(application_name, $1)";
  expect(await rows(server.address, sessions, [`rehearsal ${id} back-up`])).toEqual([]);
  hanging.open();
  const shared = sharedOf(await service.until(id, "promoted"));
  expect(shared).toMatchObject({ joined: 1, failed: [{ worker: 1, code: null }] });
  expect(shared.workers).toMatchObject([
    { worker: 0, units: expect.any(Number) },
    { worker: 1, units: 0 },
  ]);
  (await expectNothingBeside(id)).close();
}, 180_000);

test.each(["exported", "planned", "under-way", "copied", "effect"])(
  "a step that dies at %s begins anew with its workers, and those of its first attempt leave nothing",
  async (point) => {
    await environment(`dies-${point}`);
    service.gate(`back-up:${point}`, "dies");
    const id = await service.promote(`dies-${point}`, release);
    const detail = await service.until(id, "promoted");
    expect(detail.steps.filter(({ step }) => step === "back-up").map(({ status }) => status)).toEqual([
      "failed",
      "succeeded",
    ]);
    expect(sharedOf(detail)).toMatchObject({ functions: 4 });
    (await expectNothingBeside(id)).close();
    await service.stack.lambda.invoke("sweep", {});
    const { keys, uploads } = await leftInBucket(
      service.variables.AWS_ENDPOINT_URL_S3 ?? "",
      service.variables.REHEARSAL_BUCKET ?? "",
      `backups/dies-${point}/${id}-1/`,
    );
    expect(uploads).toEqual([]);
    // One that died behind its manifest is a backup that nobody knows of, as it is of an attempt that is alone.
    if (point !== "effect") expect(keys).toEqual([]);
  },
  180_000,
);

test("where no worker is ever started the step copies everything, and tells that nobody joined it", async () => {
  await environment("starved");
  starved = true;
  const id = await service.promote("starved", release);
  const shared = sharedOf(await service.until(id, "promoted"));
  starved = false;
  expect(shared).toMatchObject({ functions: 4, joined: 0, failed: [], workers: [{ worker: 0 }] });
}, 120_000);

test("a worker that comes when there is nothing to share ends at once", async () => {
  await environment("late");
  const id = await service.promote("late", release);
  await service.until(id, "promoted");
  expect(await service.stack.lambda.invoke("back-up-worker", { promotion: id, worker: 1 })).toEqual({
    payload: { units: 0, more: false },
  });
}, 120_000);

test("a worker that reaches another server than the snapshot's copies nothing and tells why; the backup is taken without it", async () => {
  await environment("elsewhere", { backup: { functions: 2 } });
  const leader = service.gate("back-up:under-way");
  const joined = service.gate("back-up-worker:taken");
  const id = await service.promote("elsewhere", release);
  await leader.reached();
  await joined.reached();
  await rows(
    service.control,
    "update ledger.shared_backups set plan = jsonb_set(plan, '{place}', '\"another server\"') where promotion = $1",
    [id],
  );
  const answer = await service.stack.lambda.invoke("back-up-worker", { promotion: id, worker: 7 });
  expect(answer).toMatchObject({ error: { errorType: "SnapshotElsewhere" } });
  joined.open();
  leader.open();
  const shared = sharedOf(await service.until(id, "promoted"));
  expect(shared.failed).toEqual([{ worker: 7, code: "SnapshotElsewhere" }]);
  const [told] = await rows<{ body: string }>(
    service.control,
    "select body from ledger.events where promotion = $1 and type = 'back-up.shared'",
    [id],
  );
  expect(JSON.parse(told?.body ?? "{}")).toMatchObject({
    data: { failed: [{ worker: 7, code: "SnapshotElsewhere" }] },
  });
  (await expectNothingBeside(id)).close();
}, 120_000);

test("what several functions copy beside writers is one instant: a check of sums across tables holds on the copy", async () => {
  const address = await environment("busy", { connections: 2 });
  const balanced = await service.release({
    ...PROJECT,
    ...OUTSIDE,
    "checks/balanced.sql":
      `select sum from (${Array.from({ length: TABLES }, (_, n) => `select sum(amount) from public.many_${n + 1}`).join(" union all ")}) as s(sum)
      having sum(sum) <> (select 250 * 501 * ${(TABLES * (TABLES + 1)) / 2});\n`.replace(
        "select sum from",
        "select sum(sum) from",
      ),
  });
  let over = false;
  const writing = Promise.all(
    [1, 2, 3].map(async (writer) => {
      for (let round = 0; !over; round++) {
        const [from, to] = [1 + ((round * 7 + writer) % TABLES), 1 + ((round * 11 + 3 * writer) % TABLES)];
        // Turned away at the fence, as an application is.
        await rows(
          address,
          `with away as (update public.many_${Math.min(from, to)} set amount = amount - 1 where id = ${writer} returning 1)
            update public.many_${Math.max(from, to)} set amount = amount + 1 where id = ${writer + 10} and exists (select from away)`,
        ).catch((error: unknown) => error);
      }
    }),
  );
  const leader = service.gate("back-up:under-way");
  const gates = [1, 2, 3].map(() => service.gate("back-up-worker:taken"));
  const id = await service.promote("busy", balanced);
  await leader.reached();
  await Promise.all(gates.map((gate) => gate.reached()));
  for (const gate of gates) gate.open();
  leader.open();
  const shared = sharedOf(await service.until(id, "promoted"));
  over = true;
  await writing;
  expect(shared.joined).toBe(3);
  expect(shared.workers.filter(({ units }) => units > 0).length).toBeGreaterThan(2);
}, 180_000);

test("a plan tells when the last backup came too near to a function's life", async () => {
  const plan = async () =>
    (await service.must<{ backup: object }>("POST", "/plans", { environment: "together", release })).backup;
  expect(await plan()).toMatchObject({ functions: 4, seconds: expect.any(Number), outlasts: false });
  await rows(
    service.control,
    `update ledger.steps set started_at = ended_at - interval '700 seconds'
      where step = 'back-up' and promotion in (select id from ledger.promotions where environment = 'together')`,
  );
  expect(await plan()).toEqual({ functions: 4, seconds: 700, outlasts: true });
});
