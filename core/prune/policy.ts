/** Retention policies as `inventory.yaml` declares them: which records are done with, what of them stays, and what may go when nothing that stays points at it. */
import * as z from "zod";
import { parseTableKey, type TableName } from "../inventory-names.ts";
import { storagePrefix } from "../storage.ts";

const columnName = z.string().min(1).max(63);

const tableName = z
  .string()
  .min(1)
  .max(300)
  .refine(
    (key) => parseTableKey(key) !== undefined,
    "a table's name is NAME or SCHEMA.NAME, in double quotes where a part has a dot",
  );

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const where = z
  .record(
    columnName,
    z.union([scalar, z.array(scalar).min(1).max(100), z.strictObject({ present: z.boolean() })]),
  )
  .describe("Column: a value, a list of values, or {present: true|false}; all must hold.");

const object = z.strictObject({
  key: columnName.describe("The column with the object's key, below the root of the environment's storage."),
  prefix: storagePrefix
    .optional()
    .describe("What every key of the column begins with; a row with another key is not pruned."),
  sha256: columnName
    .optional()
    .describe("The column with the sha256 of its bytes, in hex (text) or as it is (bytea)."),
  bytes: columnName.optional().describe("The column with its length in bytes."),
});

const reference = z.strictObject({
  path: z.string().min(1).max(1_000).describe("An SQL/JSON path in the payload, to texts or numbers."),
  table: tableName,
  column: columnName,
  within: z
    .literal("record")
    .optional()
    .describe(
      "The payloads name rows of their own record alone, so those of other records need not be searched.",
    ),
});

const keepEntry = z.strictObject({
  table: tableName,
  where: where.optional(),
  by: z.array(columnName).min(1).optional(),
  snapshot: z
    .strictObject({
      payload: columnName.describe("A json or jsonb column."),
      sha256: columnName.describe("sha256, in hex, of the payload as Postgres prints jsonb."),
      where: where.optional().describe("Which of the rows are snapshots; all when left out."),
      required: where
        .optional()
        .describe("Of which there has to be one before anything of the record is pruned."),
    })
    .optional(),
  references: z.array(reference).max(50).optional(),
  object: object.optional(),
});

const pruneEntry = z.strictObject({
  table: tableName,
  where: where.optional(),
  by: z
    .array(columnName)
    .min(1)
    .optional()
    .describe("The foreign key's columns that tie its rows to the record, where there are several."),
  tiedTo: tableName
    .optional()
    .describe("A row goes only with the row of this pruned table to which it belongs."),
  object: object.optional(),
});

const policyEntry = z.strictObject({
  root: tableName.describe("The table whose primary key names a record."),
  archived: where.refine((entry) => Object.keys(entry).length > 0, "say when a record is archived"),
  since: columnName.describe("The column with the time from which the grace counts."),
  grace: z
    .string()
    .regex(/^\d{1,6} (minutes?|hours?|days?|years?)$/, "a number and minutes, hours, days or years")
    .default("30 days"),
  keep: z.array(keepEntry).max(100).default([]),
  prune: z.array(pruneEntry).min(1).max(100),
  note: z
    .strictObject({
      table: tableName,
      columns: z.record(
        columnName,
        z.union([z.enum(["record", "summary", "time"]), z.strictObject({ text: z.string().max(1_000) })]),
      ),
    })
    .optional()
    .describe("The row that tells, in the database itself, that a record was pruned."),
  rate: z.int().min(1).max(1_000_000).default(600).describe("Records that a sweep prunes in a minute."),
  automate: z
    .boolean()
    .default(false)
    .describe("Whether an event prunes; else it reports. Only after the policy was tested on a copy."),
});

/** What stands under `retention:` of the inventory. */
export const retentionSchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "a policy's name is of small letters, digits and dashes"),
    policyEntry,
  )
  .refine((policies) => Object.keys(policies).length <= 50, "at most 50 policies");

/** The keys that may stand at a place below `retention`. */
export function knownInRetention(path: readonly PropertyKey[]): object {
  const names = path.filter((part) => typeof part === "string");
  const inside = names.at(-1);
  if (path.length <= 1) return policyEntry.shape;
  if (inside === "keep") return keepEntry.shape;
  if (inside === "prune") return pruneEntry.shape;
  if (inside === "object") return object.shape;
  if (inside === "references") return reference.shape;
  if (inside === "snapshot") return { payload: 0, sha256: 0, where: 0, required: 0 };
  if (inside === "note") return { table: 0, columns: 0 };
  return policyEntry.shape;
}

/** A table as a policy names it, with its place in the file. */
export interface PolicyTable extends TableName {
  /** As it stands in the file. */
  key: string;
}

/** A column's value has to be one of these texts, or has to be there, or not. */
export type Condition = { column: string; oneOf: readonly string[] } | { column: string; present: boolean };

export interface ObjectRule {
  key: string;
  prefix?: string;
  sha256?: string;
  bytes?: string;
}

interface ReferenceRule {
  path: string;
  table: PolicyTable;
  column: string;
  /** True when payloads name rows of their own record alone. */
  within: boolean;
}

export interface KeepRule {
  table: PolicyTable;
  where: readonly Condition[];
  by?: readonly string[];
  snapshot?: {
    payload: string;
    sha256: string;
    where: readonly Condition[];
    /** Absent when none has to be there. */
    required?: readonly Condition[];
  };
  references: readonly ReferenceRule[];
  object?: ObjectRule;
}

interface PruneRule {
  table: PolicyTable;
  where: readonly Condition[];
  by?: readonly string[];
  tiedTo?: PolicyTable;
  object?: ObjectRule;
}

export interface NoteRule {
  table: PolicyTable;
  columns: readonly { column: string; value: "record" | "summary" | "time" | { text: string } }[];
}

/** A policy that is well formed; whether it fits a schema is for `checkRetention` to say. */
export interface RetentionPolicy {
  name: string;
  root: PolicyTable;
  archived: readonly Condition[];
  since: string;
  graceSeconds: number;
  keep: readonly KeepRule[];
  prune: readonly PruneRule[];
  note?: NoteRule;
  /** Records a minute of a sweep. */
  rate: number;
  automate: boolean;
}

/** The policies of a parsed inventory, by name. */
export function understandRetention(parsed: z.output<typeof retentionSchema>): RetentionPolicy[] {
  return Object.entries(parsed).map(([name, entry]) => ({
    name,
    root: tableOf(entry.root),
    archived: conditionsOf(entry.archived),
    since: entry.since,
    graceSeconds: secondsOf(entry.grace),
    keep: entry.keep.map(({ table, where, by, snapshot, references, object }) => ({
      table: tableOf(table),
      where: conditionsOf(where),
      ...(by && { by }),
      ...(snapshot && {
        snapshot: {
          payload: snapshot.payload,
          sha256: snapshot.sha256,
          where: conditionsOf(snapshot.where),
          ...(snapshot.required && { required: conditionsOf(snapshot.required) }),
        },
      }),
      references: (references ?? []).map((one) => ({
        path: one.path,
        table: tableOf(one.table),
        column: one.column,
        within: one.within === "record",
      })),
      ...(object && { object: objectOf(object) }),
    })),
    prune: entry.prune.map(({ table, where, by, tiedTo, object }) => ({
      table: tableOf(table),
      where: conditionsOf(where),
      ...(by && { by }),
      ...(tiedTo && { tiedTo: tableOf(tiedTo) }),
      ...(object && { object: objectOf(object) }),
    })),
    ...(entry.note && {
      note: {
        table: tableOf(entry.note.table),
        columns: Object.entries(entry.note.columns).map(([column, value]) => ({ column, value })),
      },
    }),
    rate: entry.rate,
    automate: entry.automate,
  }));
}

/** A record by the texts of its root's primary key: the text itself, or a JSON array where the key has several columns. */
export function recordName(key: readonly string[]): string {
  return key.length === 1 ? (key[0] ?? "") : JSON.stringify(key);
}

/** The texts of a primary key of `columns` columns that a record's name stands for; undefined when it is no such name. */
export function recordKey(record: string, columns: number): string[] | undefined {
  if (columns === 1) return [record];
  try {
    const key: unknown = JSON.parse(record);
    return Array.isArray(key) && key.length === columns && key.every((part) => typeof part === "string")
      ? key
      : undefined;
  } catch {
    return undefined;
  }
}

const SECONDS: Record<string, number> = { minute: 60, hour: 3_600, day: 86_400, year: 31_557_600 };

function secondsOf(grace: string): number {
  const [count, unit = ""] = grace.split(" ");
  return Number(count) * (SECONDS[unit.replace(/s$/, "")] ?? 0);
}

function tableOf(key: string): PolicyTable {
  return { key, ...(parseTableKey(key) ?? { schema: "", name: "" }) };
}

function conditionsOf(conditions: z.output<typeof where> | undefined): Condition[] {
  return Object.entries(conditions ?? {}).map(([column, wanted]) => {
    if (typeof wanted === "object" && !Array.isArray(wanted)) return { column, present: wanted.present };
    return { column, oneOf: [wanted].flat().map(String) };
  });
}

function objectOf({ key, prefix, sha256, bytes }: z.output<typeof object>): ObjectRule {
  return {
    key,
    ...(prefix !== undefined && { prefix }),
    ...(sha256 !== undefined && { sha256 }),
    ...(bytes !== undefined && { bytes }),
  };
}
