/** The machine as a container has it: it tells that it lives by itself, and how its step ended by the function for that. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { functions, requiredVariable, stepFunctions } from "../clients.ts";
import type { Taken, Word } from "../events/answer.ts";
import type { Failure } from "./failure.ts";

export interface Machine {
  /** Each throws `TaskTokenUsed` when nobody waits under the token any more. */
  succeed(token: string, outcome: Json): Promise<void>;
  fail(token: string, failure: Failure): Promise<void>;
  beat(token: string): Promise<void>;
}

export const machine: Machine = {
  succeed: (token, outcome) => answer({ token, outcome }),
  fail: (token, failure) => answer({ token, failure }),
  beat: (token) => stepFunctions.sendTaskHeartbeat(token),
};

async function answer(word: Word): Promise<void> {
  const { taken } = (await functions.ask(requiredVariable("REHEARSAL_ANSWER_FUNCTION"), word)) as Taken;
  if (!taken) throw new RehearsalError("TaskTokenUsed", { reason: "the answer was not taken" });
}
