/** docs/schemas/: what may stand in a project's YAML files, for editors that check while somebody types. */
import * as z from "zod";
import { dataPlanSchema } from "../core/data-plan.ts";

/** `plans/NNNN.yaml` as JSON Schema, from the very schema that reads it. */
export function dataPlanJsonSchema(): string {
  return asPage(dataPlanSchema, "A data plan of Rehearsal: plans/NNNN.yaml");
}

function asPage(schema: z.ZodType, title: string): string {
  return `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: "input" }) }, null, 2)}\n`;
}
