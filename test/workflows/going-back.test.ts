/**
 * A release that has failed goes back, whichever way the policy or its own state leaves it.
 *
 * Long because each way has a promotion of its own to go back from.
 */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { backAndForth } from "../service/back-and-forth.ts";
import { contentOf } from "../service/content.ts";
import { startHook } from "../service/hook.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

const server = newestServer();
let service: Service;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  service = await new Service(server.address, "going-back", { permissions: "enforced" }).start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made.map(({ database }) => ({ ...server.address, database })));
});

async function environment(
  name: string,
  policy: object,
  address?: DatabaseAddress,
): Promise<DatabaseAddress> {
  const fresh = address ?? (await freshDatabase(server, SCHEMA, `${name}_${process.pid}`));
  made.push(fresh);
  await service.register(name, fresh, policy);
  return fresh;
}

test("a writer who overrides read-only while the services are asked has their write kept, and an operator decides", async () => {
  let address: DatabaseAddress;
  // The services' own smoke test writes, against all that was said, and then says that they do not work.
  const smoke = await startHook(async () => {
    const client = new pg.Client({ ...address, ssl: false });
    await client.connect();
    await client.query("set default_transaction_read_only = off");
    await client.query("insert into public.videos (title) values ('smuggled')");
    await client.end();
    return 500;
  });
  address = await environment("smuggled", { hooks: { smoke: smoke.url } });
  const before = await contentOf(address);
  const release = await service.release({ ...PROJECT, ...OUTSIDE });
  const id = await service.promote("smuggled", release);
  const held = await service.until(id, "held");
  expect(held.error).toMatchObject({
    code: "WritesWouldBeLost",
    hint: expect.stringContaining("--accept-loss"),
  });
  const fenced = { ...address, database: `${address.database}__fenced_${id}` };
  expect(await rows(fenced, "select 1 as one from public.videos where title = 'smuggled'")).toEqual([
    { one: 1 },
  ]);
  // Nobody reaches production while it is held, and the environment stays locked.
  await expect(execute(address, "select 1")).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  const second = await service.call("POST", "/promotions", { environment: "smuggled", release });
  expect(second).toMatchObject({ status: 409, body: { code: "EnvironmentLocked" } });
  // Asked again without a word about the loss it is held again; with it production goes back, and the write is kept.
  await service.must("POST", `/promotions/${id}/rollback`, { confirm: "smuggled" });
  await service.until(id, "held");
  await service.must("POST", `/promotions/${id}/rollback`, { confirm: "smuggled", acceptLoss: true });
  const back = await service.until(id, "rolled-back");
  expect(back.error).toMatchObject({ code: "HookFailed" });
  expect(await contentOf(address)).toEqual(before);
  const failed = { ...address, database: `${address.database}__failed_${id}` };
  made.push(failed);
  expect(await rows(failed, "select 1 as one from public.videos where title = 'smuggled'")).toEqual([
    { one: 1 },
  ]);
  await smoke.stop();
});

test("a start hook that fails takes nothing back: the promotion stands, and somebody is called", async () => {
  const start = await startHook(() => 503);
  const address = await environment("not-started", { fence: "always", hooks: { start: start.url } });
  const id = await service.promote("not-started", await service.release(PROJECT));
  const detail = await service.until(id, "promoted");
  expect(detail.error).toMatchObject({ code: "HookFailed", hint: expect.stringContaining(start.url) });
  await execute(address, "insert into videos (title) values ('after')");
  const log = await service.must<{ entries: { body: string }[] }>("GET", `/promotions/${id}/log`);
  expect(JSON.stringify(log)).toContain("promotion.services-not-started");
  await start.stop();
});

test("a stop hook that fails keeps production where it is", async () => {
  const stop = await startHook(() => 500);
  const address = await environment("not-stopped", { fence: "always", hooks: { stop: stop.url } });
  const before = await contentOf(address);
  const id = await service.promote("not-stopped", await service.release(PROJECT));
  expect((await service.until(id, "refused")).error).toMatchObject({ code: "HookFailed" });
  expect(await contentOf(address)).toEqual(before);
  await execute(address, "insert into videos (title) values ('after')");
  await stop.stop();
});

test("a prepared transaction that keeps production from being fenced is told, and production goes on", async () => {
  const address = await environment("prepared", { fence: "always", decision: "approval" });
  const id = await service.promote("prepared", await service.release(PROJECT));
  await service.until(id, "waiting");
  const gid = `two_phase_${process.pid}`;
  await execute(
    address,
    `begin; insert into videos (title) values ('prepared'); prepare transaction '${gid}'`,
  );
  await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
  const detail = await service.until(id, "refused");
  expect(detail.error).toMatchObject({
    code: "TransactionsPrepared",
    message: expect.stringContaining(gid),
    hint: expect.stringContaining("ROLLBACK PREPARED"),
  });
  await execute(address, `commit prepared '${gid}'`);
  expect(await rows(address, "select 1 as one from public.videos where title = 'prepared'")).toEqual([
    { one: 1 },
  ]);
});

test("a role that is no superuser, with the rights that are asked for, promotes and goes back through a fence", async () => {
  const role = `owner_${process.pid}`;
  await execute(
    { ...server.address, database: "postgres" },
    `create role ${role} login createdb bypassrls password 'x';
     grant pg_signal_backend, pg_read_all_stats to ${role};
     grant set on parameter session_replication_role to ${role}`,
  );
  const own = await freshDatabase(server, undefined, `owned_${process.pid}`);
  await execute(own, `alter database ${own.database} owner to ${role}; alter schema public owner to ${role}`);
  const address = { ...own, user: role, password: "x" };
  await execute(address, SCHEMA);
  await environment("owned", {}, address);
  const before = await contentOf(address);
  for await (const { id } of backAndForth(service, "owned", address)) {
    made.push({ ...server.address, database: `${address.database}__failed_${id}` });
  }
  expect((await contentOf(address)).fingerprint).not.toBe(before.fingerprint);
  await dropDatabases(
    ...made
      .filter(({ database }) => database.startsWith("owned_"))
      .map(({ database }) => ({ ...server.address, database })),
  );
  await execute({ ...server.address, database: "postgres" }, `drop owned by ${role}; drop role ${role}`);
});

test("without one of those rights it is refused before anything is touched, with the right's name", async () => {
  const role = `lacking_${process.pid}`;
  await execute({ ...server.address, database: "postgres" }, `create role ${role} login password 'x'`);
  const own = await freshDatabase(server, undefined, `lacking_${process.pid}`);
  made.push(own);
  await execute(own, `alter database ${own.database} owner to ${role}; alter schema public owner to ${role}`);
  const answer = await service.call("POST", "/environments", {
    name: "lacking",
    role: "prod",
    url: `postgresql://${role}:x@127.0.0.1:${own.port}/${own.database}?sslmode=disable`,
  });
  expect(answer).toMatchObject({
    status: 409,
    body: { code: "PermissionMissing", detail: expect.stringContaining("CREATEDB") },
  });
  await dropDatabases(own);
  await execute({ ...server.address, database: "postgres" }, `drop role ${role}`);
});

test("without a fence a rollback that would lose writes is held, and the services go on with production", async () => {
  const smoke = await startHook(async () => {
    await execute(address, "insert into videos (title) values ('while asked')");
    return 500;
  });
  const address = await environment("unfenced", { fence: "never", hooks: { smoke: smoke.url } });
  const id = await service.promote("unfenced", await service.release(PROJECT));
  const held = await service.until(id, "held");
  expect(held.error).toMatchObject({ code: "WritesWouldBeLost" });
  await execute(address, "insert into videos (title) values ('afterwards')");
  expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
  await service.must("POST", `/promotions/${id}/rollback`, { confirm: "unfenced", acceptLoss: true });
  await service.until(id, "rolled-back");
  made.push({ ...address, database: `${address.database}__failed_${id}` });
  expect(await rows(address, "select to_regclass('public.speakers') as there")).toEqual([{ there: null }]);
  await smoke.stop();
});

test("without a fence a rollback that died with production closed, and is refused when it is tried again, lets the services in", async () => {
  const smoke = await startHook(() => 500);
  const address = await environment("reopened", { fence: "never", hooks: { smoke: smoke.url } });
  service.killAt("roll-back:closed");
  const id = await service.promote("reopened", await service.release(PROJECT));
  expect(await service.ended()).toBe("SIGKILL");
  // As if it had been committed right before production was closed.
  const aside = { ...address, database: `${address.database}__fenced_${id}` };
  await execute(aside, "insert into videos (title) values ('just in time')");
  await service.start();
  const held = await service.until(id, "held");
  expect(held.error).toMatchObject({ code: "WritesWouldBeLost" });
  expect(await rows(address, "select 1 as one from public.videos where title = 'just in time'")).toEqual([
    { one: 1 },
  ]);
  await service.must("POST", `/promotions/${id}/rollback`, { confirm: "reopened", acceptLoss: true });
  await service.until(id, "rolled-back");
  made.push({ ...address, database: `${address.database}__failed_${id}` });
  await smoke.stop();
});

test("a message as long as a book ends a promotion like any other", async () => {
  await environment("talkative", {});
  const release = await service.release({
    ...PROJECT,
    "migrations/0003_book.sql": "do $$ begin raise exception '%', repeat('words ', 100000); end $$;",
  });
  const id = await service.promote("talkative", release);
  const detail = await service.until(id, "refused");
  expect(detail.error).toMatchObject({ code: "MigrationFailed" });
  expect(detail.error?.message.length).toBeLessThan(3_000);
});

test("fault 40: where no copy waits, production is restored from the bucket with every write until the fence", async () => {
  // The application writes when it is told to stop for the fence: as late as anybody can.
  let told = 0;
  const stop = await startHook(async () => {
    if (told++ === 0) await execute(address, "insert into public.videos (title) values ('the last one')");
    return 200;
  });
  const smoke = await startHook(() => 500);
  const address = await environment("bucket", {
    ...{ rollback: "restore", fence: "always", hooks: { stop: stop.url, smoke: smoke.url } },
  });
  const release = await service.release(PROJECT);
  const plan = await service.must("POST", "/plans", { environment: "bucket", release });
  expect(plan.rollback).toEqual({ by: "restore", seconds: null });
  const id = await service.promote("bucket", release);
  const detail = await service.until(id, "rolled-back");
  made.push({ ...address, database: `${address.database}__failed_${id}` });
  expect(await rows(address, "select 1 as one from public.videos where title = 'the last one'")).toEqual([
    { one: 1 },
  ]);
  // The copy was made for the rollback, by its own attempt.
  const kept = await rows(server.address, `select 1 from pg_database where strpos(datname, '${id}') > 0`);
  expect(kept).toHaveLength(1);
  expect(detail.steps.find(({ step }) => step === "fence")?.outcome).toMatchObject({ refreshed: 0 });
  const again = await service.must("POST", "/plans", { environment: "bucket", release });
  expect(again.rollback).toEqual({ by: "restore", seconds: expect.any(Number) });
  await stop.stop();
  await smoke.stop();
});

test.each([
  ["written", (copy: DatabaseAddress) => execute(copy, "update videos set title = 'not from production'")],
  ["gone", (copy: DatabaseAddress) => dropDatabases(copy)],
])(
  "a copy that is %s when the fence comes is made anew with what was written since the backup, and that is what comes back",
  async (what, spoil) => {
    const smoke = await startHook(() => 500);
    const address = await environment(`copy-${what}`, { hooks: { smoke: smoke.url }, decision: "approval" });
    const id = await service.promote(`copy-${what}`, await service.release({ ...PROJECT, ...OUTSIDE }));
    await service.until(id, "waiting");
    const [copy] = await rows<{ name: string }>(
      server.address,
      "select datname as name from pg_database where datname like $1 and datname like '%pristine%'",
      [`${address.database}%`],
    );
    await spoil({ ...address, database: copy?.name ?? "" });
    await execute(address, "insert into videos (title) values ('after the backup')");
    const before = await contentOf(address);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    const detail = await service.until(id, "rolled-back");
    made.push({ ...address, database: `${address.database}__failed_${id}` });
    await smoke.stop();
    expect(detail.error).toMatchObject({ code: "HookFailed", hint: expect.stringContaining(smoke.url) });
    expect(await contentOf(address)).toEqual(before);
  },
);

test("fault 1: a fence that is killed when it has just brought the copy up finds that it has, and loses no write", async () => {
  let told = 0;
  const stop = await startHook(async () => {
    if (told++ === 0) await execute(address, "insert into public.videos (title) values ('the last one')");
    return 200;
  });
  const smoke = await startHook(() => 500);
  const address = await environment("killed", {
    ...{ fence: "always", hooks: { stop: stop.url, smoke: smoke.url } },
  });
  const release = await service.release(PROJECT);
  service.killAt("fence:refreshed");
  const id = await service.promote("killed", release);
  expect(await service.ended()).toBe("SIGKILL");
  await service.start();
  const detail = await service.until(id, "rolled-back");
  made.push({ ...address, database: `${address.database}__failed_${id}` });
  expect(detail.steps.filter(({ step }) => step === "fence").at(-1)?.outcome).toMatchObject({ refreshed: 0 });
  expect(await rows(address, "select 1 as one from public.videos where title = 'the last one'")).toEqual([
    { one: 1 },
  ]);
  await stop.stop();
  await smoke.stop();
});

test("each function had what it asked for from its own role", () => {
  expect(service.denied()).toEqual([]);
});
