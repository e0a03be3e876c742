/**
 * Backups over HTTP, on the whole service: taken, proved, refused, restored, kept and expired, with what the log says of it.
 * Long because all of it happens on one service, whose start costs more than any case.
 */
import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { closeTask } from "../../functions/task.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { insertTask } from "../../io/ledger/tasks.ts";
import { executionArn } from "../../io/step-functions.ts";
import { dropDatabases, execute, freshDatabase, newestServer, olderThanAll, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { SCHEMA } from "../service/project.ts";
import { backedUp, runTask, succeed, type Task, taskEnd } from "../service/tasks.ts";

interface Backup {
  id: string;
  status: string;
  base: string | null;
  rows: number;
  bytes: number;
  verifiedBy: string | null;
  restoreSeconds: number | null;
  retention: string;
  held: { reason: string; by: string } | null;
  error: { code: string } | null;
  expiredAt: string | null;
  manifest: {
    tables: { table: string; rows: number }[];
    notCarried: { roles: string[] };
    builtOn: string[];
  } | null;
}

interface Problem {
  code: string;
  detail: string;
  hint: string;
}

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
let s3: S3Client;
let sfn: SFNClient;
let production: DatabaseAddress;
let development: DatabaseAddress;

beforeAll(async () => {
  service = await new LocalService(server.address, "backups", { reconcileSeconds: 3600 }).start();
  s3 = new S3Client({ endpoint: service.stack.endpoints.s3 });
  sfn = new SFNClient({ endpoint: service.stack.endpoints.stepFunctions });
  production = await environment("library-prod", "prod");
  development = await environment("library-dev", "dev");
});

afterAll(async () => {
  s3.destroy();
  sfn.destroy();
  await service.stop();
  await dropDatabases(...made);
});

async function environment(name: string, role: "prod" | "dev", policy: object = {}) {
  const address = await freshDatabase(server, SCHEMA, `bk_${name.replaceAll("-", "_")}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy, role);
  // A backup builds on another only where nothing was written by transactions that the other may not have seen.
  await olderThanAll(address);
  return address;
}

const show = (id: string) => service.must<Backup>("GET", `/backups/${id}`);

const refused = async (path: string, body: object) => {
  const { status, body: problem } = await service.call<Problem>("POST", path, body);
  return { status, ...problem };
};

/** The types of the log's events that name a backup. */
async function told(backup: string): Promise<string[]> {
  const found = await rows<{ type: string }>(
    service.control,
    "select type from ledger.events where body::jsonb -> 'data' ->> 'backup' = $1 order by seq",
    [backup],
  );
  return found.map(({ type }) => type);
}

const databases = async (like: string) =>
  (
    await rows<{ name: string }>(
      server.address,
      "select datname as name from pg_database where datname like $1",
      [like],
    )
  ).map(({ name }) => name);

/** Flips one bit of an object. */
async function damage(key: string): Promise<void> {
  const Bucket = service.variables.REHEARSAL_BUCKET ?? "";
  const bytes = await (
    await s3.send(new GetObjectCommand({ Bucket, Key: key }))
  ).Body?.transformToByteArray();
  if (bytes === undefined) throw new Error(`${key} is empty`);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }));
}

/** A key of one of its data objects. */
async function dataKey(id: string): Promise<string> {
  const Bucket = service.variables.REHEARSAL_BUCKET ?? "";
  const [row] = await rows<{ key: string }>(
    service.control,
    "select manifest_key as key from ledger.backups where id = $1",
    [id],
  );
  const found = await s3.send(new GetObjectCommand({ Bucket, Key: row?.key ?? "" }));
  const manifest = JSON.parse((await found.Body?.transformToString()) ?? "") as { data: { key: string }[] };
  return manifest.data[0]?.key ?? "";
}

describe("a backup taken alone", () => {
  test("is listed and shown with what its manifest says, and its age is known", async () => {
    const task = await succeed(service, "/environments/library-prod/backups", { retention: "archive" });
    const id = task.backup ?? "";
    expect(task.outcome).toMatchObject({ backup: id, base: null, rows: 2021, objects: 5 });
    const shown = await show(id);
    expect(shown).toMatchObject({
      status: "written",
      rows: 2021,
      retention: "archive",
      verifiedBy: null,
      held: null,
      manifest: { builtOn: [], largeObjects: { count: 1 } },
    });
    expect(shown.manifest?.tables.map(({ table, rows }) => [table, rows])).toEqual(
      expect.arrayContaining([
        ['"public"."segments"', 2000],
        ['"public"."videos"', 20],
      ]),
    );
    const list = await service.must<{ backups: Backup[]; lastVerified: unknown }>(
      "GET",
      "/backups?environment=library-prod",
    );
    expect(list.backups.map((backup) => backup.id)).toEqual([id]);
    expect(list.lastVerified).toBeNull();
    expect(await told(id)).toEqual(["backup.taken"]);
    expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
  });

  test("is started once by one Idempotency-Key, and its key is not another request's", async () => {
    const headers = { "idempotency-key": "nightly" };
    const path = "/environments/library-dev/backups";
    const first = await service.call<Task>("POST", path, {}, { headers });
    const second = await service.call<Task>("POST", path, {}, { headers });
    expect([first.status, second.status, second.body.id]).toEqual([202, 200, first.body.id]);
    const other = await service.call<Problem>("POST", path, { retention: "archive" }, { headers });
    expect([other.status, other.body.code]).toEqual([422, "IdempotencyKeyReused"]);
    await taskEnd(service, first.body.id);
  });

  test("builds on a base of its own environment only", async () => {
    const path = "/environments/library-prod/backups";
    const { backups } = await service.must<{ backups: Backup[] }>("GET", "/backups?environment=library-dev");
    const foreign = await refused(path, { base: backups[0]?.id });
    expect(foreign).toMatchObject({ status: 404, code: "NotFound" });
    const latest = await succeed(service, path, { base: "latest" });
    expect(latest.outcome).toMatchObject({ rows: 2021, base: expect.stringMatching(/^b/) });
    const { base, bytes, newBytes } = latest.outcome as { base: string; bytes: number; newBytes: number };
    // Nobody wrote since: all that is its own is the table of contents.
    expect(newBytes).toBeLessThan(bytes);
    expect(await dataKey(latest.backup ?? "")).toContain(`/${base}/`);
    expect(
      (await succeed(service, `/backups/${latest.backup}/verify`, { restore: true })).outcome,
    ).toMatchObject({ by: "restore" });
  });

  test("is refused while a promotion keeps the database closed", async () => {
    await environment("closed", "prod");
    const id = "p261121fenced00";
    await execute(
      service.control,
      `insert into ledger.releases (hash, project, manifest, uploaded_by) values (repeat('a', 64), 'p', '{}', 'test');
       insert into ledger.promotions (id, environment, release, requested_by, status, policy, state_before)
         values ('${id}', 'closed', repeat('a', 64), 'test', 'held', '{}', 'writeable');
       insert into ledger.steps (promotion, step, attempt, status) values ('${id}', 'fence', 1, 'succeeded')`,
    );
    expect(await refused("/environments/closed/backups", {})).toMatchObject({
      status: 409,
      code: "EnvironmentFenced",
      hint: expect.stringContaining(`rehearsal rollback ${id}`),
    });
  });

  test("whose function dies is taken all the same, once", async () => {
    service.gate("task-back-up:effect", "dies");
    const task = await succeed(service, "/environments/library-dev/backups");
    expect(task.attempt).toBe(2);
    expect(await told(task.backup ?? "")).toEqual(["backup.taken"]);
  });
});

describe("verify", () => {
  test("reads every object, and says how it was verified", async () => {
    const id = await backedUp(service, "library-prod");
    const { outcome } = await succeed(service, `/backups/${id}/verify`);
    expect(outcome).toMatchObject({ backup: id, by: "objects", rows: 2021, objects: 5 });
    expect(await show(id)).toMatchObject({ status: "verified", verifiedBy: "objects" });
    const { lastVerifiedBackup } = await service.must<{ lastVerifiedBackup: object }>(
      "GET",
      "/environments/library-prod",
    );
    expect(lastVerifiedBackup).toMatchObject({ id, verifiedBy: "objects", ageSeconds: expect.any(Number) });
    expect(await told(id)).toEqual(["backup.taken", "task.created", "backup.verified"]);
  });

  test("with a restore compares a database made of it, and drops that in every case", async () => {
    const id = await backedUp(service, "library-prod");
    const { outcome } = await succeed(service, `/backups/${id}/verify`, { restore: true });
    expect(outcome).toMatchObject({ by: "restore", restoreSeconds: expect.any(Number) });
    expect(await show(id)).toMatchObject({ verifiedBy: "restore", restoreSeconds: outcome?.restoreSeconds });
    // What a restore has proved the reading of objects does not make less.
    await succeed(service, `/backups/${id}/verify`);
    expect(await show(id)).toMatchObject({ verifiedBy: "restore" });
    await damage(await dataKey(id));
    const failed = await runTask(service, `/backups/${id}/verify`, { restore: true });
    expect(failed).toMatchObject({ status: "failed", error: { code: "BackupCorrupt" } });
    expect(await show(id)).toMatchObject({ status: "refused", error: { code: "BackupCorrupt" } });
    expect(await databases("%__scratch_%")).toEqual([]);
  });

  test("fault 33: a backup with one flipped bit is refused by reading, told in the log, and never restored", async () => {
    const id = await backedUp(service, "library-dev");
    await damage(await dataKey(id));
    const failed = await runTask(service, `/backups/${id}/verify`);
    expect(failed).toMatchObject({
      status: "failed",
      error: { code: "BackupCorrupt", hint: expect.stringContaining("take another backup") },
    });
    expect(await told(id)).toEqual(["backup.taken", "task.created", "backup.refused"]);
    expect(await refused(`/backups/${id}/restore`, { over: "library-dev" })).toMatchObject({
      status: 409,
      code: "BackupUnusable",
      hint: expect.stringContaining("rehearsal backup list library-dev"),
    });
  });

  test("fault 34: a backup without its manifest is refused, and what the ledger knows of it is still shown", async () => {
    const id = await backedUp(service, "library-dev");
    const Key = `backups/library-dev/${id}/manifest.json`;
    await s3.send(new DeleteObjectCommand({ Bucket: service.variables.REHEARSAL_BUCKET, Key }));
    const failed = await runTask(service, `/backups/${id}/verify`);
    expect(failed).toMatchObject({
      error: { code: "BackupObjectMissing", hint: expect.stringContaining("a delete marker hides it") },
    });
    expect(await show(id)).toMatchObject({
      status: "refused",
      rows: 2021,
      manifest: null,
      damage: { code: "BackupObjectMissing" },
    });
  });

  test("fault 42: a task whose execution is stopped from outside is closed by the reconciler, and a zombie of it writes nothing", async () => {
    const id = await backedUp(service, "library-dev");
    const gate = service.gate("task-verify:restored");
    const { id: task } = await service.must<Task>("POST", `/backups/${id}/verify`, { restore: true });
    await gate.reached();
    const { REHEARSAL_TASK_MACHINE: machine = "" } = service.variables;
    const stopped = executionArn(machine, task);
    await sfn.send(new StopExecutionCommand({ executionArn: stopped, error: "Stopped", cause: "by hand" }));
    expect(await taskEnd(service, task)).toMatchObject({
      status: "failed",
      error: { code: "StepDied", message: expect.stringContaining("ABORTED") },
    });
    expect(await databases(`%${task}%`)).toEqual([]);
    gate.open();
    expect(await show(id)).toMatchObject({ status: "written" });
  });

  test("whose server is gone is closed all the same, and nobody waits for it", async () => {
    await environment("unreachable", "dev", { maintenanceDatabase: "nowhere", patience: 0 });
    const id = await backedUp(service, "unreachable");
    const task = "t261121closed00";
    const ledger = await openLedger("test");
    try {
      await insertTask(ledger, {
        ...{ id: task, kind: "verify", environment: "unreachable", backup: id },
        ...{ input: { restore: true }, requestedBy: "test" },
      });
      await closeTask(ledger, task, { Error: "Sandbox.Timedout", Cause: "" });
    } finally {
      await ledger.close();
    }
    expect(await taskEnd(service, task)).toMatchObject({ status: "failed", error: { code: "StepDied" } });
  });

  test("whose function dies again and again is closed with the reason, and leaves no database", async () => {
    const id = await backedUp(service, "library-dev");
    service.gate("task-verify:created", "dies");
    service.gate("task-verify:created", "dies");
    const task = await runTask(service, `/backups/${id}/verify`, { restore: true });
    expect(task).toMatchObject({ status: "failed", error: { code: "StepDied" } });
    expect(await databases(`%${task.id}%`)).toEqual([]);
  });
});

describe("restore", () => {
  test("into a new database makes it equal, and never writes into one that is there", async () => {
    const before = await contentOf(production);
    const id = await backedUp(service, "library-prod");
    const name = `bk_new_${process.pid}`;
    made.push({ ...production, database: name });
    const { outcome } = await succeed(service, `/backups/${id}/restore`, { to: name });
    expect(outcome).toMatchObject({ database: name, replaced: null });
    expect(await contentOf({ ...production, database: name })).toEqual(before);
    expect(await show(id)).toMatchObject({ status: "verified", verifiedBy: "restore" });
    const again = await runTask(service, `/backups/${id}/restore`, { to: name });
    expect(again).toMatchObject({
      status: "failed",
      error: { code: "DatabaseExists", hint: expect.stringContaining("--to") },
    });
    expect(await databases("%__scratch_%")).toEqual([]);
    expect(await told(id)).toContain("backup.restored");
  });

  describe.each(["created", "restored", "renamed", "effect", "recorded"])("dying at %s", (point) => {
    test("fault 7: a restore over an environment is done once, wherever its function dies, and keeps what it replaces", async () => {
      const before = await contentOf(development);
      const id = await backedUp(service, "library-dev");
      await execute(
        development,
        `update segments set text = '${point}'; create table lost_${point} (id int)`,
      );
      const changed = await contentOf(development);
      service.gate(`task-restore:${point}`, "dies");
      const { id: task, outcome } = await succeed(service, `/backups/${id}/restore`, { over: "library-dev" });
      const replaced = `${development.database}__replaced_${task}`;
      made.push({ ...development, database: replaced });
      expect(outcome).toMatchObject({ database: development.database, replaced });
      expect(await contentOf(development)).toEqual(before);
      expect((await contentOf({ ...development, database: replaced })).baseline).toEqual(changed.baseline);
      expect(await databases(`%${task}%`)).toEqual([replaced]);
      expect((await told(id)).filter((type) => type === "backup.restored")).toHaveLength(1);
      // What is promised of the environment is what was restored: the next promotion finds no drift.
      const [row] = await rows<{ fingerprint: string }>(
        service.control,
        "select fingerprint from ledger.environments where name = 'library-dev'",
      );
      expect(row?.fingerprint).toBe(before.fingerprint);
    });
  });

  test("over an environment whose database is gone makes it again, closed to whom nobody can tell may enter", async () => {
    const address = await environment("gone", "prod");
    const before = await contentOf(address);
    const id = await backedUp(service, "gone");
    await dropDatabases(address);
    const { outcome } = await succeed(service, `/backups/${id}/restore`, { over: "gone", confirm: "gone" });
    expect(outcome).toMatchObject({ replaced: null, closed: true });
    expect(await contentOf(address)).toEqual(before);
    const mayEnter = "select has_database_privilege('public', $1, 'connect') as public";
    expect(await rows(server.address, mayEnter, [address.database])).toEqual([{ public: false }]);
  });

  test("over production asks for its name, and tells the way back that loses nothing", async () => {
    const id = await backedUp(service, "library-prod");
    const path = `/backups/${id}/restore`;
    for (const body of [{ over: "library-prod" }, { over: "library-prod", confirm: "library-dev" }])
      expect(await refused(path, body)).toMatchObject({
        status: 422,
        code: "RestoreOverProd",
        hint: expect.stringMatching(/rehearsal rollback ID.*--confirm library-prod/),
      });
    const before = await contentOf(production);
    await execute(production, "delete from segments where id = 1");
    const task = await succeed(service, path, { over: "library-prod", confirm: "library-prod" });
    made.push({ ...production, database: String(task.outcome?.replaced) });
    expect(await contentOf(production)).toEqual(before);
  });

  test("abuse 40: a backup of development never goes into production, whatever is confirmed, and the log tells who tried", async () => {
    const before = await contentOf(production);
    const id = await backedUp(service, "library-dev");
    const body = { over: "library-prod", confirm: "library-prod" };
    expect(await refused(`/backups/${id}/restore`, body)).toMatchObject({
      status: 409,
      code: "RestoreForeign",
      detail: expect.stringContaining("development data never goes into"),
      hint: expect.stringContaining("rehearsal backup list library-prod"),
    });
    expect(await told(id)).toEqual(["backup.taken", "backup.restore-refused"]);
    expect(await contentOf(production)).toEqual(before);
    const other = await refused(`/backups/${await backedUp(service, "library-prod")}/restore`, {
      over: "library-dev",
    });
    expect(other.code).toBe("RestoreForeign");
  });

  test("abuse 40: a ledger that calls a backup production's is not believed over the identity in its data", async () => {
    const before = await contentOf(production);
    const id = await backedUp(service, "library-dev");
    await execute(
      service.control,
      `update ledger.backups set environment = 'library-prod' where id = '${id}'`,
    );
    const task = await runTask(service, `/backups/${id}/restore`, {
      over: "library-prod",
      confirm: "library-prod",
    });
    expect(task).toMatchObject({ status: "failed", error: { code: "RestoreForeign" } });
    expect(await contentOf(production)).toEqual(before);
    expect(await databases(`%${task.id}%`)).toEqual([]);
    await execute(
      service.control,
      `update ledger.backups set environment = 'library-dev' where id = '${id}'`,
    );
  });

  test.each([
    [{}, "name either to or over"],
    [{ to: "a", over: "library-dev" }, "name either to or over"],
    [{ to: "x".repeat(64) }, "at most 63 bytes"],
    [{ to: "a\u0000b" }, "no control characters"],
  ])("%j is not understood", async (body, problem) => {
    const { backups } = await service.must<{ backups: Backup[] }>("GET", "/backups?environment=library-prod");
    expect(await refused(`/backups/${backups[0]?.id}/restore`, body)).toMatchObject({
      status: 400,
      code: "InputInvalid",
      detail: expect.stringContaining(problem),
    });
  });
});

describe("export", () => {
  test("writes an archive whose files are listed, addressed and what they are said to be", async () => {
    const id = await backedUp(service, "library-prod");
    const { id: task, outcome } = await succeed(service, `/backups/${id}/export`, { format: "custom" });
    const { files, count } = await service.must<{
      files: { name: string; size: number; sha256: string; url: string }[];
      count: number;
    }>("GET", `/tasks/${task}/files`);
    expect([count, files[0]?.name, files[0]?.size]).toEqual([1, `${id}.dump`, outcome?.bytes]);
    const bytes = Buffer.from(await (await fetch(files[0]?.url ?? "")).arrayBuffer());
    expect(bytes.subarray(0, 5).toString()).toBe("PGDMP");
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(files[0]?.sha256);
    expect(await told(id)).toContain("backup.exported");
  });

  test("of a task that is none is not found", async () => {
    const { tasks } = await service.must<{ tasks: Task[] }>("GET", "/tasks?environment=library-prod");
    const none = tasks.find(({ kind }) => kind === "back-up");
    const { status, body } = await service.call<Problem>("GET", `/tasks/${none?.id}/files`);
    expect([status, body.code]).toEqual([404, "NotFound"]);
  });
});

describe("expire", () => {
  test("removes what is over and nobody needs, keeps the row, and says why the others stay", async () => {
    await environment("short", "prod", { retention: { manual: 0 } });
    const [first, held, verified, over] = [
      await backedUp(service, "short"),
      await backedUp(service, "short"),
      await backedUp(service, "short"),
      await backedUp(service, "short"),
    ];
    await service.must("POST", `/backups/${held}/hold`, { reason: "asked for by the auditors" });
    await succeed(service, `/backups/${verified}/verify`, { restore: true });
    // The one behind it builds on the first, as a differential backup does.
    await execute(service.control, `update ledger.backups set base = '${first}' where id = '${held}'`);
    const { expirable, kept } = await service.must<{
      expirable: Backup[];
      kept: { id: string; because: string }[];
    }>("GET", "/backups/expirable?environment=short");
    expect(expirable.map(({ id }) => id)).toEqual([over]);
    expect(Object.fromEntries(kept.map(({ id, because }) => [id, because]))).toEqual({
      [held]: "it is held",
      [verified]: "it is the environment's newest verified one",
      [first]: `${held} is built on it`,
    });
    const { outcome } = await succeed(service, "/backups/expire", { environment: "short" });
    expect(outcome).toMatchObject({ backups: [over], expired: 1, objects: 6, bytes: expect.any(Number) });
    expect(await show(over)).toMatchObject({ status: "expired", manifest: null });
    expect(await told(over)).toEqual(["backup.taken", "backup.expired"]);
    expect(await refused(`/backups/${over}/verify`, {})).toMatchObject({ code: "BackupUnusable" });
    await service.must("POST", `/backups/${held}/unhold`);
    const again = await succeed(service, "/backups/expire", { environment: "short" });
    expect(again.outcome).toMatchObject({ backups: [held, first] });
    expect(await succeed(service, `/backups/${verified}/verify`)).toMatchObject({ status: "succeeded" });
  });

  test("that dies half-way is finished by the next attempt", async () => {
    const id = await backedUp(service, "short");
    service.gate("task-expire:begun-to-remove", "dies");
    const { attempt, outcome } = await succeed(service, "/backups/expire", { environment: "short" });
    expect([attempt, outcome?.backups]).toEqual([2, [id]]);
    expect(await told(id)).toEqual(["backup.taken", "backup.expired"]);
  });

  test("tells what Object Lock keeps, and the backup is as good as before", async () => {
    const Bucket = service.variables.REHEARSAL_BUCKET ?? "";
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
      }),
    );
    await environment("locked", "prod", { retention: { manual: 1 } });
    const id = await backedUp(service, "locked");
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: await dataKey(id) }));
    const [row] = await rows<{ until: Date }>(
      service.control,
      "select retain_until as until from ledger.backups where id = $1",
      [id],
    );
    expect(Retention).toEqual({ Mode: "COMPLIANCE", RetainUntilDate: row?.until });
    await execute(service.control, `update ledger.backups set retain_until = now() where id = '${id}'`);
    const failed = await runTask(service, "/backups/expire", { environment: "locked" });
    expect(failed).toMatchObject({
      status: "failed",
      error: { code: "BackupLocked", hint: expect.stringContaining("Object Lock keeps the objects") },
    });
    expect(await told(id)).toEqual(["backup.taken"]);
    expect(await succeed(service, `/backups/${id}/verify`)).toMatchObject({ outcome: { by: "objects" } });
    // What a later backup stands on is locked for as long as that one is kept.
    const next = await succeed(service, "/environments/locked/backups", { base: id });
    const [later] = await rows<{ until: Date }>(
      service.control,
      "select retain_until as until from ledger.backups where base = $1",
      [id],
    );
    expect(next.outcome).toMatchObject({ base: id });
    const kept = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: await dataKey(id) }));
    expect(kept.Retention?.RetainUntilDate).toEqual(later?.until);
    expect(later?.until.getTime()).toBeGreaterThan(row?.until.getTime() ?? Number.NaN);
  });
});

test("the log holds, with all that was told in it", async () => {
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
});
