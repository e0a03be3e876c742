/**
 * The whole way of an environment's data: counted, exported, followed, compared, put in the database's place, and brought back; and
 * what keeps it from each.
 * Long because one service serves all of it: what goes wrong begins where the way before has ended.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { openDualStore } from "../../io/store/dual-store.ts";
import { openFolderPlace } from "../../io/store/folder-place.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { dropDatabases, execute, freshDatabase, newestServer, olderThanAll, rows } from "../postgres.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { furnish, registerRooms } from "../service/stored.ts";
import { backedUp, runTask, succeed, type Task, taskEnd } from "../service/tasks.ts";

const server = newestServer();
let service: LocalService;
let hook: Hook;
let stops: number;
let address: DatabaseAddress;
let definition: StoreDefinition;
let release: string;
let folder: string;

beforeAll(async () => {
  hook = await startHook(({ hook: kind }) => (kind === "stop" ? stops : 200));
  stops = 200;
  service = await new LocalService(server.address, "store").start();
  address = await freshDatabase(server, "", `store_${process.pid}`);
  folder = await mkdtemp(join(tmpdir(), "store-"));
  ({ release, definition } = await registerRooms(service, server, address, hook));
  hook.calls.length = 0;
});

afterAll(async () => {
  await service.stop();
  await hook.stop();
  await dropDatabases(address);
  await rm(folder, { recursive: true, force: true });
});

const at = (what: string) => `/environments/rooms/store-${what}`;
const where = (name: string) => ({ folder: join(folder, name) });

const refused = async (path: string, body: object) => {
  const { status, body: answer } = await service.call<{ code: string; hint: string }>("POST", path, body);
  return { status, code: answer.code, hint: answer.hint };
};

const newest = async () => {
  const { stores } = await service.must<{ stores: { phase: string; facts: Record<string, unknown> }[] }>(
    "GET",
    "/environments/rooms/stores",
  );
  return stores[0];
};

const told = () => hook.calls.map(({ hook: kind, backend }) => `${kind} ${backend}`);

/** A store of the environment that was compared, and is about to be cut over. */
async function compared(name: string): Promise<void> {
  await succeed(service, at("exports"), { place: where(name) });
  await succeed(service, at("verifications"));
}

const fileOf = async (task: Task, name: string) => {
  const { files } = await service.must<{ files: { name: string; url: string }[] }>(
    "GET",
    `/tasks/${task.id}/files`,
  );
  const found = files.find((file) => file.name === name);
  return JSON.parse(await (await fetch(found?.url ?? "")).text());
};

const openApplication = async (name: string) =>
  openJsonStore({ place: await openFolderPlace(join(folder, name)), definition });

const COUNTS =
  "select (select count(*) from rooms)::int as rooms, (select count(*) from words)::int as words, (select count(*) from pictures)::int as pictures";
const counts = async (of = address) => (await rows(of, COUNTS.replaceAll("from ", "from public.")))[0];

test("nothing is done with a store that is not there", async () => {
  for (const path of ["syncs", "verifications", "cutovers", "give-ups"])
    expect(await refused(at(path), {})).toMatchObject({
      code: "StoreNone",
      hint: expect.stringContaining("rehearsal store export rooms"),
    });
});

test("the data goes into a store that follows, counts in the database's place, and comes back with what was written there", async () => {
  const dump = await succeed(service, at("dumps"));
  expect(dump.outcome).toMatchObject({ models: 3, rows: 66 });
  expect((await fileOf(dump, "metadata.json")).models.Word).toMatchObject({ rows: 60 });

  const exported = await succeed(service, at("exports"), { place: where("one") });
  expect(exported.outcome).toMatchObject({ models: 3, rows: 66 });
  expect(await refused(at("exports"), { place: where("two") })).toMatchObject({
    code: "StoreAlready",
    hint: expect.stringContaining("give-up rooms"),
  });
  expect(await refused(at("cutovers"), {})).toMatchObject({
    code: "StorePhaseUnfit",
    hint: expect.stringContaining("rehearsal store verify rooms"),
  });

  await furnish(address, 4, 1);
  await execute(
    address,
    "delete from rooms where id = 1; update words set said = 'changed' where room_id = 2",
  );
  // What is as old as an open transaction, whoever's it is, the feed keeps for later.
  await olderThanAll(address);
  const synced = await succeed(service, at("syncs"), { forget: true });
  expect(synced.outcome).toMatchObject({ rows: 67, changes: 64, forgotten: 66 + 64 });
  expect(await rows(address, "select 1 from public.changes where position > 0")).toEqual([]);
  expect((await succeed(service, at("verifications"))).outcome).toMatchObject({ verified: true, rows: 67 });
  expect(await newest()).toMatchObject({ phase: "verified", facts: { rows: 67, lag: { changes: 0 } } });

  // Written right before, and still there: the fence brings it over.
  await execute(address, "insert into rooms values (99, 'the last')");
  // Of two that are asked for at once one goes on, and the other changes nothing.
  const gate = service.gate("task-store-cutover:begun");
  const late = await service.must<Task>("POST", at("cutovers"), {});
  await gate.reached();
  const cut = await succeed(service, at("cutovers"));
  gate.open();
  expect(await taskEnd(service, late.id)).toMatchObject({
    status: "failed",
    error: { code: "StoreCutOver" },
  });
  expect(cut.outcome).toMatchObject({ cutOver: true, rows: 68, awayMs: expect.any(Number) });
  expect((await fileOf(cut, "verification.json")).verified).toBe(true);
  expect(told()).toEqual(["stop postgres", "start json"]);
  expect(await newest()).toMatchObject({ phase: "cut-over", facts: { database: address.database } });

  await expect(execute(address, "select 1")).rejects.toThrow();
  const fenced = String(cut.outcome?.database);
  await expect(execute({ ...address, database: fenced }, "select 1")).rejects.toThrow(
    "not currently accepting",
  );
  for (const [path, body] of [
    ["/promotions", { environment: "rooms", release }],
    ["/promotions", { environment: "rooms", release, rehearseOnly: true }],
    ["/environments/rooms/backups", {}],
    [at("dumps"), {}],
    [at("syncs"), {}],
    [at("give-ups"), {}],
  ] as const)
    expect(await refused(path, body)).toMatchObject({
      status: 409,
      code: "StoreCutOver",
      hint: expect.stringContaining("rehearsal store cutover rooms --back"),
    });
  expect((await service.call("GET", "/environments/rooms/drift")).body).toMatchObject({
    code: "StoreCutOver",
  });

  const application = await openApplication("one");
  await application.append("Room", { id: 7, name: "made of files" });
  await application.delete("Room", { id: 2 });
  await application.close();

  const back = await succeed(service, at("cutovers"), { back: true });
  expect(back.outcome).toMatchObject({ returned: true, back: true });
  expect(told()).toEqual(["stop postgres", "start json", "stop json", "start postgres"]);
  expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });
  expect(await rows(address, "select name from public.rooms where id in (7, 99) order by id")).toEqual([
    { name: "made of files" },
    { name: "the last" },
  ]);
  expect(await newest()).toMatchObject({ phase: "returned" });
  await expect(
    openApplication("one").then((store) => store.put("Room", { id: 8, name: "late" })),
  ).rejects.toMatchObject({
    code: "StoreNotCanonical",
  });
  await service.until(await service.promote("rooms", release), "nothing-to-do");
  const log = JSON.stringify(await service.must("GET", "/log?limit=100"));
  for (const type of ["store.exported", "store.verified", "store.cut-over", "store.returned"])
    expect(log).toContain(type);
});

test("what was edited by hand is named, and keeps the store from counting: the database is open as before", async () => {
  await compared("edited");
  const path = join(folder, "edited", "rooms.json");
  await writeFile(path, (await readFile(path, "utf8")).replace("made of files", "made of lies"));
  hook.calls.length = 0;
  const cut = await succeed(service, at("cutovers"));
  expect(cut.outcome).toMatchObject({
    cutOver: false,
    refusal: { code: "StoreDiffers", hint: expect.stringContaining("open as before") },
  });
  expect(JSON.stringify(cut.outcome?.told)).toContain("rooms.json");
  expect(told()).toEqual(["stop postgres", "start postgres"]);
  expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });
  // Wherever it dies on the way back from there, it ends with what was found.
  for (const [point, deaths] of [
    ["refused", 1],
    ["let-back", 1],
    ["let-back", 2],
    ["effect", 2],
  ] as const) {
    await service.must("POST", at("give-ups"), {});
    await rm(join(folder, "edited"), { recursive: true });
    await compared("edited");
    await writeFile(path, (await readFile(path, "utf8")).replace("made of files", "made of lies"));
    for (let death = 0; death < deaths; death++) service.gate(`task-store-cutover:${point}`, "dies");
    const { outcome } = await succeed(service, at("cutovers"));
    expect(outcome, `${deaths} deaths at ${point}`).toMatchObject({ refusal: { code: "StoreDiffers" } });
    expect(await newest()).toMatchObject({ phase: "following", task: null });
    expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });
  }
  const again = await succeed(service, at("verifications"));
  expect(again.outcome).toMatchObject({ verified: false });
  expect(await newest()).toMatchObject({ phase: "following" });
  expect((await service.must<{ phase: string }>("POST", at("give-ups"), {})).phase).toBe("given-up");
});

test("a promotion, a column made by hand, and services that do not stop keep the database open, and the store follows on", async () => {
  await compared("unstopped");
  const gate = service.gate("admit:begun");
  const promotion = await service.promote("rooms", release);
  await gate.reached();
  expect(await refused(at("cutovers"), {})).toMatchObject({ code: "EnvironmentLocked" });
  gate.open();
  await service.until(promotion, "nothing-to-do");
  await execute(address, "alter table rooms add column by_hand text");
  expect(await runTask(service, at("cutovers"))).toMatchObject({ error: { code: "DriftFound" } });
  await execute(address, "alter table rooms drop column by_hand");
  await execute(address, "insert into visits select 1, min(id) from rooms");
  hook.calls.length = 0;
  expect(await runTask(service, at("cutovers"))).toMatchObject({
    error: { code: "StoreTargetReferenced", hint: expect.stringContaining("name it in store.yaml") },
  });
  expect(told()).toEqual([]);
  await execute(address, "delete from visits");
  const near = service.gate("task-store-cutover:near");
  const overtaken = await service.must<Task>("POST", at("cutovers"), {});
  await near.reached();
  const maintenance = { ...address, database: "postgres" };
  const aside = `${address.database}_aside`;
  await execute(maintenance, `alter database ${address.database} rename to ${aside}`);
  near.open();
  expect(await taskEnd(service, overtaken.id)).toMatchObject({
    error: { code: "DatabaseReplaced", hint: expect.stringContaining("begin again") },
  });
  expect(await rows({ ...address, database: aside }, "select count(*)::int as n from public.rooms")).toEqual([
    { n: 4 },
  ]);
  await execute(maintenance, `alter database ${aside} rename to ${address.database}`);
  expect(told()).toEqual([]);
  stops = 500;
  hook.calls.length = 0;
  const cut = await runTask(service, at("cutovers"));
  stops = 200;
  expect(cut).toMatchObject({ status: "failed", error: { code: "HookFailed" } });
  expect(told().at(-1)).toBe("start postgres");
  expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });
  expect(await newest()).toMatchObject({ phase: "following" });
  expect((await succeed(service, at("syncs"))).status).toBe("succeeded");
});

/** Its function dies at the point, and once more when it is tried again. */
async function dying(point: string, body: object): Promise<Task> {
  for (const _ of [1, 2]) service.gate(`task-store-cutover:${point}`, "dies");
  return runTask(service, at("cutovers"), body);
}

test("a function that dies for good leaves one of the two counting: taken back before the moment, ended behind it", async () => {
  await succeed(service, at("verifications"));
  expect(await dying("closed", {})).toMatchObject({ status: "failed", error: { code: "StepDied" } });
  expect(await newest()).toMatchObject({ phase: "following" });

  // What was about to be declared cannot be any more: the head that it would be exchanged for is another.
  await succeed(service, at("verifications"));
  const gate = service.gate("task-store-cutover:compared");
  const ended = dying("declaring", {});
  await gate.reached();
  const head = await readFile(join(folder, "unstopped", "head.json"), "utf8");
  gate.open();
  expect(await ended).toMatchObject({ status: "failed", error: { code: "StepDied" } });
  expect(await newest()).toMatchObject({ phase: "following" });
  expect(await readFile(join(folder, "unstopped", "head.json"), "utf8")).not.toBe(head);
  expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });

  await succeed(service, at("verifications"));
  expect(await dying("declared", {})).toMatchObject({ status: "succeeded", outcome: { cutOver: true } });
  expect(await newest()).toMatchObject({ phase: "cut-over" });
  await expect(counts()).rejects.toThrow();

  expect(await dying("imported", { back: true })).toMatchObject({ status: "failed" });
  expect(await newest()).toMatchObject({ phase: "cut-over" });
  await expect(counts()).rejects.toThrow();
  const application = await openApplication("unstopped");
  await application.put("Room", { id: 7, name: "made of files" });
  await application.close();

  expect(await dying("renamed", { back: true })).toMatchObject({
    status: "succeeded",
    outcome: { returned: true },
  });
  expect(await newest()).toMatchObject({ phase: "returned" });
  expect(await counts()).toEqual({ rooms: 4, words: 40, pictures: 4 });
});

const openBoth = async () =>
  openDualStore({ address, definition, place: await openFolderPlace(join(folder, "dual")) });

/** Appends rooms to both until it is turned away; the ids of those that it was told are there, and of the one that it was not. */
async function writeBoth(from: number, written: Set<number>): Promise<number> {
  const store = await openBoth();
  try {
    for (let id = from; ; id++) {
      try {
        await store.append("Room", { id, name: `dual ${id}` });
      } catch {
        return id;
      }
      written.add(id);
    }
  } finally {
    await store.close();
  }
}

test("writers of both that the fence cuts off amid their writes leave no row that was told and is lost", async () => {
  await compared("dual");
  const backup = await backedUp(service, "rooms");
  const resting = await openBoth();
  await resting.append("Room", { id: 900, name: "left alone" });
  const written = new Set<number>();
  const writing = Promise.all([1_000, 5_000].map((from) => writeBoth(from, written)));
  await expect.poll(() => written.size, { timeout: 30_000 }).toBeGreaterThan(10);
  const cut = await succeed(service, at("cutovers"));
  expect(cut.outcome).toMatchObject({ cutOver: true });
  const unsure = await writing;
  await resting.close();
  const application = await openApplication("dual");
  for (const id of written)
    expect(await application.get("Room", { id })).toMatchObject({ name: `dual ${id}` });
  const { rows: found } = await application.list("Room", {}, { limit: 1_000 });
  const others = found.map(({ id }) => Number(id)).filter((id) => id >= 1_000 && !written.has(id));
  expect(unsure).toEqual(expect.arrayContaining(others));
  await application.delete("Room", { id: Number(found.pop()?.id) });
  await application.close();
  expect(await runTask(service, `/backups/${backup}/restore`, { to: address.database })).toMatchObject({
    status: "failed",
    error: { code: "DatabaseExists" },
  });
  // Somebody who gives it its name by hand has not brought it what the store holds.
  const maintenance = { ...address, database: "postgres" };
  await execute(maintenance, `alter database "${cut.outcome?.database}" rename to ${address.database}`);
  await succeed(service, at("cutovers"), { back: true });
  expect(await rows(address, "select id from public.rooms order by id")).toEqual(
    found.map(({ id }) => ({ id })),
  );
});

test("a store comes into another environment's empty tables, and once more without a change", async () => {
  const other = await freshDatabase(server);
  await service.register("other", other, {}, "prod");
  await service.until(await service.promote("other", release), "promoted");
  const path = "/environments/other/store-imports";
  expect(await refused(path, { place: where("unstopped") })).toMatchObject({
    code: "StoreOverProd",
    hint: expect.stringContaining("--confirm other"),
  });
  const unowned = { place: where("unstopped"), confirm: "other" };
  expect(await runTask(service, path, unowned)).toMatchObject({
    status: "failed",
    error: { code: "StoreOfAnother", hint: expect.stringContaining("--of rooms") },
  });
  expect(await runTask(service, path, { ...unowned, of: "other" })).toMatchObject({
    error: { code: "StoreOfAnother", message: expect.stringContaining('of "rooms", not of "other"') },
  });
  expect(await counts(other)).toEqual({ rooms: 0, words: 0, pictures: 0 });
  // Whose data it is has a say: who may promote here alone does not take it out of there.
  await service.must("POST", "/people", {
    name: "guest",
    grants: [{ environment: "other", role: "promoter" }],
  });
  const { key } = await service.must<{ key: string }>("POST", "/keys", { person: "guest", label: "test" });
  const theirs = { place: { prefix: "theirs" }, confirm: "other" };
  expect((await service.call("POST", path, theirs, { key })).body).toMatchObject({ code: "StorePlaceUnfit" });
  expect(await service.call("POST", path, { ...theirs, of: "rooms" }, { key })).toMatchObject({
    status: 404,
    body: { code: "NotFound" },
  });
  const body = { ...unowned, of: "rooms" };
  expect((await succeed(service, path, body)).outcome).toMatchObject({ rows: 48, changed: true });
  expect(await counts(other)).toEqual({ rooms: 4, words: 40, pictures: 4 });
  expect((await succeed(service, path, body)).outcome).toMatchObject({ rows: 48, changed: false });
  await execute(other, "update rooms set name = 'theirs' where id = 7");
  expect(await runTask(service, path, body)).toMatchObject({
    status: "failed",
    error: { code: "StoreTargetTaken" },
  });
  await dropDatabases(other);
});
