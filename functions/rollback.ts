/** Asking for a rollback: while it runs the next step heeds it; a held promotion gets an execution of its own for it. */
import { RehearsalError } from "../core/errors.ts";
import type { Step } from "../core/steps.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { askPromotion, type Promotion, readPromotion, updatePromotion } from "../io/ledger/promotions.ts";
import { listSteps, type StepRow } from "../io/ledger/steps.ts";
import type { Session } from "../io/postgres/session.ts";
import { requiredVariable, stepFunctions } from "./clients.ts";

export interface RollbackRequest {
  promotion: string;
  /** The environment's name, said once more; needed where the role is prod. */
  confirm: string | undefined;
  by: string;
}

/** Steps after which `verify`, the last that heeds a wish, is still to come. */
const HEEDED: ReadonlySet<Step> = new Set(["fence", "migrate"]);

/** Throws `RollbackNotPossible`, and `ConfirmationMissing` when production's name was not said. */
export async function rollBack(ledger: Session, request: RollbackRequest): Promise<void> {
  const { promotion: id } = request;
  const held = await ledger.transaction(async () => {
    const promotion = await readPromotion(ledger, id, "lock");
    await refuseUnconfirmed(ledger, promotion, request.confirm);
    const steps = await listSteps(ledger, id);
    if (isHeld(promotion, steps)) {
      if (promotion.status === "held") await begin(ledger, promotion, request.by);
      return steps.filter(({ step }) => step === "hold").length;
    }
    const last = steps.at(-1)?.step;
    if (promotion.status !== "running" || last === undefined || !HEEDED.has(last))
      throw new RehearsalError("RollbackNotPossible", { promotion: id, status: describe(promotion, last) });
    await askPromotion(ledger, id, "roll-back", request.by);
    await tell(ledger, promotion, "promotion.rollback-asked", request.by);
    return undefined;
  });
  // Each time it was held has one name, so that a request that is repeated starts one execution.
  if (held !== undefined)
    await stepFunctions.startExecution(
      `${id}-rollback-${held}`,
      requiredVariable("REHEARSAL_ROLLBACK_MACHINE"),
      { promotion: id },
    );
}

/** Also when a rollback of it was begun in the ledger, and the request died before its execution was started. */
function isHeld(promotion: Promotion, steps: readonly StepRow[]): boolean {
  const last = steps.at(-1);
  return (
    promotion.status === "held" ||
    (promotion.status === "running" && last?.step === "hold" && last.status === "succeeded")
  );
}

async function begin(ledger: Session, promotion: Promotion, by: string): Promise<void> {
  await updatePromotion(ledger, promotion.id, { status: "running" });
  await tell(ledger, promotion, "promotion.rollback-begun", by);
}

async function tell(ledger: Session, promotion: Promotion, type: string, by: string): Promise<void> {
  await appendEvent(ledger, {
    type,
    environment: promotion.environment,
    promotion: promotion.id,
    data: { by },
  });
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

function describe({ status }: Promotion, last: Step | undefined): string {
  return status === "running" && last !== undefined ? `at ${last}` : status;
}
