/** Ends what older attempts of a step still do: they died or were overtaken, and the server may not know it yet. */
import { endSessions } from "../io/postgres/databases.ts";
import type { Session } from "../io/postgres/session.ts";
import type { StepContext } from "./step.ts";

/** Their sessions may hold locks, keep a database from being cloned, or even be about to commit; waits until they are gone. */
export async function endOlderAttempts({ attempt }: StepContext, maintenance: Session): Promise<void> {
  for (let older = 1; older < attempt.attempt; older++)
    await endSessions(maintenance, `rehearsal ${attempt.promotion} ${attempt.step} ${older}`);
}
