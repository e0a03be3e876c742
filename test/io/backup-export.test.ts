/**
 * Exports of real backups, restored by stock pg_restore: what comes back is what was there; of a damaged backup nothing usable
 * comes out.
 * Long because every format, edge and damage is held to the same comparison.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseContents } from "../../core/archive.ts";
import { contentsBytes } from "../../core/archive-writer.ts";
import { type BackupManifest, manifestBytes } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import { type ExportOptions, exportBackup } from "../../io/backup-export.ts";
import { writeObject } from "../../io/backup-objects.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { dumpSchema } from "../../io/postgres/dump/index.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { findPgRestores, type PgRestore, pgRestore, pgRestoreFor } from "../pg-restore.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";

/** A test for every server with the pg_restore that is there for it; without any there is nothing to test with, and that is a failure. */
const restorers = await findPgRestores();
const pairs = servers.map((server) => {
  const restorer = pgRestoreFor(server.major, restorers);
  if (restorer === undefined)
    throw new Error(
      `no pg_restore for ${server.major}: install postgresql-client-${server.major}, or let apt-get fetch it`,
    );
  return { server, restorer, major: server.major };
});

let bucket: TestBucket;
let folder: string;
let everyKind: string;
beforeAll(async () => {
  bucket = await startBucket();
  folder = await mkdtemp(join(tmpdir(), "rehearsal-export-"));
  everyKind = await readFile(new URL("../fixtures/every-kind.sql", import.meta.url), "utf8");
});
afterAll(async () => {
  await bucket.stop();
  await rm(folder, { recursive: true });
});

let made = 0;

const take = (source: DatabaseAddress) =>
  backUp({
    ...{ source, application: "export test", store: bucket.store, prefix: `backups/${++made}/` },
    ...{ connections: 2, chunkBytes: 300_000 },
  });

/** Writes the export as a person's tool would, to a new file or into a new folder, and returns its path. */
async function write(
  manifest: BackupManifest,
  options: Partial<ExportOptions> & Pick<ExportOptions, "format">,
) {
  const target = join(folder, String(++made));
  if (options.format === "directory") await mkdir(target);
  let file: { path: string; handle: Awaited<ReturnType<typeof open>> } | undefined;
  try {
    for await (const { path, bytes } of exportBackup({ store: bucket.store, manifest, ...options })) {
      const wanted = path === undefined ? target : join(target, path);
      if (file?.path !== wanted) {
        await file?.handle.close();
        // "x": a file is written in one go, and never begun again.
        file = { path: wanted, handle: await open(wanted, "wx") };
      }
      await file.handle.write(bytes);
    }
  } finally {
    await file?.handle.close();
  }
  return target;
}

/** Restores without a single complaint. */
async function bring(
  restorer: PgRestore,
  server: number,
  target: DatabaseAddress,
  args: string[],
  input?: Readable,
) {
  const { status, said } = await pgRestore(restorer, target, args, input);
  // A pg_restore newer than the server sets what the server does not know, once in each session, and goes on.
  const complaints = said
    .split(/(?=^pg_restore: (?:error|warning): )/m)
    .filter((complaint) => complaint.startsWith("pg_restore: "))
    .filter(
      (complaint) =>
        restorer.major === server || !/transaction_timeout|errors ignored on restore/.test(complaint),
    );
  expect(complaints).toEqual([]);
  expect(status).toBe(restorer.major > 16 && server < 17 ? 1 : 0);
}

async function baselineOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}

async function structureOf(address: DatabaseAddress) {
  return (await dumpSchema(address, { application: "test" })).replace(/^-- Dumped from .*\n/m, "");
}

/** Everything a restore must bring back that is not in the manifest's baseline. */
const CONTENTS = [
  "select mood, n from app.by_mood order by mood, n",
  "select oid::int, lomowner::regrole::text as owner, lomacl::text as rights, lo_get(oid) as bytes from pg_largeobject_metadata order by oid",
  "select objoid::int, description from pg_description where classoid = 'pg_largeobject'::regclass",
];

async function contentsOf(address: DatabaseAddress) {
  return Promise.all(CONTENTS.map((query) => rows(address, query)));
}

async function assertBack(source: DatabaseAddress, target: DatabaseAddress, manifest: BackupManifest) {
  expect(await structureOf(target)).toBe(await structureOf(source));
  const differences = compareBaselines(manifest.baseline, await baselineOf(target));
  // An enum's hash is of its labels' oids, so hash partitions by enum share their rows out anew: only the whole is equal.
  expect(differences.filter(({ what }) => !what.includes('"by_mood_'))).toEqual([]);
  expect(await contentsOf(target)).toEqual(await contentsOf(source));
}

/** Tables of several objects: values out of line, rows with all that COPY escapes, tables without rows or columns. */
const MORE = `
  create table public.wide (id int primary key, body text); alter table public.wide alter body set storage external;
  insert into public.wide select g, repeat(md5(g::text), 200) from generate_series(1, 300) g;
  create table public.escaped (id int primary key, t text);
  insert into public.escaped select g, E'\\\\.\\n\\t\\r\\b\\\\N' || repeat('é', 100) from generate_series(1, 4000) g;
  create table public.hollow (a int); create table public.nothing ();
  select lo_create(4000000001); select lo_put(4000000001, 0, 'an identifier of 32 bits');
  select lo_from_bytea(500000 + g, g::text::bytea) from generate_series(1, 20) g`;

describe.each(pairs)("from Postgres $major by pg_restore $restorer.major", ({ server, restorer }) => {
  let source: DatabaseAddress;
  let manifest: BackupManifest;
  beforeAll(async () => {
    source = await freshDatabase(server, `${MORE}; ${everyKind}`);
    const taken = await take(source);
    // As if somebody had drawn numbers between pg_dump's look and the baseline's: the baseline's hold.
    const sequences = { ...taken.baseline.sequences, '"app"."called"': { last: "471", called: true } };
    manifest = { ...taken, baseline: { ...taken.baseline, sequences } };
    for (const table of ['"public"."wide"', '"public"."escaped"'])
      expect(manifest.data.filter((object) => object.table === table).length).toBeGreaterThan(1);
    expect(manifest.largeObjects.length).toBeGreaterThan(0);
  });
  afterAll(() => dropDatabases(source));

  test("custom format goes through a pipe, and everything is back", async () => {
    const target = await freshDatabase(server);
    const pieces = exportBackup({ store: bucket.store, manifest, format: "custom" });
    const bytes = async function* () {
      for await (const piece of pieces) yield piece.bytes;
    };
    await bring(restorer, server.major, target, [], Readable.from(bytes(), { objectMode: false }));
    await assertBack(source, target, manifest);
    await dropDatabases(target);
  });

  test("directory format comes back through two sessions", async () => {
    const target = await freshDatabase(server);
    const path = await write(manifest, { format: "directory" });
    await bring(restorer, server.major, target, ["-j2", path]);
    await assertBack(source, target, manifest);
    await dropDatabases(target);
  });
});

test.each([
  { archive: "1.14", reader: 15, format: "custom", more: ["-j2"] },
  { archive: "1.15", reader: 16, format: "directory", more: ["-j2"] },
] as const)(
  "for a pg_restore of $reader, uncompressed, the archive is $archive, and everything is back",
  async (one) => {
    const { reader, format, more } = one;
    const restorer = restorers.find(({ major }) => major >= reader);
    if (restorer === undefined) throw new Error("unreachable: every server has found one");
    const server = newestServer();
    const source = await freshDatabase(server, everyKind);
    const target = await freshDatabase(server);
    const manifest = await take(source);
    const path = await write(manifest, { format, reader, compression: 0 });
    const contents = await readFile(format === "custom" ? path : join(path, "toc.dat"));
    expect(`${contents[5]}.${contents[6]}`).toBe(one.archive);
    await bring(restorer, server.major, target, [...more, path]);
    await assertBack(source, target, manifest);
    await dropDatabases(source, target);
  },
);

describe("of a damaged backup", () => {
  let manifest: BackupManifest;
  let restorer: PgRestore;
  beforeAll(async () => {
    const source = await freshDatabase(
      newestServer(),
      `create table cut (id int, t text); insert into cut select g, md5(g::text) from generate_series(1, 12000) g;
       select lo_from_bytea(7, decode(repeat('00ff', 300000), 'hex'))`,
    );
    manifest = await take(source);
    await dropDatabases(source);
    const newest = restorers.at(-1);
    if (newest === undefined) throw new Error("unreachable: every server has found one");
    restorer = newest;
  });

  /** The manifest with the object at `place` changed, and the object under that key as `content` has it. */
  async function damaged(place: number, content: (bytes: Buffer) => Buffer | undefined, fields = {}) {
    const copy = structuredClone(manifest);
    const object = [copy.toc, ...copy.data, ...copy.largeObjects][place];
    if (object === undefined) throw new Error(`there is no object ${place}`);
    const bytes = content(Buffer.from(await bucket.store.get(object.key)));
    Object.assign(object, { key: `damaged/${++made}`, ...fields });
    if (bytes) await bucket.store.put(object.key, bytes);
    return copy;
  }

  /** What was written when the export failed. */
  async function remains(copy: BackupManifest, format: "custom" | "directory", code: string, hint: string) {
    const before = new Set(await readdir(folder));
    await expect(write(copy, { format })).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(hint),
    });
    const [left = ""] = (await readdir(folder)).filter((name) => !before.has(name));
    return join(folder, left);
  }

  const flip = (bytes: Buffer) => {
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    return bytes;
  };

  test.each([
    ["the table of contents", 0],
    ["the first of a table's objects", 1],
    ["the last of a table's objects", 3],
    ["large objects", 4],
  ])("nothing that pg_restore accepts comes out: %s", async (_, place) => {
    expect([manifest.data.length, manifest.largeObjects.length]).toEqual([3, 1]);
    const hint = "take another backup";
    for (const [copy, code] of [
      [await damaged(place, flip), "BackupCorrupt"],
      [await damaged(place, (bytes) => bytes.subarray(0, -1)), "BackupCorrupt"],
      [await damaged(place, () => undefined), "BackupObjectMissing"],
    ] as const) {
      const file = await remains(copy, "custom", code, hint);
      // Of a damaged table of contents not even the beginning is written.
      if (file !== folder) {
        const { status, said } = await pgRestore(restorer, undefined, ["-f", "/dev/null", file]);
        expect(status).toBe(1);
        expect(said).toContain("pg_restore: error: could not read from input file: end of file");
      } else expect(place).toBe(0);
      expect(await readdir(await remains(copy, "directory", code, hint))).not.toContain("toc.dat");
    }
  });

  test("another count of rows than the manifest's is one too", async () => {
    for (const place of [1, 4]) {
      const copy = await damaged(place, (bytes) => bytes, { rows: 1 });
      await expect(write(copy, { format: "custom" })).rejects.toMatchObject({
        code: "BackupCorrupt",
        message: expect.stringMatching(/it holds \d+ rows instead of 1$/),
      });
    }
  });

  test("who stops in the middle leaves nothing running", async () => {
    for (const format of ["custom", "directory"] as const)
      for (const stopAfter of [1, 2, 5]) {
        let pieces = 0;
        for await (const _piece of exportBackup({ store: bucket.store, manifest, format }))
          if (++pieces === stopAfter) break;
        expect(pieces).toBe(stopAfter);
      }
  });
});

test("pg_restore -C makes the database itself, its settings too, and bytes without an encoding stay what they were", async () => {
  const server = newestServer();
  const source = { ...server.address, database: `Export's "own"` };
  const name = quoteName(source.database);
  await execute(server.address, `create database ${name} template template0 encoding 'SQL_ASCII' locale 'C'`);
  await execute(
    source,
    `create table bytes (t text); insert into bytes select convert_from('\\xff80e9', 'SQL_ASCII');
     alter database ${name} set work_mem = '5MB'; comment on database ${name} is 'made by -C'`,
  );
  const look = () =>
    rows(
      source,
      `select t::bytea as bytes, current_setting('work_mem') as mem, pg_encoding_to_char(encoding) as encoding,
         shobj_description(d.oid, 'pg_database') as comment
       from public.bytes, pg_database d where datname = current_database()`,
    );
  const before = await look();
  expect(before).toMatchObject([{ mem: "5MB", encoding: "SQL_ASCII", comment: "made by -C" }]);
  const path = await write(await take(source), { format: "custom" });
  await dropDatabases(source);
  const restorer = pgRestoreFor(server.major, restorers);
  if (restorer === undefined) throw new Error("unreachable: every server has found one");
  await bring(restorer, server.major, server.address, ["-C", path]);
  expect(await look()).toEqual(before);
  await dropDatabases(source);
});

test("a table of contents that is read and written again has the very bytes of pg_dump", async () => {
  const source = await freshDatabase(
    newestServer(),
    `create view v as select 1 as a; comment on view v is 'né'; create sequence q; create type t as enum ('a');
     create function f() returns int language sql as 'select 1'; grant select on v to public; create schema "S;"`,
  );
  const { toc } = await take(source);
  const bytes = await bucket.store.get(toc.key);
  const written = contentsBytes(parseContents(bytes), { format: "custom", gzipLevel: 0 });
  expect(Buffer.from(written).equals(bytes)).toBe(true);
  await dropDatabases(source);
});

test("235 MB go through in bounded memory", async () => {
  const source = await freshDatabase(
    newestServer(),
    "create table big (t text); insert into big values ('a'); select lo_from_bytea(1, '\\x00')",
  );
  const taken = await take(source);
  await dropDatabases(source);
  const [table] = taken.data;
  if (table === undefined) throw new Error("the table has an object");
  const text = Buffer.from(
    Array.from(
      { length: 2048 },
      (_, line) => `${createHash("sha512").update(`${line}`).digest("hex").slice(1)}\n`,
    ).join(""),
  );
  const rowsObject = await putObject("memory/rows", 640, 2048, () => text);
  const digits = text.toString("hex").slice(0, 2 * PIECE);
  const largeObject = await putObject("memory/large", 128, 1, (at) => `1\t${at * PIECE}\t\\\\x${digits}\n`);
  const manifest = { ...taken, data: [{ ...table, ...rowsObject }], largeObjects: [largeObject] };
  await bucket.store.put("memory/manifest.json", manifestBytes(manifest));
  const script = fileURLToPath(new URL("backup-export-memory.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, bucket.store.bucket]);
  const { bytes, grown } = JSON.parse(stdout) as { bytes: number; grown: number };
  expect(bytes).toBeGreaterThan(50 * MIB);
  expect(grown).toBeLessThan(150 * MIB);
});

const MIB = 1024 * 1024;
const PIECE = 256 * 1024;

/** An object of so many pieces, each of so many rows. */
async function putObject(
  key: string,
  count: number,
  perPiece: number,
  piece: (at: number) => Buffer | string,
) {
  async function* pieces() {
    for (let at = 0; at < count; at++) yield Buffer.from(piece(at));
  }
  const written = await writeObject(bucket.store, key, pieces(), () => undefined);
  if (written === undefined) throw new Error("there are pieces");
  return { ...written, rows: count * perPiece };
}
