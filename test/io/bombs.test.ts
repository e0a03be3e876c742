/** Objects and bundles that are small and would become large, with everything that names them made to fit: what a forger would bring. */
import { constants, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { readBundle } from "../../core/release.ts";
import { FILE_BYTES, RELEASE_FILES } from "../../core/release-limits.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { restore } from "../../io/postgres/restore.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";

const MB = 1_000_000;

const squeezed = (bytes: Uint8Array) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });

/** What the work adds to this process's memory at its highest, in bytes. */
async function grownBy(work: () => Promise<unknown>): Promise<number> {
  const size = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = size();
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, size());
  }, 5);
  await work();
  clearInterval(watch);
  return highest - before;
}

describe("an object of a backup", () => {
  let bucket: TestBucket;
  let source: DatabaseAddress;
  let manifest: BackupManifest;
  beforeAll(async () => {
    bucket = await startBucket();
    source = await freshDatabase(
      newestServer(),
      "create table t (a int, b text); insert into t select g, md5(g::text) from generate_series(1, 100) g",
    );
    manifest = await backUp({
      ...{ source, application: "bombs", store: bucket.store, prefix: "backups/e/one/", connections: 1 },
    });
  });
  afterAll(async () => {
    await dropDatabases(source);
    await bucket.stop();
  });

  /** The manifest with other bytes for the table's rows, in everything true to them but for what `more` says. */
  async function forged(bytes: Uint8Array, more: { rawBytes: number; rows?: number }) {
    const [object, ...rest] = manifest.data;
    if (object === undefined) throw new Error("the table was backed up");
    const put = await bucket.store.put(`backups/e/forged/${sha256(bytes)}.zst`, bytes);
    const { key, size, sha256: hash } = put;
    return { ...manifest, data: [{ ...object, key, size, sha256: hash, ...more }, ...rest] };
  }

  /** Restores it in little memory; tells the refusal, or how many rows there are. */
  async function restored(forgery: BackupManifest) {
    const target = await freshDatabase(newestServer());
    const options = { target, application: "bombs", store: bucket.store, manifest: forgery, connections: 1 };
    let refusal: unknown;
    const grown = await grownBy(() =>
      restore(options).catch((error: unknown) => {
        refusal = error;
      }),
    );
    const [counted] =
      refusal === undefined ? await rows(target, "select count(*)::int as rows from public.t") : [];
    await dropDatabases(target);
    expect(grown).toBeLessThan(64 * MB);
    return refusal ?? counted;
  }

  test("abuse 9: one of 20 kB that would become 200 MB is left at the length that the manifest promises", async () => {
    const bomb = squeezed(Buffer.alloc(200 * MB, "1\tx\n"));
    expect(bomb.length).toBeLessThan(25_000);
    expect(await restored(await forged(bomb, { rawBytes: 3_500 }))).toMatchObject({
      code: "BackupCorrupt",
      message: expect.stringContaining("it decompresses to more than 3500 bytes"),
      hint: expect.stringContaining("take another backup"),
    });
  });

  test("abuse 9: a bomb within a bomb is opened once, and the server refuses what comes out", async () => {
    const inner = squeezed(squeezed(Buffer.alloc(200 * MB)));
    const outer = squeezed(inner);
    expect(await restored(await forged(outer, { rawBytes: inner.length }))).toMatchObject({
      code: "StatementFailed",
      message: expect.stringContaining("22021"),
      hint: expect.stringContaining("the statement is the cause"),
    });
  });

  test("abuse 9: a bomb behind the rows, in a frame of its own, is not opened at all", async () => {
    const first = Buffer.from("1\tx\n".repeat(100));
    const both = Buffer.concat([squeezed(first), squeezed(Buffer.alloc(200 * MB, "2\tx\n"))]);
    expect(await restored(await forged(both, { rawBytes: first.length, rows: 100 }))).toEqual({ rows: 100 });
  });

  test("abuse 9: a manifest that promises more bytes or rows than there are is refused, and makes no room for them", async () => {
    const text = Buffer.from("1\tx\n".repeat(100));
    expect(await restored(await forged(squeezed(text), { rawBytes: 1e15 }))).toMatchObject({
      code: "BackupCorrupt",
      message: expect.stringContaining("it decompresses to 400 bytes instead of 1000000000000000"),
      hint: expect.stringContaining("take another backup"),
    });
    const more = { rawBytes: text.length, rows: 1e12 };
    expect(await restored(await forged(squeezed(text), more))).toMatchObject({
      code: "BackupCorrupt",
      message: expect.stringContaining("it holds 100 rows instead of 1000000000000"),
      hint: expect.stringContaining("take another backup"),
    });
  });

  test("abuse 9: a table of contents that promises a terabyte is read to its end, and refused", async () => {
    const forgery = { ...manifest, toc: { ...manifest.toc, size: 1e12 } };
    expect(await restored(forgery)).toMatchObject({
      code: "BackupCorrupt",
      message: expect.stringContaining("bytes instead of 1000000000000"),
      hint: expect.stringContaining("take another backup"),
    });
  });
});

describe("a bundle", () => {
  const bundleOf = (files: { path: string; size: number; sha256: string }[]) =>
    Buffer.from(`${canonicalJson({ files, format: "rehearsal-release/1", project: "p" } as Json)}\n`);
  const path = (number: number) => `migrations/${String(number).padStart(4, "0")}_x.sql`;

  test("abuse 9: one of kilobytes whose manifest promises 16 MiB ten thousand times is refused before any of it", async () => {
    const files = Array.from({ length: RELEASE_FILES }, (_, place) => ({
      path: path(place + 1),
      size: FILE_BYTES,
      sha256: sha256(""),
    })).sort((one, other) => (one.path < other.path ? -1 : 1));
    const bundle = bundleOf(files);
    let refusal: Awaited<ReturnType<typeof refusalOf>> | undefined;
    const grown = await grownBy(async () => {
      refusal = await refusalOf(() => readBundle(bundle));
    });
    expect(refusal).toMatchObject({
      code: "BundleInvalid",
      message: expect.stringContaining("it ends inside"),
      hint: expect.stringContaining("build it anew"),
    });
    expect(grown).toBeLessThan(64 * MB);
  });

  test("abuse 9: one that is compressed is not opened, however often", async () => {
    for (const bytes of [squeezed(Buffer.alloc(200 * MB)), squeezed(squeezed(Buffer.alloc(200 * MB)))])
      expect(await refusalOf(() => readBundle(bytes))).toMatchObject({
        code: "BundleInvalid",
        hint: expect.stringContaining("build it anew"),
      });
  });
});
