/** What the command needs of the service's answers about stores. */
import * as z from "zod";
import { STORE_PHASES, storePlaceSchema } from "../core/stores.ts";

export const store = z.looseObject({
  id: z.string(),
  environment: z.string(),
  release: z.string(),
  place: storePlaceSchema,
  phase: z.enum(STORE_PHASES),
  task: z.string().nullable(),
  facts: z.looseObject({
    rows: z.number().optional(),
    lag: z.object({ changes: z.number(), syncedAt: z.string() }).optional(),
    verification: z.object({ task: z.string(), differences: z.number() }).optional(),
    database: z.string().optional(),
  }),
  createdAt: z.string(),
  exportedAt: z.string().nullable(),
  verifiedAt: z.string().nullable(),
  cutOverAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export type Store = z.infer<typeof store>;

export const stores = z.looseObject({ stores: z.array(store), next: z.string().nullable() });

/** With --json of `store check`. */
export const checked = z.looseObject({
  project: z.string(),
  models: z.array(
    z.looseObject({
      model: z.string(),
      table: z.string(),
      file: z.string(),
      key: z.array(z.string()),
      notCarried: z.array(z.string()),
    }),
  ),
});

/** With --json of `store models`. */
export const written = z.object({ path: z.string().nullable(), models: z.number(), source: z.string() });

/** With --json of `store dump`. */
export const dumped = z.looseObject({
  task: z.string(),
  path: z.string(),
  takenAt: z.string(),
  models: z.number(),
  rows: z.number(),
});
