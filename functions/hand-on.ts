/** Hands a decision that the ledger holds on to the state machine, which waits for it with a task token. */
import { RehearsalError } from "../core/errors.ts";
import type { Approval } from "../io/ledger/approvals.ts";
import { stepFunctions } from "./clients.ts";

/** False when the machine does not wait for it: it took it before, stopped waiting, or has ended. */
export async function handOn(approval: Approval): Promise<boolean> {
  try {
    await answer(approval);
    return true;
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "TaskTokenUsed") return false;
    throw error;
  }
}

async function answer({ taskToken, status, decidedBy, evidence, comment }: Approval): Promise<void> {
  const by = decidedBy ?? "somebody";
  const fail = (error: RehearsalError) => stepFunctions.sendTaskFailure(taskToken, error.code, error.message);
  if (status === "approved")
    await stepFunctions.sendTaskSuccess(taskToken, { decision: "approved", by, evidence });
  else if (status === "rejected")
    await fail(new RehearsalError("ApprovalRejected", { by, comment: comment ?? "" }));
  else if (status === "cancelled") await fail(new RehearsalError("Cancelled", { by }));
}
