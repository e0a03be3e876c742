/** A store that counts and is lost, and a database behind its fence that somebody wrote to: what is given up is given up by name, and nothing is overwritten unseen. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { openFolderPlace } from "../../io/store/folder-place.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { registerRooms } from "../service/stored.ts";
import { runTask, succeed, type Task, taskEnd } from "../service/tasks.ts";

const server = newestServer();
let service: LocalService;
let hook: Hook;
let address: DatabaseAddress;
let definition: StoreDefinition;
let folder: string;

beforeAll(async () => {
  hook = await startHook(() => 200);
  service = await new LocalService(server.address, "store_abandon").start();
  address = await freshDatabase(server, "", `store_abandon_${process.pid}`);
  folder = await mkdtemp(join(tmpdir(), "store-abandon-"));
  ({ definition } = await registerRooms(service, server, address, hook));
});

afterAll(async () => {
  await service.stop();
  await hook.stop();
  await dropDatabases(address);
  await rm(folder, { recursive: true, force: true });
});

const at = (what: string) => `/environments/rooms/store-${what}`;

interface Shown {
  id: string;
  phase: string;
}

const newest = async () => {
  const { stores } = await service.must<{ stores: Shown[] }>("GET", "/environments/rooms/stores");
  return stores[0];
};

const told = () => hook.calls.map(({ hook: kind, backend }) => `${kind} ${backend}`);

/** A store of the environment that counts; the name of the database behind its fence. */
async function cutOver(name: string): Promise<string> {
  await succeed(service, at("exports"), { place: { folder: join(folder, name) } });
  await succeed(service, at("verifications"));
  const { outcome } = await succeed(service, at("cutovers"));
  hook.calls.length = 0;
  return String(outcome?.database);
}

const openApplication = async (name: string) =>
  openJsonStore({ place: await openFolderPlace(join(folder, name)), definition });

/** As a superuser does who opens what was shut. */
async function writeBehindFence(database: string, sql: string): Promise<void> {
  await execute({ ...address, database: "postgres" }, `alter database "${database}" allow_connections true`);
  await execute({ ...address, database }, sql);
}

const names = () => rows(address, "select name from public.rooms order by id");
const ROOMS = [1, 2, 3].map((n) => ({ name: `room ${n}` }));

test("what somebody wrote to the database behind the fence is not overwritten, unless that is asked for", async () => {
  const fenced = await cutOver("written");
  const application = await openApplication("written");
  await application.put("Room", { id: 1, name: "by the store" });
  await application.close();
  await writeBehindFence(fenced, "update rooms set name = 'by hand' where id = 2");
  expect(await runTask(service, at("cutovers"), { back: true })).toMatchObject({
    status: "failed",
    error: {
      code: "StoreFencedChanged",
      message: expect.stringContaining('"rooms" held 3 rows, and holds 3 with other values'),
      hint: expect.stringContaining("--overwrite"),
    },
  });
  expect(await newest()).toMatchObject({ phase: "cut-over" });
  expect(told()).toEqual(["stop json", "start json"]);

  // One that was brought back in vain has written to it as well, and is known by what it brought.
  for (const _ of [1, 2]) service.gate("task-store-cutover:imported", "dies");
  expect(await runTask(service, at("cutovers"), { back: true, overwrite: true })).toMatchObject({
    status: "failed",
  });
  await succeed(service, at("cutovers"), { back: true });
  expect(await names()).toEqual([{ name: "by the store" }, ...ROOMS.slice(1)]);
  await execute(address, "update rooms set name = 'room 1' where id = 1");
});

test("a way back that died before the database took sessions under its own name lets them in", async () => {
  await cutOver("shut");
  const shut = `alter database "${address.database}" allow_connections false`;
  const first = service.gate("task-store-cutover:begun");
  service.gate("task-store-cutover:renamed", "dies");
  const { id } = await service.must<Task>("POST", at("cutovers"), { back: true });
  await first.reached();
  const second = service.gate("task-store-cutover:begun");
  first.open();
  await second.reached();
  await execute({ ...address, database: "postgres" }, shut);
  second.open();
  expect(await taskEnd(service, id)).toMatchObject({ status: "succeeded", outcome: { returned: true } });
  expect(await names()).toEqual(ROOMS);
});

test("a store whose place is lost is abandoned: the database is open as it was at the cutover, and what is lost is told", async () => {
  await cutOver("lost");
  const application = await openApplication("lost");
  await application.put("Room", { id: 1, name: "lost" });
  await application.close();
  await rm(join(folder, "lost"), { recursive: true });
  expect(await runTask(service, at("cutovers"), { back: true })).toMatchObject({
    error: { code: "StoreMissing" },
  });
  hook.calls.length = 0;
  const { outcome } = await succeed(service, at("abandonments"));
  expect(outcome).toMatchObject({
    abandoned: true,
    lost: expect.stringMatching(/^what was written to the store since 20/),
    unreachable: expect.stringContaining("there is no store"),
  });
  expect(told()).toEqual(["stop json", "start postgres"]);
  expect(await names()).toEqual(ROOMS);
  expect(await newest()).toMatchObject({ phase: "given-up", task: null });
  expect(JSON.stringify(await service.must("GET", "/log?limit=100"))).toContain("store.abandoned");
  await execute(address, "insert into rooms values (4, 'after')");
  await execute(address, "delete from rooms where id = 4");
});

test("a store that can be read is abandoned only by its name, and takes no writers afterwards; wherever that dies, one of the two counts", async () => {
  await cutOver("readable");
  const id = (await newest())?.id ?? "";
  expect(await runTask(service, at("abandonments"))).toMatchObject({
    error: { code: "StoreStillThere", hint: expect.stringContaining(`--store ${id}`) },
  });
  expect(await newest()).toMatchObject({ phase: "cut-over" });
  expect(
    (await service.call("POST", at("abandonments"), { store: `s000000${id.slice(7)}` })).body,
  ).toMatchObject({
    code: "NotFound",
  });
  for (const _ of [1, 2]) service.gate("task-store-cutover:store-closed", "dies");
  expect(await runTask(service, at("abandonments"), { store: id })).toMatchObject({ status: "failed" });
  expect(await newest()).toMatchObject({ phase: "cut-over" });
  await expect(names()).rejects.toThrow();
  const application = await openApplication("readable");
  await application.put("Room", { id: 1, name: "given up" });
  await application.close();

  for (const _ of [1, 2]) service.gate("task-store-cutover:renamed", "dies");
  expect(await runTask(service, at("abandonments"), { store: id })).toMatchObject({
    status: "succeeded",
    outcome: { abandoned: true },
  });
  expect(await names()).toEqual(ROOMS);
  expect(await newest()).toMatchObject({ phase: "given-up" });
  await expect(
    openApplication("readable").then((store) => store.put("Room", { id: 8, name: "late" })),
  ).rejects.toMatchObject({ code: "StoreNotCanonical" });
});

test("a way back that is stuck, for its store went away amid it, gives way to whoever abandons the store by its name", async () => {
  await cutOver("stuck");
  const id = (await newest())?.id ?? "";
  const gate = service.gate("task-store-cutover:stopped");
  const stuck = await service.must<Task>("POST", at("cutovers"), { back: true });
  await gate.reached();
  await rm(join(folder, "stuck"), { recursive: true });
  gate.open();
  expect(await taskEndOr(stuck.id)).toBe("running");
  expect(await newest()).toMatchObject({ phase: "going-back", task: stuck.id });
  expect(await runTask(service, at("abandonments"), { store: id })).toMatchObject({ status: "succeeded" });
  expect(await taskEnd(service, stuck.id)).toMatchObject({ status: "failed" });
  expect(await names()).toEqual(ROOMS);
  expect(await newest()).toMatchObject({ phase: "given-up" });
});

/** Its status once an attempt of it has failed. */
async function taskEndOr(id: string): Promise<string> {
  await expect
    .poll(async () => (await service.must<Task>("GET", `/tasks/${id}`)).error, { timeout: 60_000 })
    .toMatchObject({ code: "StoreMissing" });
  return (await service.must<Task>("GET", `/tasks/${id}`)).status;
}

test("a store in whose place another one lies is not read; one that does not count is let go of, and the database is as it is", async () => {
  await succeed(service, at("exports"), { place: { folder: join(folder, "following") } });
  await rm(join(folder, "following"), { recursive: true });
  await cp(join(folder, "readable"), join(folder, "following"), { recursive: true });
  for (const what of ["syncs", "verifications"])
    expect(await runTask(service, at(what))).toMatchObject({
      error: { code: "StoreForeign", hint: expect.stringContaining("let go of that one") },
    });
  expect((await succeed(service, at("abandonments"))).outcome).toMatchObject({ abandoned: true, lost: null });
  expect(await newest()).toMatchObject({ phase: "given-up" });
  expect(await names()).toEqual(ROOMS);
});
