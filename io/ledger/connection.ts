/** The way to the control database: one session per invocation, opened on first use. */
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { openSession, type Session } from "../postgres/session.ts";
import { openSecrets } from "../secrets.ts";

/** Opens a session on the control database named by the secret in REHEARSAL_CONTROL_SECRET. */
export async function openLedger(user: string): Promise<Session> {
  const secret = process.env.REHEARSAL_CONTROL_SECRET;
  if (!secret) throw new Error("REHEARSAL_CONTROL_SECRET is not set");
  const address = parseDatabaseUrl(await openSecrets().readSecret(secret));
  // Its name must not begin like a step's own sessions, which are ended when the step is overtaken.
  return openSession(address, {
    application: `rehearsal-ledger ${user}`,
    // A control database that was scaled to zero wakes within it, and the API still answers within its 29 seconds.
    patienceSeconds: 20,
    lockTimeout: 30_000,
    statementTimeout: 60_000,
  });
}
