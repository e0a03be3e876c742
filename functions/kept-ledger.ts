/** The ledger's session kept from one request to the next, for opening one costs more than most requests do. */
import { openLedger } from "../io/ledger/connection.ts";
import type { Session } from "../io/postgres/session.ts";

/** Milliseconds in which a kept session must answer; one that does not is dead, or frozen on a line that is gone. */
const ANSWERS_WITHIN = 1_000;

/**
 * Seconds after which the server ends a session that nobody uses: a sandbox that was frozen for good takes its own end
 * to the grave, and a control database that may pause does so only once nobody is connected.
 */
const IDLE_SECONDS = 60;

let kept: Session | undefined;

/**
 * The session that the last request left, when it still answers, and a new one otherwise. A sandbox has one request at a
 * time; where there are more at once, as in tests, each of the others opens its own.
 */
export async function borrowLedger(user: "api" | "look" = "api"): Promise<Session> {
  const session = kept;
  kept = undefined;
  if (session !== undefined && (await answers(session))) return session;
  session?.destroy();
  const opened = await openLedger(user);
  await opened.query("select set_config('idle_session_timeout', $1, false)", [`${IDLE_SECONDS}s`]);
  return opened;
}

/**
 * Takes a session back. Nothing in it outlives a request: what is locked or set is so within a transaction, and one that
 * is still inside a transaction is closed.
 */
export async function returnLedger(session: Session): Promise<void> {
  if (kept !== undefined || session.inTransaction()) return session.close();
  kept = session;
}

/** One round trip: a sandbox thaws on connections that may have ended while it was frozen, and hears of it only by asking. */
async function answers(session: Session): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ANSWERS_WITHIN);
  const asked = session.query("select 1").then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
