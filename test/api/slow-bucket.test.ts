/** A bucket that takes a request and never answers: what the ledger has committed stands, and whoever has to tell it goes on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { trySending } from "../../functions/outbox.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";
import { openWorld, registerFresh, type World } from "./world.ts";

let world: World;
let line: TcpProxy;

beforeAll(async () => {
  world = await openWorld();
  const { hostname: host, port } = new URL(process.env.AWS_ENDPOINT_URL_S3 ?? "");
  line = await startTcpProxy({ host, port: Number(port) });
  const through = line.through({ host, port: Number(port) });
  // Before the first request, for the functions' client reads it then.
  process.env.AWS_ENDPOINT_URL_S3 = `http://${through.host}:${through.port}`;
  await registerFresh(world, "mine");
});

afterAll(async () => {
  line.heal();
  await world.close();
  await line.stop();
});

const copied = async () => {
  const [state] = await world.ledger.query<{ number: string }>("select number from ledger.copies");
  return Number(state?.number);
};

test("a sending that is given up leaves the session to its caller, and holds nobody up", async () => {
  const { ledger } = world;
  const before = await copied();
  line.inject({ kind: "stall", from: "client", after: 0 });
  await ledger.transaction(() => appendEvent(ledger, { type: "test.happened" }));
  await trySending(ledger, 300);
  expect(line.struck()).toBeGreaterThan(0);
  // What is done next is the caller's own, and nobody's turn is held.
  expect(ledger.inTransaction()).toBe(false);
  expect(
    await ledger.query(
      "select mode from pg_locks where relation = 'ledger.copies'::regclass and pid <> pg_backend_pid()",
    ),
  ).toEqual([]);
  await ledger.transaction(() => appendEvent(ledger, { type: "test.happened" }));
  expect(await copied()).toBe(before);
  line.heal();
  await trySending(ledger);
  expect(await copied()).toBeGreaterThan(before);
  expect(await ledger.query("select 1 from ledger.outbox")).toEqual([]);
});

test("a change is answered as done although its copy cannot be made now, while API Gateway still waits", async () => {
  line.inject({ kind: "stall", from: "client", after: 0 });
  const policy = { decision: "approval" };
  expect(await world.call("PATCH", "/environments/mine", { policy })).toMatchObject({ status: 200 });
  expect(await world.call("POST", "/people", { name: "slow" })).toMatchObject({ status: 201 });
  line.heal();
});
