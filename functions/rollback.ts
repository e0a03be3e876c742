/** Asking for a rollback: while it runs the next step heeds it; a held promotion gets an execution of its own for it. */
import { RehearsalError } from "../core/errors.ts";
import type { Step } from "../core/steps.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { askPromotion, type Promotion, readPromotion, updatePromotion } from "../io/ledger/promotions.ts";
import { listSteps } from "../io/ledger/steps.ts";
import type { Session } from "../io/postgres/session.ts";
import { numberRollback, rollbacksBegun, startRollback } from "./rollback-execution.ts";

interface RollbackRequest {
  promotion: string;
  /** The environment's name, said once more; needed where the role is prod. */
  confirm: string | undefined;
  /** Go back even though writes made since stay behind, in the database that is kept. */
  acceptLoss: boolean;
  by: string;
  /** Asked once its row is held; throws when it is no longer what the person has seen. */
  assertSeen?: () => Promise<void>;
}

/** Steps after which `verify`, the last that heeds a wish, is still to come. */
export const HEEDED: ReadonlySet<Step> = new Set(["fence", "migrate"]);

/** Throws `RollbackNotPossible`, and `ConfirmationMissing` when production's name was not said. */
export async function rollBack(ledger: Session, request: RollbackRequest): Promise<void> {
  const { promotion: id } = request;
  const { promotion, number } = await ledger.transaction(async () => {
    const promotion = await readPromotion(ledger, id, "lock");
    await request.assertSeen?.();
    await refuseUnconfirmed(ledger, promotion, request.confirm);
    const { status } = promotion;
    const { acceptLoss, by } = request;
    if (acceptLoss && status === "held")
      await updatePromotion(ledger, id, { facts: { lossAccepted: { by } } });
    if (status === "held") {
      await updatePromotion(ledger, id, { status: "running" });
      const because = acceptLoss ? "asked for, later writes may stay behind" : "asked for";
      return { promotion, number: await numberRollback(ledger, promotion, { because, by }) };
    }
    const last = (await listSteps(ledger, id)).at(-1);
    // A rollback was begun in the ledger, and the request died before its execution was started.
    if (status === "running" && last?.step === "hold")
      return { promotion, number: await rollbacksBegun(ledger, id) };
    if (status !== "running" || last === undefined || !HEEDED.has(last.step))
      throw new RehearsalError("RollbackNotPossible", {
        promotion: id,
        status: status === "running" && last !== undefined ? `at ${last.step}` : status,
      });
    await askPromotion(ledger, id, "roll-back", request.by);
    await appendEvent(ledger, {
      type: "promotion.rollback-asked",
      environment: promotion.environment,
      promotion: id,
      data: { by: request.by },
    });
    return { promotion };
  });
  if (number !== undefined) await startRollback(promotion, number);
}

async function refuseUnconfirmed(
  ledger: Session,
  { environment }: Promotion,
  confirm: string | undefined,
): Promise<void> {
  const { role } = await readEnvironment(ledger, environment);
  if (confirm === environment || (confirm === undefined && role !== "prod")) return;
  throw new RehearsalError("ConfirmationMissing", { environment, given: confirm ?? "" });
}
