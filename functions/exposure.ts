/** The moment from which somebody may write to production again: noted with the counters from just before it. */
import { updatePromotion } from "../io/ledger/promotions.ts";
import { assertNewest } from "../io/ledger/steps.ts";
import { endSessionsOf } from "../io/postgres/end-sessions.ts";
import type { Session } from "../io/postgres/session.ts";
import { readWriteCounters } from "../io/postgres/write-counters.ts";
import { neededFact } from "./facts.ts";
import type { StepContext } from "./step.ts";

/**
 * Must be called before a fenced production is let out of the fence, for a rollback must be able to tell whether
 * somebody wrote since. Done once: a later attempt, and a later step, find the note and keep it.
 */
export async function noteExposure(context: StepContext, maintenance: Session): Promise<void> {
  const { promotion, ledger, attempt } = context;
  const { fenced, exposed } = promotion.facts;
  if (fenced === undefined || exposed !== undefined) return;
  // Sessions report what they wrote when they end.
  await endSessionsOf(maintenance, neededFact(promotion, "production").oid);
  const session = await context.openProduction({ readOnly: true });
  let counters: string;
  try {
    counters = await readWriteCounters(session);
  } finally {
    await session.close();
  }
  await ledger.transaction(async () => {
    await assertNewest(ledger, attempt);
    await updatePromotion(ledger, promotion.id, { facts: { exposed: { counters } } });
  });
  context.passed("counted");
}
