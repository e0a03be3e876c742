/** What the local endpoints keep for nobody else to read: named records, a file of 0600 each, replaced whole. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface PrivateFiles<T extends { name: string }> {
  all(): T[];
  put(record: T): void;
  remove(record: T): void;
}

/** Records of an earlier run are there again. */
export function openPrivateFiles<T extends { name: string }>(folder: string): PrivateFiles<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = new Map<string, T>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const record = JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
    known.set(record.name, record);
  }
  // A name may hold slashes, so its file is named by hash.
  const path = (name: string) => join(folder, `${createHash("sha256").update(name).digest("hex")}.json`);
  return {
    all: () => [...known.values()],
    put: (record) => {
      const file = path(record.name);
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
      known.set(record.name, record);
    },
    remove: (record) => {
      rmSync(path(record.name), { force: true });
      known.delete(record.name);
    },
  };
}
