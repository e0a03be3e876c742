/**
 * kill -9 of the whole service at the milestones of an export, a cutover, its way back and the abandoning of a store, each time then a restart:
 * each ends as it would have, every effect exactly once. The store lies in a bucket, and each function may do what its role in AWS
 * may, and no more.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { until } from "../service/local-service.ts";
import { bucketFor } from "../service/prunable.ts";
import { Service } from "../service/service.ts";
import { furnish, storedProject } from "../service/stored.ts";
import { succeed, type Task, taskEnd } from "../service/tasks.ts";

/** In the order in which one attempt passes them. */
const POINTS = {
  export: ["begun", "export-begun", "export-files", "export-head", "effect", "recorded"],
  there: [
    ...["begun", "near", "claimed", "stopped", "closed", "applied", "brought-up", "compared"],
    ...["declaring", "declared", "shut", "effect", "recorded"],
  ],
  back: [
    ...["begun", "claimed", "stopped", "store-closed", "opened", "import-loaded", "import-committed"],
    ...["imported", "renamed", "effect", "recorded"],
  ],
  abandon: ["begun", "claimed", "stopped", "store-closed", "renamed", "effect", "recorded"],
};

/** Where something stands outside the ledger that was not there before; with REHEARSAL_STORE_RUNS every point is visited. */
const OUTSIDE = new Set([
  ...["export-files", "export-head", "closed", "applied", "declared"],
  ...["store-closed", "opened", "import-committed", "renamed"],
]);

const pointsOf = (task: keyof typeof POINTS) =>
  POINTS[task].filter((point) => OUTSIDE.has(point) || process.env.REHEARSAL_STORE_RUNS !== undefined);

const server = newestServer();
let service: Service;
let hook: Hook;
let address: DatabaseAddress;
let bucket: string;

beforeAll(async () => {
  hook = await startHook(() => 200);
  service = await new Service(server.address, "kill_store", { permissions: "enforced" }).start();
  Object.assign(process.env, service.variables);
  bucket = await bucketFor(service, "kill-store");
  address = await freshDatabase(server, "", `kill_store_${process.pid}`);
  const hooks = { stop: hook.url, start: hook.url };
  const storage = { bucket, root: "rooms/", prefixes: ["media/"] };
  await service.register("rooms", address, { hooks, storage }, "dev");
  await service.until(
    await service.promote("rooms", await service.release(await storedProject(server))),
    "promoted",
  );
  await furnish(address, 1);
});

afterAll(async () => {
  expect(service.denied()).toEqual([]);
  await service.stop();
  await hook.stop();
  await dropDatabases(address);
});

/** Starts the task, lets it die at each of the points, and waits for its end. */
async function survive(what: string, kind: string, points: readonly string[], body: object = {}) {
  const path = `/environments/rooms/store-${what}`;
  service.killAt(...points.map((point) => `task-${kind}:${point}`));
  // The answer may be lost with the service: the same key finds what it started.
  const headers = { "idempotency-key": `${what} ${JSON.stringify(body)}` };
  let id: string | undefined;
  for (let deaths = 0; id === undefined; )
    try {
      id = (await service.call<Task>("POST", path, body, { headers })).body.id;
    } catch (error) {
      if (!(error instanceof TypeError) || ++deaths > 2) throw error;
      break;
    }
  for (const _ of points) {
    expect(await service.ended()).toBe("SIGKILL");
    await service.start();
  }
  const started = await service.call<Task>("POST", path, body, { headers });
  const ended = await taskEnd(service, started.body.id);
  expect(service.unfired()).toEqual([]);
  expect(ended).toMatchObject({ status: "succeeded", error: null });
  return ended;
}

const phase = async () => {
  const { stores } = await service.must<{ stores: { phase: string }[] }>("GET", "/environments/rooms/stores");
  return stores.map((store) => store.phase);
};

const told = async (type: string) => {
  const control = { ...server.address, database: service.controlDatabase };
  return (await rows(control, "select 1 from ledger.events where type = $1", [type])).length;
};

test("an export that dies at every milestone is one store, with everything in it", async () => {
  const exported = await survive("exports", "store-export", pointsOf("export"), { place: { prefix: "one" } });
  expect(exported.outcome).toMatchObject({ rows: 66 });
  await until(async () => (await phase())[0] === "following");
  expect([await phase(), await told("store.exported")]).toEqual([["following"], 1]);
});

test("a cutover that dies at every milestone has the store count, with the last that was written", async () => {
  await succeed(service, "/environments/rooms/store-verifications");
  await execute(address, "insert into rooms values (99, 'the last')");
  const { outcome } = await survive("cutovers", "store-cutover", pointsOf("there"));
  expect(outcome).toMatchObject({ cutOver: true, rows: 67 });
  expect([await phase(), await told("store.cut-over")]).toEqual([["cut-over"], 1]);
  await expect(execute(address, "select 1")).rejects.toThrow();
});

test("a way back that dies at every milestone has the database count again, with all that the store held", async () => {
  const { outcome } = await survive("cutovers", "store-cutover", pointsOf("back"), { back: true });
  expect(outcome).toMatchObject({ returned: true, rows: 67 });
  expect([await phase(), await told("store.returned")]).toEqual([["returned"], 1]);
  expect(await rows(address, "select count(*)::int as n, max(id) as last from public.rooms")).toEqual([
    { n: 4, last: 99 },
  ]);
});

test("the abandoning of a store that dies at every milestone has the database count again, as it was at the cutover", async () => {
  await succeed(service, "/environments/rooms/store-exports", { place: { prefix: "two" } });
  // A store stays where it was exported to, whatever the policy says from now on.
  const storage = { bucket, root: "elsewhere/", prefixes: ["media/"] };
  await service.must("PATCH", "/environments/rooms", { policy: { storage } });
  await succeed(service, "/environments/rooms/store-verifications");
  const { outcome } = await succeed(service, "/environments/rooms/store-cutovers");
  const points = pointsOf("abandon");
  const abandoned = await survive("abandonments", "store-cutover", points, { store: outcome?.store });
  expect(abandoned.outcome).toMatchObject({ abandoned: true });
  expect([(await phase())[0], await told("store.abandoned")]).toEqual(["given-up", 1]);
  expect(await rows(address, "select count(*)::int as n from public.rooms")).toEqual([{ n: 4 }]);
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
});
