/** Reads and writes a promotion's artifacts as canonical JSON, so that equal values are equal bytes. */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** Writes a value once; returns its key and the sha256 of its bytes. */
export async function writeArtifact(
  store: ObjectStore,
  key: string,
  value: object,
): Promise<{ key: string; sha256: string }> {
  const text = canonicalJson(value as Json);
  await store.putOnce(key, Buffer.from(text), { contentType: "application/json" });
  return { key, sha256: sha256(text) };
}

/** Reads a value that this service wrote; throws `ObjectDamaged` when its bytes are not those of the sha256, where one is given. */
export async function readArtifact<T extends { format: string }>(
  store: ObjectStore,
  key: string,
  format: T["format"],
  written?: string,
): Promise<T> {
  const bytes = await store.get(key);
  if (written !== undefined && sha256(bytes) !== written)
    throw new RehearsalError("ObjectDamaged", {
      ...{
        bucket: store.bucket,
        key,
        reason: "its sha256 is not the one that was noted when it was written",
      },
    });
  const value = JSON.parse(Buffer.from(bytes).toString()) as T;
  if (value.format !== format)
    throw new RehearsalError("InputInvalid", {
      what: key,
      problems: `its format is "${value.format}", not "${format}"`,
    });
  return value;
}
