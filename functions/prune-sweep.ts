/** Sweeps by the clock: what came too early, what was left, and what nobody told of, once an hour for each policy. */
import type { Environment } from "../io/ledger/environments.ts";
import { listUnendedPrunes } from "../io/ledger/prunes.ts";
import { noteRound, roundIsDue } from "../io/ledger/rounds.ts";
import type { Session } from "../io/postgres/session.ts";
import { beginPrune, modeOf } from "./archived.ts";
import { readBacklog } from "./prune/backlog.ts";
import { openTarget } from "./prune/target.ts";
import { inTurn } from "./prune/turn.ts";
import { startExecution } from "./prune-start.ts";
import type { KnownPolicy } from "./retention-policies.ts";

/** Seconds between two sweeps of a policy. */
const EVERY = 3_600;

/** Begins a sweep of each policy whose turn it is and that has something to sweep up; returns them. */
export async function startSweeps(
  ledger: Session,
  environment: Environment,
  known: readonly KnownPolicy[],
): Promise<string[]> {
  const { name } = environment;
  const begun: string[] = [];
  const target = await openTarget(environment, `rehearsal sweep ${name}`);
  try {
    for (const one of known) {
      const round = `prune ${name} ${one.policy.name}`;
      if (!(await roundIsDue(ledger, round, EVERY))) continue;
      // Noted first: one at which this function dies must not be the first again.
      await noteRound(ledger, round);
      const id = await inTurn(ledger, name, async () => {
        const under = await listUnendedPrunes(ledger);
        const isSwept = under.some(
          ({ environment, policy, trigger }) =>
            environment === name && policy === one.policy.name && trigger === "sweep",
        );
        if (isSwept) return undefined;
        const { mode } = await modeOf(ledger, environment, one);
        const { records } = await readBacklog(ledger, environment, one, target, { most: 1, mode });
        return records.length === 0 ? undefined : beginPrune(ledger, environment, one, undefined);
      });
      if (id === undefined) continue;
      await startExecution(ledger, id);
      begun.push(id);
    }
  } finally {
    await target.close();
  }
  return begun;
}
