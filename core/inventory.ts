/** `inventory.yaml`: everything of a project that holds data, what it is for, who owns it, and how it is kept. */
import type * as z from "zod";
import { didYouMean } from "./did-you-mean.ts";
import { parseTableKey } from "./inventory-names.ts";
import {
  type Classification,
  type columnEntry,
  type configurationEntry,
  inventorySchema,
  knownAt,
  PLACEHOLDER,
  type storageEntry,
  type tableEntry,
  type workspaceFile,
} from "./inventory-schema.ts";
import { quoteQualified } from "./names.ts";
import { checkDeclaredRetention } from "./prune/check.ts";
import { type RetentionPolicy, understandRetention } from "./prune/policy.ts";
import { configInvalid, parseYamlFile } from "./yaml-file.ts";

export const INVENTORY_PATH = "inventory.yaml";

export interface InventoryColumn extends z.output<typeof columnEntry> {
  name: string;
  /** Its own, or its table's. */
  classification: Classification;
}

export interface InventoryTable extends Omit<z.output<typeof tableEntry>, "columns"> {
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
  retention: RetentionPolicy[];
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
  const storage = rest.storage.map((entry) => (typeof entry === "string" ? { prefix: entry } : entry));
  const retention = understandRetention(rest.retention);
  problems.push(...checkDeclaredRetention({ storage, retention, ...(understood && { tables: understood }) }));
  if (problems.length > 0) throw configInvalid(INVENTORY_PATH, problems);
  return {
    protected: new Set(rest.protected),
    ...(understood && { tables: understood }),
    ignore: rest.ignore,
    storage,
    ...(rest.configuration && { configuration: rest.configuration }),
    state: {
      ...(state.roleFile && { roleFile: workspaceFileOf(state.roleFile) }),
      ...(state.stateFile && { stateFile: workspaceFileOf(state.stateFile) }),
    },
    retention,
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
