/** `imports/NAME.yaml` that begins with `from: sqlite`: what of a SQLite database becomes what of the environment's. */
import * as z from "zod";
import { readName } from "../plain-name.ts";
import { configInvalid, parseYamlFile } from "../yaml-file.ts";
import { describeIssues } from "./mapping-issues.ts";

/** How a value of SQLite is to be read, where its own type does not tell. */
const READINGS = [
  "epoch-seconds",
  "epoch-milliseconds",
  "epoch-microseconds",
  "julian-day",
  "hex",
  "base64",
  "utf8",
] as const;

export type Reading = (typeof READINGS)[number];

const reason = z.string().min(1, "say why it stays behind").max(500);

const name = z
  .string()
  .max(200)
  .refine((text) => readName(text) !== undefined, "it is no name, like jobs or public.jobs");

const columnSchema = z.strictObject({
  /** The column's name in Postgres; the same, in whatever case, when left out. */
  into: z.string().min(1).max(63).optional(),
  as: z.enum(READINGS).optional(),
  /** Of times that name no zone: `UTC`, or how far it is from there. */
  zone: z
    .string()
    .regex(/^(?:UTC|[+-](?:0\d|1[0-5]):[0-5]\d)$/, "use UTC or a distance from it, such as +02:00")
    .default("UTC"),
  /** Other ways in which times are written: `DD.MM.YYYY HH:mm`. */
  formats: z
    .array(
      z
        .string()
        .max(60)
        .refine(
          (text) => ["YYYY", "MM", "DD"].every((part) => text.includes(part)),
          "a format has YYYY, MM and DD; and HH, mm, ss and f for a fraction",
        ),
    )
    .max(10)
    .default([]),
  /** Digits that the column has no place for are rounded; else such a value is refused. */
  rounded: z.boolean().default(false),
  /** An empty text is as good as none. */
  empty: z.literal("null").optional(),
  /** Texts and numbers that stand for something else: `{ Y: true, N: false }`. */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  /** It stays behind, and why. */
  leave: reason.optional(),
});

const tableSchema = z.strictObject({
  /** The table in Postgres; the same name, in whatever case, when left out. */
  into: name.optional(),
  columns: z.record(z.string(), columnSchema).default({}),
  /** Rows that a migration made, by some of their columns: they give way while they are exactly these. */
  insteadOf: z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])))
    .min(1)
    .max(1_000)
    .optional(),
});

const sqliteMappingSchema = z.strictObject({
  from: z.literal("sqlite"),
  description: z.string().max(500).optional(),
  /** Where tables are that do not say otherwise. */
  schema: z.string().min(1).max(63).default("public"),
  /** Tables that stay behind, and why. */
  leave: z.record(z.string(), reason).default({}),
  /** By the name in SQLite; what is not named here comes over by its names. */
  tables: z.record(z.string(), tableSchema).default({}),
});

export type SqliteMapping = z.infer<typeof sqliteMappingSchema> & {
  /** `primary` of `imports/primary.yaml`. */
  name: string;
  path: string;
};

export type ColumnMapping = z.infer<typeof columnSchema>;

/** What holds for a column of which nothing is said. */
export const PLAIN_COLUMN: ColumnMapping = columnSchema.parse({});

/** Reads one mapping; throws `ConfigInvalid` with every problem, unknown keys with what was probably meant. */
export function parseSqliteMapping(path: string, bytes: Uint8Array): SqliteMapping {
  const parsed = sqliteMappingSchema.safeParse(parseYamlFile(path, bytes));
  if (!parsed.success) throw configInvalid(path, describeIssues(parsed.error.issues, knownAt));
  const problems = Object.keys(parsed.data.leave)
    .filter((table) => Object.hasOwn(parsed.data.tables, table))
    .map((table) => `the table "${table}" is left behind and mapped; say one of them`);
  if (problems.length > 0) throw configInvalid(path, problems);
  return { ...parsed.data, name: path.replace(/^imports\//, "").replace(/\.yaml$/, ""), path };
}

/** The keys that a place of a mapping knows. */
function knownAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(sqliteMappingSchema.shape);
  return Object.keys((path.includes("columns") ? columnSchema : tableSchema).shape);
}
