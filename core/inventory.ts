/** `inventory.yaml`: everything of a project that holds data, what it is for, who owns it, and how it is kept. */
import * as z from "zod";
import { configurationItem } from "./configuration.ts";
import { didYouMean } from "./did-you-mean.ts";
import { parseTableKey } from "./inventory-names.ts";
import { quoteQualified } from "./names.ts";
import { storagePrefix } from "./storage.ts";
import { configInvalid, parseYamlFile } from "./yaml-file.ts";

export const INVENTORY_PATH = "inventory.yaml";

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

const columnEntry = z.strictObject({
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

const tableEntry = z.strictObject({
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
    .describe("How long rows are kept; carried, and not acted on yet."),
});

const storageEntry = z.strictObject({
  prefix: storagePrefix.describe("Every key that begins so."),
  purpose: said.optional(),
  keep: said.optional().describe("For how long: never-delete, a time, or a rule in words."),
  note: said.optional(),
});

/** What stands for a name of the environment in a place: one inventory serves them all. */
const PLACEHOLDER = /\{(environment|role)\}/g;

const place = z
  .string()
  .max(1_100)
  .refine((text) => configurationItem.safeParse(text.replace(PLACEHOLDER, "x")).success, {
    message:
      "name secret:NAME, s3://BUCKET/KEY or file:/PATH; {environment} and {role} stand for the environment's",
  });

const filePlace = place.refine(
  (text) => !text.startsWith("secret:") && !text.includes("*"),
  "one object or one file: s3://BUCKET/KEY or file:/PATH",
);

const configurationEntry = z
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

const workspaceFile = z.union([
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
});

type Written = z.output<typeof inventorySchema>;

export interface InventoryColumn extends z.output<typeof columnEntry> {
  name: string;
  /** Its own, or its table's. */
  classification: Classification;
}

export interface InventoryTable
  extends Omit<Written["tables"] & object extends Record<string, infer T> ? T : never, "columns"> {
  /** As it stands in the file. */
  key: string;
  schema: string;
  name: string;
  owner: string;
  columns: InventoryColumn[];
}

export interface WorkspaceFile {
  at: string;
  purpose?: string | undefined;
  note?: string | undefined;
}

export interface Inventory {
  protected: ReadonlySet<Classification>;
  /** Absent when the inventory is silent about tables. */
  tables?: InventoryTable[];
  ignore: string[];
  storage: z.output<typeof storageEntry>[];
  /** Absent when the inventory is silent about configuration. */
  configuration?: z.output<typeof configurationEntry>[];
  state: { roleFile?: WorkspaceFile; stateFile?: WorkspaceFile };
}

/** Reads the inventory, of which a project need not have one; throws `ConfigInvalid` with every problem. */
export function parseInventory(bytes: Uint8Array | undefined): Inventory {
  const value = bytes === undefined ? {} : parseYamlFile(INVENTORY_PATH, bytes);
  const parsed = inventorySchema.safeParse(sheltered(value ?? {}));
  if (!parsed.success)
    throw configInvalid(
      INVENTORY_PATH,
      parsed.error.issues.flatMap((issue) => told(issue)),
    );
  const { owner, tables, state, ...rest } = parsed.data;
  const problems: string[] = [];
  const understood =
    tables &&
    Object.entries(tables).map(([key, entry]) => understand(unsheltered(key), entry, owner, problems));
  refuseTwice(understood ?? [], problems);
  if (problems.length > 0) throw configInvalid(INVENTORY_PATH, problems);
  return {
    protected: new Set(rest.protected),
    ...(understood && { tables: understood }),
    ignore: rest.ignore,
    storage: rest.storage.map((entry) => (typeof entry === "string" ? { prefix: entry } : entry)),
    ...(rest.configuration && { configuration: rest.configuration }),
    state: {
      ...(state.roleFile && { roleFile: workspaceFileOf(state.roleFile) }),
      ...(state.stateFile && { stateFile: workspaceFileOf(state.stateFile) }),
    },
  };
}

/** The tables with a protected classification, of their own or of a column, quoted and qualified. */
export function protectedTables(inventory: Inventory): ReadonlySet<string> {
  const found = (inventory.tables ?? []).filter((table) => isProtected(inventory, table));
  return new Set(found.map(({ schema, name }) => quoteQualified(schema, name)));
}

export function isProtected(inventory: Inventory, { classification, columns }: InventoryTable): boolean {
  return [classification, ...columns.map((one) => one.classification)].some((one) =>
    inventory.protected.has(one),
  );
}

/** A place with the environment's names in it. */
export function placeIn(text: string, environment: { name: string; role: string }): string {
  return text.replace(PLACEHOLDER, (_, what: string) =>
    what === "role" ? environment.role : environment.name,
  );
}

function understand(
  key: string,
  { columns, ...entry }: z.output<typeof tableEntry>,
  everyOwner: string | undefined,
  problems: string[],
): InventoryTable {
  const named = parseTableKey(key);
  if (named === undefined)
    problems.push(
      `tables.${key}: a table's name is NAME or SCHEMA.NAME, in double quotes where a part has a dot`,
    );
  const owner = entry.owner ?? everyOwner;
  if (owner === undefined)
    problems.push(`tables.${key}.owner: say who answers for it, here or as "owner" for all`);
  return {
    ...entry,
    key,
    schema: named?.schema ?? "",
    name: named?.name ?? "",
    owner: owner ?? "",
    columns: Object.entries(columns).map(([name, said]) => {
      const { classification = entry.classification, ...more } =
        typeof said === "string" ? { classification: said } : (said ?? {});
      return { name: unsheltered(name), classification, ...more };
    }),
  };
}

/** Zod passes over a key called `__proto__`, and a table or a column may be called so. */
function sheltered(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [
      key === "__proto__" ? `${SHELTER}${key}` : key,
      sheltered(inside),
    ]),
  );
}

const SHELTER = "\0";

const unsheltered = (key: string) => key.replace(SHELTER, "");

function refuseTwice(tables: readonly InventoryTable[], problems: string[]): void {
  const seen = new Map<string, string>();
  for (const { key, schema, name } of tables) {
    const table = quoteQualified(schema, name);
    const before = seen.get(table);
    if (before !== undefined) problems.push(`tables.${key}: it is the same table as "${before}"`);
    seen.set(table, key);
  }
}

const workspaceFileOf = (file: z.output<typeof workspaceFile>): WorkspaceFile =>
  typeof file === "string" ? { at: file } : file;

/** A problem in words, with its place; of a choice, the problems of the form that was meant. */
function told(issue: z.core.$ZodIssue, under: readonly PropertyKey[] = []): string[] {
  const path = [...under, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(knownAt(path));
    return issue.keys.map(
      (key) => `${[...path, key].join(".")}: the key is not known, ${didYouMean(key, known)}`,
    );
  }
  if (issue.code === "invalid_union") {
    const meant =
      issue.errors.find((issues) =>
        issues.some((one) => one.path.length > 0 || one.code !== "invalid_type"),
      ) ?? issue.errors[0];
    return (meant ?? []).flatMap((one) => told(one, path));
  }
  return [[path.join("."), issue.message].filter(Boolean).join(": ")];
}

function knownAt(path: readonly PropertyKey[]): object {
  const [top, , inside] = path;
  if (top === "tables") return inside === "columns" ? columnEntry.shape : tableEntry.shape;
  if (top === "storage") return storageEntry.shape;
  if (top === "configuration") return configurationEntry.shape;
  if (top === "state") return path.length === 1 ? stateEntry.shape : { at: 0, purpose: 0, note: 0 };
  return inventorySchema.shape;
}
