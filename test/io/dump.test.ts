/** pg_dump as WebAssembly: the words are pg_dump's own, and its failures have codes. */
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseArchive } from "../../core/archive.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dumpSchema, dumpTableOfContents } from "../../io/postgres/dump/index.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { startTcpProxy } from "../tcp-proxy.ts";

let address: DatabaseAddress;
let holder: Session;
let snapshot: string;
beforeAll(async () => {
  address = await freshDatabase(
    newestServer(),
    `create table t (a int generated always as (b + 1) stored, b int); create table "a.b" (c text);
     insert into t values (default, 1); select lo_from_bytea(77, 'large')`,
  );
  holder = await openSession(address, { application: "test" });
  await holder.execute("begin isolation level repeatable read");
  const [row] = await holder.query<{ snapshot: string }>("select pg_export_snapshot() as snapshot");
  snapshot = row?.snapshot ?? "";
});
afterAll(async () => {
  await holder.close();
  await dropDatabases(address);
});

const dump = (more: object = {}, at = address) =>
  dumpTableOfContents(at, { application: "dump test", snapshot, ...more });

test("one pass tells the table of contents and how the data is to be read, and reads none of it", async () => {
  const toc = await dump();
  const archive = parseArchive(toc.archive);
  expect(archive).toMatchObject({ version: "1.16", database: address.database });
  expect(archive.serverVersion).toMatch(new RegExp(`^${newestServer().major}\\.`));
  expect(toc.copies).toEqual(['COPY public."a.b" (c) TO stdout;', "COPY public.t (b) TO stdout;"]);
  const data = archive.entries.filter((entry) => entry.kind === "TABLE DATA");
  expect(data.map((entry) => entry.copy)).toEqual([
    'COPY public."a.b" (c) FROM stdin;\n',
    "COPY public.t (b) FROM stdin;\n",
  ]);
  expect(archive.entries.find((entry) => entry.kind === "BLOB METADATA")?.definition.trim()).toBe("77");
  expect(Buffer.from(toc.archive).includes("large\0")).toBe(false);
  toc.release();
});

test("its locks keep the tables as they are until they are released", async () => {
  const toc = await dump();
  const truncate = "set lock_timeout = 100; truncate t";
  await expect(execute(address, truncate)).rejects.toMatchObject({ facts: { sqlstate: "55P03" } });
  toc.assertLocked();
  toc.release();
  expect(() => toc.assertLocked()).toThrow("the connection that held the locks was lost");
});

test("a table that somebody holds is waited for only so long", async () => {
  const other = await openSession(address, { application: "test" });
  await other.execute("begin; lock table public.t in access exclusive mode");
  await expect(dump({ lockMilliseconds: 200 })).rejects.toMatchObject({
    code: "LockTimeout",
    facts: { milliseconds: 200 },
    hint: expect.stringContaining("pg_stat_activity"),
  });
  await other.close();
});

test("a server that ends the connection while pg_dump waits for it is a lost connection", async () => {
  const other = await openSession(address, { application: "test" });
  await other.execute("begin; lock table public.t in access exclusive mode");
  const lost = expect(dump({ application: "dump victim" })).rejects.toMatchObject({
    code: "DatabaseUnreachable",
    retryable: true,
  });
  const victim =
    "select pid from pg_stat_activity where application_name = 'dump victim' and wait_event = 'relation'";
  await expect.poll(() => rows(address, victim), { timeout: 10_000 }).toHaveLength(1);
  await rows(address, `select pg_terminate_backend(pid) from (${victim}) v`);
  await lost;
  await other.close();
});

test("an abort ends it, and the server's side too", async () => {
  const other = await openSession(address, { application: "test" });
  await other.execute("begin; lock table public.t in access exclusive mode");
  const stop = new AbortController();
  const ended = expect(dump({ application: "dump aborted", signal: stop.signal })).rejects.toThrow(
    "not wanted any more",
  );
  const running =
    "select pid from pg_stat_activity where application_name = 'dump aborted' and state = 'active'";
  await expect.poll(() => rows(address, running), { timeout: 10_000 }).toHaveLength(1);
  stop.abort(new Error("not wanted any more"));
  await ended;
  await expect.poll(() => rows(address, running), { timeout: 10_000 }).toEqual([]);
  await other.close();
});

test("fault 29: a server that falls silent in the middle is given up at the deadline", async () => {
  const proxy = await startTcpProxy(address);
  proxy.inject({ kind: "stall", from: "server", after: 5_000 });
  await expect(dump({ stallSeconds: 1 }, proxy.through(address))).rejects.toMatchObject({
    code: "CopyStalled",
    retryable: true,
  });
  proxy.inject({ kind: "cut", from: "server", after: 5_000 });
  await expect(dump({}, proxy.through(address))).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  await proxy.stop();
});

test("a snapshot that is gone, and a right that is missing, are told with their reasons", async () => {
  await expect(dump({ snapshot: "00000099-00000001-1" })).rejects.toMatchObject({
    code: "StatementFailed",
    message: expect.stringContaining("00000099-00000001-1"),
  });
  await execute(address, "create role dumper login password 'p'");
  await expect(dump({}, { ...address, user: "dumper", password: "p" })).rejects.toMatchObject({
    code: "PermissionMissing",
    facts: { role: "dumper", right: expect.stringContaining("permission denied") },
  });
  await execute(address, "drop role dumper");
});

test("a server newer than pg_dump is refused before anything is asked of it", async () => {
  // A server that says it is Postgres 99: the true one, its version rewritten on the way.
  const relay = createServer((client) => {
    const upstream = connect(address.port, address.host);
    client.pipe(upstream);
    upstream.on("data", (bytes: Buffer) =>
      client.write(Buffer.from(bytes.toString("latin1").replace(/(server_version\0)\d\d/, "$199"), "latin1")),
    );
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as AddressInfo;
  await expect(dump({}, { ...address, port })).rejects.toMatchObject({
    code: "ServerTooNew",
    facts: { major: 99, supported: 18 },
    hint: expect.stringContaining("install a version"),
  });
  relay.close();
});

test("what a function's body holds is left as it is, psql's commands too", async () => {
  const body = "\\restrict x\n\\unrestrict rehearsal\n$$ ' ; --";
  const source = await freshDatabase(newestServer());
  await execute(source, `create function f() returns text language sql as $f$ select $b$${body}$b$ $f$`);
  const sql = await dumpSchema(source, { application: "dump test" });
  expect(sql).toContain(body);
  const copy = await freshDatabase(newestServer(), sql);
  expect(await dumpSchema(copy, { application: "dump test" })).toBe(sql);
  await dropDatabases(source, copy);
});
