/** What came of holding a store against its database and against itself: counted, summed, and what is wrong by its name. FORMATS.md has the bytes. */
import * as z from "zod";

/** Problems that are listed; the others are counted. */
export const LISTED_PROBLEMS = 1_000;

/**
 * `row-missing`, `row-extra` and `row-differs`: by the database. `row-unsettled`: it changed each time it was looked at, also by itself.
 * `row-misplaced`, `row-twice`, `row-invalid`, `orphan` and `not-unique`: by the store's own rules. `head-differs`: the files of a
 * model do not add up to what the store has committed. `file-damaged`: it cannot be read. `file-edited`: it holds what the store
 * would have written otherwise. `file-unknown`: no model has it. `content-missing` and `content-differs`: a value kept as a file.
 */
const PROBLEMS = [
  "row-missing",
  "row-extra",
  "row-differs",
  "row-unsettled",
  "row-misplaced",
  "row-twice",
  "row-invalid",
  "orphan",
  "not-unique",
  "head-differs",
  "file-damaged",
  "file-edited",
  "file-unknown",
  "content-missing",
  "content-differs",
] as const;

const problem = z.strictObject({
  problem: z.enum(PROBLEMS),
  model: z.string().optional(),
  /** The row's key, as canonical JSON of its values; never another value of it. */
  key: z.string().optional(),
  /** Where it differs. */
  columns: z.array(z.string()).optional(),
  /** Within the store. */
  path: z.string().optional(),
  /** The constraint or relation that it breaks. */
  constraint: z.string().optional(),
  /** More of it, for people. */
  reason: z.string().optional(),
});

const amount = z.strictObject({ rows: z.int().nonnegative(), sum: z.string() });

const model = z.strictObject({
  /** Null where no database was asked. */
  database: amount.nullable(),
  /** By the store's head. */
  store: amount,
  /** By what its files hold. */
  files: amount,
  /** Content sums over the key and the encrypted columns alone; null where it has none. */
  encrypted: z
    .strictObject({ columns: z.array(z.string()), database: z.string().nullable(), files: z.string() })
    .nullable(),
  /** Rows that point at a row by this relation, and those of them that point at none. */
  relations: z.array(
    z.strictObject({
      name: z.string(),
      references: z.string(),
      onDelete: z.string(),
      rows: z.int().nonnegative(),
      orphans: z.int().nonnegative(),
    }),
  ),
  unique: z.array(z.strictObject({ name: z.string(), twice: z.int().nonnegative() })),
});

const storeVerificationSchema = z.strictObject({
  format: z.literal("rehearsal-store-verification/1"),
  /** True when there is no problem. */
  verified: z.boolean(),
  schema: z.string(),
  /** As its head was at the end. */
  store: z.strictObject({ seq: z.int().nonnegative(), state: z.string() }),
  /** At which instant the database was read, by its own clock and snapshot; null where none was asked. */
  database: z.strictObject({ name: z.string(), takenAt: z.string(), snapshot: z.string() }).nullable(),
  models: z.record(z.string(), model),
  files: z.strictObject({
    read: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
    contents: z.int().nonnegative(),
  }),
  /** How many problems there are, also those that are not listed. */
  found: z.int().nonnegative(),
  problems: z.array(problem),
});

export type StoreVerification = z.infer<typeof storeVerificationSchema>;
export type StoreProblem = z.infer<typeof problem>;
export type ModelVerification = StoreVerification["models"][string];
