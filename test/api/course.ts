/** Puts a promotion where a test wants it, by the same writes to the ledger as the steps make. */
import { toErrorRecord } from "../../core/errors.ts";
import type { Status, Step } from "../../core/steps.ts";
import { askApproval } from "../../io/ledger/approvals.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { beginStep, finishStep } from "../../io/ledger/steps.ts";
import type { World } from "./world.ts";

export interface Started {
  id: string;
  status: Status;
  environment: string;
  release: string;
  asked: string | null;
  error: { code: string; hint: string } | null;
}

export const EVIDENCE = "e".repeat(64);

/** Starts a promotion over the API and waits until its execution waits with a token. */
export async function start(world: World, environment: string, release: string): Promise<Started> {
  const { status, body } = await world.call<Started>("POST", "/promotions", { environment, release });
  if (status !== 201) throw new Error(`not started: ${JSON.stringify(body)}`);
  await world.token(body.id);
  return body;
}

/** Begins a step, and ends it unless it is to be left running. */
export async function play(
  world: World,
  id: string,
  step: Step,
  how: "done" | "failed" | "running" = "done",
) {
  const { ledger } = world;
  await ledger.transaction(async () => {
    const begun = await beginStep(ledger, id, step, { everyTime: true });
    if (!("attempt" in begun) || how === "running") return;
    await finishStep(
      ledger,
      begun.attempt,
      how === "done" ? { outcome: { rows: 3 } } : { error: toErrorRecord(new Error("by hand")) },
    );
  });
}

/** Asks for an approval as `decide` does, with the token that the machine waits for. */
export async function ask(world: World, id: string, seconds = 3600) {
  for (const step of ["admit", "snapshot", "rehearse"] as const) await play(world, id, step);
  const taskToken = await world.token(id);
  await play(world, id, "decide");
  await world.ledger.transaction(async () => {
    await askApproval(world.ledger, { promotion: id, evidence: EVIDENCE, taskToken, seconds });
    await updatePromotion(world.ledger, id, { status: "waiting", evidence: EVIDENCE });
  });
}

/** Ends it, so that its environment is free again. */
export async function end(world: World, id: string, status: Status = "refused") {
  await updatePromotion(world.ledger, id, { status });
}
