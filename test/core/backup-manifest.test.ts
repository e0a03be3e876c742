/** The manifest: one form in bytes, and nothing accepted that is not of that form. */
import { expect, test } from "vitest";
import {
  type BackupManifest,
  manifestAmount,
  manifestBytes,
  manifestDigest,
  parseManifest,
} from "../../core/backup-manifest.ts";

const HASH = "0".repeat(64);
const object = { key: "p/1/data/7.zst", size: 20, sha256: HASH, rows: 2, rawBytes: 30 };
const manifest: BackupManifest = {
  format: "rehearsal-backup/2",
  base: null,
  server: {
    version: "18.4",
    major: 18,
    system: "7000000000000000001",
    timeline: 1,
    runningSince: "2026-01-02T03:04:05.000006Z",
  },
  database: {
    oid: 16384,
    ...{ name: "videos", owner: "o", encoding: "UTF8", localeProvider: "icu", collate: "C", ctype: "C" },
    ...{ locale: "de", icuRules: null, collationVersion: "153.120", hasPublicSchema: true },
  },
  snapshot: { id: "0-1", transactions: "7:7:", lsn: "0/1", takenAt: "2025-01-02T03:04:05.678Z" },
  toc: { key: "p/1/toc.dump", size: 10, sha256: HASH },
  tables: [
    {
      ...{ tocId: 7, name: '"public"."v"', copyOut: "COPY public.v (a) TO stdout" },
      heap: { oid: 16400, filenode: 16400, definition: "0", borders: [0, 1] },
    },
    { tocId: 8, name: '"public"."e"', copyOut: "COPY public.e (a) TO stdout", heap: null },
  ],
  types: HASH,
  data: [
    {
      ...{ ...object, tocId: 7, table: '"public"."v"', copyInto: "COPY public.v (a) FROM stdin" },
      ...{ checksum: "-12", pages: { from: 0, to: 1 } },
    },
  ],
  emptyTables: [8],
  largeObjects: [{ ...object, key: "p/1/large-objects/0.zst", rows: 1 }],
  baseline: {
    format: "rehearsal-baseline/2",
    tables: { '"public"."v"': { rows: 2, columns: ["a"], checksum: "-12" } },
    sequences: { '"public"."s"': { last: "9223372036854775807", called: true } },
    largeObjects: { count: 1, checksum: "5" },
  },
  extensions: [{ name: "plpgsql", version: "1.0" }],
  notCarried: {
    ...{ roles: ["o"], tablespaces: [], subscriptions: [], replicationSlots: [], preparedTransactions: [] },
    otherDatabases: [],
    invalidIndexes: [],
    systemObjects: [],
  },
};

test("what is written is read back equal, and the same manifest has the same bytes whatever the order of its keys", () => {
  expect(parseManifest(manifestBytes(manifest))).toEqual(manifest);
  const reordered = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as BackupManifest;
  expect(manifestDigest(reordered)).toBe(manifestDigest(manifest));
  expect(manifestDigest({ ...manifest, emptyTables: [] })).not.toBe(manifestDigest(manifest));
});

test.each([
  ["no JSON", Buffer.from("{"), "JSON"],
  ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), ""],
  ["another format", change({ format: "rehearsal-backup/1" }), "rehearsal-backup/2"],
  ["an unknown key", change({ more: 1 }), "more"],
  ["a negative length", change({ toc: { ...manifest.toc, size: -1 } }), "size"],
  ["a hash that is none", change({ toc: { ...manifest.toc, sha256: "ABC" } }), "sha256"],
])("%s is refused", (_, bytes, problem) => {
  expect(() => parseManifest(bytes)).toThrow(
    expect.objectContaining({
      code: "ManifestUnreadable",
      message: expect.stringContaining(problem),
      hint: expect.stringContaining("take another one"),
    }),
  );
});

function change(more: object): Uint8Array {
  return Buffer.from(JSON.stringify({ ...manifest, ...more }));
}

test("its amount is what a restore has to bring", () => {
  expect(manifestAmount(manifest)).toEqual({ bytes: 60, rows: 2 });
});
