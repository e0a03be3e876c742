/** What a commit changes, in the head or, when it is much, in an object beside it. */
import { randomBytes } from "node:crypto";
import { sha256 } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Changes, FileChange, Head, Last } from "./head.ts";
import { CACHE, type Place } from "./place.ts";

/** Bytes of changes that the head carries itself. */
const INLINE = 64 * 1024;
export const CHANGES = `${CACHE}changes/`;

/** The changes for the head, and the object to be written before it, if there is one. */
export function lastOf(seq: number, changes: Changes): { last: Last; object?: Buffer } {
  const id = randomBytes(8).toString("hex");
  const text = JSON.stringify([...changes]);
  if (text.length <= INLINE) return { last: { id, files: [...changes] } };
  const lines = [...changes].map((file) => `${JSON.stringify(file)}\n`);
  const object = Buffer.from(lines.join(""));
  return { last: { id, object: `${CHANGES}${seq}-${id}.jsonl`, sha256: sha256(object) }, object };
}

/** The changes of the head's last commit. Throws `StoreFileDamaged` when their object is not there, or another. */
export async function changesOf(place: Place, { last }: Head): Promise<Changes> {
  if (last === null) return new Map();
  if ("files" in last) return new Map(last.files);
  const found = await place.read(last.object);
  if (found === undefined || sha256(found.bytes) !== last.sha256)
    throw new RehearsalError("StoreFileDamaged", {
      path: last.object,
      reason: found === undefined ? "it is not there, and the head refers to it" : "its bytes are others",
    });
  const lines = found.bytes.toString().split("\n").slice(0, -1);
  return new Map(lines.map((line) => JSON.parse(line) as [string, FileChange[]]));
}
