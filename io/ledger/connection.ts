/** The way to the control database: one session per invocation, opened on first use. */
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { openSession, type Session } from "../postgres/session.ts";
import { readSecret } from "../secrets.ts";

/** Opens a session on the control database named by the secret in REHEARSAL_CONTROL_SECRET. */
export async function openLedger(application: string): Promise<Session> {
  const secret = process.env.REHEARSAL_CONTROL_SECRET;
  if (!secret) throw new Error("REHEARSAL_CONTROL_SECRET is not set");
  const address = parseDatabaseUrl(await readSecret(secret));
  return openSession(address, { application, lockTimeout: 30_000, statementTimeout: 60_000 });
}
