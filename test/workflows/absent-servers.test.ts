/** Promotions whose database server sleeps, starts or is full when a step comes to it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService, until } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import type { Detail } from "../service/service.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let network: TcpProxy;
let service: LocalService;
let release: string;
/** With so few connections that a test can take them all. */
let small: PostgresServer;
const taken: Session[] = [];

beforeAll(async () => {
  network = await startTcpProxy(server.address);
  service = await new LocalService(server.address, "absent").start();
  release = await service.release({ ...PROJECT, ...OUTSIDE });
  small = await startPostgres({
    major: server.major,
    dataFolder: join(fileURLToPath(new URL("../../.rehearsal/test", import.meta.url)), `few-${process.pid}`),
    temporary: true,
    settings: { max_connections: "14", superuser_reserved_connections: "1", max_wal_senders: "0" },
  });
});

afterAll(async () => {
  await service.stop();
  await network.stop();
  await letGo();
  await small.stop();
  await dropDatabases(...made);
});

async function takeAll() {
  for (;;)
    try {
      taken.push(await openSession(small.address, { application: "taker", patienceSeconds: 0 }));
    } catch (error) {
      expect(error).toMatchObject({ code: "ConnectionsExhausted" });
      return;
    }
}

async function letGo() {
  await Promise.all(taken.splice(0).map((session) => session.close()));
}

async function expectMigrated(address: DatabaseAddress, detail: Detail) {
  expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 4 }]);
  expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
  expect(detail.status).toBe("promoted");
}

/** Seconds that a server takes to wake in the row of the table. */
const WAKING = 30;

// The next two wait most of their time: they do so together.
test.concurrent("fault 30: it refuses as one that starts for 30 seconds, and then again behind the fence: the promotion goes on, in first attempts", async () => {
  const address = await freshDatabase(server, SCHEMA, `absent_starts_${process.pid}`);
  made.push(address);
  await service.register("starts", network.through(address));
  const gates = ["snapshot:begun", "migrate:begun"].map((point) => service.gate(point));
  const id = await service.promote("starts", release);
  for (const [place, gate] of gates.entries()) {
    await gate.reached();
    network.sleep(place === 0 ? "refuses" : "silent");
    const [begun, turned] = [performance.now(), network.turnedAway()];
    gate.open();
    await until(() => network.turnedAway() > turned);
    if (place === 0) await until(() => performance.now() - begun > WAKING * 1_000);
    network.wake();
  }
  const detail = await service.until(id, "promoted");
  await expectMigrated(address, detail);
  expect(detail.steps.map(({ attempt }) => attempt)).toEqual(detail.steps.map(() => 1));
});

test.concurrent("fault 27: when none comes free it is refused, and production is as it was", async () => {
  const address = await freshDatabase(small, SCHEMA, "full");
  await service.register("full", address, { patience: 0 });
  const before = await contentOf(address);
  await takeAll();
  const detail = await service.until(await service.promote("full", release), "refused");
  expect(detail.error).toMatchObject({
    code: "ConnectionsExhausted",
    message: expect.stringContaining("too many clients already"),
    hint: expect.stringContaining("raise max_connections"),
  });
  // Asked again by the workflow as well, before it gave up.
  expect(detail.steps.filter(({ step }) => step === "admit").length).toBeGreaterThan(3);
  await letGo();
  await expectUntouched(service, detail, address, before);
});

test("fault 27: it is asked again, and when connections are free the promotion goes on", async () => {
  const address = await freshDatabase(small, SCHEMA, "busy");
  const door = await startTcpProxy(small.address);
  await service.register("busy", door.through(address));
  const gate = service.gate("restore:begun");
  const id = await service.promote("busy", release);
  await gate.reached();
  await takeAll();
  const before = door.connections();
  gate.open();
  await until(() => door.connections() > before + 3);
  await letGo();
  const detail = await service.until(id, "promoted");
  await expectMigrated(address, detail);
  expect(detail.steps.map(({ attempt }) => attempt)).toEqual(detail.steps.map(() => 1));
  await door.stop();
});
