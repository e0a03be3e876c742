/** Servers newer than the pg_dump we carry: refused, unless a program is named that knows them. */
import { existsSync, globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseArchive } from "../../core/archive.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { frontendMessage } from "../../io/postgres/backend-messages.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { assertDumpable } from "../../io/postgres/dump/dumpable.ts";
import { PgDumpFrontend } from "../../io/postgres/dump/frontend.ts";
import { dumpSchema, dumpTableOfContents } from "../../io/postgres/dump/index.ts";
import { startProgram } from "../../io/postgres/dump/pg-dump-program.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { openWire } from "../../io/postgres/wire.ts";
import { startPostgres } from "../../local/postgres.ts";
import { startBucket } from "../bucket.ts";
import { writeNewerPgDump, writePgDump } from "../native-pg-dump.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { type Front, startNewerServer } from "../postgres-front.ts";
import { refusalOf } from "../refusal.ts";

const SOURCE = `create table t (id int generated always as identity primary key, "odd ""name""" text);
  insert into t ("odd ""name""") select md5(g::text) from generate_series(1, 2000) g;
  create view v as select * from t; create index on t ("odd ""name""");
  select lo_from_bytea(77, decode(repeat('00ff', 1000), 'hex'))`;

let folder: string;
let program: string;
let source: DatabaseAddress;
let front: Front;
/** The same database, of a server that says it is Postgres 19. */
let newer: DatabaseAddress;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-newer-"));
  program = await writeNewerPgDump(folder);
  source = await freshDatabase(newestServer(), SOURCE, `it's "19" \\ a=b`);
  front = await startNewerServer(source, 19);
  newer = { ...source, port: front.port };
});
afterAll(async () => {
  await front.stop();
  await dropDatabases(source);
  await rm(folder, { recursive: true });
});

const application = "newer test";

describe("a server of version 19", () => {
  test("is refused when nothing is said of it", async () => {
    const refused = { code: "ServerTooNew", hint: expect.stringContaining("pgDump: /path/to/pg_dump") };
    expect(await refusalOf(() => dumpSchema(newer, { application }))).toMatchObject(refused);
    expect(await refusalOf(() => assertDumpable(19, undefined))).toMatchObject(refused);
    await assertDumpable(18, undefined);
  });

  test("is backed up and restored by the pg_dump that is named", async () => {
    const bucket = await startBucket();
    const target = { ...(await freshDatabase(newestServer())), port: front.port };
    const common = { application, store: bucket.store, connections: 2 };
    const manifest = await backUp({ ...common, source: newer, prefix: "newer/", pgDump: program });
    expect(manifest.data).toMatchObject([{ table: '"public"."t"', rows: 2000 }]);
    expect(manifest.largeObjects).toHaveLength(1);
    await restore({ ...common, target, manifest });
    const session = await openSession(target, { application });
    expect(compareBaselines(manifest.baseline, await readBaseline(session))).toEqual([]);
    await session.close();
    expect(await dumpSchema(newer, { application, program })).toBe(
      (await dumpSchema(source, { application })).replace(/(Dumped from database version) .*/, "$1 18.0"),
    );
    await bucket.stop();
    await dropDatabases({ ...target, port: source.port });
  });

  test.each([
    ["is not there", undefined, "there is no such file where the service runs"],
    ["is something else", "echo 'psql (PostgreSQL) 19.0'", "it does not answer --version as pg_dump does"],
    ["fails", "echo 'no such library' >&2; exit 127", "no such library"],
    ["is too old", "echo 'pg_dump (PostgreSQL) 18.1'", "it is of version 18, and the server of 19"],
  ])("is refused when the program named %s", async (name, script, reason) => {
    const path =
      script === undefined ? join(folder, "absent/pg_dump") : await writePgDump(folder, name, script);
    const refused = await refusalOf(() => dumpSchema(newer, { application, program: path }));
    expect(refused).toMatchObject({ code: "PgDumpUnfit", hint: expect.stringContaining("client programs") });
    expect(refused.message).toContain(reason);
  });

  test("whose program fails tells the program's own words", async () => {
    const path = await writePgDump(
      folder,
      "broken",
      'case "$1" in --version) echo "pg_dump (PostgreSQL) 19.0";; *) echo "pg_dump: error: out of luck" >&2; exit 1;; esac',
    );
    expect(await refusalOf(() => dumpSchema(newer, { application, program: path }))).toMatchObject({
      code: "DumpFailed",
      message: expect.stringContaining(": out of luck"),
      hint: expect.stringContaining("mend what the reason names"),
    });
  });

  test("leaves no program behind when the dump is given up, and lets nobody else in at its port", async () => {
    const note = join(folder, "note");
    const path = await writePgDump(
      folder,
      "endless",
      `case "$1" in --version) echo "pg_dump (PostgreSQL) 19.0";; *) sleep 600 & echo "$! $*" >'${note}'; wait;; esac`,
    );
    const stop = new AbortController();
    const given = expect(
      dumpSchema(newer, { application, program: path, signal: stop.signal }),
    ).rejects.toThrow("given up");
    const noted = async () => (existsSync(note) ? await readFile(note, "utf8") : "");
    await expect.poll(noted).toContain("--dbname=");
    const told = await noted();
    // Its arguments are no secret on a machine: they hold neither our password nor the one of the port.
    expect(told).not.toContain(source.password);
    const port = Number(/port='(\d+)'/.exec(told)?.[1]);
    const stranger = createConnection(port, "127.0.0.1");
    let heard = "";
    stranger.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
    stranger.write(startOf(196608, "user", "rehearsal", "database", "x"));
    stranger.write(frontendMessage("p", "guess\0"));
    await expect.poll(() => stranger.destroyed || stranger.readableEnded).toBe(true);
    expect(heard.startsWith("R\0\0\0\x08\0\0\0\x03E") && heard.includes("28P01")).toBe(true);
    stop.abort(new Error("given up"));
    await given;
    const pid = Number(told.split(" ")[0]);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

/** One that has ended, and whose parent is gone, may stand in the list for a while, without its words. */
async function isRunning(pid: number): Promise<boolean> {
  if (existsSync("/proc/self/cmdline"))
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")) !== "";
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A StartupMessage. */
function startOf(version: number, ...words: string[]): Buffer {
  const body = Buffer.from(`${words.join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length);
  head.writeInt32BE(version, 4);
  return Buffer.concat([head, body]);
}

test("a client of a newer protocol is told that it is 3.0 here, and which of its wishes are not known", () => {
  const frontend = new PgDumpFrontend({
    ...{ parameters: { server_version: "19.0" }, withoutData: true, password: "right" },
    onCopy: () => undefined,
  });
  const start = startOf((3 << 16) | 2, "user", "u", "_pq_.wish", "on");
  const asked = Buffer.concat(frontend.take(start).answer).toString("latin1");
  expect(asked).toBe("v\0\0\0\x16\0\x03\0\0\0\0\0\x01_pq_.wish\0R\0\0\0\x08\0\0\0\x03");
  expect(frontend.known).toBe(false);
  const admitted = Buffer.concat(frontend.take(frontendMessage("p", "right\0")).answer).toString("latin1");
  expect(admitted).toContain("server_version\x0019.0");
  expect(frontend.known).toBe(true);
});

/** Postgres as this machine may have it, server and pg_dump: the real program, through the same port. */
const installed = globSync("/usr/lib/postgresql/*/bin").filter((bin) =>
  ["postgres", "initdb", "pg_dump"].every((name) => existsSync(join(bin, name))),
);
test.each(installed)("the pg_dump of %s makes the table of contents that ours makes", async (binaries) => {
  const major = Number(binaries.split("/").at(-2));
  const server = await startPostgres({
    ...{ major, binaries, temporary: true, dataFolder: join(folder, `postgres-${major}`) },
  });
  const address = { ...server.address, database: 'a "b"' };
  await execute(server.address, 'create database "a ""b"""');
  await execute(address, SOURCE);
  const holder = await openSession(address, { application });
  await holder.execute("begin isolation level repeatable read");
  const [row] = await holder.query<{ id: string }>("select pg_export_snapshot() as id");
  const ours = await dumpTableOfContents(address, { application, snapshot: row?.id ?? "" });
  const wire = await openWire(address, application);
  const dumper = await startProgram(join(binaries, "pg_dump"), {
    args: ["--format=custom", "--compress=0", "--no-subscriptions", `--snapshot=${row?.id}`],
    ...{ database: address.database, parameters: wire.parameters, withoutData: true },
    send: (bytes) => wire.socket.write(bytes),
    resume: () => wire.socket.resume(),
  });
  wire.socket.on("data", (bytes: Buffer) => dumper.take(bytes) || wire.socket.pause()).resume();
  const theirs = await dumper.ended;
  expect(theirs).toMatchObject({ status: 0, said: "", copies: ours.copies });
  const entries = (archive: Uint8Array) =>
    parseArchive(archive).entries.map(({ kind, tag, copy }) => [
      kind === "BLOB METADATA" ? "BLOB" : kind,
      tag,
      copy,
    ]);
  expect(entries(theirs.output).filter(([kind]) => kind === "TABLE DATA")).toEqual(
    entries(ours.archive).filter(([kind]) => kind === "TABLE DATA"),
  );
  await dumper.stop();
  wire.socket.destroy();
  ours.release();
  await holder.close();
  await server.stop();
});
