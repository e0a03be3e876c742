/** `inventory.yaml`: what of a project holds data besides its database. Only what is acted on is read; the rest is carried. */
import * as z from "zod";
import { storagePrefix } from "./storage.ts";
import { configInvalid, parseYamlFile } from "./yaml-file.ts";

export const INVENTORY_PATH = "inventory.yaml";

const entry = z.union([
  storagePrefix,
  z.looseObject({ prefix: storagePrefix }).transform(({ prefix }) => prefix),
]);

const inventorySchema = z.looseObject({
  /** Prefixes of keys under which the project keeps objects; which bucket they are in is the environment's policy. */
  storage: z.array(entry).max(100).default([]),
});

export type Inventory = z.infer<typeof inventorySchema>;

/** Reads the inventory, of which a project need not have one; throws `ConfigInvalid` with every problem. */
export function parseInventory(bytes: Uint8Array | undefined): Inventory {
  const value = bytes === undefined ? {} : parseYamlFile(INVENTORY_PATH, bytes);
  const parsed = inventorySchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw configInvalid(
    INVENTORY_PATH,
    parsed.error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": ")),
  );
}
