/** Lists of objects in the bucket, however many: JSON lines in parts, each with its hash, written and read in bounded memory. */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { type ListPart, type StoredVersion, storedVersionSchema } from "../core/storage.ts";
import type { ObjectStore } from "./object-store.ts";

/** Lists of what was put back say more in each line. */
const lineSchema = storedVersionSchema.strip();

/** A part is cut when it has as many lines, or as many bytes. */
const LINES = 10_000;
const BYTES = 4 * 1024 ** 2;

export interface ListWriter {
  add(line: StoredVersion & Readonly<Record<string, Json>>): Promise<void>;
  /** Writes what is left; what was added, in numbers. */
  close(): Promise<{ objects: number; bytes: number; parts: ListPart[] }>;
}

/** Writes parts under a prefix that is this writer's alone. */
export function openListWriter(store: ObjectStore, prefix: string): ListWriter {
  const parts: ListPart[] = [];
  let lines: string[] = [];
  let length = 0;
  const total = { objects: 0, bytes: 0 };
  const cut = async () => {
    if (lines.length === 0) return;
    const body = Buffer.from(lines.join(""));
    const objects = lines.length;
    lines = [];
    length = 0;
    const name = String(parts.length + 1).padStart(6, "0");
    const put = await store.put(`${prefix}${name}.jsonl`, body, { contentType: "application/jsonl" });
    parts.push({ key: put.key, size: put.size, sha256: put.sha256, objects });
  };
  return {
    add: async (line) => {
      const text = `${canonicalJson(line)}\n`;
      lines.push(text);
      length += text.length;
      total.objects++;
      total.bytes += line.size;
      if (lines.length === LINES || length >= BYTES) await cut();
    },
    close: async () => {
      await cut();
      return { ...total, parts };
    },
  };
}

/** The lines of all parts in order; throws `BackupCorrupt` before a line of a part that is not what was written. */
export async function* readList(
  store: ObjectStore,
  parts: readonly ListPart[],
): AsyncGenerator<StoredVersion> {
  for (const part of parts) {
    const bytes = await store.get(part.key);
    if (sha256(bytes) !== part.sha256)
      throw new RehearsalError("BackupCorrupt", {
        object: part.key,
        reason: "it is not the list that was written",
      });
    const lines = Buffer.from(bytes).toString().split("\n");
    for (const line of lines) if (line !== "") yield lineSchema.parse(JSON.parse(line));
  }
}
