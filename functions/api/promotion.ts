/** A promotion as the API takes and shows it. */
import { z } from "@hono/zod-openapi";
import { STATUSES, STEPS } from "../../core/steps.ts";
import { type Approval, readApproval } from "../../io/ledger/approvals.ts";
import { type LastVerified, lastVerified } from "../../io/ledger/backup-rows.ts";
import { type Promotion, readPromotion } from "../../io/ledger/promotions.ts";
import { listSteps, type StepRow } from "../../io/ledger/steps.ts";
import type { Session } from "../../io/postgres/session.ts";
import { environmentName, errorSchema, instant, progressSchema, releaseHash } from "./answer.ts";
import { lastVerifiedSchema, shownLastVerified } from "./backup.ts";

export const promotionRequest = z.strictObject({
  environment: environmentName,
  release: releaseHash,
  seed: z.boolean().default(false),
  /** To end behind the rehearsal, with production untouched and whatever was found kept. */
  rehearseOnly: z.boolean().default(false),
});

export const promotionSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    release: z.string(),
    seed: z.boolean(),
    /** It ends behind its rehearsal, and never goes on. */
    rehearseOnly: z.boolean(),
    requestedBy: z.string(),
    status: z.enum(STATUSES),
    /** Set when somebody asked for an end that the next step will give it. */
    asked: z.enum(["cancel", "roll-back"]).nullable(),
    /** What an approval names, once the rehearsal is over. */
    evidence: z.string().nullable(),
    /** Why it did not end well. */
    error: errorSchema.nullable(),
    createdAt: instant,
    endedAt: instant.nullable(),
  })
  .openapi("Promotion");

const stepSchema = z.object({
  step: z.enum(STEPS),
  attempt: z.int(),
  status: z.enum(["running", "succeeded", "failed", "yielded"]),
  outcome: z.unknown(),
  error: errorSchema.nullable(),
  progress: progressSchema.nullable(),
  startedAt: instant,
  endedAt: instant.nullable(),
});

const approvalSchema = z.object({
  status: z.enum(["waiting", "approved", "rejected", "expired", "cancelled"]),
  evidence: z.string(),
  decidedBy: z.string().nullable(),
  comment: z.string().nullable(),
  expiresAt: instant,
});

/** What of a data plan people must know before they say yes. */
export const planBriefSchema = z
  .object({
    path: z.string(),
    sha256: z.string(),
    why: z.string(),
    /** What operators and users will notice. */
    notes: z.array(z.string()),
    /** What has to be built anew afterwards. */
    rebuild: z.array(z.string()),
    /** The way back. */
    back: z.string(),
    /** Who may approve; empty when anybody may. */
    approvers: z.array(z.string()),
  })
  .openapi("PlanBrief");

/** A promotion as a decision answers it: with the plans it was about. */
export const decidedSchema = promotionSchema
  .extend({ plans: z.array(planBriefSchema) })
  .openapi("DecidedPromotion");

export const detailSchema = promotionSchema
  .extend({
    pending: z.array(z.string()).nullable(),
    steps: z.array(stepSchema),
    approval: approvalSchema.nullable(),
    /** The data plans of what runs, known once it is admitted. */
    plans: z.array(planBriefSchema),
    /** The environment's newest verified backup. */
    lastVerifiedBackup: lastVerifiedSchema.nullable(),
  })
  .openapi("PromotionDetail");

/** What people may see of a promotion. */
export function shown(promotion: Promotion): z.infer<typeof promotionSchema> {
  const { id, environment, release, seed, rehearseOnly, requestedBy, status, asked, evidence, error } =
    promotion;
  return {
    id,
    environment,
    release,
    seed,
    rehearseOnly,
    requestedBy,
    status,
    asked,
    evidence,
    error,
    createdAt: promotion.createdAt.toISOString(),
    endedAt: promotion.endedAt?.toISOString() ?? null,
  };
}

export function shownDecided(promotion: Promotion): z.infer<typeof decidedSchema> {
  return { ...shown(promotion), plans: promotion.facts.plans ?? [] };
}

/** The promotion of that id with its steps and what was decided; throws `NotFound`. */
export async function readDetail(ledger: Session, id: string): Promise<z.infer<typeof detailSchema>> {
  const promotion = await readPromotion(ledger, id);
  const approval = await readApproval(ledger, id);
  const steps = await listSteps(ledger, id);
  return shownInDetail(promotion, steps, approval, await lastVerified(ledger, promotion.environment));
}

function shownInDetail(
  promotion: Promotion,
  steps: readonly StepRow[],
  approval: Approval | undefined,
  verified: LastVerified | undefined,
): z.infer<typeof detailSchema> {
  return {
    ...shown(promotion),
    pending: promotion.facts.pending ?? null,
    steps: steps.map(shownStep),
    plans: promotion.facts.plans ?? [],
    approval: approval === undefined ? null : shownApproval(approval),
    lastVerifiedBackup: shownLastVerified(verified),
  };
}

function shownStep(row: StepRow): z.infer<typeof stepSchema> {
  const { step, attempt, status, outcome, error, progress, startedAt, endedAt } = row;
  return {
    step,
    attempt,
    status,
    outcome,
    error,
    progress,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}

/** Never the task token: whoever has it may answer in anybody's name. */
function shownApproval({ status, evidence, decidedBy, comment, expiresAt }: Approval) {
  return { status, evidence, decidedBy, comment, expiresAt: expiresAt.toISOString() };
}
