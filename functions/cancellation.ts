/** Cancelling: possible until production may be touched; the next step sees that it was asked for, and stops. */
import { RehearsalError } from "../core/errors.ts";
import { isEnded } from "../core/steps.ts";
import { decideApproval, readApproval } from "../io/ledger/approvals.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { askPromotion, readPromotion } from "../io/ledger/promotions.ts";
import { listSteps } from "../io/ledger/steps.ts";
import type { Session } from "../io/postgres/session.ts";
import { handOn } from "./hand-on.ts";

/** Asks for a cancellation; `assertSeen` is asked once its row is held. Throws `CancelTooLate` when no step would heed it any more, or it has ended. */
export async function cancel(
  ledger: Session,
  id: string,
  by: string,
  assertSeen?: () => Promise<void>,
): Promise<void> {
  const answered = await ledger.transaction(async () => {
    const promotion = await readPromotion(ledger, id, "lock");
    await assertSeen?.();
    const steps = await listSteps(ledger, id);
    const last = steps.at(-1)?.step ?? "admit";
    if (isEnded(promotion.status))
      throw new RehearsalError("CancelTooLate", { promotion: id, step: `its end: ${promotion.status}` });
    const approval = await readApproval(ledger, id);
    // Asked for before: only the answer to the machine may not have gone out, and it does no harm twice.
    if (promotion.asked === "cancel") return approval?.status === "cancelled" ? approval : undefined;
    const waiting = promotion.status === "waiting";
    // A step reads what was asked when it begins; behind the decision none looks for a cancellation.
    if (!waiting && steps.some(({ step }) => step === "decide" || step === "put-away"))
      throw new RehearsalError("CancelTooLate", { promotion: id, step: last });
    await askPromotion(ledger, id, "cancel", by);
    await appendEvent(ledger, {
      type: "promotion.cancel-asked",
      environment: promotion.environment,
      promotion: id,
      data: { by },
    });
    if (!waiting) return undefined;
    return decideApproval(ledger, { promotion: id, status: "cancelled", by });
  });
  // Where nobody waits any more its time ran out just now, and it ends as it was asked to.
  if (answered !== undefined) await handOn(answered);
}
