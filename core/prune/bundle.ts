/** A bundle: everything of some records that is pruned, so that it can be brought back; its manifest says what it consists of. */
import * as z from "zod";
import { canonicalJson, type Json } from "../canonical-json.ts";
import { RehearsalError } from "../errors.ts";

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** An object below the bundle's bucket: one zstd frame with a checksum. */
const file = z.strictObject({
  key: z.string().min(1),
  size: count,
  sha256: digest,
  /** Before compression. */
  rawBytes: count,
});

const table = z.strictObject({
  schema: z.string(),
  name: z.string(),
  /** All of them, in the order in which a row was hashed. */
  columns: z.array(
    z.strictObject({ name: z.string(), type: z.string(), generated: z.literal(true).optional() }),
  ),
  primaryKey: z.array(z.string()),
  /** COPY text of the columns that are not generated, in their order; the records' rows one after the other. */
  rows: file,
});

const medium = z.strictObject({
  /** Below the root of the environment's storage. */
  key: z.string().min(1),
  /** Its bytes as they are, an object of the bundle's bucket. */
  file: z.string().min(1),
  size: count,
  sha256: digest,
  /** When it was bundled, with its quotes. */
  etag: z.string(),
  contentType: z.string(),
  records: z.array(z.string()),
});

const bundleSchema = z.strictObject({
  format: z.literal("rehearsal-prune/1"),
  policy: z.string(),
  root: z.strictObject({ schema: z.string(), name: z.string(), primaryKey: z.array(z.string()) }),
  tables: z.array(table),
  /** Indexes of `tables`, in the order in which rows are deleted; those of one group at once. */
  order: z.array(z.array(count)),
  records: z.array(
    z.strictObject({
      record: z.string(),
      parts: z.array(
        z.strictObject({
          table: count,
          /** Of the table's COPY text. */
          offset: count,
          bytes: count,
          rows: count,
          sha256: digest,
        }),
      ),
    }),
  ),
  /** A line of JSON for each row, in the order of the files: record, table, sha256 of its values, primary key. */
  index: file.nullable(),
  media: z.array(medium),
  /** Keys that rows name and at which nothing was. */
  missing: z.array(z.string()),
  /** Where and before which transaction's number the candidates were read. */
  mark: z.strictObject({ place: z.string(), xid: z.string() }),
});

export type BundleManifest = z.infer<typeof bundleSchema>;
export type BundledTable = BundleManifest["tables"][number];
export type BundledMedium = BundleManifest["media"][number];
export type BundledFile = z.infer<typeof file>;

/** Names a bundle: the hash of its manifest's bytes. */
export interface SealedBundle {
  /** Of the manifest. */
  key: string;
  sha256: string;
  size: number;
}

/** The manifest's bytes. */
export function manifestBytes(manifest: BundleManifest): Uint8Array {
  return Buffer.from(canonicalJson(manifest as unknown as Json));
}

/** Reads a manifest whose bytes were held to their hash; throws `BundleDamaged` for another format. */
export function parseBundle(key: string, bytes: Uint8Array): BundleManifest {
  const parsed = bundleSchema.safeParse(JSON.parse(Buffer.from(bytes).toString()));
  if (!parsed.success)
    throw new RehearsalError("BundleDamaged", { object: key, reason: "is of another format" });
  return parsed.data;
}
