/** The settings of a session while a release's files run on it, and the way back to our own. */
import { quoteName } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import { pinnedSettings, type Session, WITHOUT_TRANSACTION_TIMEOUT } from "./session.ts";

export type FilePolicy = Pick<Policy, "lockTimeout" | "statementTimeout" | "searchPath">;

/** The policy's search path, which a file may change for itself, and its time-outs. */
export async function pinForFiles(session: Session, policy: FilePolicy): Promise<void> {
  await session.execute(`set search_path = ${policy.searchPath.map(quoteName).join(", ")}`);
  await pinTimeouts(session, policy);
}

/** Before every statement, for the one before may have set them: no file waits longer than the policy allows. */
export async function pinTimeouts(session: Session, policy: FilePolicy): Promise<void> {
  await session.execute(
    `set lock_timeout = ${policy.lockTimeout}; set statement_timeout = ${policy.statementTimeout}`,
  );
}

/** Takes back whatever a file did to the session, its role first: what follows is ours again. */
export async function settle(session: Session): Promise<void> {
  const pins = Object.entries(pinnedSettings({ application: "" }))
    .map(([name, value]) => `set ${name} = ${name === "search_path" ? value : `'${value}'`}`)
    .join("; ");
  await session.execute(
    `reset session authorization; reset role; reset all; ${pins}; ${WITHOUT_TRANSACTION_TIMEOUT}`,
  );
}
