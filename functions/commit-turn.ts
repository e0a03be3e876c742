/** The turn of an import: from right before its COMMIT to its end no promotion of the environment begins to change the tables. */
import { lockTurns } from "../io/ledger/rehearsals.ts";
import type { Session } from "../io/postgres/session.ts";
import { refuseLocked } from "./fenced.ts";
import { SILENT, whileSpeaking } from "./prune/turn.ts";
import type { TaskRun } from "./task.ts";

export interface CommitTurn {
  /** Asked as the last thing before COMMIT, as often as something is committed; throws `EnvironmentLocked` when a promotion has it. */
  take(): Promise<void>;
  /** After the COMMITs, or what came instead of them. */
  give(): Promise<void>;
}

/** Rows may take long to write and objects to store, and a promotion is not kept waiting for those. */
export function commitTurn(ledger: Session, environment: string): CommitTurn {
  let over: (() => void) | undefined;
  let held: Promise<void> | undefined;
  const hold = () =>
    new Promise<void>((taken, refused) => {
      const until = new Promise<void>((resolve) => {
        over = resolve;
      });
      held = ledger
        .transaction(async () => {
          await ledger.execute(`set local idle_in_transaction_session_timeout = '${SILENT}s'`);
          await takeTurn(ledger, environment);
          taken();
          await whileSpeaking(ledger, () => until);
        })
        .catch((error: unknown) => {
          held = undefined;
          refused(error);
        });
    });
  return {
    // Asked again, the ledger must still be there: without it the turn may be over.
    take: async () => {
      if (held === undefined) await hold();
      else await ledger.query("select 1");
    },
    give: async () => {
      over?.();
      await held;
      held = undefined;
      over = undefined;
    },
  };
}

/** The one COMMIT of a task that is all or nothing, which no later attempt has overtaken. Throws `EnvironmentLocked` and `AttemptStale`. */
export async function commitInTurn(
  { ledger, asNewest }: Pick<TaskRun, "ledger" | "asNewest">,
  environment: string,
  commit: () => Promise<void>,
): Promise<void> {
  await asNewest(async () => {
    await takeTurn(ledger, environment);
    await commit();
  });
}

async function takeTurn(ledger: Session, environment: string): Promise<void> {
  await lockTurns(ledger, environment, "beside");
  await refuseLocked(ledger, environment);
}
