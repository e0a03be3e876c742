/** Objects beside the database: which of them a promotion guards, and what became of them since they were listed. */
import * as z from "zod";

/** A prefix of keys, as S3 takes it: no path, so that a slash at its end is part of it. */
export const storagePrefix = z
  .string()
  .min(1)
  .max(900)
  .regex(/^(?!\/)[^\p{Cc}]+$/u, "a prefix has no slash at its beginning and no control characters");

/** Where an environment keeps its objects. */
export const storagePolicySchema = z.strictObject({
  /** Must be versioned: what keeps no versions cannot be put back. */
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket's name"),
  /** Stands before every prefix, for a bucket that environments share: `prod/`. */
  root: z.union([z.literal(""), storagePrefix]).default(""),
  /** Guarded besides those that the release's inventory names. */
  prefixes: z.array(storagePrefix).max(100).default([]),
});

type StoragePolicy = z.infer<typeof storagePolicySchema>;

/** The keys of one bucket that begin with a prefix. */
export interface StorageArea {
  bucket: string;
  prefix: string;
}

/** What is guarded, each key once: a prefix inside another is left out. */
export function storageAreas(policy: StoragePolicy | undefined, inventory: readonly string[]): StorageArea[] {
  if (policy === undefined) return [];
  const prefixes = [...new Set([...policy.prefixes, ...inventory])].sort();
  return prefixes
    .filter((prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)))
    .map((prefix) => ({ bucket: policy.bucket, prefix: policy.root + prefix }));
}

export const storedVersionSchema = z.strictObject({
  key: z.string().min(1),
  /** `null` for an object that is older than its bucket's versioning. */
  versionId: z.string().min(1),
  /** As S3 gives it, with its quotes. */
  etag: z.string(),
  /** Bytes. */
  size: z.int().min(0),
});

/** An object as it stood when it was listed. */
export type StoredVersion = z.infer<typeof storedVersionSchema>;

export const storageListSchema = z.strictObject({
  format: z.literal("rehearsal-storage/1"),
  areas: z.array(
    z.strictObject({
      bucket: z.string(),
      prefix: z.string(),
      objects: z.int().min(0),
      bytes: z.int().min(0),
      /** Objects of the artifact bucket, one line of JSON for each stored object, in the order of their keys' bytes. */
      parts: z.array(
        z.strictObject({
          key: z.string(),
          size: z.int().min(0),
          sha256: z.string().regex(/^[0-9a-f]{64}$/),
          objects: z.int().min(1),
        }),
      ),
    }),
  ),
});

export type StorageList = z.infer<typeof storageListSchema>;
export type ListPart = StorageList["areas"][number]["parts"][number];

/** `now` is absent where the key holds nothing any more, `recorded` where it held nothing then. */
export type StorageChange =
  | { recorded: StoredVersion; now?: StoredVersion }
  | { recorded?: undefined; now: StoredVersion };

/** What differs between two listings, each in the order of the keys' bytes; an object of the same version is the same. */
export async function* compareListings(
  recorded: AsyncIterable<StoredVersion>,
  now: AsyncIterable<StoredVersion>,
): AsyncGenerator<StorageChange> {
  const [before, after] = [recorded[Symbol.asyncIterator](), now[Symbol.asyncIterator]()];
  try {
    let [left, right] = [await before.next(), await after.next()];
    while (!left.done || !right.done) {
      const order = left.done ? 1 : right.done ? -1 : compareKeys(left.value.key, right.value.key);
      if (order < 0 && !left.done) yield { recorded: left.value };
      else if (order > 0 && !right.done) yield { now: right.value };
      else if (!left.done && !right.done && left.value.versionId !== right.value.versionId)
        yield { recorded: left.value, now: right.value };
      const [stepLeft, stepRight] = [order <= 0, order >= 0];
      if (stepLeft) left = await before.next();
      if (stepRight) right = await after.next();
    }
  } finally {
    await before.return?.();
    await after.return?.();
  }
}

/** By the bytes of their UTF-8, which is how S3 lists them. */
function compareKeys(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
