/** Whose word on what changed since is taken: also across the point where transactions are numbered from the beginning again. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { findUntouched, oldestUnseen, usableBase } from "../../io/postgres/base.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { startPostgres } from "../../local/postgres.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

test("a base is believed by its own server, timeline, database, enums and extensions, and not for ever", async () => {
  const source = await freshDatabase(newestServer(), "create table t (id int); insert into t values (1)");
  const base = await take(source);
  const next = BigInt(base.snapshot.transactions.split(":")[1] ?? "");
  const oldest = BigInt(oldestUnseen(base));
  const at = (number: bigint) => ({ ...base.snapshot, transactions: `${number}:${number}:` });
  await inSession(source, async (session) => {
    const believed = (now: Partial<BackupManifest>) => usableBase(session, base, { ...base, ...now });
    expect(await believed({})).toBe(base);
    expect(await believed({ snapshot: at(next + 2_000_000_000n) })).toBe(base);
    for (const now of [
      { server: { ...base.server, system: "7300000000000000000" } },
      { server: { ...base.server, timeline: 2 } },
      { server: { ...base.server, timeline: null } },
      { server: { ...base.server, runningSince: "2026-01-01T00:00:00.000000Z" } },
      { database: { ...base.database, oid: base.database.oid + 1 } },
      { types: "another" },
      { snapshot: { ...base.snapshot, lsn: "0/1" } },
      { snapshot: at(oldest - 1n) },
      { snapshot: at(oldest + 2n ** 31n) },
      { snapshot: at(oldest + 2n ** 32n + 5n) },
    ])
      expect(await believed(now), JSON.stringify(now)).toBeUndefined();
    expect(await usableBase(session, undefined, base)).toBeUndefined();
  });
  await execute(source, "create type mood as enum ('sad')");
  expect((await take(source, base)).base).toBeNull();
  await dropDatabases(source);
});

test("rows are known by their transactions where these are numbered from the beginning again, be they frozen or not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-wraparound-"));
  const options = {
    major: newestServer().major,
    dataFolder: join(folder, "server"),
    settings: { autovacuum: "off" },
  };
  const young = await startPostgres(options);
  await execute(young.address, "vacuum freeze");
  await execute({ ...young.address, database: "template1" }, "vacuum freeze");
  // What a server writes when it stops then stands at the beginning of a file.
  await execute(young.address, "select pg_switch_wal()");
  await young.stop();
  await moveOn(join(folder, "server", "data"), 2n ** 32n - 120n);
  const server = await startPostgres(options);
  try {
    const source = await freshDatabase(
      server,
      "create table t as select g as id, repeat('x', 500) as note from generate_series(1, 2000) g; create table still as select 1 as id",
    );
    const base = await take(source);
    expect(BigInt(oldestUnseen(base))).toBeLessThan(2n ** 32n);
    await execute(source, "vacuum freeze t");
    await execute(
      source,
      "do $$ begin for i in 1..300 loop perform pg_current_xact_id(); commit; end loop; end $$",
    );
    await execute(
      source,
      "update t set note = 'around' where id = 3; delete from t where id = 1999; insert into t values (1999, 'new')",
    );
    const [now] = await rows<{ number: string }>(source, "select pg_current_xact_id()::text as number");
    expect(BigInt(now?.number ?? 0)).toBeGreaterThan(2n ** 32n);
    expect([...(await inSession(source, (session) => findUntouched(session, base)))]).toEqual([
      '"public"."still"',
    ]);
    const next = await take(source, base);
    expect(next.base).not.toBeNull();
    const kept = next.data.filter(({ key }) => base.data.some((object) => object.key === key));
    expect(kept.length).toBeGreaterThan(next.data.length / 2);
    expect(kept.length).toBeLessThan(next.data.length);
    expect(compareBaselines(await baselineOf(source), next.baseline)).toEqual([]);
    const copy = await freshDatabase(server);
    await restore({ ...common, target: copy, store: bucket.store, manifest: next });
    expect(compareBaselines(next.baseline, await baselineOf(copy))).toEqual([]);
    const again = await take(source, next);
    expect(again.data).toEqual(next.data);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

/**
 * What pg_resetwal does, which the servers of the tests come without: the next transaction's number, in the control file and in the
 * checkpoint that the stopped server left in its log, each under its CRC-32C; and a file for the states of such transactions.
 */
async function moveOn(data: string, next: bigint): Promise<void> {
  const path = join(data, "global", "pg_control");
  const control = await readFile(path);
  const [NEXT, OLDEST, LOCATION, COPY] = [24, 44, 32, 40];
  const patch = (bytes: Buffer, checkpoint: number) => {
    bytes.writeBigUInt64LE(next, checkpoint + NEXT);
    bytes.writeUInt32LE(Number(next - 1000n), checkpoint + OLDEST);
  };
  let sum = COPY;
  while (crc32c(control.subarray(0, sum)) !== control.readUInt32LE(sum)) sum += 4;
  patch(control, COPY);
  control.writeUInt32LE(crc32c(control.subarray(0, sum)), sum);
  await writeFile(path, control);

  const at = control.readBigUInt64LE(LOCATION);
  const names = (await readdir(join(data, "pg_wal"))).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const part = (at / 2n ** 24n).toString(16).toUpperCase().padStart(8, "0");
  const segment = join(data, "pg_wal", names.find((name) => name.endsWith(part)) ?? "");
  const log = await readFile(segment);
  // Record: length, transaction, previous, what it is, sum at 20; a byte that says "short", its length, the checkpoint.
  const record = log.subarray(Number(at % 2n ** 24n)).subarray(0, log.readUInt32LE(Number(at % 2n ** 24n)));
  const summed = () => crc32c(Buffer.concat([record.subarray(24), record.subarray(0, 20)]));
  expect(record.readUInt32LE(20)).toBe(summed());
  patch(record, 26);
  record.writeUInt32LE(summed(), 20);
  await writeFile(segment, log);

  const states = (Number(next % 2n ** 32n) >>> 20).toString(16).toUpperCase().padStart(4, "0");
  await writeFile(join(data, "pg_xact", states), Buffer.alloc(262_144));
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

let prefixes = 0;
const common = { application: "test", connections: 2 };
const take = (source: DatabaseAddress, base?: BackupManifest) =>
  backUp({
    ...{ ...common, source, store: bucket.store, prefix: `base/${++prefixes}/`, chunkBytes: 65_536 },
    ...(base && { base }),
  });

async function inSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const baselineOf = (address: DatabaseAddress) => inSession(address, (session) => readBaseline(session));
