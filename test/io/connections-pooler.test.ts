/** Poolers: whoever would share a session of the server's with others is turned away, and told how to connect. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { assertDirect } from "../../io/postgres/pooler.ts";
import { openSession } from "../../io/postgres/session.ts";
import { freePort } from "../../local/postgres.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { type PoolerOptions, startPooler } from "../pooler.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { startFront } from "../postgres-front.ts";
import { type Refusal, refusalOf } from "../refusal.ts";

let address: DatabaseAddress;
let bucket: TestBucket;
beforeAll(async () => {
  address = await freshDatabase(newestServer(), "create table t (a int); insert into t values (1)");
  bucket = await startBucket();
});
afterAll(async () => {
  await bucket.stop();
  await dropDatabases(address);
});

async function check(to: DatabaseAddress) {
  const session = await openSession(to, { application: "pooler test" });
  try {
    await assertDirect(session);
  } finally {
    session.destroy();
  }
}

const backup = (source: DatabaseAddress, prefix: string) =>
  backUp({ source, application: "pooler test", store: bucket.store, prefix, connections: 2 });

const expectPooler = (refused: Refusal, sign: string) =>
  expect(refused).toMatchObject({
    code: "PoolerFound",
    message: expect.stringContaining(sign),
    hint: expect.stringContaining("register the server's own address"),
  });

test("the server itself is no pooler", async () => {
  await check(address);
});

test("a proxy that keeps a session for each of ours is none either, whatever number it gives out", async () => {
  const front = await startFront({ server: address, announcedPid: 4711 });
  const through = { ...address, port: front.port };
  await check(through);
  const manifest = await backup(through, "proxied/");
  expect(manifest.data).toMatchObject([{ table: '"public"."t"', rows: 1 }]);
  await front.stop();
});

test.each<[Omit<PoolerOptions, "server">, string]>([
  [{ size: 1, next: "last" }, "two sessions were given the same session"],
  [{ size: 3, next: "last" }, "two sessions were given the same session"],
  [{ size: 2, next: "first" }, "two statements ran in two sessions"],
])("a pooler that shares %o is found, and no backup is begun", async (kind, sign) => {
  const pooler = await startPooler({ server: address, ...kind });
  const through = { ...address, port: pooler.port };
  expectPooler(await refusalOf(() => check(through)), sign);
  expectPooler(await refusalOf(() => backup(through, "pooled/")), "two s");
  expect(await bucket.keys("pooled/")).toEqual([]);
  await pooler.stop();
});

/** Told to pass over what it does not know, as it often is. */
const TOLERANT = "ignore_startup_parameters = options,extra_float_digits";

/** PgBouncer itself, where this machine has it, set up in the ways in which it is. */
const bouncers: { settings: string; sign?: string }[] = findPgBouncer()
  ? [
      { settings: "pool_mode = transaction", sign: "unsupported startup parameter" },
      { settings: "pool_mode = session", sign: "unsupported startup parameter" },
      { settings: `${TOLERANT}\npool_mode = transaction`, sign: "the same session of the server" },
      {
        settings: `${TOLERANT}\npool_mode = transaction\ndefault_pool_size = 1`,
        sign: "the same session of the server",
      },
      { settings: `${TOLERANT}\npool_mode = statement`, sign: "statement pooling mode" },
      { settings: `${TOLERANT}\npool_mode = session` },
    ]
  : [];

test.each(bouncers)(
  "PgBouncer as it is set up: $settings",
  { timeout: 30_000 },
  async ({ settings, sign }) => {
    const bouncer = await startPgBouncer(settings);
    const through = { ...address, port: bouncer.port };
    if (sign === undefined) {
      await check(through);
      expect(await backup(through, "bounced/")).toMatchObject({ data: [{ rows: 1 }] });
    } else {
      expectPooler(await refusalOf(() => check(through)), sign);
    }
    await bouncer.stop();
  },
);

function findPgBouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, "pgbouncer")).find((file) => existsSync(file));
}

async function startPgBouncer(settings: string) {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-bouncer-"));
  const port = await freePort();
  const { host, port: behind, user, password } = address;
  const file = join(folder, "settings.ini");
  await writeFile(
    file,
    `[databases]\n* = host=${host} port=${behind} user=${user} password=${password}\n[pgbouncer]
listen_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = any\nunix_socket_dir =\n${settings}\n`,
  );
  await chmod(folder, 0o755);
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn(findPgBouncer() ?? "pgbouncer", ["-q", ...as, file], { stdio: "ignore" });
  const ended = once(child, "exit");
  await expect.poll(() => answers(port), { timeout: 10_000 }).toBe(true);
  return {
    port,
    stop: async () => {
      child.kill("SIGINT");
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
