/** docs/schemas/: what may stand in a project's YAML files, for editors that check while somebody types. */
import * as z from "zod";
import { dataPlanSchema } from "../core/data-plan.ts";
import { documentSchema, reportSchema } from "../core/reporting/definition.ts";
import { storeFileSchema } from "../core/store/store-file.ts";

/** `plans/NNNN.yaml` as JSON Schema, from the very schema that reads it. */
export function dataPlanJsonSchema(): string {
  return asPage(dataPlanSchema, "A data plan of Rehearsal: plans/NNNN.yaml");
}

/** `reports/NAME.yaml`, which is a report or a document. */
export function reportJsonSchema(): string {
  return asPage(
    z.union([reportSchema, documentSchema]),
    "A report or a document of Rehearsal: reports/NAME.yaml",
  );
}

/** `store.yaml`. */
export function storeJsonSchema(): string {
  return asPage(storeFileSchema, "store.yaml of a Rehearsal project");
}

function asPage(schema: z.ZodType, title: string): string {
  return `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: "input" }) }, null, 2)}\n`;
}
