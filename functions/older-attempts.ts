/** Ends what older attempts of a step or a task still do: they died or were overtaken, and the server may not know it yet. */
import { type Attempt, assertNewest } from "../io/ledger/steps.ts";
import { endSessions } from "../io/postgres/end-sessions.ts";
import type { Session } from "../io/postgres/session.ts";
import type { StepContext } from "./step.ts";

/** Their sessions may hold locks, keep a database from being cloned, or even be about to commit; waits until they are gone. */
export async function endOlderAttempts({ attempt }: StepContext, maintenance: Session): Promise<void> {
  await endSessionsOfOlder(maintenance, sessionsOf(attempt), attempt.attempt);
}

/** How the names of a step's sessions begin; an attempt's number follows. */
export function sessionsOf({ promotion, step }: Pick<Attempt, "promotion" | "step">): string {
  return `rehearsal ${promotion} ${step}`;
}

/** The same of attempts whose sessions are called `NAME 1`, `NAME 2` and so on, up to the one before `attempt`. */
export async function endSessionsOfOlder(maintenance: Session, name: string, attempt: number): Promise<void> {
  for (let older = 1; older < attempt; older++) await endSessions(maintenance, `${name} ${older}`);
}

/**
 * Runs what must not happen behind a rollback's back: closing production, opening it, dropping the copy. Until it has
 * ended no other step of the promotion can begin; throws `AttemptStale` when one has that this attempt must give way to.
 */
export async function asNewest<T>({ ledger, attempt }: StepContext, work: () => Promise<T>): Promise<T> {
  return undisturbed(ledger, () => assertNewest(ledger, attempt), work);
}

/** Runs the work while the row that `assert` locks is held, so that nobody can overtake it meanwhile. */
export async function undisturbed<T>(
  ledger: Session,
  assert: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  return ledger.transaction(async () => {
    // A sandbox that dies here takes its connection with it, but the server may not hear of it; nobody waits for long.
    await ledger.execute("set local idle_in_transaction_session_timeout = '28s'");
    await assert();
    return work();
  });
}
