/** What the command needs of the service's answers; the rest is passed on by --json as it came. */
import * as z from "zod";
import { STATUSES, STEPS } from "../core/steps.ts";

const refusal = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  facts: z.record(z.string(), z.unknown()).default({}),
});

const amount = z.object({ bytes: z.number(), rows: z.number() });

export const promotion = z.looseObject({
  id: z.string(),
  environment: z.string(),
  release: z.string(),
  requestedBy: z.string(),
  status: z.enum(STATUSES),
  asked: z.enum(["cancel", "roll-back"]).nullable(),
  evidence: z.string().nullable(),
  error: refusal.nullable(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
});

export const stepAttempt = z.looseObject({
  step: z.enum(STEPS),
  attempt: z.number(),
  status: z.enum(["running", "succeeded", "failed"]),
  outcome: z.unknown(),
  error: refusal.nullable(),
  progress: z.object({ done: amount, total: amount.optional(), now: z.string().optional() }).nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});

export const detail = promotion.extend({
  pending: z.array(z.string()).nullable(),
  steps: z.array(stepAttempt),
  approval: z
    .looseObject({ status: z.string(), decidedBy: z.string().nullable(), expiresAt: z.string() })
    .nullable(),
});

export const promotions = z.looseObject({ promotions: z.array(promotion) });

export const environment = z.looseObject({
  name: z.string(),
  role: z.string(),
  state: z.string(),
  address: z.string(),
  policy: z.record(z.string(), z.unknown()),
  fingerprint: z.string(),
  release: z.string().nullable(),
  promotion: z.looseObject({ id: z.string(), status: z.string() }).nullable(),
});

export const environments = z.looseObject({ environments: z.array(environment) });

export const announced = z.object({
  hash: z.string(),
  known: z.boolean(),
  upload: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }).optional(),
});

export const release = z.looseObject({ hash: z.string(), project: z.string() });

export const plan = z.looseObject({
  environment: z.string(),
  release: z.string(),
  fence: z.boolean(),
  runs: z.array(
    z.looseObject({
      transactional: z.boolean(),
      files: z.array(
        z.looseObject({
          kind: z.string(),
          path: z.string(),
          statements: z.array(
            z.looseObject({
              line: z.number(),
              class: z.string(),
              summary: z.string(),
              locks: z.array(z.object({ relation: z.string(), mode: z.string() })),
            }),
          ),
        }),
      ),
    }),
  ),
});

export const logPage = z.looseObject({
  entries: z.array(z.object({ seq: z.number(), body: z.string(), previous: z.string(), hash: z.string() })),
});

export const logProof = z.looseObject({
  events: z.number(),
  head: z.string(),
  copies: z.number(),
  broken: z.object({ seq: z.number(), reason: z.string() }).optional(),
});

export type Promotion = z.infer<typeof promotion>;
export type Detail = z.infer<typeof detail>;
export type StepAttempt = z.infer<typeof stepAttempt>;
export type Environment = z.infer<typeof environment>;
export type Plan = z.infer<typeof plan>;
