/** A prune, its records, a hold and a retention policy, as the API shows them. */
import { z } from "@hono/zod-openapi";
import { PRUNE_MODES, PRUNE_STATUSES, PRUNE_TRIGGERS, RECORD_ENDS, RECORD_STEPS } from "../../core/prunes.ts";
import type { Hold } from "../../io/ledger/holds.ts";
import type { PolicyTest } from "../../io/ledger/policy-tests.ts";
import type { PruneRecord } from "../../io/ledger/prune-records.ts";
import type { Prune } from "../../io/ledger/prunes.ts";
import { type Kept, prunedSoFar } from "../prunes.ts";
import type { ListedPolicy } from "../retention-policies.ts";
import { errorSchema, instant } from "./answer.ts";

export const RECORD_STATUSES = [...RECORD_STEPS, ...RECORD_ENDS] as const;

/** A prune's id. */
export const pruneId = z.string().regex(/^x[0-9]{6}[0-9a-z]{8}$/, "it is not a prune's id");

export const pruneParam = z.object({ id: pruneId });

/** A retention policy's name. */
export const policyName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, "a policy's name is of small letters, digits and dashes");

/** A hold's id. */
export const holdId = z.string().regex(/^h[0-9]{6}[0-9a-z]{8}$/, "it is not a hold's id");

/** Why something is held, or why it may go. */
export const holdReason = z.string().min(1).max(500);

/** A record: the root's primary key as text, of several columns as a JSON array of texts. */
export const recordKey = z
  .string()
  .min(1)
  .max(1_000)
  .refine((key) => !/\p{Cc}/u.test(key), "a record has no control characters");

export const pruneSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    policy: z.string(),
    release: z.string(),
    /** What it does: tell, delete, or bring back. */
    mode: z.enum(PRUNE_MODES),
    /** Why nothing is deleted although the policy says so, or somebody asked for it. */
    modeReason: z.string().nullable(),
    trigger: z.enum(PRUNE_TRIGGERS),
    /** The prune whose records are brought back. */
    restores: z.string().nullable(),
    requestedBy: z.string(),
    status: z.enum(PRUNE_STATUSES),
    /** So far; of one that has ended, in all. */
    counts: z.object({
      records: z.int(),
      byStatus: z.partialRecord(z.enum(RECORD_STATUSES), z.int()),
      rows: z.number(),
      objects: z.number(),
      bytes: z.number(),
    }),
    /** Records of the backlog were left for another sweep. */
    more: z.boolean(),
    /** Whether its report is written. */
    reported: z.boolean(),
    error: errorSchema.nullable(),
    createdAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .openapi("Prune");

/** What people may see of a prune. */
export function shownPrune(prune: Prune): z.infer<typeof pruneSchema> {
  const { id, environment, policy, release, mode, modeReason, trigger, restores, requestedBy } = prune;
  const { status, facts, report, error } = prune;
  return {
    ...{ id, environment, policy, release, mode, modeReason, trigger, restores, requestedBy, status },
    counts: prunedSoFar(prune),
    more: facts.more === true,
    reported: report !== null,
    error,
    createdAt: prune.createdAt.toISOString(),
    startedAt: prune.startedAt?.toISOString() ?? null,
    endedAt: prune.endedAt?.toISOString() ?? null,
  };
}

const counts = z.object({
  /** By table. */
  rows: z.record(z.string(), z.int()),
  objects: z.int(),
  bytes: z.number(),
});

export const pruneRecordSchema = z
  .object({
    record: z.string(),
    status: z.enum(RECORD_STATUSES),
    /** What the policy would have go; `kept` are the rows that stay all the same. */
    candidates: counts.extend({ kept: z.record(z.string(), z.int()) }).nullable(),
    /** Why rows stay: an entry for each table and reason. */
    stays: z.array(z.object({ table: z.string(), rows: z.int(), why: z.string() })),
    /** The sealed bundle of what goes. */
    bundle: z.object({ sha256: z.string(), bytes: z.number() }).nullable(),
    deleted: counts.nullable(),
    /** Why it was left. */
    error: errorSchema.nullable(),
    restoredBy: z.string().nullable(),
    restoredAt: instant.nullable(),
    /** When its rows were there again with an older state of the database. */
    returnedAt: instant.nullable(),
    updatedAt: instant,
  })
  .openapi("PruneRecord");

export function shownRecord(one: PruneRecord, stays: Kept[] = []): z.infer<typeof pruneRecordSchema> {
  const { record, status, candidates, bundle, deleted, error, restoredBy } = one;
  const { rows, objects, bytes, kept } = candidates ?? { rows: {}, objects: 0, bytes: 0, kept: {} };
  return {
    ...{ record, status, stays, deleted, error, restoredBy },
    candidates: candidates && { rows, objects, bytes, kept },
    bundle: bundle && { sha256: bundle.sha256, bytes: bundle.bytes },
    restoredAt: one.restoredAt?.toISOString() ?? null,
    returnedAt: one.returnedAt?.toISOString() ?? null,
    updatedAt: one.updatedAt.toISOString(),
  };
}

export const holdSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    policy: z.string(),
    /** Null holds every record of the policy. */
    record: z.string().nullable(),
    reason: z.string(),
    placedBy: z.string(),
    placedAt: instant,
    releasedBy: z.string().nullable(),
    releasedAt: instant.nullable(),
    releaseReason: z.string().nullable(),
  })
  .openapi("Hold");

export function shownHold(hold: Hold): z.infer<typeof holdSchema> {
  const { placedAt, releasedAt, ...rest } = hold;
  return { ...rest, placedAt: placedAt.toISOString(), releasedAt: releasedAt?.toISOString() ?? null };
}

const policyTestSchema = z
  .object({
    task: z.string(),
    passed: z.boolean(),
    /** Whether it was of the policy as it is now. */
    current: z.boolean(),
    /** Of the shape that it was tested on. */
    fingerprint: z.string(),
    /** What was measured, and what was found wrong. */
    result: z.unknown(),
    testedAt: instant,
  })
  .openapi("PolicyTest");

export const policySchema = z
  .object({
    name: z.string(),
    /** The table whose primary key names a record. */
    root: z.string(),
    /** Tables of which rows stay, and of which they may go, as the policy names them. */
    keep: z.array(z.string()),
    prune: z.array(z.string()),
    graceSeconds: z.int(),
    /** Records that a sweep prunes in a minute. */
    rate: z.int(),
    /** Whether an event prunes; else it reports. */
    automate: z.boolean(),
    /** Of what it deletes: a test counts for exactly this. */
    digest: z.string(),
    /** The newest. */
    test: policyTestSchema.nullable(),
  })
  .openapi("RetentionPolicy");

export function shownPolicy({ policy, digest, test }: ListedPolicy): z.infer<typeof policySchema> {
  const { name, root, keep, prune, graceSeconds, rate, automate } = policy;
  return {
    ...{ name, root: root.key, graceSeconds, rate, automate, digest },
    keep: keep.map(({ table }) => table.key),
    prune: prune.map(({ table }) => table.key),
    test: test === undefined ? null : shownTest(test, digest),
  };
}

function shownTest(test: PolicyTest, digest: string): z.infer<typeof policyTestSchema> {
  const { task, passed, fingerprint, result, testedAt } = test;
  return {
    ...{ task, passed, fingerprint, result },
    current: test.digest === digest,
    testedAt: testedAt.toISOString(),
  };
}
