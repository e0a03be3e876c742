/** A backup's manifest: every object it consists of, what a restore needs to know, and what it could not carry. */
import * as z from "zod";
import type { Baseline } from "./baseline.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { sha256 } from "./digest.ts";
import { RehearsalError } from "./errors.ts";

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const storedObject = z.strictObject({
  key: z.string().min(1),
  /** Bytes as stored. */
  size: count,
  /** Of the bytes as stored. */
  sha256: digest,
});

const copiedObject = storedObject.extend({
  /** From the command tag of the COPY that read it. */
  rows: count,
  /** Bytes of COPY text, before compression: no more than this is ever decompressed. */
  rawBytes: count,
});

const dataObject = copiedObject.extend({
  /** The TABLE DATA entry of the table of contents that it belongs to; a large table may have several objects. */
  tocId: z.int().positive(),
  /** Quoted and qualified: `"public"."videos"`. */
  table: z.string(),
  /** The statement whose input the decompressed bytes are. */
  copyInto: z.string(),
  /** Sum of the rows' hashes, as in the baseline; null where the baseline does not speak of the table. */
  checksum: z.string().nullable(),
  /** The pages that were read, to one before the last; null for a table that cannot be read by its pages. */
  pages: z.strictObject({ from: count, to: count }).nullable(),
});

/** What a later backup needs to know to find the rows that changed since. */
const heap = z.strictObject({
  oid: z.int().positive(),
  /** Another one after TRUNCATE, CLUSTER, VACUUM FULL and whatever else writes a table anew. */
  filenode: z.int().positive(),
  /** Digest of the columns: where it differs, the same bytes may read otherwise. */
  definition: z.string(),
  /** Where ranges of pages begin, and behind the last the number of pages: an object, or no rows, between each and the next. */
  borders: z.array(count).min(2),
});

const copiedTable = z.strictObject({
  tocId: z.int().positive(),
  /** Quoted and qualified. */
  name: z.string(),
  /** The statement that reads all of its rows. */
  copyOut: z.string(),
  /** Null for what is not a heap, or whose values may read otherwise without a change to its rows. */
  heap: heap.nullable(),
});

const tableBaseline = z.strictObject({
  rows: count,
  columns: z.array(z.string()),
  checksum: z.string(),
  partOf: z.string().exactOptional(),
});

const baseline: z.ZodType<Baseline> = z.strictObject({
  format: z.literal("rehearsal-baseline/2"),
  tables: z.record(z.string(), tableBaseline),
  sequences: z.record(z.string(), z.strictObject({ last: z.string(), called: z.boolean() })),
  largeObjects: z.strictObject({ count, checksum: z.string() }),
});

const names = z.array(z.string());

export const backupManifestSchema = z.strictObject({
  format: z.literal("rehearsal-backup/2"),
  /** The digest of the manifest whose objects stand for what did not change since; null when every object is this backup's own. */
  base: digest.nullable(),
  server: z.strictObject({
    version: z.string(),
    major: z.int().positive(),
    /** pg_control_system(): copies of a server share it, other servers do not. */
    system: z.string(),
    /** Of the write-ahead log; null on a standby. */
    timeline: z.int().positive().nullable(),
    /** When it was started, or went on after a crash: what was there before may have been another past of it. ISO 8601 in UTC. */
    runningSince: z.iso.datetime(),
  }),
  database: z.strictObject({
    oid: z.int().positive(),
    name: z.string(),
    owner: z.string(),
    encoding: z.string(),
    localeProvider: z.enum(["libc", "icu", "builtin"]),
    collate: z.string(),
    ctype: z.string(),
    locale: z.string().nullable(),
    icuRules: z.string().nullable(),
    collationVersion: z.string().nullable(),
    /** False when the source has dropped the schema that every new database has. */
    hasPublicSchema: z.boolean(),
  }),
  snapshot: z.strictObject({
    /** As pg_export_snapshot named it. */
    id: z.string(),
    /** pg_current_snapshot(): xmin:xmax:xip_list. */
    transactions: z.string(),
    /** The write-ahead log's position when the snapshot was taken. */
    lsn: z.string(),
    /** The server's clock when the snapshot was taken, ISO 8601 in UTC. */
    takenAt: z.iso.datetime(),
  }),
  /** The pg_dump archive without data, in custom format. */
  toc: storedObject,
  /** One for each TABLE DATA entry. */
  tables: z.array(copiedTable),
  /** Digest of what decides how values of the database's own types read: labels of enums, versions of extensions. */
  types: z.string(),
  data: z.array(dataObject),
  /** TABLE DATA entries whose COPY had no bytes, and therefore no object. */
  emptyTables: z.array(z.int().positive()),
  largeObjects: z.array(copiedObject),
  baseline,
  /** Extensions as installed: the archive itself does not say versions. */
  extensions: z.array(z.strictObject({ name: z.string(), version: z.string() })),
  /** What belongs to the server or to other databases: it has to be there, or be made again, by hand. */
  notCarried: z.strictObject({
    /** Roles that own something or hold a right in the database. */
    roles: names,
    tablespaces: names,
    subscriptions: names,
    replicationSlots: names,
    preparedTransactions: names,
    otherDatabases: names,
    /** What building an index beside its writers left behind when it failed: a dump leaves it out. */
    invalidIndexes: names,
    /** Made by users in the schemas pg_catalog and information_schema, which a dump takes for the server's own. */
    systemObjects: names,
  }),
});

export type BackupManifest = z.infer<typeof backupManifestSchema>;
export type StoredObject = z.infer<typeof storedObject>;
export type CopiedObject = z.infer<typeof copiedObject>;
export type DataObject = z.infer<typeof dataObject>;
export type CopiedHeap = z.infer<typeof heap>;

/** The manifest as it is stored: canonical JSON in UTF-8. */
export function manifestBytes(manifest: BackupManifest): Uint8Array {
  return Buffer.from(canonicalJson(manifest as unknown as Json));
}

/** sha256 of the manifest's canonical JSON: the backup's identity, kept in the ledger. */
export function manifestDigest(manifest: BackupManifest): string {
  return sha256(manifestBytes(manifest));
}

/** Reads what `manifestBytes` wrote; throws `ManifestUnreadable`. */
export function parseManifest(bytes: Uint8Array): BackupManifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const problems = error instanceof Error ? error.message : String(error);
    throw new RehearsalError("ManifestUnreadable", { problems }, { cause: error });
  }
  const parsed = backupManifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RehearsalError("ManifestUnreadable", { problems: z.prettifyError(parsed.error) });
}

/** How much a restore has to bring: for showing progress. */
export function manifestAmount(manifest: BackupManifest): { bytes: number; rows: number } {
  const objects = [...manifest.data, ...manifest.largeObjects];
  return {
    bytes: objects.reduce((sum, object) => sum + object.rawBytes, 0),
    rows: manifest.data.reduce((sum, object) => sum + object.rows, 0),
  };
}
