/** A record's transaction, tried again where it only met somebody else. */
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../../core/errors.ts";

export interface Limits {
  /** Milliseconds that a statement waits for a lock. */
  lockTimeout: number;
  /** How often it is tried again when it waited in vain, or met a deadlock. */
  lockRetries: number;
  /** Milliseconds that a statement may run. */
  statementTimeout: number;
}

export const LIMITS: Limits = { lockTimeout: 2_000, lockRetries: 5, statementTimeout: 300_000 };

/** SQL: holds the transaction to its limits. */
export function limiting({ lockTimeout, statementTimeout }: Limits): string {
  return `set local lock_timeout = ${lockTimeout}; set local statement_timeout = ${statementTimeout}`;
}

/** Runs the work, which leaves nothing when it throws; throws `LockTimeout` or `ConflictPersists` when it met others each time. */
export async function withRetries<T>(what: string, limits: Limits, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const sqlstate = sqlstateOf(error);
      if (sqlstate !== "55P03" && sqlstate !== "40P01" && sqlstate !== "40001") throw error;
      if (tries > limits.lockRetries)
        throw sqlstate === "55P03"
          ? new RehearsalError(
              "LockTimeout",
              { statement: what, milliseconds: limits.lockTimeout, tries },
              { cause: error },
            )
          : new RehearsalError("ConflictPersists", { statement: what, sqlstate, tries }, { cause: error });
      // Full jitter, so that two who collided do not collide again in step.
      await pause(Math.random() * Math.min(100 * 2 ** tries, 5_000));
    }
  }
}

export function sqlstateOf(error: unknown): string | undefined {
  if (!(error instanceof RehearsalError)) return undefined;
  return (error.facts as { sqlstate?: string }).sqlstate;
}
