/**
 * What the command needs of the service's answers; the rest is passed on by --json as it came.
 * Long because every answer that the command reads is told in one place.
 */
import * as z from "zod";
import { ACCESS_ROLES } from "../core/access.ts";
import { STATUSES, STEPS } from "../core/steps.ts";
import { TASK_STATUSES, TASKS } from "../core/tasks.ts";

/** Why something did not end well. */
export const refusal = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  facts: z.record(z.string(), z.unknown()).default({}),
});

/** Where the next page of a list begins; null at the end. */
export const next = z.string().nullable();

const amount = z.object({ bytes: z.number(), rows: z.number() });

export const promotion = z.looseObject({
  id: z.string(),
  environment: z.string(),
  release: z.string(),
  rehearseOnly: z.boolean().default(false),
  requestedBy: z.string(),
  status: z.enum(STATUSES),
  asked: z.enum(["cancel", "roll-back"]).nullable(),
  evidence: z.string().nullable(),
  error: refusal.nullable(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
});

const progress = z.object({
  done: amount,
  total: amount.optional(),
  now: z.string().optional(),
  rowsPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
});

const lastVerified = z
  .looseObject({
    id: z.string(),
    takenAt: z.string(),
    verifiedBy: z.enum(["restore", "objects"]),
    ageSeconds: z.number(),
  })
  .nullable();

const stepAttempt = z.looseObject({
  step: z.enum(STEPS),
  attempt: z.number(),
  status: z.enum(["running", "succeeded", "failed", "yielded"]),
  outcome: z.unknown(),
  error: refusal.nullable(),
  progress: progress.nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});

const planBrief = z.looseObject({
  path: z.string(),
  why: z.string(),
  notes: z.array(z.string()),
  rebuild: z.array(z.string()),
  back: z.string(),
  approvers: z.array(z.string()),
});

export const detail = promotion.extend({
  pending: z.array(z.string()).nullable(),
  steps: z.array(stepAttempt),
  approval: z
    .looseObject({ status: z.string(), decidedBy: z.string().nullable(), expiresAt: z.string() })
    .nullable(),
  plans: z.array(planBrief).default([]),
  lastVerifiedBackup: lastVerified,
});

export const promotions = z.looseObject({ promotions: z.array(promotion), next });

export const environment = z.looseObject({
  name: z.string(),
  role: z.string(),
  state: z.string(),
  address: z.string(),
  policy: z.record(z.string(), z.unknown()),
  fingerprint: z.string(),
  release: z.string().nullable(),
  promotion: z.looseObject({ id: z.string(), status: z.string() }).nullable(),
  lastVerifiedBackup: lastVerified,
});

/** Who makes an environment's copies. */
export const copiesCredentials = z.looseObject({ copiesAs: z.string() });

/** What of a policy an inventory is about. */
export const inventoryPolicy = z.looseObject({
  decision: z.string(),
  rollback: z.string(),
  inventory: z.string(),
  configuration: z.array(z.string()),
});

export const environments = z.looseObject({ environments: z.array(environment), next });

export const announced = z.object({
  hash: z.string(),
  known: z.boolean(),
  upload: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }).optional(),
});

export const release = z.looseObject({ hash: z.string(), project: z.string() });

const finding = z.looseObject({
  rule: z.string(),
  severity: z.enum(["error", "warning"]),
  path: z.string(),
  line: z.number(),
  message: z.string(),
  hint: z.string(),
  blocks: z.string(),
  suppressed: z.object({ reason: z.string(), by: z.string().optional() }).optional(),
});

export const plan = z.looseObject({
  environment: z.string(),
  release: z.string(),
  fence: z.boolean(),
  plans: z.array(planBrief).default([]),
  findings: z.array(finding).default([]),
  notes: z
    .array(z.object({ table: z.string(), wants: z.string(), path: z.string(), says: z.string().nullable() }))
    .default([]),
  rollback: z.object({ by: z.enum(["swap", "restore"]), seconds: z.number().nullable() }),
  // A service that is older than the command does not tell it.
  backup: z
    .object({ functions: z.number(), seconds: z.number().nullable(), outlasts: z.boolean() })
    .default({ functions: 1, seconds: null, outlasts: false }),
  runs: z.array(
    z.looseObject({
      transactional: z.boolean(),
      sliced: z.boolean().default(false),
      files: z.array(
        z.looseObject({
          kind: z.string(),
          path: z.string(),
          statements: z.array(
            z.looseObject({
              line: z.number(),
              class: z.string(),
              summary: z.string(),
              plan: z.string().nullable().default(null),
              unplanned: z.boolean().default(false),
              locks: z.array(z.object({ relation: z.string(), mode: z.string() })),
            }),
          ),
        }),
      ),
    }),
  ),
});

export const logPage = z.looseObject({
  next,
  entries: z.array(z.object({ seq: z.number(), body: z.string(), previous: z.string(), hash: z.string() })),
});

export const logProof = z.looseObject({
  events: z.number(),
  head: z.string(),
  copies: z.number(),
  broken: z.object({ seq: z.number(), reason: z.string() }).optional(),
});

export const task = z.looseObject({
  id: z.string(),
  kind: z.enum(TASKS),
  environment: z.string().nullable(),
  backup: z.string().nullable(),
  status: z.enum(TASK_STATUSES),
  attempt: z.number(),
  outcome: z.record(z.string(), z.unknown()).nullable(),
  error: refusal.nullable(),
  progress: progress.nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export const tasks = z.looseObject({ tasks: z.array(task), next });

export const backup = z.looseObject({
  id: z.string(),
  environment: z.string(),
  promotion: z.string().nullable(),
  base: z.string().nullable(),
  status: z.string(),
  takenAt: z.string(),
  bytes: z.number(),
  rawBytes: z.number().nullable(),
  rows: z.number(),
  verifiedAt: z.string().nullable(),
  verifiedBy: z.string().nullable(),
  restoreSeconds: z.number().nullable(),
  error: refusal.nullable(),
  retention: z.string(),
  retainUntil: z.string(),
  held: z.object({ reason: z.string(), by: z.string() }).nullable(),
  expiredAt: z.string().nullable(),
});

export const backups = z.looseObject({ backups: z.array(backup), next, lastVerified });

export const backupDetail = backup.extend({
  manifest: z
    .looseObject({
      sha256: z.string(),
      server: z.string(),
      database: z.string(),
      encoding: z.string(),
      locale: z.string(),
      extensions: z.array(z.object({ name: z.string(), version: z.string() })),
      tables: z.array(
        z.looseObject({ table: z.string(), bytes: z.number(), rawBytes: z.number(), rows: z.number() }),
      ),
      emptyTables: z.number(),
      largeObjects: z.looseObject({ count: z.number(), rawBytes: z.number() }),
      notCarried: z.record(z.string(), z.array(z.string())),
      builtOn: z.array(z.string()),
    })
    .nullable(),
  damage: refusal.nullable(),
});

export const expirable = z.looseObject({
  expirable: z.array(backup),
  kept: z.array(z.object({ id: z.string(), environment: z.string(), because: z.string() })),
  next,
});

export const exportedFiles = z.object({
  files: z.array(z.object({ name: z.string(), size: z.number(), sha256: z.string(), url: z.string() })),
  count: z.number(),
  next,
});

const comparison = z.looseObject({
  differences: z.array(z.object({ address: z.string(), kind: z.string(), text: z.string() })),
  count: z.number(),
  sql: z.array(z.string()),
});

export const drift = comparison.extend({ promised: z.string(), found: z.string(), ignored: z.number() });

const side = z.object({ named: z.string(), is: z.string(), fingerprint: z.string() });

export const diff = comparison.extend({ from: side, to: side });

export type Comparison = z.infer<typeof comparison>;
export type Task = z.infer<typeof task>;
export type Backup = z.infer<typeof backup>;
export type BackupDetail = z.infer<typeof backupDetail>;
export type LastVerified = z.infer<typeof lastVerified>;
export type Detail = z.infer<typeof detail>;
export type StepAttempt = z.infer<typeof stepAttempt>;
export type Environment = z.infer<typeof environment>;
export type PlanBrief = z.infer<typeof planBrief>;
export type Plan = z.infer<typeof plan>;

const grant = z.object({ environment: z.string(), role: z.enum(ACCESS_ROLES) });

export const me = z.looseObject({
  person: z.string(),
  credential: z.object({ kind: z.string(), id: z.string() }),
  grants: z.array(grant),
});

export const person = z.looseObject({
  name: z.string(),
  grants: z.array(grant),
  disabled: z.boolean(),
});

export type Person = z.output<typeof person>;

export const people = z.looseObject({ people: z.array(person), next });

export const key = z.looseObject({
  id: z.string(),
  person: z.string(),
  label: z.string(),
  scope: z.array(grant).nullable(),
  status: z.enum(["valid", "expired", "revoked"]),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable(),
});

export type Key = z.output<typeof key>;

export const newKey = key.extend({ key: z.string() });

export const keys = z.looseObject({ keys: z.array(key), next });

export const identities = z.looseObject({
  identities: z.array(z.object({ issuer: z.string(), subject: z.string() })),
});
