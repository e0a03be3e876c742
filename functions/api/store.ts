/** A store as the API shows it. */
import { z } from "@hono/zod-openapi";
import { STORE_PHASES, storePlaceSchema } from "../../core/stores.ts";
import type { StoreRow } from "../../io/ledger/stores.ts";
import { instant } from "./answer.ts";

export const storeId = z.string().regex(/^s[0-9]{6}[0-9a-z]{8}$/, "it is not a store's id");

export const storeSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    /** Whose store.yaml it goes by. */
    release: z.string(),
    place: storePlaceSchema,
    phase: z.enum(STORE_PHASES),
    /** The task that is changing the phase, while one does. */
    task: z.string().nullable(),
    facts: z.object({
      /** The change feed that it follows. */
      feed: z.string().optional(),
      /** Rows of all models, when it was last told. */
      rows: z.number().optional(),
      /** How far it was behind when it was last brought up. */
      lag: z.object({ changes: z.number(), syncedAt: z.string() }).optional(),
      /** The last comparison: the task that has its report, and in how many places the sides differed. */
      verification: z.object({ task: z.string(), differences: z.number() }).optional(),
      /** The database that is behind the fence: the name that it has outside of it. */
      database: z.string().optional(),
    }),
    createdAt: instant,
    exportedAt: instant.nullable(),
    verifiedAt: instant.nullable(),
    cutOverAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .openapi("Store");

/** What people may see of a store. */
export function shownStore(row: StoreRow): z.infer<typeof storeSchema> {
  const { id, environment, release, place, phase, task, facts } = row;
  const { production, held: _, storage: __, ...told } = facts;
  const at = (instant: Date | null) => instant?.toISOString() ?? null;
  return {
    ...{ id, environment, release, place, phase, task },
    facts: { ...told, ...(production !== undefined && { database: production.name }) },
    createdAt: row.createdAt.toISOString(),
    exportedAt: at(row.exportedAt),
    verifiedAt: at(row.verifiedAt),
    cutOverAt: at(row.cutOverAt),
    endedAt: at(row.endedAt),
  };
}
