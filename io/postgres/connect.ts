/** Connecting with patience: a server that wakes, starts, fails over or is full for the moment is asked again. Nothing has been said to it yet, so asking again is safe. */
import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";

export interface Patience {
  /**
   * Seconds for which a server is asked again that does not answer, or answers that it takes no sessions now. When not given, one that
   * answers so is asked for 60 seconds, and one that does not answer is not asked again.
   */
  patienceSeconds?: number;
  /** Aborting ends the waiting; its reason is thrown. */
  signal?: AbortSignal | undefined;
}

const SECONDS = 60;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;

/** One try, from the first packet to a session that has answered; whoever tries has to keep to it. */
export const TRY_MILLISECONDS = 15_000;

/**
 * Calls `connect` until it succeeds or patience is at its end; throws `DatabaseUnreachable` or `ConnectionsExhausted`. What
 * will not be different the next time, such as a wrong password, is thrown at once.
 */
export async function connectPatiently<T>(
  { database }: Pick<DatabaseAddress, "database">,
  { patienceSeconds, signal }: Patience,
  connect: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await connect();
    } catch (error) {
      signal?.throwIfAborted();
      const limit = { later: patienceSeconds ?? SECONDS, silent: patienceSeconds ?? 0, never: 0 };
      const left = limit[kindOf(error)] * 1_000 - (performance.now() - begun);
      if (left <= 0) throw refusal(error, database, tries, (performance.now() - begun) / 1_000);
      // At random, so that those who were turned away together do not come back together.
      const wait = Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE) * (0.5 + Math.random() / 2);
      await pause(Math.min(wait, left), undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** The server says to come later, or nobody says anything; a refusal that stays is neither. */
function kindOf(error: unknown): "later" | "silent" | "never" {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (/^(57P0[123]|53300)$/.test(code)) return "later";
  if (/^(E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN))/.test(code)) return "silent";
  // The driver's own words, which carry no code.
  return /^(timeout expired|Connection terminated)/.test(message) ? "silent" : "never";
}

function refusal(error: unknown, database: string, tries: number, seconds: number): RehearsalError {
  if (error instanceof RehearsalError) return error;
  const told = error instanceof Error && error.message !== "" ? error.message : String(error);
  const reason = tries === 1 ? told : `${told} (asked ${tries} times in ${Math.round(seconds)} seconds)`;
  const full = (error as { code?: string }).code === "53300";
  return new RehearsalError(
    full ? "ConnectionsExhausted" : "DatabaseUnreachable",
    { database, reason },
    { cause: error },
  );
}
