/** What is answered to `rehearsal ledger`: by a process of the operator's, or a deployment's function. */
import * as z from "zod";

const rows = z.record(z.string(), z.number());

export const ledgerProof = z.looseObject({
  /** The objects of the copy that a rebuild would read; both 0 when there are none yet. */
  from: z.number(),
  to: z.number(),
  rows: z.number(),
  waiting: z.number(),
  differences: z.array(z.object({ table: z.string(), key: z.array(z.string()), reason: z.string() })),
  broken: z.object({ key: z.string(), reason: z.string() }).optional(),
});

export const rebuildable = z.looseObject({
  from: z.number(),
  to: z.number(),
  /** When the last of them was written. */
  at: z.string(),
  events: z.number(),
  migration: z.number(),
  /** By table. */
  rows,
});

export const rebuilt = rebuildable.extend({
  /** The hash of the last event. */
  head: z.string(),
  /** Promotions and tasks that were under way. */
  interrupted: z.array(z.string()),
});

export const ledgerAnswer = z.object({
  answer: z.unknown().optional(),
  refusal: z
    .object({
      code: z.string(),
      message: z.string(),
      hint: z.string(),
      facts: z.record(z.string(), z.unknown()),
    })
    .optional(),
});
