/** What the command needs of the service's answers about prunes, holds and policies. */
import * as z from "zod";
import { isPruneEnded, PRUNE_MODES, PRUNE_STATUSES, RECORD_ENDS, RECORD_STEPS } from "../core/prunes.ts";
import { next, refusal } from "./answers.ts";

export const prune = z.looseObject({
  id: z.string(),
  environment: z.string(),
  policy: z.string(),
  mode: z.enum(PRUNE_MODES),
  modeReason: z.string().nullable(),
  trigger: z.string(),
  restores: z.string().nullable(),
  requestedBy: z.string(),
  status: z.enum(PRUNE_STATUSES),
  counts: z.looseObject({
    records: z.number(),
    byStatus: z.record(z.string(), z.number()),
    rows: z.number(),
    objects: z.number(),
    bytes: z.number(),
  }),
  more: z.boolean(),
  error: refusal.nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export type Prune = z.infer<typeof prune>;

export const isOver = ({ status }: Pick<Prune, "status">) => isPruneEnded(status);

export const prunes = z.looseObject({ prunes: z.array(prune), next });

const counted = z.looseObject({
  rows: z.record(z.string(), z.number()),
  objects: z.number(),
  bytes: z.number(),
});

const pruneRecord = z.looseObject({
  record: z.string(),
  status: z.enum([...RECORD_STEPS, ...RECORD_ENDS]),
  candidates: counted.extend({ kept: z.record(z.string(), z.number()) }).nullable(),
  stays: z.array(z.object({ table: z.string(), rows: z.number(), why: z.string() })),
  bundle: z.object({ sha256: z.string(), bytes: z.number() }).nullable(),
  deleted: counted.nullable(),
  error: refusal.nullable(),
  restoredBy: z.string().nullable(),
  restoredAt: z.string().nullable(),
  returnedAt: z.string().nullable(),
});

export type PruneRecord = z.infer<typeof pruneRecord>;

export const pruneRecords = z.looseObject({ records: z.array(pruneRecord), next });

/** A prune with its records, as the commands that follow one tell it. */
export const pruneDetail = prune.extend({ records: z.array(pruneRecord) });

export const hold = z.looseObject({
  id: z.string(),
  environment: z.string(),
  policy: z.string(),
  record: z.string().nullable(),
  reason: z.string(),
  placedBy: z.string(),
  placedAt: z.string(),
  releasedBy: z.string().nullable(),
  releasedAt: z.string().nullable(),
  releaseReason: z.string().nullable(),
});

export type Hold = z.infer<typeof hold>;

export const holds = z.looseObject({ holds: z.array(hold), next });

export const policy = z.looseObject({
  name: z.string(),
  root: z.string(),
  keep: z.array(z.string()),
  prune: z.array(z.string()),
  graceSeconds: z.number(),
  rate: z.number(),
  automate: z.boolean(),
  test: z
    .looseObject({ task: z.string(), passed: z.boolean(), current: z.boolean(), testedAt: z.string() })
    .nullable(),
});

export type Policy = z.infer<typeof policy>;

export const policies = z.looseObject({ policies: z.array(policy), next });

/** Of a task that put a policy to a copy, when it passed. */
export const policyTest = z.looseObject({
  policy: z.string(),
  backup: z.string(),
  records: z.looseObject({ due: z.number(), tested: z.number(), left: z.number() }),
  rows: z.record(z.string(), z.number()),
  objects: z.number(),
  bytes: z.number(),
  seconds: z.looseObject({ restore: z.number(), prune: z.number(), putBack: z.number() }),
});
