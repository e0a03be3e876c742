/** What an environment really holds: its tables with their sizes, and the objects of its bucket by prefix. */
import type { LiveTable } from "./inventory-shape.ts";

export interface HeldTable extends LiveTable {
  rows: number;
  /** False where the server's own estimate was taken, for the table is large. */
  exact: boolean;
  /** On disk, with indexes and what is stored out of line; of a partitioned table, its partitions'. */
  bytes: number;
}

export interface HeldObjects {
  /** Without the environment's root. */
  prefix: string;
  objects: number;
  bytes: number;
}

export interface Holdings {
  environment: string;
  tables: HeldTable[];
  /** Null where the policy names no bucket. */
  storage: {
    bucket: string;
    root: string;
    /** As they were asked about. */
    prefixes: HeldObjects[];
    /** Objects under none of these, by the first part of their keys. */
    strays: HeldObjects[];
    /** False where the bucket holds more than were looked at. */
    whole: boolean;
  } | null;
}

/** Counts keys, given without the root, under the prefixes and beside them. An object under two of them counts for each. */
export function countObjects(prefixes: readonly string[]) {
  const under = new Map(prefixes.map((prefix) => [prefix, { prefix, objects: 0, bytes: 0 }]));
  const beside = new Map<string, HeldObjects>();
  return {
    add(key: string, size: number): void {
      const found = [...under.values()].filter(({ prefix }) => key.startsWith(prefix));
      const first = key.slice(0, key.indexOf("/") + 1) || key;
      const stray = beside.get(first) ?? { prefix: first, objects: 0, bytes: 0 };
      if (found.length === 0) beside.set(first, stray);
      for (const place of found.length === 0 ? [stray] : found) {
        place.objects += 1;
        place.bytes += size;
      }
    },
    counted: () => ({ prefixes: [...under.values()], strays: [...beside.values()] }),
  };
}
