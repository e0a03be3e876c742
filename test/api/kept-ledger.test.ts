/** The ledger's session between requests: reused as long as it answers, and left behind when it is dead, silent or amid a transaction. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { openSecrets } from "../../io/secrets.ts";
import { LOCAL_CREDENTIALS } from "../../local/s3/server.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

/** Bytes that only the session which is to fall silent has sent. */
const MANY = 30_000;

let folder: string;
let secrets: Awaited<ReturnType<typeof startSecretsManager>>;
let control: DatabaseAddress;
let proxy: TcpProxy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-kept-"));
  secrets = await startSecretsManager({ folder });
  Object.assign(process.env, {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    REHEARSAL_CONTROL_SECRET: "control",
  });
  control = await freshDatabase(newestServer());
  proxy = await startTcpProxy(control);
  await openSecrets().writeSecret("control", databaseUrl(proxy.through(control)));
});

afterAll(async () => {
  await proxy.stop();
  await secrets.stop();
  await dropDatabases(control);
  await rm(folder, { recursive: true, force: true });
});

// Only now, for the client of its secrets reads the variables when it is first used.
const { borrowLedger, returnLedger } = await import("../../functions/kept-ledger.ts");

test("a session that was given back is lent again, and one amid a transaction is closed", async () => {
  const first = await borrowLedger();
  await returnLedger(first);
  expect(await borrowLedger()).toBe(first);
  await first
    .transaction(async () => {
      await returnLedger(first);
    })
    .catch(() => undefined);
  const second = await borrowLedger();
  expect(second).not.toBe(first);
  await returnLedger(second);
});

test("the server ends it when nobody uses it", async () => {
  const session = await borrowLedger();
  expect(await session.query("show idle_session_timeout")).toEqual([{ idle_session_timeout: "1min" }]);
  await returnLedger(session);
});

test("where two are given back one is kept, and the other is closed", async () => {
  const [one, other] = [await borrowLedger(), await borrowLedger()];
  await returnLedger(one);
  await returnLedger(other);
  const there = await rows<{ pid: number }>(
    control,
    "select pid from pg_stat_activity where datname = current_database() and application_name = 'rehearsal-ledger api'",
  );
  expect(there).toEqual([{ pid: one.pid }]);
});

test("one that falls silent, as behind a line that is gone, is left behind within seconds", async () => {
  const silent = await borrowLedger();
  await silent.query("select length($1)", ["x".repeat(MANY)]);
  await returnLedger(silent);
  proxy.inject({ kind: "stall", from: "client", after: MANY });
  const began = performance.now();
  const fresh = await borrowLedger();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(fresh).not.toBe(silent);
  expect(proxy.struck()).toBe(1);
  expect(await fresh.query("select 7 as n")).toEqual([{ n: 7 }]);
  await fresh.close();
});
