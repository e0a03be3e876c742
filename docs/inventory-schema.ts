/** docs/schemas/inventory.schema.json: what may stand in `inventory.yaml`, for editors. */
import * as z from "zod";
import { inventorySchema } from "../core/inventory-schema.ts";

export function inventoryJsonSchema(): string {
  const schema = z.toJSONSchema(inventorySchema, { io: "input" });
  return `${JSON.stringify({ title: "inventory.yaml of a Rehearsal project", ...schema }, null, 2)}\n`;
}
