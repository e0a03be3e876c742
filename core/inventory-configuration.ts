/** What the inventory declares of configuration, held against what an environment's policy captures. */
import { type Inventory, placeIn } from "./inventory.ts";
import type { InventoryProblem } from "./inventory-tables.ts";

/** Every problem; none where the inventory is silent about configuration. What is captured by hand is no matter of the policy. */
export function compareConfiguration(
  inventory: Inventory,
  captured: readonly string[],
  environment: { name: string; role: string },
): InventoryProblem[] {
  if (inventory.configuration === undefined) return [];
  const left = new Set(captured);
  const problems: InventoryProblem[] = [];
  for (const entry of inventory.configuration) {
    if (entry.capture === "manual") continue;
    const item = placeIn(entry.capture, environment);
    if (!left.delete(item))
      problems.push({
        says: `${entry.name} is declared as captured from ${item}, and the policy's configuration has no such item`,
        changes: [{ does: "remove", path: ["configuration"], value: entry, listed: true }],
      });
  }
  for (const item of left)
    problems.push({
      says: `the policy captures ${item}, which is not declared`,
      changes: [
        {
          does: "add",
          path: ["configuration"],
          value: { name: item.slice(item.search(/[^/:]+$/)), capture: item, purpose: "TODO" },
          listed: true,
        },
      ],
    });
  return problems;
}
