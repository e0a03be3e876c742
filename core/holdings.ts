/** What an environment really holds: its tables with their sizes, and the objects of its bucket by prefix. */
import * as z from "zod";
import { liveTable } from "./inventory-shape.ts";

const heldTable = liveTable.extend({
  rows: z.number(),
  /** False where the server's own estimate was taken, for the table is large. */
  exact: z.boolean(),
  /** On disk, with indexes and what is stored out of line; of a partitioned table, its partitions'. */
  bytes: z.number(),
});

const heldObjects = z.object({
  /** Without the environment's root. */
  prefix: z.string(),
  objects: z.int(),
  bytes: z.number(),
});

/** As the service answers and the command reads it. */
export const holdings = z.object({
  environment: z.string(),
  tables: z.array(heldTable),
  /** Null where the policy names no bucket. */
  storage: z
    .object({
      bucket: z.string(),
      root: z.string(),
      /** As they were asked about. */
      prefixes: z.array(heldObjects),
      /** Objects under none of these, by the first part of their keys. */
      strays: z.array(heldObjects),
      /** False where the bucket holds more than were looked at. */
      whole: z.boolean(),
    })
    .nullable(),
});

export type Holdings = z.infer<typeof holdings>;
export type HeldTable = z.infer<typeof heldTable>;
type HeldObjects = z.infer<typeof heldObjects>;

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
