/** Connecting to servers that are not there yet: asleep behind a proxy, full for real. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCopySession } from "../../io/postgres/copy.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { openWire } from "../../io/postgres/wire.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { newestServer } from "../postgres.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

const application = "connect test";

describe("a server that sleeps", () => {
  const { address } = newestServer();
  let proxy: TcpProxy;
  beforeAll(async () => {
    proxy = await startTcpProxy(address);
  });
  afterAll(() => proxy.stop());

  test("fault 30: one that says that it starts is asked again until it takes sessions, by whoever connects", async () => {
    proxy.sleep("refuses");
    const before = proxy.turnedAway();
    const opening = Promise.all([
      openSession(proxy.through(address), { application }),
      openWire(proxy.through(address), application),
      openCopySession(proxy.through(address), { application }),
    ]);
    await expect.poll(() => proxy.turnedAway(), { timeout: 10_000 }).toBeGreaterThan(before + 9);
    proxy.wake();
    const [session, wire, copy] = await opening;
    expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    await session.close();
    wire.socket.destroy();
    await copy.close();
  });

  test("fault 30: one that takes the connection and is silent is waited for", async () => {
    proxy.sleep("silent");
    const before = proxy.turnedAway();
    const opening = openSession(proxy.through(address), { application, patienceSeconds: 30 });
    await expect.poll(() => proxy.turnedAway()).toBe(before + 1);
    proxy.wake();
    await (await opening).close();
  });

  test("fault 30: patience has an end, and how often it was asked is told", async () => {
    proxy.sleep("refuses");
    await expect(
      openSession(proxy.through(address), { application, patienceSeconds: 0.5 }),
    ).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      message: expect.stringMatching(/starting up \(asked [3-9] times in \d seconds\)/),
      hint: expect.stringContaining("check that the server runs"),
      retryable: true,
    });
    proxy.wake();
  });

  test("nobody at the address is told at once where nobody said to wait, and waited for where somebody did", async () => {
    const dead = { ...address, port: 1 };
    const begun = performance.now();
    await expect(openSession(dead, { application })).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      message: expect.not.stringContaining("asked"),
    });
    expect(performance.now() - begun).toBeLessThan(1_000);
    await expect(openSession(dead, { application, patienceSeconds: 0.3 })).rejects.toMatchObject({
      message: expect.stringContaining("asked"),
    });
  });

  test("a password that is wrong is not tried twice, and an abort ends the waiting", async () => {
    const wrong = { ...address, password: "wrong" };
    await expect(openSession(wrong, { application, patienceSeconds: 30 })).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      message: expect.not.stringContaining("asked"),
    });
    proxy.sleep("refuses");
    const stop = new AbortController();
    const opening = openCopySession(proxy.through(address), { application, signal: stop.signal });
    stop.abort(new Error("not wanted any more"));
    await expect(opening).rejects.toThrow("not wanted any more");
    proxy.wake();
  });
});

describe("a server whose connections are used up", () => {
  let server: PostgresServer;
  const taken: Session[] = [];
  beforeAll(async () => {
    const root = fileURLToPath(new URL("../../.rehearsal/test", import.meta.url));
    server = await startPostgres({
      major: newestServer().major,
      dataFolder: join(root, `full-${process.pid}`),
      temporary: true,
      settings: { max_connections: "6", superuser_reserved_connections: "1", max_wal_senders: "0" },
    });
  });
  afterAll(async () => {
    await Promise.all(taken.map((session) => session.close()));
    await server.stop();
  });

  test("fault 27: it is asked again for a while, and then the refusal says so", async () => {
    for (let number = 1; number <= 6; number++)
      taken.push(await openSession(server.address, { application }));
    await expect(openSession(server.address, { application, patienceSeconds: 0.5 })).rejects.toMatchObject({
      code: "ConnectionsExhausted",
      message: expect.stringMatching(/too many clients already \(asked [3-9] times/),
      hint: expect.stringContaining("raise max_connections"),
      retryable: true,
    });
    const opening = Promise.all([
      openSession(server.address, { application }),
      openCopySession(server.address, { application }),
    ]);
    await Promise.all(taken.splice(0, 2).map((session) => session.close()));
    const [session, copy] = await opening;
    await session.close();
    await copy.close();
  });
});
