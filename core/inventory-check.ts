/** An inventory held against all that an environment holds and its policy captures. */
import type { Holdings } from "./holdings.ts";
import { INVENTORY_PATH, type Inventory } from "./inventory.ts";
import { compareConfiguration } from "./inventory-configuration.ts";
import { compareTables, type InventoryProblem } from "./inventory-tables.ts";

export interface InventoryCheck {
  problems: InventoryProblem[];
  /** What nobody has to mend, but may want to know. */
  remarks: string[];
}

export function checkInventory(
  inventory: Inventory,
  holdings: Holdings,
  environment: { name: string; role: string; configuration: readonly string[] },
): InventoryCheck {
  const remarks: string[] = [];
  const silent = (["tables", "configuration"] as const).filter((part) => inventory[part] === undefined);
  for (const part of silent) remarks.push(`${INVENTORY_PATH} declares no ${part}, so none are checked`);
  const storage = checkStorage(inventory, holdings, remarks);
  return {
    problems: [
      ...compareTables(inventory, holdings.tables),
      ...storage,
      ...compareConfiguration(inventory, environment.configuration, environment),
    ],
    remarks,
  };
}

function checkStorage(inventory: Inventory, { storage }: Holdings, remarks: string[]): InventoryProblem[] {
  if (storage === null) {
    if (inventory.storage.length > 0)
      remarks.push("the policy names no bucket, so the storage prefixes are neither checked nor guarded");
    return [];
  }
  for (const { prefix, objects } of storage.prefixes)
    if (objects === 0) remarks.push(`${storage.root}${prefix} holds no object of ${storage.bucket}`);
  if (!storage.whole)
    remarks.push(
      `${storage.bucket} holds more objects than were looked at; those that come later in the order of keys were not`,
    );
  return storage.strays.map(({ prefix, objects }) => ({
    says: `${objects} ${objects === 1 ? "object" : "objects"} under ${storage.root}${prefix} of ${storage.bucket} are under no declared prefix`,
    changes: [{ does: "add", path: ["storage"], value: { prefix, purpose: "TODO" }, listed: true }],
  }));
}
