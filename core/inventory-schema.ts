/** What may stand in `inventory.yaml`, for whoever reads it and for editors. */
import * as z from "zod";
import { configurationItem, ITEM_FORMS } from "./configuration.ts";
import { knownInRetention, retentionSchema } from "./prune/policy.ts";
import { storagePrefix } from "./storage.ts";

/** How far data may go, the freest first. */
export const CLASSIFICATIONS = ["public", "internal", "confidential", "personal", "secret"] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

/** What a draft writes where a person has to say something. */
export const TO_SAY = "TODO";

const said = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .refine((text) => !/^TODO\b/.test(text), "this is still to be said");

const classification = z.enum(CLASSIFICATIONS);

export const columnEntry = z.strictObject({
  classification: classification.optional().describe("How far its values may go; its table's when left out."),
  encrypted: z
    .union([z.literal(true), said])
    .optional()
    .describe("It holds what the application has encrypted or hashed, and by which method."),
  json: z.literal(true).optional().describe("It holds JSON (json or jsonb)."),
  note: said.optional(),
});

const column = z
  .union([z.null(), classification, columnEntry])
  .describe("A classification, an entry that says more, or nothing: then its table's classification.");

export const tableEntry = z.strictObject({
  purpose: said.describe("What it holds, in a sentence."),
  owner: said.optional().describe("Who answers for it; the inventory's owner when left out."),
  classification: classification.describe("How far its rows may go."),
  columns: z.record(z.string(), column).default({}).describe("Every column, by its name in the catalog."),
  notesOnChange: said
    .optional()
    .describe(
      "What whoever changes it has to think of; the migration's comment must then speak of the table.",
    ),
  retention: z
    .looseObject({ keep: z.string().optional(), archive: z.string().optional() })
    .optional()
    .describe(
      "How long rows are kept, in words; what of them is pruned is said under retention of the file.",
    ),
});

export const storageEntry = z.strictObject({
  prefix: storagePrefix.describe("Every key that begins so."),
  purpose: said.optional(),
  keep: said.optional().describe("For how long: never-delete, a time, or a rule in words."),
  note: said.optional(),
});

/** What stands for a name of the environment in a place: one inventory serves them all. */
export const PLACEHOLDER = /\{(environment|role)\}/g;

const place = z
  .string()
  .max(1_100)
  .refine((text) => configurationItem.safeParse(text.replace(PLACEHOLDER, "x")).success, {
    message: `${ITEM_FORMS}; {environment} and {role} stand for the environment's`,
  });

const filePlace = place.refine(
  (text) => /^(?:s3|file):/.test(text) && !text.includes("*"),
  "one object or one file: s3://BUCKET/KEY or file:/PATH",
);

export const configurationEntry = z
  .strictObject({
    name: said.describe("What people call it: .env, nginx.conf."),
    capture: z
      .union([z.literal("manual"), place])
      .describe("Where a promotion captures it from, as the policy has it; manual when a person does."),
    recorded: said.optional().describe("Of what is captured by hand: where the copy lies."),
    purpose: said.optional(),
    note: said.optional(),
  })
  .refine(({ capture, recorded }) => capture !== "manual" || recorded !== undefined, {
    path: ["recorded"],
    message: "say where the copy of what is captured by hand lies",
  });

export const workspaceFile = z.union([
  filePlace,
  z.strictObject({ at: filePlace, purpose: said.optional(), note: said.optional() }),
]);

const stateEntry = z.strictObject({
  roleFile: workspaceFile
    .optional()
    .describe("Says dev or prod; a promotion refuses to begin where it says another role."),
  stateFile: workspaceFile
    .optional()
    .describe("A JSON object whose state a promotion keeps: provisional while it runs, canonical after it."),
});

export const inventorySchema = z.strictObject({
  owner: said.optional().describe("Who answers for every table that names nobody."),
  protected: z
    .array(classification)
    .default(["personal", "secret"])
    .describe("The classifications whose tables no seed touches, and that the readable document marks."),
  tables: z
    .record(z.string(), tableEntry)
    .optional()
    .describe(
      "By name, with its schema where it is not public; with them declared every table and column has to be.",
    ),
  ignore: z
    .array(z.string().min(1).max(300))
    .max(100)
    .default([])
    .describe("Tables that need no entry, by schema.name, * for anything; partitions need none anyway."),
  storage: z
    .array(z.union([storagePrefix, storageEntry]))
    .max(100)
    .default([])
    .describe(
      "Prefixes of keys under which objects are kept; which bucket they are in is the environment's policy.",
    ),
  configuration: z
    .array(configurationEntry)
    .max(100)
    .optional()
    .describe(
      "What configures the services; with it declared, it and the policy's configuration have to agree.",
    ),
  state: stateEntry.default({}).describe("Files of the workspace that tell what the database is."),
  retention: retentionSchema
    .default({})
    .describe("Policies by name: what of an archived record stays, and what is pruned."),
});

/** The keys that may stand at a place of the file. */
export function knownAt(path: readonly PropertyKey[]): object {
  const [top, , inside] = path;
  if (top === "tables") return inside === "columns" ? columnEntry.shape : tableEntry.shape;
  if (top === "storage") return storageEntry.shape;
  if (top === "configuration") return configurationEntry.shape;
  if (top === "retention" && path.length > 1) return knownInRetention(path.slice(1));
  if (top === "state") return path.length === 1 ? stateEntry.shape : { at: 0, purpose: 0, note: 0 };
  return inventorySchema.shape;
}
