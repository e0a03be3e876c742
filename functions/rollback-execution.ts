/** Executions of the rollback machine: each is numbered in the log before it is started, so that no name is used twice. */
import { appendEvent } from "../io/ledger/events.ts";
import type { Promotion } from "../io/ledger/promotions.ts";
import type { Session } from "../io/postgres/session.ts";
import { executionArn } from "../io/step-functions.ts";
import { stepFunctions } from "./clients.ts";
import { rollbackMachine } from "./machines.ts";

type Owner = Pick<Promotion, "id" | "environment">;
type Carried = Pick<Promotion, "id" | "policy">;

/** Gives the next execution its number; must be called inside the transaction that makes it wanted. */
export async function numberRollback(
  ledger: Session,
  { id, environment }: Owner,
  why: { because: string; by?: string },
): Promise<number> {
  const number = (await rollbacksBegun(ledger, id)) + 1;
  await appendEvent(ledger, {
    type: "promotion.rollback-started",
    environment,
    promotion: id,
    data: { number, ...why },
  });
  return number;
}

/** Starts the execution of that number; starting it again finds the one that was started. */
export async function startRollback(promotion: Carried, number: number): Promise<void> {
  const { id } = promotion;
  await stepFunctions.startExecution(nameOf(id, number), rollbackMachine(promotion), { promotion: id });
}

/** How many executions were numbered. */
export async function rollbacksBegun(ledger: Session, promotion: string): Promise<number> {
  const [row] = await ledger.query<{ count: number }>(
    "select count(*)::int as count from ledger.events where promotion = $1 and type = 'promotion.rollback-started'",
    [promotion],
  );
  return row?.count ?? 0;
}

/** True when one of them runs now. The newest is started when its number is all there is of it: never two at once. */
export async function isGoingBack(ledger: Session, promotion: Carried): Promise<boolean> {
  const newest = await rollbacksBegun(ledger, promotion.id);
  const machine = rollbackMachine(promotion);
  for (let number = newest; number >= 1; number--) {
    const known = await stepFunctions.describeExecution(executionArn(machine, nameOf(promotion.id, number)));
    if (known?.status === "RUNNING") return true;
    if (known === undefined && number === newest) {
      await startRollback(promotion, number);
      return true;
    }
  }
  return false;
}

const nameOf = (promotion: string, number: number) => `${promotion}-rollback-${number}`;
