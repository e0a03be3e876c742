/** The settings of a session while a release's files run on it, and the way back to our own. */
import { quoteName } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import { pinnedSettings, type Session } from "./session.ts";

export type FilePolicy = Pick<Policy, "lockTimeout" | "statementTimeout" | "searchPath">;

/** The policy's search path, which a file may change for itself, and its time-outs. */
export async function pinForFiles(session: Session, policy: FilePolicy): Promise<void> {
  await session.execute(
    `set search_path = ${policy.searchPath.map(quoteName).join(", ")}; ${timeouts(policy)}`,
  );
}

/** Before every statement, for the one before may have set them: no file waits longer than the policy allows. */
export async function pinTimeouts(session: Session, policy: FilePolicy): Promise<void> {
  await session.execute(timeouts(policy));
}

function timeouts({ lockTimeout, statementTimeout }: FilePolicy): string {
  return `set lock_timeout = ${lockTimeout}; set statement_timeout = ${statementTimeout}`;
}

/** Takes back whatever a file did to the session, its role first: what follows is ours again. */
export async function settle(session: Session): Promise<void> {
  // Asking the server's view of settings for it, as a new session does, takes longer than all the rest.
  const newer = session.major >= 17 ? { transaction_timeout: "0" } : {};
  const pins = Object.entries({ ...pinnedSettings({ application: "" }), ...newer })
    .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`)
    .join(", ");
  await session.execute(`reset session authorization; reset role; reset all; select ${pins}`);
}
