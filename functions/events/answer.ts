/**
 * Answer: the container's word on how its step ended is handed to the machine that waits for it. The container cannot answer
 * by itself, for who may answer one task may answer all, and it has credentials of databases: nobody both approves and
 * migrates. What people are asked is answered by nobody here.
 */
import * as z from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { isDecision } from "../../io/ledger/approvals.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { stepFunctions } from "../clients.ts";

const word = z.union([
  z.strictObject({ token: z.string().min(1), outcome: z.unknown() }),
  z.strictObject({
    token: z.string().min(1),
    failure: z.strictObject({ error: z.string(), cause: z.string() }),
  }),
]);

export type Word = z.infer<typeof word>;

/** Whether it was taken: false when nobody waits for it any more. */
export interface Taken {
  taken: boolean;
}

export const handler = invoked(async (event: unknown): Promise<Taken> => {
  const said = word.parse(event);
  if (await isPeoples(said.token)) {
    log.warn("an answer was refused: its token is a decision's");
    return { taken: false };
  }
  try {
    if ("outcome" in said) await stepFunctions.sendTaskSuccess(said.token, said.outcome as Json);
    else await stepFunctions.sendTaskFailure(said.token, said.failure.error, said.failure.cause);
    return { taken: true };
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "TaskTokenUsed") return { taken: false };
    throw error;
  }
});

async function isPeoples(token: string): Promise<boolean> {
  const ledger = await openLedger("answer");
  try {
    return await isDecision(ledger, token);
  } finally {
    await ledger.close();
  }
}
