/** What hinders a promotion is found on a server that has all of it, and each mend takes it away. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findHindrances } from "../../io/postgres/hindrances.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";

let folder: string;
let server: PostgresServer;
let session: Session;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-hindrances-"));
  server = await startPostgres({
    major: 18,
    dataFolder: join(folder, "server"),
    settings: { wal_level: "logical", max_prepared_transactions: "4", max_connections: "20" },
    temporary: true,
  });
  session = await openSession(server.address, { application: "test" });
});

afterAll(async () => {
  await session.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

const statuses = async (connections = 2) =>
  Object.fromEntries((await findHindrances(session, connections)).map((check) => [check.name, check]));

test("a server with nothing of it is told so, subject by subject", async () => {
  const found = await statuses();
  expect(Object.keys(found)).toEqual([
    "primary",
    "prepared transactions",
    "replication",
    "event triggers",
    "extensions",
    "free connections",
  ]);
  for (const check of Object.values(found)) expect(check).toMatchObject({ status: "ok", mend: null });
  expect(found.replication?.says).toContain("wal_level is logical");
});

test("a prepared transaction, a slot, a subscription and an event trigger are told by name, and the mends mend", async () => {
  // Before there is a transaction that it would wait for.
  await session.query("select pg_create_logical_replication_slot('feed', 'pgoutput')");
  await session.execute("begin; create table public.half (id int); prepare transaction 'half''way'");
  await session.execute(
    `create subscription mirror connection 'host=127.0.0.1 port=1 dbname=x' publication p
       with (connect = false, enabled = false, create_slot = false, slot_name = none)`,
  );
  await session.execute(
    `create function public.note() returns event_trigger language plpgsql as 'begin end';
     create event trigger "No Ting" on ddl_command_end execute function public.note()`,
  );
  const found = await statuses(100);
  expect(found["prepared transactions"]).toMatchObject({
    status: "warning",
    says: expect.stringContaining("half'way"),
  });
  expect(found.replication).toMatchObject({
    status: "warning",
    says: "logical slots: feed; subscriptions: mirror",
  });
  expect(found["event triggers"]).toMatchObject({
    status: "warning",
    says: expect.stringContaining("No Ting"),
  });
  expect(found["free connections"]).toMatchObject({
    status: "warning",
    says: expect.stringContaining("takes up to 104"),
  });

  const mendOf = (name: string, sql: RegExp) => sql.exec(found[name]?.mend ?? "")?.[0] ?? "";
  await session.execute(mendOf("prepared transactions", /ROLLBACK PREPARED .*$/));
  await session.execute(mendOf("event triggers", /ALTER EVENT TRIGGER .*$/));
  const after = await statuses();
  expect([after["prepared transactions"]?.status, after["event triggers"]?.status]).toEqual(["ok", "ok"]);
});
