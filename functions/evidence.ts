/** What a rehearsal came to, under one digest: an approval is bound to it, and a rehearsal alone ends with it. */
import { planEvidence } from "../core/data-plan.ts";
import { evidenceDigest } from "../core/evidence.ts";
import type { Promotion } from "../io/ledger/promotions.ts";
import { neededFact } from "./facts.ts";

/** Of release, shape, report, expectations and data plans; throws when the rehearsal has not gone well. */
export function evidenceOf(promotion: Promotion): string {
  const planned = planEvidence(promotion.facts.plans ?? []);
  const rehearsal = neededFact(promotion, "rehearsal");
  return evidenceDigest({
    release: promotion.release,
    fingerprint: neededFact(promotion, "fingerprint"),
    report: rehearsal.sha256,
    ...(rehearsal.expectationsSha256 && { expectations: rehearsal.expectationsSha256 }),
    ...(planned && { plans: planned }),
  });
}
