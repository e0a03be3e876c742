/** What whole promotions tell of themselves, and the functions of the clock, which look where nobody reports. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { MetricName } from "../../core/metrics.ts";
import { freePort } from "../../local/postgres.ts";
import { type Point, pointsOf } from "../emf.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { startHook } from "../service/hook.ts";
import { LocalService, until } from "../service/local-service.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
const lines: string[] = [];
let service: LocalService;

beforeAll(async () => {
  service = await new LocalService(server.address, "telemetry", {
    onLog: (line) => lines.push(line),
    environment: { REHEARSAL_LOG: "json", REHEARSAL_STAGE: "test", POWERTOOLS_METRICS_DISABLED: "false" },
  }).start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made.map(({ database }) => ({ ...server.address, database })));
});

async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `told_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

interface Line {
  level: string;
  message: string;
  promotion?: string;
  step?: string;
  [name: string]: unknown;
}

/** The lines that functions wrote; Lambda's own begin with a word. */
const said = () => lines.filter((line) => line.startsWith("{"));
const logged = () =>
  said()
    .map((line) => JSON.parse(line) as Line)
    .filter(({ level }) => level !== undefined);
const points = () => said().flatMap(pointsOf);

const named = (name: MetricName, beside: object) =>
  points().filter(
    (point) =>
      point.name === name && Object.entries(beside).every(([key, value]) => point.beside[key] === value),
  );

/** Ends of promotions, as often as they were counted. */
function endsOf(promotion: string): string[] {
  const ends: MetricName[] = [
    "PromotionPromoted",
    "PromotionRefused",
    "PromotionRolledBack",
    "PromotionHeld",
  ];
  return ends.flatMap((name) => named(name, { promotion }).map(() => name));
}

/** Runs a function as the clock would. */
async function byTheClock(name: string): Promise<Record<string, unknown>> {
  const result = await service.stack.lambda.invoke(name, {});
  if ("error" in result) throw new Error(`${name}: ${result.error.errorMessage}`);
  return result.payload as Record<string, unknown>;
}

test("a promotion's lines carry it, its step and the attempt from begin to end, and each step's time is measured", async () => {
  await environment("good");
  const id = await service.promote("good", await service.release(PROJECT));
  const { steps } = await service.until(id, "promoted");
  await until(() => endsOf(id).length > 0);
  // The promotion has ended a moment before the step that ended it.
  await until(() => logged().some((line) => line.step === "open" && line.message === "done"));
  const own = logged().filter(({ promotion, function: name }) => promotion === id && name !== "reconcile");
  for (const { step, attempt } of steps) {
    const ofStep = own.filter((line) => line.step === step && line.attempt === attempt);
    expect(ofStep.map(({ message }) => message)).toEqual(["begun", "done"]);
    for (const line of ofStep)
      expect(line).toMatchObject({
        ...{ environment: "good", stage: "test", function: step },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    expect(named("StepSeconds", { promotion: id, step })).toMatchObject([{ dimensions: [{}, { step }] }]);
  }
  expect(endsOf(id)).toEqual(["PromotionPromoted"]);
  expect(named("PromotionStarted", { promotion: id })).toMatchObject([
    { namespace: "Rehearsal/test", value: 1, dimensions: [{}, { environment: "good" }] },
  ]);
  expect(named("BackupBytes", { promotion: id })).toHaveLength(1);
  expect(named("BackupSeconds", { promotion: id })).toHaveLength(1);
});

test("a request is one line with its route and its answer, and nothing of what somebody wrote into it", async () => {
  await service.call("GET", "/promotions/no-such-promotion?limit=1&secret=hunter2");
  await service.call("GET", "/nowhere/hunter2", undefined, { key: "rk_hunter2" });
  await until(() => logged().some(({ message, status }) => message === "request" && status === 401));
  const requests = logged().filter(({ message }) => message === "request");
  expect(requests).toContainEqual(
    expect.objectContaining({
      ...{ method: "GET", route: "/promotions/{id}", status: 400, actor: "key", function: "api" },
      milliseconds: expect.any(Number),
    }),
  );
  expect(JSON.stringify(requests)).not.toContain("hunter2");
  expect(JSON.stringify(requests)).not.toContain("no-such-promotion");
});

test("what alarms listen for is counted once, whoever dies: a refusal, a failed verification and the rollback behind it, a hold", async () => {
  let held: DatabaseAddress;
  // Against all that was said it writes, and then says that nothing works.
  const smuggler = await startHook(async () => {
    const client = new pg.Client({ ...held, ssl: false });
    await client.connect();
    await client.query("set default_transaction_read_only = off");
    await client.query("insert into public.videos (title) values ('smuggled')");
    await client.end();
    return 500;
  });
  held = await environment("held", { hooks: { smoke: smuggler.url } });
  await environment("back", { hooks: { smoke: `http://127.0.0.1:${await freePort()}/` } });
  await environment("refused");
  const outside = await service.release({ ...PROJECT, ...OUTSIDE });
  const broken = await service.release({ ...PROJECT, "migrations/0003_bad.sql": "select 1 / 0;" });
  // One dies once the ledger knows, before anybody is told: what is counted must come from somebody else, and once.
  const death = service.gate("refuse:recorded", "dies");
  const [refusedId, backId, heldId] = [
    await service.promote("refused", broken),
    await service.promote("back", outside),
    await service.promote("held", outside),
  ];
  await death.reached();
  await service.until(refusedId, "refused");
  await service.until(backId, "rolled-back");
  await service.until(heldId, "held");
  await smuggler.stop();
  made.push({ ...held, database: `told_back_${process.pid}__failed_${backId}` });
  made.push({ ...held, database: `${held.database}__fenced_${heldId}` });
  const counts = [refusedId, backId, heldId];
  await until(() => counts.every((id) => endsOf(id).length > 0));
  // Whoever comes by afterwards, and finds the same, counts nothing again.
  await byTheClock("reconcile");
  expect(counts.map(endsOf)).toEqual([["PromotionRefused"], ["PromotionRolledBack"], ["PromotionHeld"]]);
  const verified = (id: string) => named("VerificationFailed", { promotion: id }).length;
  expect(counts.map(verified)).toEqual([0, 1, 1]);
  expect(named("StepFailed", { promotion: refusedId })).toMatchObject([
    { dimensions: [{}, { environment: "refused" }, { step: "rehearse" }] },
  ]);
  expect(
    logged().filter(({ message, promotion }) => message === "failed" && promotion === refusedId),
  ).toMatchObject([{ level: "WARN", step: "rehearse", attempt: 1, error: { code: "MigrationFailed" } }]);
  expect(named("PromotionsHeld", {}).at(-1)).toMatchObject({ value: 1, dimensions: [{}] });
  expect(named("OutboxAge", {}).length).toBeGreaterThan(0);
});

test("by the clock drift is looked for where a policy wants it, told once, and one database that is away keeps no other from it", async () => {
  await environment("away");
  await environment("never", { drift: { look: "never" } });
  const drifted = await environment("drifted");
  await execute(drifted, "create table public.by_hand (id int)");
  await execute(
    server.address,
    `alter database "told_away_${process.pid}" rename to "told_gone_${process.pid}"`,
  );
  made.push({ ...drifted, database: `told_gone_${process.pid}` });
  const { looked } = await byTheClock("drift");
  // What is held is somebody else's to mend first.
  expect(looked).toEqual({ away: null, back: 0, drifted: expect.any(Number), good: 0, refused: 0 });
  expect(await byTheClock("drift")).toEqual({ looked: {} });
  const later =
    "update ledger.rounds set at = at - interval '1 day'; update ledger.drift_checks set checked_at = checked_at - interval '1 day'";
  await execute(service.control, later);
  expect(await byTheClock("drift")).toEqual({ looked });
  await until(() => named("DriftFound", {}).length > 0);
  await byTheClock("reconcile");
  expect(named("DriftFound", {})).toMatchObject([{ dimensions: [{}, { environment: "drifted" }] }]);
  expect(named("DriftUnseen", { environment: "away" })).toHaveLength(2);
});

test("by the clock backups whose time is over are removed, by one task at a time, and nothing is started where nothing may go", async () => {
  expect(await byTheClock("expire")).toEqual({ task: null });
  await execute(
    service.control,
    `update ledger.environments set policy = jsonb_set(policy, '{retention,keepVerified}', '0') where name = 'good';
     update ledger.backups set retain_until = now() - interval '1 day' where environment = 'good'`,
  );
  const { task } = await byTheClock("expire");
  expect(task).toEqual(expect.stringMatching(/^t/));
  await until(async () => (await service.must("GET", `/tasks/${task}`)).status === "succeeded");
  expect(
    await rows(service.control, "select distinct status from ledger.backups where environment = 'good'"),
  ).toEqual([{ status: "expired" }]);
  expect(await byTheClock("expire")).toEqual({ task: null });
  await until(() => named("BackupExpired", { environment: "good" }).length > 0);
});

test("by the clock the log is proved from where the last round was, and told broken by each round until it is mended", async () => {
  const first = await byTheClock("audit");
  const [{ count: events = 0 } = {}] = await rows<{ count: number }>(
    service.control,
    "select count(*)::int as count from ledger.events",
  );
  expect(first).toEqual({ proved: events, again: events });
  expect(named("LogChainBroken", {}).map(({ value }) => value)).toEqual([0]);
  // Its backups are gone, so its age is that of its registration; both are seconds.
  const ages = (name: string) => named("VerifiedBackupAge", { environment: name }) as Point[];
  for (const name of ["good", "refused"])
    expect(ages(name)).toMatchObject([{ unit: "Seconds", dimensions: [{}, { environment: name }] }]);
  const s3 = new S3Client({ endpoint: service.stack.endpoints.s3 });
  const put = (seq: number, Body: string) =>
    s3.send(
      new PutObjectCommand({
        ...{ Bucket: service.variables.REHEARSAL_BUCKET ?? "", Body },
        Key: `log/${String(seq).padStart(12, "0")}.json`,
      }),
    );
  await put(events + 1, "{}");
  const cutOff = { seq: events + 1, reason: "the ledger ends before it, but the bucket has a copy of it" };
  expect(await byTheClock("audit")).toMatchObject({ proved: events, broken: cutOff });
  expect(await byTheClock("audit")).toMatchObject({ broken: cutOff });
  expect(named("LogChainBroken", {}).map(({ value }) => value)).toEqual([0, 1, 1]);
  expect(logged().at(-1)).toMatchObject({ level: "ERROR", message: "the log is broken", ...cutOff });
  s3.destroy();
});

test("a copy that was changed long after it was proved is found when its turn to be read again has come", async () => {
  const other = await new LocalService(server.address, "telemetry-copies").start();
  const audit = async () => {
    const result = await other.stack.lambda.invoke("audit", {});
    return "payload" in result ? result.payload : result.error;
  };
  await other.release(PROJECT);
  await until(async () => (await rows(other.control, "select 1 from ledger.outbox")).length === 0);
  expect(await audit()).not.toHaveProperty("broken");
  const s3 = new S3Client({ endpoint: other.stack.endpoints.s3 });
  const Bucket = other.variables.REHEARSAL_BUCKET ?? "";
  await s3.send(new PutObjectCommand({ Bucket, Key: "log/000000000001.json", Body: "{}" }));
  s3.destroy();
  expect(await audit()).toMatchObject({
    broken: { seq: 1, reason: "its copy in the bucket says something else" },
  });
  await other.stop();
});
