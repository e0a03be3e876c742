/** What a dump tells of an application's data at one instant: every model with its columns and rules, its rows counted and summed. FORMATS.md has the bytes. */
import * as z from "zod";

const columns = z.array(z.string());

const model = z.strictObject({
  table: z.string(),
  file: z.string(),
  rows: z.int().nonnegative(),
  /** The content sum of its rows. */
  sum: z.string(),
  key: columns,
  columns: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      nullable: z.boolean(),
      /** The inventory says that its values are encrypted; they are kept byte for byte. */
      encrypted: z.literal(true).optional(),
      json: z.literal(true).optional(),
      /** Kept as a file of its own. */
      content: z.string().optional(),
    }),
  ),
  relations: z.array(
    z.strictObject({
      name: z.string(),
      columns,
      references: z.string(),
      referencedColumns: columns,
      onDelete: z.string(),
      onUpdate: z.string(),
    }),
  ),
  unique: z.array(z.strictObject({ name: z.string(), columns })),
  /** What the database holds the model to and a store does not, in words. */
  notCarried: z.array(z.string()),
});

const storeMetadataSchema = z.strictObject({
  format: z.literal("rehearsal-store-metadata/1"),
  /** By the server's clock, as ISO 8601 in UTC. */
  takenAt: z.string(),
  /** Of `schema.lock.json`. */
  schema: z.string(),
  database: z.strictObject({
    name: z.string(),
    /** server_version. */
    server: z.string(),
    /** What the snapshot saw: pg_current_snapshot(). */
    snapshot: z.string(),
  }),
  totals: z.strictObject({
    models: z.int().nonnegative(),
    rows: z.int().nonnegative(),
    relations: z.int().nonnegative(),
    encrypted: z.int().nonnegative(),
    json: z.int().nonnegative(),
  }),
  models: z.record(z.string(), model),
});

export type StoreMetadata = z.infer<typeof storeMetadataSchema>;
export type ModelMetadata = StoreMetadata["models"][string];
